//! One filter rule as the selectors that together select what it matches.

use enforcer_packetset::{AddressSet, Effect, FlagSet, L4, PortSet, RangeSet, Selector, StateSet, Verdict};

use super::lists::{Lists, Pair};
use super::places::Places;
use crate::conjunction::state;
use crate::reading::{Word, digits, of_family, ports_of, range};
use crate::target::ParseError;

/// What becomes of the packets that a rule matches.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does<'a> {
    Effect(Effect),
    /// Both may log.
    Jump(Word<'a>, bool),
    Return(bool),
    /// Later packets of the connection pass without a rule being asked.
    Fasttrack(Word<'a>),
}

/// A rule before the lists that it names are known.
#[derive(Debug)]
pub(super) struct Rule<'a> {
    pub place: Word<'a>,
    pub is_disabled: bool,
    /// It asks for what a router without IPsec and translated destinations has none of, and so meets no packet.
    is_never_met: bool,
    /// It asks whether packets are encrypted or translated.
    pub is_plain: bool,
    pub action: Option<Word<'a>>,
    pub jump_target: Option<Word<'a>>,
    log: bool,
    source: [Option<Pair<'a>>; 2],
    destination: [Option<Pair<'a>>; 2],
    /// Where a packet comes in and where it leaves: an interface, and a list of them.
    comes: [Option<Pair<'a>>; 2],
    leaves: [Option<Pair<'a>>; 2],
    /// Bits of [`state`].
    states: u8,
    pub state_word: Word<'a>,
    protocol: Option<(Word<'a>, u8)>,
    source_port: Option<(Word<'a>, PortSet)>,
    destination_port: Option<(Word<'a>, PortSet)>,
    either_port: Option<(Word<'a>, PortSet)>,
    icmp: Option<(Word<'a>, u8, RangeSet<u8>)>,
    flags: Option<(Word<'a>, FlagSet)>,
}

impl<'a> Rule<'a> {
    pub fn read(place: Word<'a>, pairs: &[Pair<'a>]) -> Result<Self, ParseError> {
        let mut rule = Self {
            place,
            is_disabled: false,
            is_never_met: false,
            is_plain: false,
            action: None,
            jump_target: None,
            log: false,
            source: [None; 2],
            destination: [None; 2],
            comes: [None; 2],
            leaves: [None; 2],
            states: state::EVERY,
            state_word: place,
            protocol: None,
            source_port: None,
            destination_port: None,
            either_port: None,
            icmp: None,
            flags: None,
        };
        for pair in pairs {
            rule.property(pair)?;
        }
        Ok(rule)
    }

    fn property(&mut self, pair: &Pair<'a>) -> Result<(), ParseError> {
        let (name, value) = (pair.name, pair.value);
        let may_negate = [
            "src-address",
            "src-address-list",
            "dst-address",
            "dst-address-list",
            "src-port",
            "dst-port",
            "in-interface",
            "in-interface-list",
            "out-interface",
            "out-interface-list",
            "connection-nat-state",
            "connection-state",
        ];
        // `tcp-flags` and `connection-state` have their own reading of it.
        if pair.negates && !may_negate.contains(&name.text) {
            return Err(value.error(format!("a negated `{}`", name.text), "say what it is, not what it is not"));
        }
        match name.text {
            "chain" | "comment" | "log-prefix" | "reject-with" | "hw-offload" => {}
            "action" => self.action = Some(value),
            "jump-target" => self.jump_target = Some(value),
            "in-interface" => self.comes[0] = Some(*pair),
            "in-interface-list" => self.comes[1] = Some(*pair),
            "out-interface" => self.leaves[0] = Some(*pair),
            "out-interface-list" => self.leaves[1] = Some(*pair),
            "disabled" => self.is_disabled = pair.is_yes()?,
            "log" => self.log = pair.is_yes()?,
            "src-address" => self.source[0] = Some(*pair),
            "src-address-list" => self.source[1] = Some(*pair),
            "dst-address" => self.destination[0] = Some(*pair),
            "dst-address-list" => self.destination[1] = Some(*pair),
            "connection-state" => {
                let named = states(value)?;
                self.states = if pair.negates { state::EVERY & !named } else { named };
                self.state_word = value;
            }
            "protocol" => {
                let number = protocol(value.text).ok_or_else(|| value.unknown("a protocol", "write its number"))?;
                self.protocol = Some((name, number));
            }
            "src-port" => self.source_port = Some((name, ports(pair)?)),
            "dst-port" => self.destination_port = Some((name, ports(pair)?)),
            "port" => self.either_port = Some((name, ports(pair)?)),
            "icmp-options" => {
                let (kind, codes) = icmp(value)?;
                self.icmp = Some((name, kind, codes));
            }
            "ipsec-policy" => {
                self.is_plain = true;
                match value.text {
                    "in,none" | "out,none" => {}
                    "in,ipsec" | "out,ipsec" => self.is_never_met = true,
                    _ => return Err(value.unknown("a way with `none` or `ipsec`", "write it as `in,ipsec`")),
                }
            }
            "connection-nat-state" if value.text == "dstnat" => {
                self.is_plain = true;
                self.is_never_met |= !pair.negates;
            }
            "tcp-flags" => self.flags = Some((name, flags(value)?)),
            _ => {
                let advice = "packets are matched by addresses, protocol, ports, ICMP, TCP flags and connection state";
                return Err(name.unknown("a property of a rule", advice));
            }
        }
        Ok(())
    }

    pub fn does(&self) -> Result<Does<'a>, ParseError> {
        // Without an action a rule accepts ("Common Firewall Matchers and Actions").
        let Some(action) = self.action else { return Ok(Does::Effect(Effect { verdict: Some(Verdict::Allow), log: self.log })) };
        let effect = |verdict, log| Does::Effect(Effect { verdict, log });
        Ok(match action.text {
            "accept" => effect(Some(Verdict::Allow), self.log),
            "drop" | "reject" => effect(Some(Verdict::Deny), self.log),
            "log" => effect(None, true),
            "passthrough" => effect(None, self.log),
            "return" => Does::Return(self.log),
            "fasttrack-connection" if self.states == state::ADMITTED && !self.log => Does::Fasttrack(action),
            "jump" => {
                let target = self.jump_target.ok_or_else(|| action.error("a jump without `jump-target`", "name the chain"))?;
                Does::Jump(target, self.log)
            }
            _ => return Err(action.unknown("an action", "packets are accepted, dropped, rejected, logged or passed on")),
        })
    }

    /// Whether it lets every packet of a known connection through.
    pub fn accepts_established(&self) -> bool {
        let is_open =
            [&self.source, &self.destination, &self.comes, &self.leaves].iter().all(|side| side.iter().all(Option::is_none));
        let accepts = self.action.is_none_or(|action| action.is("accept")) && !self.log;
        accepts && is_open && !self.is_never_met && self.protocol.is_none() && self.states & state::ADMITTED == state::ADMITTED
    }

    /// Whether it tells packets apart that are all new to us.
    pub const fn splits_states(&self) -> bool {
        let others = self.states & !state::ADMITTED;
        others != 0 && others != state::EVERY & !state::ADMITTED
    }

    /// The union of these is what the rule matches, if packets of no known connection are all in the state `world`.
    pub fn selectors(&self, lists: &Lists<'_>, places: &Places<'_>, world: u8) -> Result<Vec<Selector>, ParseError> {
        let is_ipv6 = lists.is_ipv6();
        let source = side(&self.source, lists, is_ipv6)?.intersection(&places.side(&self.comes)?);
        let destination = side(&self.destination, lists, is_ipv6)?.intersection(&places.side(&self.leaves)?);
        let state = match (self.states & world != 0, self.states & state::ADMITTED) {
            (true, state::ADMITTED) => StateSet::Any,
            (true, 0) => StateSet::New,
            (false, state::ADMITTED) => StateSet::Established,
            (false, 0) => return Ok(Vec::new()),
            _ => {
                let advice = "packets of a known connection are `established,related`: name both, or none of them";
                return Err(self.state_word.unknown("connection states that are read", advice));
            }
        };
        let l4s = self.l4s(is_ipv6)?;
        let flags = match &self.flags {
            None => FlagSet::full(),
            Some((_, set)) if self.protocol.is_some_and(|(_, number)| number == 6) => *set,
            Some((word, _)) => return Err(word.error("TCP flags without the protocol", "write `protocol=tcp`")),
        };
        // Addresses that are behind other interfaces meet nothing.
        if self.is_never_met || source.is_empty() || destination.is_empty() {
            return Ok(Vec::new());
        }
        let selector = |l4| {
            let (source, destination) = (source.clone(), destination.clone());
            Selector { source, destination, l4, state, flags, ..Selector::any() }
        };
        Ok(l4s.into_iter().map(selector).collect())
    }

    fn l4s(&self, is_ipv6: bool) -> Result<Vec<L4>, ParseError> {
        let number = self.protocol.map(|(_, number)| number);
        if let Some((word, kind, codes)) = &self.icmp {
            let (types, codes) = (RangeSet::of(*kind), codes.clone());
            return match (number, is_ipv6) {
                (Some(1), false) => Ok(vec![L4::Icmp { types, codes }]),
                (Some(58), true) => Ok(vec![L4::Icmp6 { types, codes }]),
                _ => Err(word.error("ICMP options without the protocol", "write `protocol=icmp`, in IPv6 `protocol=icmpv6`")),
            };
        }
        let all = [&self.source_port, &self.destination_port, &self.either_port];
        let Some((word, _)) = all.into_iter().flatten().next() else {
            return Ok(vec![number.map_or(L4::Any, L4::Protocol)]);
        };
        let set = |ports: &Option<(Word<'_>, PortSet)>| ports.as_ref().map_or(PortSet::full(), |(_, set)| set.clone());
        let (source, destination) = (set(&self.source_port), set(&self.destination_port));
        let pairs = match &self.either_port {
            None => vec![(source, destination)],
            Some((_, either)) => {
                vec![(source.intersection(either), destination.clone()), (source, destination.intersection(either))]
            }
        };
        let number = number.filter(|number| [6, 17].contains(number));
        let number =
            number.ok_or_else(|| word.error("ports without `tcp` or `udp`", "write `protocol=tcp` or `protocol=udp`"))?;
        let l4 = |(source, destination): (PortSet, PortSet)| {
            let is_met = !source.is_empty() && !destination.is_empty();
            ports_of(number, source, destination).filter(|_| is_met)
        };
        let l4s: Vec<L4> = pairs.into_iter().filter_map(l4).collect();
        if l4s.is_empty() { Err(word.error("ports that no packet has", "leave the rule out")) } else { Ok(l4s) }
    }
}

/// Address and list of one side: both must match.
fn side(conditions: &[Option<Pair<'_>>; 2], lists: &Lists<'_>, is_ipv6: bool) -> Result<AddressSet, ParseError> {
    let [address, list] = conditions;
    let mut set = of_family(is_ipv6);
    for (pair, is_list) in [(address, false), (list, true)] {
        let Some(pair) = pair else { continue };
        let named = if is_list { lists.find(pair.value)? } else { lists.address(pair.value)? };
        set = if pair.negates { set.difference(&named) } else { set.intersection(&named) };
        if set.is_empty() {
            return Err(pair.value.error("addresses that no packet has", "leave the rule out"));
        }
    }
    Ok(set)
}

fn states(word: Word<'_>) -> Result<u8, ParseError> {
    word.text.split(',').try_fold(0, |bits, name| {
        let bit = match name {
            "established" => state::ESTABLISHED,
            "related" => state::RELATED,
            "new" => state::NEW,
            "invalid" => state::INVALID,
            "untracked" => state::UNTRACKED,
            _ => return Err(word.unknown("connection states", "they are established, related, new, invalid and untracked")),
        };
        Ok(bits | bit)
    })
}

fn ports(pair: &Pair<'_>) -> Result<PortSet, ParseError> {
    let ranges: Option<Vec<(u16, u16)>> = pair.value.text.split(',').map(range).collect();
    let ranges = ranges.ok_or_else(|| pair.value.unknown("ports", "write them as `80,443,1000-2000`"))?;
    let set = RangeSet::from_ranges(ranges);
    let set = if pair.negates { set.complement() } else { set };
    if set.is_empty() { Err(pair.value.error("ports that no packet has", "leave the rule out")) } else { Ok(set) }
}

/// `8:0`, `8:0-255`.
fn icmp(word: Word<'_>) -> Result<(u8, RangeSet<u8>), ParseError> {
    let split = word.text.split_once(':');
    let parts = split.and_then(|(kind, codes)| Some((digits(kind).filter(|&kind: &u8| kind != 255)?, range(codes)?)));
    let (kind, (first, last)) = parts.ok_or_else(|| word.unknown("ICMP options", "write a type and its codes as `8:0-255`"))?;
    Ok((kind, RangeSet::range(first, last)))
}

/// `syn,!ack`.
fn flags(word: Word<'_>) -> Result<FlagSet, ParseError> {
    let mut set = FlagSet::full();
    for part in word.text.split(',') {
        let (name, is_set) = part.strip_prefix('!').map_or((part, true), |name| (name, false));
        let bit = FlagSet::NAMES.iter().position(|other| *other == name).map(|bit| 1u8 << bit);
        let bit = bit.ok_or_else(|| word.unknown("TCP flags", "write them as `syn,!ack`"))?;
        set = set.intersection(FlagSet::masked(if is_set { bit } else { 0 }, bit));
    }
    if set.is_empty() { Err(word.error("flags that no packet has", "leave the rule out")) } else { Ok(set) }
}

fn protocol(name: &str) -> Option<u8> {
    Some(match name {
        "icmp" => 1,
        "igmp" => 2,
        "ipencap" => 4,
        "tcp" => 6,
        "egp" => 8,
        "udp" => 17,
        "rsvp" => 46,
        "gre" => 47,
        "ipsec-esp" => 50,
        "ipsec-ah" => 51,
        "icmpv6" => 58,
        "ospf" => 89,
        "pim" => 103,
        "vrrp" => 112,
        "l2tp" => 115,
        "sctp" => 132,
        _ => return digits(name).filter(|&number| number != 0),
    })
}
