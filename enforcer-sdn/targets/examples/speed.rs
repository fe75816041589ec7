//! CPU seconds and peak memory of render, parse and prove. One size a process, for an honest peak: `speed 100000 nftables`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{AddressSet, L4, Prefix, RangeSet, Selector, StateSet};
use enforcer_policy::{Action, PointRule, Ruleset};
use enforcer_targets::{NotProven, RenderOptions, TARGETS, prove};

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn addresses(random: &mut Random) -> AddressSet {
    let v4 = |random: &mut Random| {
        let length = 16 + random.below(17) as u8;
        let bits = (10 << 24) | (random.below(1 << 24) as u32);
        let hosts = u32::MAX.checked_shr(length.into()).unwrap_or(0);
        Prefix::new(IpAddr::V4(Ipv4Addr::from_bits(bits & !hosts)), length)
    };
    let v6 = |random: &mut Random| {
        Prefix::new(IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) | (u128::from(random.below(1 << 32)) << 64))), 64)
    };
    let count = if random.below(3) == 0 { 1 + random.below(8) } else { 1 };
    (0..count).filter_map(|_| if random.below(8) == 0 { v6(random) } else { v4(random) }).collect()
}

fn ruleset(count: u64) -> Ruleset {
    let mut random = Random(7);
    // Zones: many rules are about the same sets, as policies are.
    let zones: Vec<AddressSet> = (0..200).map(|_| addresses(&mut random)).collect();
    let established = Selector { state: StateSet::Established, ..Selector::any() };
    let mut rules = vec![rule(0, established, Action::Allow)];
    for number in 1..count {
        let mut side = || {
            if random.below(4) == 0 {
                zones.get(random.below(200) as usize).cloned().unwrap_or_default()
            } else {
                addresses(&mut random)
            }
        };
        let (mut source, mut destination) = (side(), side());
        let ports = RangeSet::from_ranges((0..1 + random.below(3)).map(|_| {
            let first = random.below(60_000) as u16;
            (first, first + [0, 0, 0, 100][random.below(4) as usize])
        }));
        // Families that do not meet would select nothing.
        if (source.v4.is_empty() || destination.v4.is_empty()) && (source.v6.is_empty() || destination.v6.is_empty()) {
            (source, destination) = (zones[0].clone(), AddressSet::full());
        }
        let l4 = match random.below(4) {
            0 => L4::Udp { source: RangeSet::full(), destination: ports },
            _ => L4::Tcp { source: RangeSet::full(), destination: ports },
        };
        let action = if random.below(3) == 0 { Action::Deny } else { Action::Allow };
        rules.push(rule(number, Selector { source, destination, l4, state: StateSet::New, ..Selector::any() }, action));
    }
    Ruleset { point: "speed".into(), rules }
}

fn rule(number: u64, selector: Selector, action: Action) -> PointRule {
    PointRule { id: format!("rule-{number}"), selector, action, log: action == Action::Deny, origin: Vec::new() }
}

/// User and system time of this process, and its peak memory in MB.
fn usage() -> (f64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|text| text.trim().strip_suffix(" kB"));
    ((ticks(11) + ticks(12)) / 100.0, peak.and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0) / 1024)
}

fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1000);
    let wanted = std::env::args().nth(2).unwrap_or_else(|| "nftables".into());
    let mut ruleset = ruleset(count);
    for target in TARGETS.iter().filter(|target| target.name == wanted) {
        if !target.capability.stateful {
            ruleset.rules.remove(0);
            for rule in &mut ruleset.rules {
                rule.selector.state = StateSet::Any;
            }
        }
        let (start, before) = usage();
        let rendering = match (target.render)(&ruleset, &RenderOptions::default()) {
            Ok(rendering) => rendering,
            Err(error) => {
                println!("{}: {error}", target.name);
                continue;
            }
        };
        let (rendered, _) = usage();
        let proof = prove(target, &ruleset, &rendering.text);
        let (proven, peak) = usage();
        println!(
            "{}: {count} rules, {} bytes: render {:.2} s, parse and prove {:.2} s, together {:.2} s CPU, peak {peak} MB (ruleset alone {before}): {proof:?}",
            target.name,
            rendering.text.len(),
            rendered - start,
            proven - rendered,
            proven - start
        );
        // One line less, and one line moved to the end: what changed is compared as packet sets.
        let mut lines: Vec<&str> = rendering.text.lines().collect();
        let half = lines.len() / 2;
        let at = half + lines[half..].iter().position(|line| line.contains(" drop ") || line.starts_with(" deny ")).unwrap_or(0);
        let moved = lines.remove(at);
        let (start, _) = usage();
        let verdict = describe(prove(target, &ruleset, &lines.join("\n")));
        println!("  one line left out: {:.2} s CPU: {verdict}", usage().0 - start);
        lines.insert(lines.len() - 2, moved);
        let (start, _) = usage();
        let verdict = describe(prove(target, &ruleset, &lines.join("\n")));
        println!("  one line moved to the end: {:.2} s CPU: {verdict}", usage().0 - start);
        let (first, last) = (rendering.lines.first().map_or(0, |line| line.line), lines.len() - 2);
        lines[first..last].reverse();
        let (start, _) = usage();
        let verdict = describe(prove(target, &ruleset, &lines.join("\n")));
        println!("  all lines in reverse: {:.2} s CPU, peak {} MB: {verdict}", usage().0 - start, usage().1);
    }
}

fn describe(proof: Result<enforcer_targets::Proof, NotProven>) -> String {
    match proof {
        Ok(proof) => format!("proven, {:?}", proof.agreement),
        Err(error) => format!("not proven: {error}"),
    }
}
