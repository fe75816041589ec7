//! What must be announced for each pair of prefixes, for the renderer, so that the order of RFC 8955 5.1 gives what the ruleset means.
//!
//! Of two routes the one with the longer destination prefix is asked first, then the one with the longer source prefix; and one that has
//! a component before one that lacks it. Nothing else of that order is used. So for each destination prefix that occurs, and each source
//! prefix of rules that cover it, the routes of that pair (a cell) say all that the ruleset says of packets of which it is the longest
//! pair: whatever a shorter pair says, it is asked later. What a cell would get from the pairs behind it is not said again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use enforcer_packetset::{Effect, Verdict};

use super::regions::{Region, Service, all_without};

/// More pairs than any router holds routes.
const MOST_CELLS: usize = 50_000;

/// What no route decides.
const DEFAULT: Effect = Effect { verdict: Some(Verdict::Allow), log: false };

/// Addresses with a common prefix, as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Block {
    pub(super) first: u128,
    pub(super) last: u128,
}

impl Block {
    const fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// Those within others come later.
    const fn outer_first(self) -> (u128, u128) {
        (self.first, u128::MAX - self.last)
    }

    /// As RFC 8955 5.1 compares prefixes: the lower first, but one within another before it.
    const fn asked_first(self) -> (u128, u128) {
        (self.last, u128::MAX - self.first)
    }
}

/// A rule as far as it is about one IP version.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) sources: Vec<Block>,
    pub(super) destinations: Vec<Block>,
    pub(super) service: Service,
    pub(super) effect: Effect,
}

/// A route to announce.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) destination: Block,
    pub(super) source: Block,
    pub(super) service: Service,
    pub(super) effect: Effect,
    /// Number of the wish.
    pub(super) wish: usize,
}

#[derive(Clone, Copy, Debug)]
struct Said {
    wish: usize,
    effect: Effect,
}

#[derive(Clone, Debug)]
struct Piece {
    region: Region,
    said: Said,
}

/// Pieces by protocol, the first that holds a packet decides, and what decides the other packets.
#[derive(Clone, Debug, Default)]
struct Layer {
    pieces: BTreeMap<u8, Vec<Piece>>,
    rest: Option<Said>,
}

#[derive(Debug)]
struct Cell {
    source: Block,
    /// Index of the next shorter source prefix of the row.
    outer: Option<usize>,
    wanted: Rc<Layer>,
    said: Layer,
}

/// The cells of one destination prefix.
#[derive(Debug)]
struct Row {
    destination: Block,
    outer: Option<usize>,
    cells: Vec<Cell>,
    index: HashMap<Block, usize>,
}

/// The routes in the order in which a router asks them; None when there are too many pairs.
pub(super) fn routes(wishes: &[Wish]) -> Option<Vec<Route>> {
    let mut destinations: Vec<Block> = wishes.iter().flat_map(|wish| wish.destinations.iter().copied()).collect();
    let outers = nest(&mut destinations);
    if destinations.len().saturating_mul(wishes.len()) > MOST_CELLS * 100 {
        return None;
    }
    let mut rows: Vec<Row> = Vec::with_capacity(destinations.len());
    let mut layers: HashMap<Vec<usize>, Rc<Layer>> = HashMap::new();
    let mut left = MOST_CELLS;
    for (destination, outer) in destinations.into_iter().zip(outers) {
        let about: Vec<(usize, &Wish)> =
            wishes.iter().enumerate().filter(|(_, wish)| covers(&wish.destinations, destination)).collect();
        let mut sources: Vec<Block> = about.iter().flat_map(|(_, wish)| wish.sources.iter().copied()).collect();
        let outer_sources = nest(&mut sources);
        left = left.checked_sub(sources.len())?;
        let index = sources.iter().enumerate().map(|(at, &source)| (source, at)).collect();
        let mut row = Row { destination, outer, cells: Vec::with_capacity(sources.len()), index };
        for (source, outer) in sources.into_iter().zip(outer_sources) {
            let mut relevant: Vec<usize> = Vec::new();
            for (number, wish) in about.iter().filter(|(_, wish)| covers(&wish.sources, source)) {
                relevant.push(*number);
                if wish.service == Service::Any {
                    break;
                }
            }
            let wanted =
                Rc::clone(layers.entry(relevant).or_insert_with_key(|relevant| Rc::new(Layer::wanted(wishes, relevant))));
            let said = wanted.beyond(&row.behind(&rows, source, outer));
            row.cells.push(Cell { source, outer, wanted, said });
        }
        rows.push(row);
    }
    rows.sort_by_key(|row| row.destination.asked_first());
    Some(rows.into_iter().flat_map(Row::into_routes).collect())
}

/// Sorts and removes what is there twice; gives for each block the smallest one around it.
fn nest(blocks: &mut Vec<Block>) -> Vec<Option<usize>> {
    blocks.sort_by_key(|block| block.outer_first());
    blocks.dedup();
    let mut around: Vec<usize> = Vec::new();
    let mut outers = Vec::with_capacity(blocks.len());
    for (at, block) in blocks.iter().enumerate() {
        while around.last().is_some_and(|&outer| blocks.get(outer).is_none_or(|outer| !outer.contains(*block))) {
            around.pop();
        }
        outers.push(around.last().copied());
        around.push(at);
    }
    outers
}

/// `blocks` are ascending and disjoint, and as large as prefixes can be, so that one of them holds the whole block or none does.
fn covers(blocks: &[Block], block: Block) -> bool {
    let at = blocks.partition_point(|other| other.last < block.first);
    blocks.get(at).is_some_and(|other| other.contains(block))
}

impl Row {
    /// What is asked after the cell of `source`, which is to be added now.
    fn behind<'a>(&'a self, rows: &'a [Self], source: Block, outer: Option<usize>) -> Vec<&'a Layer> {
        let mut layers = Vec::new();
        let mut sources = vec![source];
        let mut next = outer;
        while let Some(cell) = next.and_then(|at| self.cells.get(at)) {
            layers.push(&cell.said);
            sources.push(cell.source);
            next = cell.outer;
        }
        // The row of the next shorter destination says, with the rows behind it, all that is wanted there. Its sources are among ours.
        let mut outer_row = self.outer.and_then(|at| rows.get(at));
        while let Some(row) = outer_row {
            if let Some(cell) = sources.iter().find_map(|source| row.index.get(source)).and_then(|&at| row.cells.get(at)) {
                layers.push(&cell.wanted);
                break;
            }
            outer_row = row.outer.and_then(|at| rows.get(at));
        }
        layers
    }

    fn into_routes(mut self) -> Vec<Route> {
        self.cells.sort_by_key(|cell| cell.source.asked_first());
        let destination = self.destination;
        let mut routes = Vec::new();
        for Cell { source, said: Layer { pieces, rest }, .. } in self.cells {
            let mut push = |service: Service, said: Said| {
                routes.push(Route { destination, source, service, effect: said.effect, wish: said.wish });
            };
            for (protocol, pieces) in pieces {
                pieces.into_iter().for_each(|piece| push(Service::One(protocol, piece.region), piece.said));
            }
            if let Some(said) = rest {
                push(Service::Any, said);
            }
        }
        routes
    }
}

impl Layer {
    /// What the wishes say together, the first that selects a packet. At most the last one is about any packet.
    fn wanted(wishes: &[Wish], relevant: &[usize]) -> Self {
        let mut layer = Self::default();
        for (wish, Wish { service, effect, .. }) in relevant.iter().filter_map(|&at| Some((at, wishes.get(at)?))) {
            let said = Said { wish, effect: *effect };
            let Service::One(protocol, region) = service else {
                layer.rest = Some(said);
                break;
            };
            let pieces = layer.pieces.entry(*protocol).or_default();
            let is_new = |region: &Region| {
                !pieces.iter().fold(vec![region.clone()], |left, piece| all_without(left, &piece.region)).is_empty()
            };
            if !is_new(region) {
                continue;
            }
            if *region == Region::whole(*protocol) {
                pieces.push(Piece { region: region.clone(), said });
                continue;
            }
            // Between routes that do the same no order is needed.
            let others = pieces.iter().filter(|piece| piece.said.effect != *effect);
            let mut parts = others.fold(vec![region.clone()], |left, piece| all_without(left, &piece.region));
            // One that is said already would be the same route again.
            parts.retain(is_new);
            pieces.extend(parts.into_iter().map(|region| Piece { region, said }));
        }
        layer
    }

    /// What must be said before `behind` so that both together do what `self` says.
    fn beyond(&self, behind: &[&Self]) -> Self {
        let protocols: BTreeSet<u8> =
            behind.iter().flat_map(|layer| layer.pieces.keys()).chain(self.pieces.keys()).copied().collect();
        let no_pieces = Vec::new();
        let own = |protocol: &u8| self.pieces.get(protocol).unwrap_or(&no_pieces);
        let rest = self.rest.filter(|rest| {
            let others = behind.iter().find_map(|layer| layer.rest).map_or(DEFAULT, |said| said.effect);
            others != rest.effect
                || protocols.iter().any(|protocol| {
                    let left =
                        own(protocol).iter().fold(vec![Region::whole(*protocol)], |left, piece| all_without(left, &piece.region));
                    left.iter().any(|region| differs(behind, *protocol, region, rest.effect))
                })
        });
        let last = Self { pieces: BTreeMap::new(), rest };
        // The last one of the cell, where there is one, is asked before all that is behind, and selects everything.
        let behind: Vec<&Self> = if rest.is_some() { vec![&last] } else { behind.to_vec() };
        let mut pieces = BTreeMap::new();
        for (&protocol, wanted) in &self.pieces {
            let said = pieces_beyond(protocol, wanted, &behind);
            if !said.is_empty() {
                pieces.insert(protocol, said);
            }
        }
        Self { pieces, rest }
    }
}

fn pieces_beyond(protocol: u8, wanted: &[Piece], behind: &[&Layer]) -> Vec<Piece> {
    let whole = Region::whole(protocol);
    let (parts, last) = match wanted.split_last() {
        Some((last, parts)) if last.region == whole => (parts, Some(last)),
        _ => (wanted, None),
    };
    let last = last.filter(|last| {
        let left = parts.iter().fold(vec![whole.clone()], |left, piece| all_without(left, &piece.region));
        left.iter().any(|region| differs(behind, protocol, region, last.said.effect))
    });
    // A route about a whole protocol lacks the components that the others of it have, so it is asked after them.
    let is_needed = |piece: &&Piece| match last {
        Some(last) => piece.said.effect != last.said.effect,
        None => differs(behind, protocol, &piece.region, piece.said.effect),
    };
    parts.iter().filter(is_needed).chain(last).cloned().collect()
}

/// Whether some packet of the region fares otherwise in `layers`.
fn differs(layers: &[&Layer], protocol: u8, region: &Region, effect: Effect) -> bool {
    let mut left = vec![region.clone()];
    for layer in layers {
        for Piece { region, said } in layer.pieces.get(&protocol).into_iter().flatten() {
            if said.effect != effect && left.iter().any(|part| part.shared(region).is_some()) {
                return true;
            }
            left = all_without(left, region);
            if left.is_empty() {
                return false;
            }
        }
        if let Some(rest) = layer.rest {
            return rest.effect != effect;
        }
    }
    effect != DEFAULT
}
