//! ExaBGP's configuration as steps, in the order in which a router asks flow routes. Shares nothing with the renderer.

use std::cmp::Ordering;

use enforcer_packetset::Step;

use super::matches::Flow;
use super::order::{Components, precedence};
use crate::reading::{Comments, Cursor, Lexing, Word, words};
use crate::target::{ParseError, Parsed};

const LEXING: Lexing =
    Lexing { marks: "{};[],'\\", has_block_comments: false, comments: Comments::Anywhere, has_continuation: false };
/// RFC 8955 4.1.
const LONGEST: usize = 4095;

/// Statements of a neighbor that say nothing about packets.
const OF_A_SESSION: &[&str] = &[
    "adj-rib-in",
    "adj-rib-out",
    "connect",
    "description",
    "domain-name",
    "group-updates",
    "hold-time",
    "host-name",
    "incoming-ttl",
    "listen",
    "local-address",
    "local-as",
    "manual-eor",
    "md5-base64",
    "md5-ip",
    "md5-password",
    "outgoing-ttl",
    "passive",
    "peer-address",
    "peer-as",
    "router-id",
];
const CAPABILITIES: &[&str] =
    &["aigp", "asn4", "extended-message", "graceful-restart", "multi-session", "nexthop", "operational", "route-refresh"];

struct Text<'w, 'a> {
    words: &'w [Word<'a>],
    at: usize,
    flows: Vec<Flow<'a>>,
    has_neighbor: bool,
    /// What a neighbor agreed to take: flow routes of IPv4, of IPv6.
    families: Option<(Word<'a>, [bool; 2])>,
}

pub(super) fn parse(text: &str) -> Result<Parsed, ParseError> {
    let words = words(text, LEXING)?;
    let mut text = Text { words: &words, at: 0, flows: Vec::new(), has_neighbor: false, families: None };
    text.document()?;
    let Text { mut flows, families, .. } = text;
    if let Some((word, [v4, v6])) = families {
        let is_taken = |flow: &&Flow<'_>| if flow.is_ipv6() { v6 } else { v4 };
        if let Some(flow) = flows.iter().find(|flow| !is_taken(flow)) {
            let family = if flow.is_ipv6() { "ipv6 flow" } else { "ipv4 flow" };
            let what = format!("route `{}` is announced to nobody: `{family}` is missing here", flow.name.text);
            return Err(word.error(what, format!("add `{family};`")));
        }
    }
    flows.sort_by(|left, right| {
        left.is_ipv6().cmp(&right.is_ipv6()).then_with(|| precedence(&left.components, &right.components))
    });
    let mut parsed = Parsed::default();
    for flow in &flows {
        check_length(flow)?;
        let effect = flow.effect();
        for selector in flow.selectors()? {
            parsed.steps.push(Step { selector, effect });
            parsed.lines.push(flow.name.line);
        }
    }
    let twins = flows.windows(2).find_map(|pair| match pair {
        [one, other] if one.is_ipv6() == other.is_ipv6() => {
            (precedence(&one.components, &other.components) == Ordering::Equal).then_some((one.name, other.name))
        }
        _ => None,
    });
    if let Some((one, other)) = twins {
        let (first, second) = if one.line <= other.line { (one, other) } else { (other, one) };
        let what = format!("the same match as in line {}: of two such routes one takes the other's place", first.line);
        return Err(second.error(what, "leave one of them"));
    }
    Ok(parsed)
}

fn check_length(flow: &Flow<'_>) -> Result<(), ParseError> {
    use super::order::Component;
    let length = |components: &Components| -> usize {
        let one = |component: &Component| match component {
            Component::Prefix { length, .. } => 3 + usize::from(length.div_ceil(8)),
            Component::Terms(bytes) => 1 + bytes.len(),
        };
        components.values().map(one).sum()
    };
    if length(&flow.components) > LONGEST {
        return Err(flow.name.error("a match that no message can hold", "split it into several routes"));
    }
    Ok(())
}

/// How a statement ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// `;`
    Statement,
    /// `{`
    Block,
}

impl<'w, 'a> Text<'w, 'a> {
    fn peek(&self) -> Word<'a> {
        Cursor::new(self.words.get(self.at..).unwrap_or(&[])).peek()
    }

    /// The words up to `;` or `{`; None at the `}` of the block, or at the end of the text.
    fn statement(&mut self) -> Result<Option<(Cursor<'w, 'a>, End)>, ParseError> {
        let rest = self.words.get(self.at..).unwrap_or(&[]);
        let Some(length) = rest.iter().position(|word| !word.is_quoted && ["{", "}", ";"].contains(&word.text)) else {
            return match rest.first() {
                None => Ok(None),
                Some(word) => Err(word.error("a statement without an end", "close it with `;`")),
            };
        };
        let (own, end) = (rest.get(..length).unwrap_or(&[]), rest.get(length).copied());
        let Some(end) = end else { return Ok(None) };
        if let Some(odd) = own.iter().find(|word| word.is_quoted || ["'", ",", "\\"].contains(&word.text)) {
            return Err(odd.error("quotes, commas and backslashes have no place here", "write the words without them"));
        }
        // ExaBGP reads line by line.
        if let Some(early) = own.iter().find(|word| word.line != end.line) {
            return Err(early.error("a statement over several lines", "write it on one line"));
        }
        if end.text == "}" {
            return match own.first() {
                None => Ok(None),
                Some(word) => Err(word.error("a statement without an end", "close it with `;`")),
            };
        }
        self.at += length + 1;
        if own.is_empty() {
            return Err(end.error(format!("`{}` without a statement", end.text), "take it out"));
        }
        Ok(Some((Cursor::new(own), if end.text == "{" { End::Block } else { End::Statement })))
    }

    /// The statements of a block that was opened.
    fn block(
        &mut self,
        opened: Word<'a>,
        each: &mut dyn FnMut(&mut Self, Cursor<'w, 'a>, End) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        while let Some((cursor, end)) = self.statement()? {
            each(self, cursor, end)?;
        }
        if self.peek().text != "}" {
            return Err(opened.error("a block without an end", "close it with `}`"));
        }
        self.at += 1;
        Ok(())
    }

    fn document(&mut self) -> Result<(), ParseError> {
        let mut has_flow = false;
        while let Some((mut cursor, end)) = self.statement()? {
            let word = cursor.some("a section")?;
            match (word.text, end) {
                ("flow", End::Block) if !has_flow && !self.has_neighbor => {
                    cursor.end()?;
                    self.flow(word)?;
                    has_flow = true;
                }
                ("neighbor", End::Block) if !has_flow && !self.has_neighbor => {
                    cursor.some("an address")?;
                    cursor.end()?;
                    self.has_neighbor = true;
                    self.neighbor(word)?;
                }
                ("flow" | "neighbor", End::Block) => {
                    return Err(word.error(format!("a second `{}`", word.text), "prove what each router gets by itself"));
                }
                _ => return Err(word.unknown("a section", "write `flow { ... }`, or one `neighbor` with it")),
            }
        }
        let stray = self.peek();
        if stray.text == "}" {
            return Err(stray.error("`}` without a block", "take it out"));
        }
        if has_flow || self.has_neighbor {
            return Ok(());
        }
        Err(stray.error("no `flow` section", "give the part of ExaBGP's configuration that has the flow routes"))
    }

    fn neighbor(&mut self, opened: Word<'a>) -> Result<(), ParseError> {
        let mut has_flow = false;
        self.block(opened, &mut |text, mut cursor, end| {
            let word = cursor.some("a statement")?;
            match (word.text, end) {
                ("flow", End::Block) if !has_flow => {
                    cursor.end()?;
                    has_flow = true;
                    text.flow(word)
                }
                ("family", End::Block) if text.families.is_none() => {
                    cursor.end()?;
                    text.family(word)
                }
                ("capability", End::Block) => {
                    cursor.end()?;
                    text.block(word, &mut |_, mut cursor, end| {
                        let word = cursor.some("a capability")?;
                        if end == End::Block || !CAPABILITIES.contains(&word.text) {
                            return Err(word.unknown("a capability", "take it out"));
                        }
                        Ok(())
                    })
                }
                (known, End::Statement) if OF_A_SESSION.contains(&known) => Ok(()),
                _ => Err(word.unknown("a statement of a neighbor", "take it out, or prove the `flow` section alone")),
            }
        })
    }

    fn family(&mut self, opened: Word<'a>) -> Result<(), ParseError> {
        let mut taken = [false; 2];
        self.block(opened, &mut |_, mut cursor, end| {
            let (version, kind) = (cursor.some("an IP version")?, cursor.peek());
            if end == End::Block {
                return Err(version.unknown("a family", "write `ipv4 flow;`"));
            }
            match (version.text, kind.text) {
                ("all", "") => taken = [true; 2],
                ("ipv4", "flow") => taken = [true, taken[1]],
                ("ipv6", "flow") => taken = [taken[0], true],
                ("ipv4" | "ipv6", "unicast" | "multicast" | "nlri-mpls" | "mpls-vpn" | "flow-vpn") => {}
                _ => return Err(version.unknown("a family", "write `ipv4 flow;` and `ipv6 flow;`")),
            }
            cursor.next();
            cursor.end()
        })?;
        self.families = Some((opened, taken));
        Ok(())
    }

    fn flow(&mut self, opened: Word<'a>) -> Result<(), ParseError> {
        self.block(opened, &mut |text, mut cursor, end| {
            let word = cursor.some("a route")?;
            if word.text != "route" || end != End::Block {
                return Err(word.unknown("a route", "write `route NAME { match { ... } then { ... } }`"));
            }
            let name = cursor.some("the name of a route")?;
            cursor.end()?;
            text.route(word, name)
        })
    }

    fn route(&mut self, opened: Word<'a>, name: Word<'a>) -> Result<(), ParseError> {
        let mut flow = Flow::new(name);
        let (mut has_match, mut has_actions) = (false, false);
        self.block(opened, &mut |text, mut cursor, end| {
            let word = cursor.some("a part of a route")?;
            cursor.end()?;
            match (word.text, end) {
                ("match", End::Block) if !has_match => {
                    has_match = true;
                    text.block(word, &mut |_, mut cursor, end| {
                        no_block(&cursor, end)?;
                        flow.read_match(&mut cursor)
                    })
                }
                ("then", End::Block) if !has_actions => {
                    has_actions = true;
                    text.block(word, &mut |_, mut cursor, end| {
                        no_block(&cursor, end)?;
                        flow.read_action(&mut cursor)
                    })
                }
                _ => Err(word.unknown("a part of a route", "write one `match { ... }` and one `then { ... }`")),
            }
        })?;
        if !has_match || !has_actions {
            return Err(opened.error("a route without `match` or `then`", "write both"));
        }
        if !flow.has_action() {
            return Err(name.error("a route without an action, which accepts", "write `accept`, if that is meant"));
        }
        self.flows.push(flow);
        Ok(())
    }
}

fn no_block(cursor: &Cursor<'_, '_>, end: End) -> Result<(), ParseError> {
    if end == End::Statement {
        Ok(())
    } else {
        Err(cursor.peek().error("a block where a statement belongs", "close it with `;`"))
    }
}
