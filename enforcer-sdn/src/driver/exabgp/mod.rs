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

mod listed;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use enforcer_packetset::{Packet, Step};

use crate::config::Point;
use crate::driver::via::Via;
use crate::driver::{Cut, Driver, DriverKind, Running};
use crate::exit::{Exit, failure};

use listed::Listed;

const TARGET: &str = "flowspec";
pub const KIND: DriverKind = DriverKind { name: "exabgp", target: TARGET, open };

/// Our routes stand between these lines.
const BEGIN: &str = "# cordon begin";
const END: &str = "# cordon end";
/// Scripts come on the standard input, where no ssh on the way takes their quotes off.
const READ: &str = r#"exec cat "${EXABGP_CONFIG:-/etc/exabgp/exabgp.conf}" </dev/null"#;
/// ExaBGP reads the new file before it takes the old one's place; owner and mode stay.
const WRITE: [&str; 2] = [
    r#"
set -e
file=${EXABGP_CONFIG:-/etc/exabgp/exabgp.conf}
new=$file.cordon
trap 'rm -f "$new"' EXIT
cp -p "$file" "$new"
cat >"$new" <<'"#,
    r#"
said=$(exabgp --test "$new" 2>&1 </dev/null) || { printf '%s\n' "$said" | tail -n 8 >&2; exit 1; }
mv "$new" "$file"
"#,
];
/// The line behind the file in the script.
const LAST: &str = "# cordon: the configuration ends here";
/// ExaBGP answers everybody through one pipe: who asks at the same time may get the other's answer, and wait for ever. So ours ask one
/// after the other, and nobody waits for ever.
const ASK: &str = r#"
file=${EXABGP_CONFIG:-/etc/exabgp/exabgp.conf}
exec flock -w 60 "$(dirname "$file")" timeout -k 1 20 exabgpcli "$@" </dev/null
"#;
/// Somebody at a terminal may have taken the answer.
const TRIES: usize = 3;
/// How long ExaBGP may take to announce and withdraw; thousands of routes take seconds.
const PATIENCE: Duration = Duration::from_secs(120);
const PACE: Duration = Duration::from_millis(100);

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
        self.via.run(&["sh", "-s"], READ).context("cannot read ExaBGP's configuration")
    }

    /// Makes our routes these, and returns when they are what ExaBGP announces.
    fn announce(&self, text: &str) -> Result<()> {
        let wanted = steps(text)?;
        let file = self.file()?;
        self.via.run(&["sh", "-s"], &writing(&Section::of(&file)?.with(text))?).context("the routes are refused")?;
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
        let line = [&["sh", "-s", "--"], words].concat();
        let mut answer = self.via.run(&line, ASK);
        for _ in 1..TRIES {
            if answer.is_ok() {
                break;
            }
            answer = self.via.run(&line, ASK);
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

/// The script that makes this the configuration.
fn writing(file: &str) -> Result<String> {
    if file.lines().any(|line| line == LAST) {
        bail!("ExaBGP's configuration has a line `{LAST}`; take it out");
    }
    let [before, after] = WRITE;
    let end = if file.ends_with('\n') { "" } else { "\n" };
    Ok(format!("{before}{LAST}'\n{file}{end}{LAST}{after}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The script itself, with a program in ExaBGP's place that refuses or takes.
    #[test]
    fn a_configuration_that_exabgp_refuses_leaves_the_old_one() {
        let folder = std::env::temp_dir().join(format!("cordon-{}-exabgp", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("exabgp.conf");
        std::fs::write(&file, "old\n").unwrap();
        let via = |verdict: &str| {
            let program = folder.join("exabgp");
            std::fs::write(&program, format!("#!/bin/sh\necho 'no such word'; exit {verdict}\n")).unwrap();
            std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            let path = format!("PATH={}:{}", folder.display(), std::env::var("PATH").unwrap());
            Via::new(&["env".to_owned(), path, format!("EXABGP_CONFIG={}", file.display())])
        };
        let new = "new 'quoted' $HOME `x` \\n";
        let refused = via("1").run(&["sh", "-s"], &writing(new).unwrap()).unwrap_err().to_string();
        assert!(refused.contains("no such word"), "{refused}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "old\n");
        via("0").run(&["sh", "-s"], &writing(new).unwrap()).unwrap();
        assert_eq!(via("0").run(&["sh", "-s"], READ).unwrap(), format!("{new}\n"));
        assert!(!folder.join("exabgp.conf.cordon").exists() && writing(LAST).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
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
