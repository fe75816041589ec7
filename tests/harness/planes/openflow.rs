//! Open vSwitch (userspace datapath) between the two wires, with a folder of its own for its sockets and database.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{DataPlane, Plane};
use crate::deadline::wait_for;
use crate::firewall::Firewall;
use crate::namespace;
use crate::scratch::Scratch;

const TOOLS: &[&str] = &["ovs-vswitchd", "ovsdb-server", "ovs-ofctl", "ovs-vsctl", "ovs-appctl"];

pub(super) const STATEFUL: Plane =
    Plane { target: "openflow", driver: Some("ovs"), has_flags: true, most_lines: None, tools: TOOLS, build };
pub(super) const STATELESS: Plane =
    Plane { target: "openflow-stateless", driver: Some("ovs-stateless"), has_flags: true, most_lines: None, tools: TOOLS, build };

/// As the driver expects it, where nothing else is said.
pub const BRIDGE: &str = "br0";

pub(super) struct OpenVSwitch {
    pub firewall: Firewall,
    pub folder: Scratch,
}

fn build() -> Result<Box<dyn DataPlane>> {
    Ok(Box::new(OpenVSwitch::start(Firewall::wires()?)?))
}

impl OpenVSwitch {
    /// A bridge without flows over both wires.
    pub(super) fn start(firewall: Firewall) -> Result<Self> {
        let plane = Self { firewall, folder: Scratch::create("ovs")? };
        let at = |name: &str| plane.folder.file(name).display().to_string();
        let (database, socket) = (at("conf.db"), at("db.sock"));
        plane.run(&["ovsdb-tool", "create", &database, "/usr/share/openvswitch/vswitch.ovsschema"])?;
        let remote = format!("--remote=punix:{socket}");
        let daemon = |log: &str| ["--detach".to_owned(), "--pidfile".to_owned(), format!("--log-file={}", at(log))];
        let words =
            |own: &[&str], log: &str| -> Vec<String> { own.iter().map(|word| (*word).to_owned()).chain(daemon(log)).collect() };
        plane.run(&as_str(&words(&["ovsdb-server", &database, &remote], "db.log")))?;
        plane.vsctl(&["--no-wait", "init"])?;
        plane.run(&as_str(&words(&["ovs-vswitchd", "--disable-system", &format!("unix:{socket}")], "switch.log")))?;
        plane.vsctl(&["add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev", "fail_mode=secure"])?;
        for wire in ["left", "right"] {
            plane.vsctl(&["add-port", BRIDGE, wire])?;
        }
        wait_for("the bridge", Duration::from_secs(10), || {
            Ok(plane.run(&["ovs-ofctl", "-O", "OpenFlow14", "dump-flows", BRIDGE]).ok())
        })?;
        Ok(plane)
    }

    pub(super) fn vsctl(&self, words: &[&str]) -> Result<String> {
        let database = format!("--db=unix:{}", self.folder.file("db.sock").display());
        self.run(&[&["ovs-vsctl", "--timeout=10", &database], words].concat())
    }

    pub(super) fn run(&self, words: &[&str]) -> Result<String> {
        let via = self.via();
        let line: Vec<&str> = via.iter().map(String::as_str).chain(words.iter().copied()).collect();
        let (program, arguments) = line.split_first().context("an empty command")?;
        namespace::run(std::process::Command::new(program).args(arguments))
    }
}

fn as_str(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

impl DataPlane for OpenVSwitch {
    fn firewall(&self) -> &Firewall {
        &self.firewall
    }

    fn load(&self, text: &Path) -> Result<()> {
        self.run(&["ovs-ofctl", "-O", "OpenFlow14", "--bundle", "add-flows", BRIDGE, &text.display().to_string()])?;
        // What the datapath remembers of the old flows would go by and by.
        self.run(&["ovs-appctl", "revalidator/purge"])?;
        self.run(&["ovs-appctl", "dpctl/flush-conntrack"]).map(|_| ())
    }

    fn via(&self) -> Vec<String> {
        let folder = self.folder.path().display();
        let own = ["OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR"].map(|name| format!("{name}={folder}"));
        let words = ["ip", "netns", "exec", self.firewall.router.name(), "env"].map(str::to_owned);
        words.into_iter().chain(own).collect()
    }
}
