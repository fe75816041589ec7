//! A router that takes BGP flow specifications, through an ExaBGP 4 that speaks with it: our routes stand in ExaBGP's configuration, between two
//! marks in the neighbor's section, and ExaBGP announces what changed when it is told to reload.
//!
//! Words that differ: "adj-rib out" is what ExaBGP announces, or would if the session were up; the listing has other words than the
//! configuration (`destination-ipv4` for `destination`, names for ICMPv4's types, an offset behind each IPv6 prefix). What runs is the
//! listing, not the file: both must be the same routes. Routes of others to the same neighbor would decide about our packets too, in an order over all of
//! them, so they are refused.
//!
//! A withdrawn route is a route that nobody is told of any more: `restore` to nothing withdraws all of ours. What the timer does not see is
//! the router: when the session ends, or ExaBGP does, every route is gone and everything passes.
//!
//! The configuration is `/etc/exabgp/exabgp.conf`, or what `EXABGP_CONFIG` names (`via = ["env", "EXABGP_CONFIG=/etc/exabgp/edge.conf"]`).
//! `exabgpcli` needs ExaBGP's named pipes, as Debian's unit makes them (others: `exabgp_api_pipename=NAME`). One process for each neighbor.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use enforcer_packetset::{Packet, Step};

use crate::config::Point;
use crate::driver::via::Via;
use crate::driver::{Cut, Driver, DriverKind, Running};
use crate::exit::{Exit, failure};

const TARGET: &str = "flowspec";
pub const KIND: DriverKind = DriverKind { name: "exabgp", target: TARGET, open };

/// Our routes stand between these lines.
const BEGIN: &str = "# cordon begin";
const END: &str = "# cordon end";
const READ: &str = r#"exec cat "${EXABGP_CONFIG:-/etc/exabgp/exabgp.conf}""#;
/// ExaBGP reads the new file before it takes the old one's place, owner and mode stay.
const WRITE: &str = r#"
set -e
file=${EXABGP_CONFIG:-/etc/exabgp/exabgp.conf}
new=$file.cordon
trap 'rm -f "$new"' EXIT
cp -p "$file" "$new"
cat >"$new"
said=$(exabgp --test "$new" 2>&1) || { printf '%s\n' "$said" | tail -n 8 >&2; exit 1; }
mv "$new" "$file"
"#;
/// ExaBGP answers everybody through one pipe: who asks at the same time may get the other's answer, and wait for ever. So ours ask one
/// after the other, and nobody waits for ever.
const ASK: &str = r#"
file=${EXABGP_CONFIG:-/etc/exabgp/exabgp.conf}
exec flock -w 60 "$(dirname "$file")" timeout -k 1 20 exabgpcli "$@"
"#;
/// Somebody at a terminal may have taken the answer.
const TRIES: usize = 3;
/// How long ExaBGP may take to announce and withdraw; thousands of routes take seconds.
const PATIENCE: Duration = Duration::from_secs(120);
const PACE: Duration = Duration::from_millis(100);

/// How ExaBGP lists ICMP types, which are IPv4's names for IPv6 too; others are `unknown icmp type type 200`.
const TYPES: &[(&str, u8)] = &[
    ("echo-reply", 0),
    ("unreachable", 3),
    ("source-quench", 4),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicit", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp", 13),
    ("timestamp-reply", 14),
    ("info-request", 15),
    ("info-reply", 16),
    ("mask-request", 17),
    ("mask-reply", 18),
    ("traceroute", 30),
    ("experimental-mobility", 41),
    ("extended-echo-request", 42),
    ("extended-echo-reply", 43),
    ("experimental-one", 253),
    ("experimental-two", 254),
];

struct ExaBgp {
    via: Via,
}

fn open(point: &Point) -> Result<Box<dyn Driver>> {
    Ok(Box::new(ExaBgp { via: Via::new(&point.via) }))
}

impl Driver for ExaBgp {
    fn read_back(&self) -> Result<Running> {
        let listed = self.listed()?;
        if let Some(neighbor) = &listed.neighbor {
            self.check_session(neighbor)?;
        }
        let file = self.file()?;
        let Section { own, .. } = Section::of(&file)?;
        let (wanted, running) = (steps(own)?, steps(&listed.text)?);
        if wanted == running {
            return Ok(Running((!running.is_empty()).then(|| own.to_owned())));
        }
        let strangers = running.iter().filter(|step| !wanted.contains(step)).count();
        if strangers > 0 {
            let message = format!(
                "ExaBGP announces routes for {strangers} kinds of packets that do not stand between `{BEGIN}` and `{END}`: take them out, \
                 or `exabgpcli reload` if they did not come from elsewhere"
            );
            return Err(failure(Exit::Drift, message));
        }
        Ok(Running((!running.is_empty()).then_some(listed.text)))
    }

    fn apply(&self, text: &str) -> Result<()> {
        self.announce(text)?;
        let Some(neighbor) = self.listed()?.neighbor else { return Ok(()) };
        self.check_session(&neighbor)
    }

    /// Whether the session is up or not: when it comes back, the router is told what stands in the file.
    fn restore(&self, checkpoint: &Running) -> Result<()> {
        self.announce(checkpoint.0.as_deref().unwrap_or_default())
    }

    /// Routes are asked for every packet, and nothing is remembered.
    fn cut(&self, _denied: &dyn Fn(&Packet) -> bool) -> Result<Cut> {
        Ok(Cut::default())
    }
}

impl ExaBgp {
    fn file(&self) -> Result<String> {
        self.via.run(&["sh", "-c", READ], "").context("cannot read ExaBGP's configuration")
    }

    /// Makes our routes these, and returns when they are what ExaBGP announces.
    fn announce(&self, text: &str) -> Result<()> {
        let wanted = steps(text)?;
        let file = self.file()?;
        self.via.run(&["sh", "-c", WRITE], &Section::of(&file)?.with(text)).context("the routes are refused")?;
        self.ask(&["reload"]).context("cannot tell ExaBGP to reload")?;
        let start = Instant::now();
        while steps(&self.listed()?.text)? != wanted {
            if start.elapsed() > PATIENCE {
                bail!(
                    "ExaBGP does not announce what its configuration says, {} s after a reload; its log says why",
                    PATIENCE.as_secs()
                );
            }
            thread::sleep(PACE);
        }
        Ok(())
    }

    fn listed(&self) -> Result<Listed> {
        Listed::read(&self.ask(&["show", "adj-rib", "out", "extensive"]).context("cannot list what ExaBGP announces")?)
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        let line = [&["sh", "-c", ASK, "exabgpcli"], words].concat();
        let mut answer = self.via.run(&line, "");
        for _ in 1..TRIES {
            if answer.is_ok() {
                break;
            }
            answer = self.via.run(&line, "");
        }
        answer
    }

    fn check_session(&self, neighbor: &str) -> Result<()> {
        let summary = self.ask(&["show", "neighbor", "summary"]).context("cannot list ExaBGP's sessions")?;
        let is_up = |line: &str| line.split_ascii_whitespace().next() == Some(neighbor) && line.contains(" established ");
        if summary.lines().any(is_up) {
            return Ok(());
        }
        bail!("the session with {neighbor} is not up, so the router has none of our routes; look at both ends' logs")
    }
}

/// What the dialect's parser makes of routes, in the order in which a router asks them; of none, nothing.
fn steps(text: &str) -> Result<Vec<Step>> {
    if text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#')) {
        return Ok(Vec::new());
    }
    let target = enforcer_targets::find(TARGET).context("no dialect for flow specifications")?;
    Ok((target.parse)(text)?.steps)
}

/// A configuration, by our marks.
struct Section<'a> {
    before: &'a str,
    own: &'a str,
    after: &'a str,
}

impl<'a> Section<'a> {
    fn of(file: &'a str) -> Result<Self> {
        let marks = |mark: &str| -> Vec<(usize, usize)> {
            let mut at = 0;
            let mut found = Vec::new();
            for line in file.split_inclusive('\n') {
                if line.trim() == mark {
                    found.push((at, at + line.len()));
                }
                at += line.len();
            }
            found
        };
        let (begins, ends) = (marks(BEGIN), marks(END));
        let [(_, first)] = begins.as_slice() else {
            bail!(
                "ExaBGP's configuration has no place for our routes: put one line `{BEGIN}` and one `{END}` into the neighbor's section"
            )
        };
        let parts = match ends.as_slice() {
            [(last, _)] => file.get(..*first).zip(file.get(*first..*last)).zip(file.get(*last..)),
            _ => None,
        };
        let Some(((before, own), after)) = parts else {
            bail!("ExaBGP's configuration has a line `{BEGIN}` and no one line `{END}` behind it; put it there")
        };
        Ok(Self { before, own, after })
    }

    fn with(&self, text: &str) -> String {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        format!("{}{text}{end}{}", self.before, self.after)
    }
}

/// What ExaBGP announces, in the words of its configuration.
#[derive(Debug, PartialEq, Eq)]
struct Listed {
    neighbor: Option<String>,
    /// Empty without routes.
    text: String,
}

impl Listed {
    fn read(listing: &str) -> Result<Self> {
        let mut neighbors = BTreeSet::new();
        let mut text = String::new();
        for (line, number) in listing.lines().filter(|line| !line.trim().is_empty()).zip(1..) {
            let said = || format!("ExaBGP lists `{line}`, which is not understood");
            let neighbor = line.strip_prefix("neighbor ").and_then(|rest| rest.split(' ').next()).with_context(said)?;
            // What is no flow route is not about packets.
            let Some((_, route)) = line.split_once(" ipv4 flow flow ").or_else(|| line.split_once(" ipv6 flow flow ")) else {
                continue;
            };
            neighbors.insert(neighbor.to_owned());
            let _ = writeln!(text, "    {}", statement(route, number).with_context(said)?);
        }
        if neighbors.len() > 1 {
            let all: Vec<String> = neighbors.into_iter().collect();
            bail!("ExaBGP speaks with several neighbors ({}); give each a process of its own", all.join(", "));
        }
        if !text.is_empty() {
            text = format!("flow {{\n{text}}}\n");
        }
        Ok(Self { neighbor: neighbors.into_iter().next(), text })
    }
}

/// `destination-ipv4 10.0.0.0/8 protocol [ =tcp =udp ] extended-community rate-limit:0` as a route of the configuration.
fn statement(route: &str, number: u32) -> Result<String> {
    let route = route.replace("unknown protocol type ", "").replace("unknown icmp type type ", "");
    let mut words = route.split_ascii_whitespace().peekable();
    let (mut matches, mut actions) = (String::new(), "accept; ".to_owned());
    while let Some(key) = words.next() {
        let mut value = vec![words.next().with_context(|| format!("`{key}` without a value"))?];
        if value == ["["] {
            value = words.by_ref().take_while(|word| *word != "]").collect();
        } else if value == ["action"] {
            value.extend(words.next());
        }
        match key {
            "extended-community" => actions = self::actions(&value)?,
            "destination-ipv4" | "destination-ipv6" | "source-ipv4" | "source-ipv6" => {
                let prefix = value.concat();
                // The offset of RFC 8956 3.1.
                let whole = if key.ends_with("ipv6") { prefix.strip_suffix("/0").unwrap_or(&prefix) } else { &prefix };
                let _ = write!(matches, "{} {whole}; ", key.split('-').next().unwrap_or(key));
            }
            "icmp-type" => {
                let numbers: Vec<String> = value.iter().map(|term| numbered(term)).collect();
                let _ = write!(matches, "{key} [ {} ]; ", numbers.join(" "));
            }
            _ => drop(write!(matches, "{key} [ {} ]; ", value.join(" "))),
        }
    }
    Ok(format!("route listed-{number} {{ match {{ {matches}}} then {{ {actions}}} }}"))
}

/// Names of ICMP types in a term as numbers: `>=echo-request&<=11`.
fn numbered(term: &str) -> String {
    let one = |part: &str| {
        let name = part.trim_start_matches(['=', '<', '>', '!']);
        let number = TYPES.iter().find(|(known, _)| *known == name).map(|(_, number)| number.to_string());
        number.map_or_else(|| part.to_owned(), |number| part.replace(name, &number))
    };
    term.split('&').map(one).collect::<Vec<_>>().join("&")
}

/// A rate of 0 discards (RFC 8955 7.3). Any other word is nothing that we announce.
fn actions(words: &[&str]) -> Result<String> {
    let (mut verdict, mut sample) = ("accept; ", "");
    let mut rest = words;
    while let [first, others @ ..] = rest {
        rest = match (*first, others) {
            ("rate-limit:0", _) => {
                verdict = "discard; ";
                others
            }
            ("action", ["sample", others @ ..]) => {
                sample = "action sample; ";
                others
            }
            _ => bail!("`{first}` is no action of ours"),
        };
    }
    Ok(format!("{verdict}{sample}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As ExaBGP 4.2.21 lists what stands in [`CONFIGURED`].
    const LISTED: &str = "neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv4 flow flow destination-ipv4 10.20.0.0/24 source-ipv4 10.10.0.0/24 protocol =tcp destination-port [ =80 =443 >=1000&<=2000 <=3 ] source-port >=1024 tcp-flags [ !rst+ack =syn&!ack =syn+push ] extended-community rate-limit:0
neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv4 flow flow destination-ipv4 0.0.0.0/0 source-ipv4 10.10.0.0/24 protocol =icmp icmp-type [ =echo-reply =echo-request =unreachable =unknown icmp type type 200 ] icmp-code [ =0 >=10 ] extended-community [ rate-limit:0 action sample ]
neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv4 flow flow destination-ipv4 10.20.0.0/24 protocol =udp
neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv6 flow flow destination-ipv6 fd20::/64/0 source-ipv6 fd10::/64/0 next-header =unknown protocol type 58 icmp-type [ =unknown icmp type type 1 =unreachable >=unknown icmp type type 128&<=unknown icmp type type 200 ] icmp-code <=3 extended-community action sample
neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv6 flow flow destination-ipv6 ::/0/0 next-header [ =tcp =udp ] destination-port !=7 extended-community rate-limit:0
";
    const CONFIGURED: &str = "flow {
 route a1 { match { destination 10.20.0.0/24; source 10.10.0.0/24; protocol =tcp; destination-port [ =80 =443 >=1000&<=2000 <=3 ]; source-port >=1024; tcp-flags [ !ack+rst =syn&!ack =syn+push ]; } then { discard; } }
 route a2 { match { destination 10.20.0.0/24; protocol =17; } then { accept; } }
 route a3 { match { destination fd20::/64; source fd10::/64; next-header =58; icmp-type [ =1 =3 >=128&<=200 ]; icmp-code <=3; } then { accept; action sample; } }
 route a4 { match { destination 0.0.0.0/0; source 10.10.0.0/24; protocol =1; icmp-type [ =0 =8 =3 =200 ]; icmp-code [ =0 >=10 ]; } then { discard; action sample; } }
 route a5 { match { destination ::/0; next-header [ =6 =17 ]; destination-port !=7; } then { discard; } }
}
";

    #[test]
    fn a_listing_is_the_routes_that_were_configured() {
        let listed = Listed::read(LISTED).unwrap();
        assert_eq!(listed.neighbor.as_deref(), Some("198.51.100.1"));
        assert_eq!(steps(&listed.text).unwrap(), steps(CONFIGURED).unwrap(), "{}", listed.text);
        assert_ne!(steps(&listed.text).unwrap(), steps(&CONFIGURED.replace("!=7", "!=8")).unwrap());
    }

    #[test]
    fn nothing_announced_is_nothing() {
        let unicast =
            "neighbor 198.51.100.1 local-ip 198.51.100.2 family-allowed in-open ipv4 unicast 10.0.0.0/24 next-hop self\n";
        for listing in ["", "\n", unicast] {
            assert_eq!(Listed::read(listing).unwrap(), Listed { neighbor: None, text: String::new() });
        }
        assert_eq!(steps("  \n").unwrap(), Vec::new());
    }

    #[test]
    fn what_is_not_ours_to_announce_is_an_error() {
        for (from, to) in [
            ("rate-limit:0 action sample", "rate-limit:9600"),
            ("rate-limit:0", "redirect:65001:1"),
            ("destination-port !=7", "packet-length <=100"),
            ("fd20::/64/0", "fd20::/64/8"),
            (
                "neighbor 198.51.100.1 local-ip 198.51.100.2 local-as 65001 peer-as 65002 router-id 198.51.100.2 family-allowed in-open ipv6",
                "neighbor 198.51.100.9 x ipv6",
            ),
            ("neighbor ", "peer "),
        ] {
            assert!(LISTED.contains(from), "{from}");
            let read = Listed::read(&LISTED.replacen(from, to, 1));
            assert!(read.and_then(|listed| steps(&listed.text)).is_err(), "{to}");
        }
    }

    #[test]
    fn our_routes_take_the_place_between_the_marks_and_nothing_else_moves() {
        let file = "neighbor 198.51.100.1 {\n  # cordon begin\nold\n  # cordon end\n}\n";
        let section = Section::of(file).unwrap();
        assert_eq!(section.own, "old\n");
        assert_eq!(section.with("new"), "neighbor 198.51.100.1 {\n  # cordon begin\nnew\n  # cordon end\n}\n");
        assert_eq!(section.with(""), "neighbor 198.51.100.1 {\n  # cordon begin\n  # cordon end\n}\n");
        for wrong in ["", "# cordon begin\n", "# cordon end\n# cordon begin\n", "# cordon begin\n# cordon begin\n# cordon end\n"]
        {
            assert!(Section::of(wrong).is_err(), "{wrong}");
        }
    }
}
