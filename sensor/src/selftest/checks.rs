//! What can be wrong with a mirror, one check each: how it shows, how bad it is, and what to do at the switch.

use std::time::Duration;

use sensor_model::{Asset, Change, Coverage, CoverageCause, Loss, Scope, Visibility, VlanCoverage};
use serde::Serialize;

use super::Heard;
use super::survey::SIZES;
use crate::view::coverage::{networks, one_way_share, percent_lost};
use crate::view::short_bytes;

/// Names given as examples.
const EXAMPLES: usize = 5;
/// Fewer frames than this say little.
const FEW_FRAMES: u64 = 100;
/// Hosts that are heard by broadcasts only and are no accident, when they are most of all.
const FEW_HOSTS: usize = 3;
/// Packets of a gateway that make its missing direction no accident.
const GATEWAY_PACKETS: u64 = 20;
/// So many neighbours ask for each other's MAC within such a time: caches are asked anew within a minute (RFC 1122 2.3.2.1).
const HOSTS_THAT_ASK: usize = 4;
const TIME_TO_ASK: Duration = Duration::from_secs(30);
/// One-way flows in a hundred that are a fault of the whole mirror and not of single hosts.
const FAILING_ONE_WAY_PERCENT: u64 = 50;
const FAILING_LOSS: f64 = 0.01;
const NOTABLE_COPIES_PERCENT: f64 = 1.0;

/// How it stands with one thing, or with all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    Warn,
    Fail,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }

    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Ok => "the mirror shows what it should, as far as this traffic can tell",
            Self::Warn => "the mirror works, with doubts",
            Self::Fail => "the mirror is not right",
        }
    }
}

#[derive(Debug, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub state: State,
    pub finding: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'static str>,
    /// Hosts or VLANs in question.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

impl Check {
    fn ok(name: &'static str, finding: impl Into<String>) -> Self {
        Self { name, state: State::Ok, finding: finding.into(), advice: None, examples: Vec::new() }
    }

    fn bad(name: &'static str, state: State, finding: impl Into<String>, advice: &'static str) -> Self {
        Self { name, state, finding: finding.into(), advice: Some(advice), examples: Vec::new() }
    }

    fn with(mut self, examples: impl IntoIterator<Item = String>) -> Self {
        self.examples = examples.into_iter().collect();
        self
    }

    /// One cell of the table.
    pub fn text(&self) -> String {
        let mut text = self.finding.clone();
        if !self.examples.is_empty() {
            let named: Vec<&str> = self.examples.iter().take(EXAMPLES).map(String::as_str).collect();
            let rest = self.examples.len().saturating_sub(EXAMPLES);
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            text = format!("{text}: {}{more}", named.join(", "));
        }
        match self.advice {
            Some(advice) => format!("{text}\n-> {advice}"),
            None => text,
        }
    }
}

/// All checks, in the order of the way from the cable to the hosts.
pub fn checks_of(heard: &Heard) -> Vec<Check> {
    if heard.survey.frames == 0 {
        let advice = "check that the cable sits in the mirror session's destination port, that the session is enabled and names this \
                      port, and that its sources are up and carry traffic";
        let nothing = Check::bad("traffic", State::Fail, format!("no frame in {:.0} s", heard.lasted.as_secs_f64()), advice);
        return std::iter::once(nothing).chain(capture(heard)).collect();
    }
    let always = [traffic(heard), sizes(heard)].into_iter().chain(capture(heard));
    let rest = [
        directions(heard),
        hosts(heard),
        gateways(heard),
        vlans(heard),
        broadcasts(heard),
        duplicates(heard),
        loss(heard),
        protocols(heard),
    ];
    always.chain(rest).collect()
}

fn traffic(heard: &Heard) -> Check {
    let survey = &heard.survey;
    let seconds = heard.lasted.as_secs_f64().max(1e-3);
    let (peak_frames, peak_bits) = survey.peak();
    let finding = format!(
        "{} frames, {} in {seconds:.1} s: {:.0} frames/s, {:.2} Mbit/s; busiest second {peak_frames} frames, {:.2} Mbit",
        survey.frames,
        short_bytes(survey.wire_bytes),
        survey.frames as f64 / seconds,
        survey.wire_bytes as f64 * 8.0 / seconds / 1e6,
        peak_bits as f64 / 1e6,
    );
    if survey.frames < FEW_FRAMES {
        return Check::bad(
            "traffic",
            State::Warn,
            finding,
            "listen longer (--seconds), or when the hosts work: so little proves little",
        );
    }
    Check::ok("traffic", finding)
}

fn sizes(heard: &Heard) -> Check {
    let survey = &heard.survey;
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, count) in survey.sizes.iter().enumerate() {
        let percent = *count as f64 * 100.0 / survey.frames.max(1) as f64;
        let class = SIZES.get(at).map_or_else(|| format!(">{}", SIZES[SIZES.len() - 1]), |end| format!("{from}-{end}"));
        from = SIZES.get(at).map_or(from, |end| end + 1);
        if *count > 0 {
            parts.push(format!("{class}: {percent:.0} %"));
        }
    }
    let finding = format!("bytes with check sequence {}", parts.join(", "));
    if survey.cut_frames * 2 > survey.frames {
        let advice = "the mirror, or who captured, truncates frames: switch truncation off, names and services need the payload";
        return Check::bad("frame sizes", State::Warn, format!("{finding}; {} frames are cut", survey.cut_frames), advice);
    }
    Check::ok("frame sizes", finding)
}

fn capture(heard: &Heard) -> Option<Check> {
    let what = heard.capture.as_ref().map(|(path, reason)| format!("{path}: {reason}"));
    if heard.sent > 0 {
        let advice = "find out what sends there (LLDP, DHCP, IPv6 on the host) and stop it: a mirror port must be silent";
        return Some(Check::bad("capture", State::Fail, format!("the port sent {} frames", heard.sent), advice));
    }
    if heard.lost > 0 {
        let finding = format!("{}; {} frames were lost in this host", what.unwrap_or_default(), heard.lost);
        return Some(Check::bad("capture", State::Warn, finding, "give the sensor more cores or receive queues, or mirror less"));
    }
    if heard.warnings.is_empty() {
        return what.map(|what| Check::ok("capture", what));
    }
    let warnings = heard.warnings.iter().cloned();
    Some(Check::bad("capture", State::Warn, what.unwrap_or_else(|| "warnings".to_owned()), "see the warnings").with(warnings))
}

fn ours(heard: &Heard) -> impl Iterator<Item = &Asset> {
    // A router's own MAC without an address of its own is no host.
    heard.map.assets.iter().filter(|asset| asset.scope == Scope::Internal && asset.coverage != Coverage::default())
}

fn directions(heard: &Heard) -> Check {
    let flows = heard.map.coverage.flows;
    let proven = flows.both_ways.saturating_add(flows.one_way);
    let finding = format!(
        "{} of {proven} flows that have two directions are seen in one only ({}); {} flows have no answer",
        flows.one_way,
        one_way_share(&flows),
        flows.unanswered
    );
    if proven == 0 {
        let advice = "nothing here proves a direction; listen while hosts talk to each other";
        return Check::bad("directions", State::Warn, finding, advice);
    }
    let advice = "let the session copy both directions (`both`, not `rx` or `tx`) of every source port or VLAN, and check whether \
                  another path carries the way back";
    if flows.one_way.saturating_mul(100) >= proven.saturating_mul(FAILING_ONE_WAY_PERCENT) {
        return Check::bad("directions", State::Fail, finding, advice);
    }
    let partly = ours(heard).filter(|asset| asset.coverage.cause == Some(CoverageCause::PartlyMirrored));
    let partly: Vec<String> = partly.map(|asset| asset.label.clone()).collect();
    if partly.is_empty() {
        return Check::ok("directions", finding);
    }
    Check::bad("directions", State::Warn, format!("{finding}; many of these"), advice).with(partly)
}

fn hosts(heard: &Heard) -> Check {
    let by = |visibility: Visibility| ours(heard).filter(|asset| asset.coverage.visibility == visibility).count();
    let all =
        [Visibility::BothWays, Visibility::SendsOnly, Visibility::ReceivesOnly, Visibility::BroadcastOnly, Visibility::Never];
    let counts: Vec<String> =
        all.into_iter().filter(|way| by(*way) > 0).map(|way| format!("{} {}", by(way), way.as_str())).collect();
    let blamed = ours(heard).filter(|asset| asset.coverage.cause == Some(CoverageCause::OneDirectionMirror));
    let blamed: Vec<String> = blamed.map(|asset| format!("{} ({})", asset.label, asset.coverage.visibility.as_str())).collect();
    let finding = format!("{} hosts: {}", ours(heard).count(), counts.join(", "));
    if !blamed.is_empty() {
        let advice =
            "their ports are mirrored in one direction only: set both directions for these ports, or add them to the session";
        return Check::bad("hosts", State::Fail, format!("{finding}; proven to lack a direction"), advice).with(blamed);
    }
    let (all, by_broadcast) = (ours(heard).count(), by(Visibility::BroadcastOnly));
    if by_broadcast >= FEW_HOSTS && by_broadcast * 2 > all {
        let advice =
            "most hosts are heard by their broadcasts only: their own ports, or VLANs, are not among the session's sources";
        return Check::bad("hosts", State::Warn, finding, advice);
    }
    Check::ok("hosts", finding)
}

fn gateways(heard: &Heard) -> Check {
    let (unheard, unanswered) = heard.survey.one_way_gateways(GATEWAY_PACKETS);
    if !unheard.is_empty() {
        let advice = "what comes from other networks is not mirrored: add the router's port, or its other direction";
        let finding = "seen only as destination of traffic to other networks";
        return Check::bad("gateway", State::Fail, finding, advice).with(unheard.iter().map(ToString::to_string));
    }
    if !unanswered.is_empty() {
        let advice = "what goes to other networks is not mirrored: add the router's port, or its other direction";
        let finding = "seen only as source of traffic from other networks";
        return Check::bad("gateway", State::Fail, finding, advice).with(unanswered.iter().map(ToString::to_string));
    }
    Check::ok("gateway", "every router that is used is seen both ways, or none is used")
}

fn vlans(heard: &Heard) -> Check {
    let vlans = &heard.map.coverage.vlans;
    let is_bad = |vlan: &&VlanCoverage| {
        matches!(
            vlan.cause,
            Some(CoverageCause::VlanNotMirrored | CoverageCause::OneDirectionMirror | CoverageCause::PartlyMirrored)
        )
    };
    let bad: Vec<String> = vlans.iter().filter(is_bad).map(remark).collect();
    let seen = vlans.iter().filter(|vlan| vlan.packets > 0 || vlan.group_packets > 0 || vlan.hosts > 0);
    let seen: Vec<String> = seen.map(|vlan| format!("{} ({} hosts)", vlan.tags, vlan.hosts)).collect();
    if bad.is_empty() {
        return Check::ok("VLANs", format!("{} seen", seen.len())).with(seen);
    }
    let advice = "add these VLANs, or the ports of their hosts, to the mirror session, and let trunks keep their tags (`encapsulation \
                  replicate`)";
    Check::bad("VLANs", State::Warn, format!("{} seen, of these badly", seen.len()), advice).with(bad)
}

fn remark(vlan: &VlanCoverage) -> String {
    let why = match vlan.visibility {
        Visibility::Never => format!("nothing seen, though {} speaks of it", vlan.named_by.join(" and ")),
        Visibility::BroadcastOnly => "only broadcasts and multicasts".to_owned(),
        Visibility::SendsOnly | Visibility::ReceivesOnly => "one direction only".to_owned(),
        Visibility::BothWays => format!("{} of flows one way", one_way_share(&vlan.flows)),
    };
    let networks = networks(vlan);
    if networks.is_empty() { format!("{}: {why}", vlan.tags) } else { format!("{}: {why}; {networks}", vlan.tags) }
}

fn broadcasts(heard: &Heard) -> Check {
    let survey = &heard.survey;
    let arps = survey.protocols.get(&crate::link_layer::Protocol::Arp).copied().unwrap_or(0);
    let finding = format!("{arps} ARP, {} frames to everybody", survey.broadcasts);
    let on_link = ours(heard).filter(|asset| !asset.macs.is_empty()).count();
    let is_due = on_link >= HOSTS_THAT_ASK && heard.lasted >= TIME_TO_ASK && survey.frames >= FEW_FRAMES;
    if arps == 0 && survey.broadcasts == 0 && is_due {
        let advice = "a mirror of ports shows broadcasts of its hosts: look for a filter in the session (ACL, `filter vlan`, IP only); \
                      right only on a routed link";
        return Check::bad("broadcasts", State::Warn, finding, advice);
    }
    Check::ok("broadcasts", finding)
}

fn duplicates(heard: &Heard) -> Check {
    let share = |copies: u64| copies as f64 * 100.0 / heard.survey.frames.max(1) as f64;
    let counts: Vec<_> = heard.duplicates.by_change().filter(|(_, copies)| *copies > 0).collect();
    let told = |change: Change, copies: u64| {
        let kind = match change {
            Change::SameHop => "the same frame again",
            Change::Routed => "behind a router",
            Change::OtherVlan => "with another tag",
            Change::OtherMacs => "with other MACs",
        };
        format!("{:.1} % {kind}", share(copies))
    };
    if counts.is_empty() {
        return Check::ok("duplicates", "no frame came twice");
    }
    let finding = format!("copies among the frames: {}", join(counts.iter().map(|(change, copies)| told(*change, *copies))));
    if counts.iter().any(|(change, copies)| *change == Change::SameHop && share(*copies) >= NOTABLE_COPIES_PERCENT) {
        let advice = "each frame is copied where it enters and where it leaves: mirror `rx` of all ports, or `both` of one side only; the \
                      sensor can remove copies, but they cost the mirror's bandwidth";
        return Check::bad("duplicates", State::Warn, finding, advice);
    }
    Check::ok("duplicates", finding)
}

fn join(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

fn loss(heard: &Heard) -> Check {
    let loss: &Loss = &heard.map.coverage.loss;
    let Some(ratio) = loss.ratio() else {
        return Check::ok("loss", "too little TCP was seen both ways to measure it");
    };
    let finding = format!("{} of TCP data was acknowledged and never seen", percent_lost(loss));
    let Some(cause) = loss.cause else { return Check::ok("loss", finding) };
    let advice = match cause {
        CoverageCause::OwnDrops => "this host is too slow: more cores or receive queues, or mirror less",
        CoverageCause::OversubscribedMirror => {
            "it grows with the rate and this host drops nothing: the mirror's port is slower than what it copies; mirror fewer ports, \
             spread them over several sessions, or use a faster port"
        }
        _ => "it does not follow the rate, and this host drops nothing: look at drops of the session and errors of the cable",
    };
    let state = if ratio >= FAILING_LOSS { State::Fail } else { State::Warn };
    Check::bad("loss", state, finding, advice)
}

fn protocols(heard: &Heard) -> Check {
    let counts = heard.survey.protocols.iter().map(|(protocol, count)| format!("{} {count}", protocol.name()));
    let counts: Vec<String> = counts.collect();
    Check::ok("below IP", if counts.is_empty() { "nothing but IP".to_owned() } else { counts.join(", ") })
}
