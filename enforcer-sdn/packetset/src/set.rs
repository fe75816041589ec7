//! Exact sets of packets. Equal sets are equal values; an operation that would cost too much is an error, never a guess.

use std::fmt;
use std::sync::Arc;

use crate::chain::Compiler;
use crate::diagram::{self, Arena, IN, Limits, Node, NodeId, OUT, Operation, TooLarge};
use crate::{Effect, Packet, Selector, Step, Verdict, witness};

/// Any set of packets.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PacketSet {
    /// Numbered by a walk from the root, children first, so that equal sets have equal nodes.
    nodes: Arc<[Node]>,
    root: NodeId,
}

impl PacketSet {
    #[must_use]
    pub fn empty() -> Self {
        Self { nodes: Arc::from([]), root: OUT }
    }

    /// Every packet.
    #[must_use]
    pub fn full() -> Self {
        Self { nodes: Arc::from([]), root: IN }
    }

    /// The packets that at least one selector selects; faster than one union after the other.
    ///
    /// # Errors
    /// When the default limits do not suffice.
    pub fn any_of<'a>(selectors: impl IntoIterator<Item = &'a Selector>) -> Result<Self, TooLarge> {
        let deny = Effect { verdict: Some(Verdict::Deny), log: false };
        let steps: Vec<Step> = selectors.into_iter().map(|selector| Step { selector: selector.clone(), effect: deny }).collect();
        let mut compiler = Compiler::new(Limits::default());
        let lists = compiler.number(&steps);
        let root = compiler.compile(&lists)?;
        Ok(Self::take(&compiler.arena, root))
    }

    pub(crate) fn take(arena: &Arena, root: NodeId) -> Self {
        let (nodes, root) = arena.export(root);
        Self { nodes, root }
    }

    pub(crate) fn diagram(&self) -> (&[Node], NodeId) {
        (&self.nodes, self.root)
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.root == OUT
    }

    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.root == IN
    }

    /// Edges of its diagram: what it costs to hold and to work with.
    #[must_use]
    pub fn size(&self) -> usize {
        self.nodes.iter().map(|node| node.edges.len()).sum()
    }

    /// # Errors
    /// When the default limits do not suffice; so with the other operations.
    pub fn union(&self, other: &Self) -> Result<Self, TooLarge> {
        self.combine(Operation::Union, other)
    }

    /// # Errors
    /// See [`Self::union`].
    pub fn intersection(&self, other: &Self) -> Result<Self, TooLarge> {
        self.combine(Operation::Intersection, other)
    }

    /// What is in this set and not in the other.
    ///
    /// # Errors
    /// See [`Self::union`].
    pub fn difference(&self, other: &Self) -> Result<Self, TooLarge> {
        self.combine(Operation::Difference, other)
    }

    /// Whether the other set holds every packet of this one.
    ///
    /// # Errors
    /// See [`Self::union`].
    pub fn is_subset(&self, other: &Self) -> Result<bool, TooLarge> {
        Ok(self.difference(other)?.is_empty())
    }

    fn combine(&self, operation: Operation, other: &Self) -> Result<Self, TooLarge> {
        let mut arena = Arena::new(Limits::default());
        let left = arena.import(&self.nodes, self.root)?;
        let right = arena.import(&other.nodes, other.root)?;
        let root = arena.apply(operation, left, right)?;
        Ok(Self::take(&arena, root))
    }

    /// Every packet that is not in the set. Never fails: only the ends of the diagram change.
    #[must_use]
    pub fn complement(&self) -> Self {
        let swap = |id| match id {
            OUT => IN,
            IN => OUT,
            node => node,
        };
        let turn = |node: &Node| {
            let edges = node.edges.iter().map(|edge| diagram::Edge { last: edge.last, to: swap(edge.to) }).collect();
            Node { level: node.level, edges }
        };
        Self { nodes: self.nodes.iter().map(turn).collect(), root: swap(self.root) }
    }

    /// False for what is no packet: addresses of two families, a minute beyond the week.
    #[must_use]
    pub fn contains(&self, packet: &Packet) -> bool {
        if !packet.exists() {
            return false;
        }
        let mut at = self.root;
        while let Some(node) = diagram::node_of(&self.nodes, at) {
            let value = node.level.value(packet);
            let edge = node.edges.partition_point(|edge| edge.last < value);
            at = node.edges.get(edge).map_or(OUT, |edge| edge.to);
        }
        at == IN
    }

    /// A packet of the set, as ordinary as the set allows; None for the empty set.
    #[must_use]
    pub fn witness(&self) -> Option<Packet> {
        witness::find(&self.nodes, self.root)
    }
}

impl TryFrom<&Selector> for PacketSet {
    type Error = TooLarge;

    fn try_from(selector: &Selector) -> Result<Self, TooLarge> {
        Self::any_of([selector])
    }
}

impl fmt::Debug for PacketSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.root {
            OUT => f.write_str("PacketSet(empty)"),
            IN => f.write_str("PacketSet(full)"),
            _ => write!(f, "PacketSet({} edges, with {:?})", self.size(), self.witness().map(|packet| packet.to_string())),
        }
    }
}
