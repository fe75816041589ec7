//! Interval decision diagrams: hash-consed graphs in which each node asks one field and each edge holds an interval of its values.
//! Reduced and ordered, so two diagrams of one arena are equal exactly when their roots are.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::level::Level;

/// A terminal (below `TERMINALS`) or a node of the arena.
pub(crate) type NodeId = u32;

/// Bit 0: in the set (or denied). Bit 1: logged; only diagrams of whole chains use it.
pub(crate) const TERMINALS: NodeId = 4;
pub(crate) const OUT: NodeId = 0;
pub(crate) const IN: NodeId = 1;

/// The values from the edge before (exclusive) up to `last` (inclusive) lead to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Edge {
    pub last: u128,
    pub to: NodeId,
}

/// At least two edges, ascending; neighbours lead to different nodes; the last edge ends at the field's largest value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub level: Level,
    pub edges: Arc<[Edge]>,
}

/// The work that a question may cost before the answer is "cannot say". Every limit is named in the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Edges of all diagrams that are held at once (about 50 bytes each).
    pub edges: usize,
    /// Rules looked at, counted once for each interval in which they are.
    pub visits: usize,
}

impl Default for Limits {
    /// Some 300 MB and some ten seconds.
    fn default() -> Self {
        Self { edges: 4_000_000, visits: 200_000_000 }
    }
}

/// The question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the packet sets are too entangled: more than {allowed} {limit}; split the rules, or raise `{limit}`")]
pub struct TooLarge {
    /// `edges` or `visits`, as in [`Limits`].
    pub limit: &'static str,
    pub allowed: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Union,
    Intersection,
    /// In the left, not in the right.
    Difference,
}

impl Operation {
    /// The answer where one side alone decides it.
    fn settled(self, left: NodeId, right: NodeId) -> Option<NodeId> {
        match (self, left, right) {
            (Self::Union, IN, _) | (Self::Union, _, IN) => Some(IN),
            (Self::Union, OUT, other) | (Self::Union, other, OUT) => Some(other),
            (Self::Intersection, OUT, _) | (Self::Intersection, _, OUT) => Some(OUT),
            (Self::Intersection, IN, other) | (Self::Intersection, other, IN) => Some(other),
            (Self::Difference, OUT, _) | (Self::Difference, _, IN) => Some(OUT),
            (Self::Difference, other, OUT) => Some(other),
            (Self::Union | Self::Intersection, _, _) if left == right => Some(left),
            (Self::Difference, _, _) if left == right => Some(OUT),
            _ => None,
        }
    }
}

/// Where nodes live while operations run.
#[derive(Debug)]
pub(crate) struct Arena {
    nodes: Vec<Node>,
    unique: HashMap<Node, NodeId, FixedState>,
    done: HashMap<(Operation, NodeId, NodeId), NodeId, FixedState>,
    edges: usize,
    limits: Limits,
}

impl Arena {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { nodes: Vec::new(), unique: HashMap::default(), done: HashMap::default(), edges: 0, limits }
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        node_of(&self.nodes, id)
    }

    fn level(&self, id: NodeId) -> Level {
        self.node(id).map_or(Level::End, |node| node.level)
    }

    /// The one node with these edges; neighbours that lead to the same node are merged, and a question without effect is not asked.
    pub(crate) fn make(&mut self, level: Level, edges: &[Edge]) -> Result<NodeId, TooLarge> {
        let mut merged: Vec<Edge> = Vec::with_capacity(edges.len());
        for edge in edges {
            match merged.last_mut() {
                Some(before) if before.to == edge.to => before.last = edge.last,
                _ => merged.push(*edge),
            }
        }
        match merged.as_slice() {
            [] => return Ok(OUT),
            [only] => return Ok(only.to),
            _ => {}
        }
        let node = Node { level, edges: merged.into() };
        if let Some(&id) = self.unique.get(&node) {
            return Ok(id);
        }
        self.edges += node.edges.len();
        let id = NodeId::try_from(self.nodes.len()).ok().and_then(|at| at.checked_add(TERMINALS));
        let (Some(id), true) = (id, self.edges <= self.limits.edges) else {
            return Err(TooLarge { limit: "edges", allowed: self.limits.edges });
        };
        self.nodes.push(node.clone());
        self.unique.insert(node, id);
        Ok(id)
    }

    /// Of two diagrams with the terminals `OUT` and `IN`.
    pub(crate) fn apply(&mut self, operation: Operation, left: NodeId, right: NodeId) -> Result<NodeId, TooLarge> {
        if let Some(id) = operation.settled(left, right) {
            return Ok(id);
        }
        if let Some(&id) = self.done.get(&(operation, left, right)) {
            return Ok(id);
        }
        let level = self.level(left).min(self.level(right));
        let (a, b) = (self.edges_at(level, left), self.edges_at(level, right));
        let mut edges = Vec::with_capacity(a.len() + b.len());
        let (mut i, mut j) = (a.iter().peekable(), b.iter().peekable());
        while let (Some(&&x), Some(&&y)) = (i.peek(), j.peek()) {
            let to = self.apply(operation, x.to, y.to)?;
            edges.push(Edge { last: x.last.min(y.last), to });
            if x.last <= y.last {
                i.next();
            }
            if y.last <= x.last {
                j.next();
            }
            if edges.len() > self.limits.edges {
                return Err(TooLarge { limit: "edges", allowed: self.limits.edges });
            }
        }
        let id = self.make(level, &edges)?;
        if self.done.len() >= self.limits.edges {
            return Err(TooLarge { limit: "edges", allowed: self.limits.edges });
        }
        self.done.insert((operation, left, right), id);
        Ok(id)
    }

    /// A node's edges; a diagram that does not ask this field leads everywhere to itself.
    fn edges_at(&self, level: Level, id: NodeId) -> Arc<[Edge]> {
        match self.node(id) {
            Some(node) if node.level == level => node.edges.clone(),
            _ => Arc::from([Edge { last: u128::MAX, to: id }]),
        }
    }

    /// Replaces each terminal; the rest of the diagram follows.
    pub(crate) fn map_terminals(&mut self, root: NodeId, terminals: [NodeId; TERMINALS as usize]) -> Result<NodeId, TooLarge> {
        let mut done = HashMap::default();
        self.map_node(root, terminals, &mut done)
    }

    fn map_node(
        &mut self,
        id: NodeId,
        terminals: [NodeId; TERMINALS as usize],
        done: &mut HashMap<NodeId, NodeId, FixedState>,
    ) -> Result<NodeId, TooLarge> {
        if let Some(&terminal) = terminals.get(id as usize) {
            return Ok(terminal);
        }
        if let Some(&known) = done.get(&id) {
            return Ok(known);
        }
        let Some(Node { level, edges }) = self.node(id).cloned() else { return Ok(OUT) };
        let mut mapped = Vec::with_capacity(edges.len());
        for edge in edges.iter() {
            mapped.push(Edge { last: edge.last, to: self.map_node(edge.to, terminals, done)? });
        }
        let made = self.make(level, &mapped)?;
        done.insert(id, made);
        Ok(made)
    }

    /// Copies a diagram in. Children come before their parents in `nodes`.
    pub(crate) fn import(&mut self, nodes: &[Node], root: NodeId) -> Result<NodeId, TooLarge> {
        let mut moved: Vec<NodeId> = Vec::with_capacity(nodes.len());
        let place = |moved: &[NodeId], id: NodeId| match id.checked_sub(TERMINALS) {
            None => id,
            Some(at) => moved.get(at as usize).copied().unwrap_or(OUT),
        };
        for node in nodes {
            let edges: Vec<Edge> = node.edges.iter().map(|edge| Edge { last: edge.last, to: place(&moved, edge.to) }).collect();
            let id = self.make(node.level, &edges)?;
            moved.push(id);
        }
        Ok(place(&moved, root))
    }

    /// Copies a diagram out, numbered in the order of a walk: equal diagrams give equal copies, whatever arena they come from.
    pub(crate) fn export(&self, root: NodeId) -> (Arc<[Node]>, NodeId) {
        let mut placed = HashMap::default();
        let mut nodes = Vec::new();
        let root = self.place(root, &mut placed, &mut nodes);
        (nodes.into(), root)
    }

    fn place(&self, id: NodeId, placed: &mut HashMap<NodeId, NodeId, FixedState>, nodes: &mut Vec<Node>) -> NodeId {
        let Some(node) = self.node(id) else { return id };
        if let Some(&known) = placed.get(&id) {
            return known;
        }
        let edges = node.edges.iter().map(|edge| Edge { last: edge.last, to: self.place(edge.to, placed, nodes) }).collect();
        nodes.push(Node { level: node.level, edges });
        let at = NodeId::try_from(nodes.len()).unwrap_or(NodeId::MAX).saturating_add(TERMINALS - 1);
        placed.insert(id, at);
        at
    }
}

/// None for a terminal.
pub(crate) fn node_of(nodes: &[Node], id: NodeId) -> Option<&Node> {
    nodes.get(id.checked_sub(TERMINALS)? as usize)
}
