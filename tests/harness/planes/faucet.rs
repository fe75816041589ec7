//! A Faucet controller beside Open vSwitch: the text is the access list of both ports.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::openflow::{BRIDGE, OpenVSwitch};
use super::{DataPlane, Plane};
use crate::binary;
use crate::deadline::wait_at_pace;
use crate::firewall::Firewall;
use crate::process::Running;

const CONTROLLER: &str = "target/peers/faucet/bin/faucet";

/// The controller reads YAML with Python: some milliseconds of a core for each line.
pub(super) const PLANE: Plane = Plane {
    target: "faucet",
    driver: None,
    has_flags: false,
    most_lines: Some(400),
    tools: &["ovs-vswitchd", "ovsdb-server", "ovs-ofctl", "ovs-vsctl", "ovs-appctl", CONTROLLER],
    build,
};

const PORTS: usize = 2;
/// What the text calls its list.
const LIST: &str = "  cordon:";
const FIRST_LIST: &str = "acls:\n  cordon:\n  - rule: {actions: {allow: 1}}\n";
/// Until the controller is there and the switch knows it.
const START: Duration = Duration::from_secs(60);
/// Generous: on a machine that is busy with other things a few seconds of the controller take minutes.
const RELOAD: Duration = Duration::from_secs(300);
/// A look at the flows costs about as much as the controller needs for ten of them.
const LOOK: Duration = Duration::from_millis(100);

struct Faucet {
    switch: OpenVSwitch,
    controller: Running,
    loads: std::cell::Cell<u64>,
}

fn build() -> Result<Box<dyn DataPlane>> {
    let switch = OpenVSwitch::start(Firewall::wires()?)?;
    for (number, wire) in (1..).zip(["left", "right"]) {
        switch.vsctl(&["set", "interface", wire, &format!("ofport_request={number}")])?;
    }
    write_lists(&switch, FIRST_LIST, 1)?;
    let mut command = switch.firewall.router.command("env");
    let at = |name: &str| switch.folder.file(name).display().to_string();
    for (variable, file) in
        [("FAUCET_CONFIG", "faucet.yaml"), ("FAUCET_LOG", "faucet.log"), ("FAUCET_EXCEPTION_LOG", "exception.log")]
    {
        command.arg(format!("{variable}={}", at(file)));
    }
    // It starts a program that was installed beside it.
    let installed = binary::repository().join(CONTROLLER);
    let beside = installed.parent().unwrap_or(Path::new(".")).display().to_string();
    command.arg(format!("PATH={beside}:{}", std::env::var("PATH").unwrap_or_default()));
    command.arg(&installed).args(["--ryu-ofp-listen-host", "127.0.0.1"]);
    let controller = Running::start("faucet", command)?;
    let id = "other-config:datapath-id=0000000000000001";
    switch.vsctl(&["set", "bridge", BRIDGE, id, "protocols=OpenFlow13,OpenFlow14"])?;
    switch.vsctl(&["set-controller", BRIDGE, "tcp:127.0.0.1:6653"])?;
    let plane = Faucet { switch, controller, loads: std::cell::Cell::new(1) };
    plane.wait_until_loaded(1, 1, START)?;
    // Otherwise it leaves a controller that reads a file for five seconds. Open vSwitch 3.1 sets this for connections that are there.
    plane.switch.vsctl(&["set", "controller", BRIDGE, "max_backoff=1000", "inactivity_probe=60000"])?;
    Ok(Box::new(plane))
}

/// The policy's list has another name each time. For lists that keep their name the controller writes the differences into its log, line by line:
/// with 350 rules that took 7 s of a core, in which it hears nothing, not even the switch's "are you there".
///
/// The list in front of the policy's is about a protocol that nobody speaks (RFC 3692), with another cookie each time, so that the switch
/// shows which lists it has.
fn write_lists(switch: &OpenVSwitch, list: &str, number: u64) -> Result<()> {
    let named = list.replacen(LIST, &format!("  cordon-{number}:"), 1);
    switch.folder.write("list.yaml", &named)?;
    let rule = format!("{{cookie: {number}, eth_type: 0x800, ip_proto: 253, actions: {{allow: 0}}}}");
    switch.folder.write("mark.yaml", &format!("acls: {{mark-{number}: [{{rule: {rule}}}]}}\n"))?;
    let port = format!("{{native_vlan: office, acls_in: [mark-{number}, cordon-{number}]}}");
    let text = format!(
        "include: [list.yaml, mark.yaml]\nvlans: {{office: {{vid: 100}}}}\ndps:\n  switch:\n    dp_id: 1\n    hardware: Open vSwitch\n    \
         interfaces:\n      1: {port}\n      2: {port}\n"
    );
    switch.folder.write("faucet.yaml", &text).map(drop)
}

impl Faucet {
    /// Old flows are removed before new ones are added, so that nothing of the old is left when all of the new is there.
    fn wait_until_loaded(&self, cookie: u64, rules: usize, limit: Duration) -> Result<()> {
        let waited = wait_at_pace("the controller's flows", (LOOK, limit), || {
            let flows = self.switch.run(&["ovs-ofctl", "-O", "OpenFlow13", "--no-stats", "dump-flows", BRIDGE, "table=0"])?;
            let of_lists = flows.lines().filter(|flow| flow.contains("in_port=")).count();
            let marks =
                flows.lines().filter(|flow| flow.contains("nw_proto=253") && flow.contains(&format!("cookie=0x{cookie:x},")));
            Ok((of_lists == PORTS * (rules + 1) && marks.count() == PORTS).then_some(()))
        });
        waited.with_context(|| {
            let read = |name: &str| std::fs::read_to_string(self.switch.folder.file(name)).unwrap_or_default();
            let flows = self.switch.run(&["ovs-ofctl", "-O", "OpenFlow13", "dump-flows", BRIDGE, "table=0"]).unwrap_or_default();
            format!("{}\n{}\n{}\n{flows}", self.controller.complaints(), read("faucet.log"), read("exception.log"))
        })
    }
}

impl DataPlane for Faucet {
    fn firewall(&self) -> &Firewall {
        &self.switch.firewall
    }

    fn load(&self, text: &Path) -> Result<()> {
        let list = std::fs::read_to_string(text).with_context(|| format!("reading {}", text.display()))?;
        ensure!(list.contains(LIST), "the text has no list called `cordon`");
        let rules = list.lines().filter(|line| line.contains("- rule:")).count();
        let cookie = self.loads.get() + 1;
        self.loads.set(cookie);
        write_lists(&self.switch, &list, cookie)?;
        self.controller.request_reload();
        self.wait_until_loaded(cookie, rules, RELOAD)?;
        self.switch.run(&["ovs-appctl", "revalidator/purge"]).map(drop)
    }
}
