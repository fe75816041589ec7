//! A Linux router that BIRD listens for, with ExaBGP announcing in a namespace beside it, from a configuration with the driver's marks.
//!
//! No packaged daemon turns flow specifications into something that the kernel drops by (FRR 8.4 receives them, lists sets and chains for
//! them with `local-install`, and installs none). So [`received`] writes what BIRD has received as an nftables list, which the router then
//! has. It reads BIRD's listing, knows nothing of the text that was announced, and sorts by RFC 8955 5.1 by itself.

mod received;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{DataPlane, Plane};
use crate::deadline::wait_at_pace;
use crate::firewall::Firewall;
use crate::link;
use crate::namespace::{self, Namespace};
use crate::process::Running;
use crate::scratch::Scratch;

pub(super) const PLANE: Plane = Plane {
    target: "flowspec",
    driver: Some("exabgp"),
    has_flags: true,
    most_lines: None,
    tools: &["exabgp", "exabgpcli", "mkfifo", "bird", "birdc", "nft", "conntrack"],
    build,
};

/// RFC 5737; no policy speaks of them.
const ROUTER: &str = "198.51.100.1";
const SPEAKER: &str = "198.51.100.2";
/// Until the session is there and everything is announced; thousands of routes take seconds of a core, which on a busy machine are minutes.
const PATIENCE: Duration = Duration::from_secs(300);
/// Looking costs a process.
const LOOK: Duration = Duration::from_millis(50);

/// The router, its speaker, and the session between them while there is one.
struct Flowspec {
    firewall: Firewall,
    speaker: Namespace,
    folder: Scratch,
    session: RefCell<Option<[Running; 2]>>,
    /// What the router was given of what BIRD has received.
    given: RefCell<[String; 2]>,
}

fn build() -> Result<Box<dyn DataPlane>> {
    let (firewall, speaker) = (Firewall::build()?, Namespace::create("speaker")?);
    link::connect((&firewall.router, "bgp"), (&speaker, "bgp"))?;
    for (namespace, address) in [(&firewall.router, ROUTER), (&speaker, SPEAKER)] {
        namespace.run("ip", &["addr", "add", &format!("{address}/30"), "dev", "bgp"])?;
    }
    let folder = Scratch::create("flowspec")?;
    // How `exabgpcli` and other programs speak with it.
    for way in ["in", "out"] {
        namespace::run(Command::new("mkfifo").arg(folder.file(&format!("api.{way}"))))?;
    }
    let plane = Flowspec { firewall, speaker, folder, session: RefCell::default(), given: RefCell::default() };
    plane.session.replace(Some(plane.begin("")?));
    plane.wait_for_routes(0)?;
    Ok(Box::new(plane))
}

impl Flowspec {
    /// Both begin anew, so that nothing of an older announcement is left when all routes are there.
    fn begin(&self, flows: &str) -> Result<[Running; 2]> {
        let bird = format!(
            "router id {ROUTER};\nflow4 table flows4;\nflow6 table flows6;\nprotocol device {{}}\nprotocol bgp speaker {{\n\
             local {ROUTER} as 65002;\nneighbor {SPEAKER} as 65001;\n\
             flow4 {{ table flows4; import all; export none; }};\nflow6 {{ table flows6; import all; export none; }};\n}}\n"
        );
        let exabgp = format!(
            "neighbor {ROUTER} {{\nrouter-id {SPEAKER};\nlocal-address {SPEAKER};\nlocal-as 65001;\npeer-as 65002;\n\
             family {{\nipv4 flow;\nipv6 flow;\n}}\n# cordon begin\n{flows}# cordon end\n}}\n"
        );
        let (bird, exabgp) = (self.folder.write("bird.conf", &bird)?, self.folder.write("exabgp.conf", &exabgp)?);
        let mut router = self.firewall.router.command("bird");
        router.arg("-f").arg("-c").arg(bird).arg("-s").arg(self.socket()).arg("-P").arg(self.folder.file("bird.pid"));
        let router = Running::start("bird", router)?;
        let mut speaker = self.speaker.command("env");
        // No port to listen at, and files of root are to be read.
        speaker.args(["exabgp.tcp.bind=", "exabgp.daemon.user=root", &self.pipes(), "exabgp"]).arg(exabgp);
        Ok([router, Running::start("exabgp", speaker)?])
    }

    /// It looks for them in /run and some folders below.
    fn pipes(&self) -> String {
        format!("exabgp_api_pipename=..{}", self.folder.file("api").display())
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.file("bird.ctl")
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        namespace::run(Command::new("birdc").arg("-s").arg(self.socket()).args(words))
    }

    /// Waits until the session is up and as many routes are there.
    fn wait_for_routes(&self, announced: usize) -> Result<()> {
        wait_at_pace("the announced routes", (LOOK, PATIENCE), || {
            let is_up = self.ask(&["show", "protocols", "speaker"]).is_ok_and(|answer| answer.contains("Established"));
            Ok((is_up && self.received().is_ok_and(|there| there == announced)).then_some(()))
        })
    }

    /// Routes in both tables.
    fn received(&self) -> Result<usize> {
        let counts = ["flows4", "flows6"].map(|table| -> Result<usize> {
            let answer = self.ask(&["show", "route", "table", table, "count"])?;
            // `7 of 7 routes for 7 networks in table flows4`
            let words = answer.lines().find(|line| line.contains(" routes for ")).context("BIRD counts nothing")?;
            Ok(words.split(' ').next().unwrap_or_default().parse()?)
        });
        let [v4, v6] = counts;
        Ok(v4? + v6?)
    }

    /// Gives the router what BIRD has received, if that is something else than before.
    fn give(&self) -> Result<()> {
        let list = |table| self.ask(&["show", "route", "table", table, "all"]);
        let listings = [list("flows4")?, list("flows6")?];
        if *self.given.borrow() == listings {
            return Ok(());
        }
        let mut rules = String::from("table inet flowspec {\n");
        for (version, listing) in ["ipv4", "ipv6"].iter().zip(&listings) {
            let _ = write!(rules, "chain {version} {{\n{}}}\n", received::rules(listing)?);
        }
        rules.push_str(
            "chain forward {\ntype filter hook forward priority 0; policy accept;\nmeta nfproto ipv4 goto ipv4\n\
             meta nfproto ipv6 goto ipv6\n}\n}\n",
        );
        self.firewall.load(&self.folder.write("rules.nft", &rules)?)?;
        self.given.replace(listings);
        Ok(())
    }
}

impl DataPlane for Flowspec {
    fn firewall(&self) -> &Firewall {
        &self.firewall
    }

    fn load(&self, text: &Path) -> Result<()> {
        let flows = std::fs::read_to_string(text)?;
        let announced = flows.lines().filter(|line| line.trim_start().starts_with("route ")).count();
        // Ends the older session first: its speaker would take the new one's place.
        drop(self.session.borrow_mut().take());
        let session = self.begin(&flows)?;
        self.wait_for_routes(announced).with_context(|| {
            let said: Vec<String> = session.iter().map(|one| one.lines().join("\n") + &one.complaints()).collect();
            said.join("\n")
        })?;
        self.session.replace(Some(session));
        self.give()
    }

    /// What ExaBGP lists is on its way, and takes milliseconds.
    fn settle(&self) -> Result<()> {
        let mut command = Command::new("flock");
        // As the driver asks: two at a time would take each other's answers.
        command.arg(self.folder.path()).args(["timeout", "60", "env", &self.pipes()]);
        let listed = namespace::run(command.args(["exabgpcli", "show", "adj-rib", "out", "extensive"]))?;
        self.wait_for_routes(listed.lines().filter(|line| line.contains(" flow flow ")).count())?;
        self.give()
    }

    fn via(&self) -> Vec<String> {
        let file = format!("EXABGP_CONFIG={}", self.folder.file("exabgp.conf").display());
        ["ip", "netns", "exec", self.speaker.name(), "env", &self.pipes(), &file].map(str::to_owned).to_vec()
    }
}
