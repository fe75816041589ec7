//! A Linux router that BIRD listens for, with ExaBGP announcing in a namespace beside it.
//!
//! No packaged daemon turns flow specifications into something that the kernel drops by (FRR 8.4 receives them, lists sets and chains for
//! them with `local-install`, and installs none). So [`received`] writes what BIRD has received as an nftables list, which the router then
//! has. It reads BIRD's listing, knows nothing of the text that was announced, and sorts by RFC 8955 5.1 by itself.

mod received;

use std::cell::RefCell;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{DataPlane, Plane};
use crate::deadline::wait_for;
use crate::firewall::Firewall;
use crate::link;
use crate::namespace::{self, Namespace};
use crate::process::Running;
use crate::scratch::Scratch;

pub(super) const PLANE: Plane = Plane {
    target: "flowspec",
    driver: None,
    has_flags: true,
    most_lines: None,
    tools: &["exabgp", "bird", "birdc", "nft", "conntrack"],
    build,
};

/// RFC 5737; no policy speaks of them.
const ROUTER: &str = "198.51.100.1";
const SPEAKER: &str = "198.51.100.2";
/// Until the session is there and everything is announced.
const PATIENCE: Duration = Duration::from_secs(60);

/// The router, its speaker, and the session between them while there is one.
struct Flowspec {
    firewall: Firewall,
    speaker: Namespace,
    folder: Scratch,
    session: RefCell<Option<[Running; 2]>>,
}

fn build() -> Result<Box<dyn DataPlane>> {
    let (firewall, speaker) = (Firewall::build()?, Namespace::create("speaker")?);
    link::connect((&firewall.router, "bgp"), (&speaker, "bgp"))?;
    for (namespace, address) in [(&firewall.router, ROUTER), (&speaker, SPEAKER)] {
        namespace.run("ip", &["addr", "add", &format!("{address}/30"), "dev", "bgp"])?;
    }
    Ok(Box::new(Flowspec { firewall, speaker, folder: Scratch::create("flowspec")?, session: RefCell::new(None) }))
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
             family {{\nipv4 flow;\nipv6 flow;\n}}\n{flows}}}\n"
        );
        let (bird, exabgp) = (self.folder.write("bird.conf", &bird)?, self.folder.write("exabgp.conf", &exabgp)?);
        let mut router = self.firewall.router.command("bird");
        router.arg("-f").arg("-c").arg(bird).arg("-s").arg(self.socket()).arg("-P").arg(self.folder.file("bird.pid"));
        let router = Running::start("bird", router)?;
        let mut speaker = self.speaker.command("env");
        // No port to listen at, no pipes, and files of root are to be read.
        speaker.args(["exabgp.tcp.bind=", "exabgp.api.cli=false", "exabgp.daemon.user=root", "exabgp"]).arg(exabgp);
        Ok([router, Running::start("exabgp", speaker)?])
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.file("bird.ctl")
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        namespace::run(Command::new("birdc").arg("-s").arg(self.socket()).args(words))
    }

    /// The listings of both tables when as many routes are there as the text has.
    fn wait_for_routes(&self, announced: usize) -> Result<[String; 2]> {
        wait_for("the announced routes", PATIENCE, || {
            let listings = || -> Result<[String; 2]> {
                let list = |table| self.ask(&["show", "route", "table", table, "all"]);
                Ok([list("flows4")?, list("flows6")?])
            };
            let is_up = self.ask(&["show", "protocols", "speaker"]).is_ok_and(|answer| answer.contains("Established"));
            let Some(listings) = is_up.then(listings).and_then(Result::ok) else { return Ok(None) };
            Ok((listings.iter().map(|text| received::count(text)).sum::<usize>() == announced).then_some(listings))
        })
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
        let listings = self.wait_for_routes(announced).with_context(|| {
            let said: Vec<String> = session.iter().map(|one| one.lines().join("\n") + &one.complaints()).collect();
            said.join("\n")
        })?;
        self.session.replace(Some(session));
        let mut rules =
            String::from("table inet flowspec {\nchain forward {\ntype filter hook forward priority 0; policy accept;\n");
        for listing in &listings {
            rules.push_str(&received::rules(listing)?);
        }
        rules.push_str("}\n}\n");
        self.firewall.load(&self.folder.write("rules.nft", &rules)?)
    }
}
