//! The plant of the story: two subnets, a router that can hold rules, a mirror port, and the hosts that work there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use sensor_model::MacAddr;

use crate::hosts::service::Identity;
use crate::hosts::wire::identity_of;
use crate::hosts::{Host, HostPlan};
use crate::link::{self, Gro, Ipv4Interface};
use crate::mirror::Mirror;
use crate::namespace::Namespace;

/// Where the broker and the sensor's pages are, inside the sensor's namespace.
pub const BROKER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1883);
pub const SENSOR_HTTP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9640);
/// The sensor's port.
pub const TAP: &str = "tap0";

pub const PLC: Ipv4Addr = Ipv4Addr::new(10, 10, 0, 10);
pub const FILES: Ipv4Addr = Ipv4Addr::new(10, 10, 0, 20);
pub const PRINTER: Ipv4Addr = Ipv4Addr::new(10, 10, 0, 30);
pub const HMI: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 10);
pub const HISTORIAN: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 20);
pub const MONITOR: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 30);
pub const BACKUP: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 40);
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 53);
pub const INTRUDER: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 66);

/// What the router runs before anybody enforces anything: open, but already following connections.
const BASE_RULES: &str = "table inet base {
    chain forward {
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
    }
}";

/// A place on the wire: which subnet, which MAC (real makers' prefixes, so that the sensor has something to recognise).
struct Place {
    word: &'static str,
    address: Ipv4Addr,
    mac: &'static str,
}

/// The MAC of a host of the plant; all zero for anybody else.
#[must_use]
pub fn mac_of(address: Ipv4Addr) -> [u8; 6] {
    let place = PLACES.iter().find(|place| place.address == address);
    place.and_then(|place| place.mac.parse::<MacAddr>().ok()).unwrap_or_default().0
}

const PLACES: [Place; 9] = [
    Place { word: "plc", address: PLC, mac: "00:1b:1b:10:00:10" },
    Place { word: "files", address: FILES, mac: "00:15:5d:10:00:20" },
    Place { word: "printer", address: PRINTER, mac: "00:80:77:10:00:30" },
    Place { word: "hmi", address: HMI, mac: "00:14:22:20:00:10" },
    Place { word: "historian", address: HISTORIAN, mac: "00:1f:29:20:00:20" },
    Place { word: "monitor", address: MONITOR, mac: "00:50:56:20:00:30" },
    Place { word: "backup", address: BACKUP, mac: "00:11:32:20:00:40" },
    Place { word: "resolver", address: RESOLVER, mac: "00:16:3e:20:00:53" },
    Place { word: "intruder", address: INTRUDER, mac: "b8:27:eb:20:00:66" },
];

/// The wires. Hosts are started on them; dropping the plant removes everything.
#[derive(Debug)]
pub struct Plant {
    pub router: Namespace,
    pub sensor: Namespace,
    places: Vec<(Ipv4Addr, Namespace)>,
}

impl Plant {
    /// # Errors
    /// Without root, iproute2, ethtool or nftables, or on a kernel that lacks one of the parts.
    pub fn build() -> Result<Self> {
        crate::cleanup::sweep();
        let (router, sensor) = (Namespace::create("router")?, Namespace::create("sensor")?);
        let places =
            PLACES.iter().map(|place| Ok((place.address, Namespace::create(place.word)?))).collect::<Result<Vec<_>>>()?;
        let plant = Self { router, sensor, places };
        plant.wire()?;
        Ok(plant)
    }

    /// # Errors
    /// When nobody lives at that address.
    pub fn at(&self, address: Ipv4Addr) -> Result<&Namespace> {
        let found = self.places.iter().find(|(known, _)| *known == address);
        found.map(|(_, namespace)| namespace).with_context(|| format!("nobody lives at {address}"))
    }

    /// The ports of the router that are mirrored: one for each host.
    #[must_use]
    pub fn ports() -> Vec<&'static str> {
        PLACES.iter().map(|place| place.word).collect()
    }

    /// Attaches the sensor's port. Offloads stay off there too, so that every frame arrives as it was sent.
    ///
    /// # Errors
    /// When the kernel cannot mirror.
    pub fn mirror(&self) -> Result<Mirror<'_>> {
        let mirror = Mirror::attach(&self.router, &Self::ports(), &self.sensor, TAP)?;
        link::set_offloads(&self.sensor, TAP, Gro::Off)?;
        Ok(mirror)
    }

    fn wire(&self) -> Result<()> {
        for (place, (address, host)) in PLACES.iter().zip(&self.places) {
            link::connect((&self.router, place.word), (host, "eth0"))?;
            link::set_mac(host, "eth0", place.mac)?;
            link::add_address(host, "eth0", Ipv4Interface { address: *address, prefix_len: 24 })?;
            link::add_default_route(host, gateway(*address))?;
        }
        let in_subnet = |third| PLACES.iter().filter(move |place| place.address.octets()[1] == third).map(|place| place.word);
        for (bridge, second) in [("br-plant", 10), ("br-office", 20)] {
            link::add_bridge(&self.router, bridge, &in_subnet(second).collect::<Vec<_>>())?;
            link::add_address(&self.router, bridge, Ipv4Interface { address: Ipv4Addr::new(10, second, 0, 1), prefix_len: 24 })?;
        }
        // Frames switched inside a subnet do not meet the router's rules.
        self.router.sysctl("net.bridge.bridge-nf-call-iptables", "0")?;
        self.router.sysctl("net.ipv4.ip_forward", "1")?;
        self.router.run("nft", &[BASE_RULES]).map(|_| ())
    }
}

/// The hosts at work. Dropping stops them.
#[derive(Debug)]
pub struct Staff {
    pub plc: Host,
    pub files: Host,
    pub printer: Host,
    pub hmi: Host,
    pub historian: Host,
    pub monitor: Host,
    pub backup: Host,
    pub resolver: Host,
}

impl Staff {
    /// Starts the servers, then the clients. `pace` is how long an hour of the plant takes here.
    ///
    /// # Errors
    /// When a host does not start.
    pub fn hire(plant: &Plant, pace: Duration) -> Result<Self> {
        let start = |address, plan: HostPlan| {
            Host::start(plant.at(address)?, &plan.ask("dhcp-inform", (Ipv4Addr::BROADCAST, 67), pace * 2))
        };
        let plc = HostPlan::of(identity_of(PLC)).serve("modbus", 502).serve("snmp", 161);
        // A controller in software on a Windows box: its other doors are open too.
        let plc = start(PLC, plc.serve("smb", 445).serve("rdp", 3389))?;
        let files = HostPlan::of(identity_of(FILES)).serve("smb", 445).serve("rdp", 3389).serve("rsync", 873);
        let files = start(FILES, files.serve("snmp", 161).serve("probe", 3391))?;
        let printer = HostPlan::of(identity_of(PRINTER)).serve("jetdirect", 9100).serve("ipp", 631).serve("snmp", 161);
        let printer = start(PRINTER, printer)?;
        let resolver = HostPlan::of(identity_of(RESOLVER)).serve("dns", 53);
        let resolver = start(RESOLVER, resolver.record("files-1.plant.example", FILES).record("plc-1.plant.example", PLC))?;
        let monitor = HostPlan::of(identity_of(MONITOR));
        let monitor = [PLC, FILES, PRINTER].iter().fold(monitor, |plan, &agent| plan.ask("snmp-poll", (agent, 161), pace / 20));
        let monitor = start(MONITOR, monitor)?;
        let hmi = HostPlan::of(identity_of(HMI)).ask("modbus-operate", (PLC, 502), pace / 40);
        let hmi = hmi.ask("print", (PRINTER, 9100), pace).ask("dns-stub", (RESOLVER, 53), pace / 2);
        let hmi = start(HMI, hmi)?;
        let historian = HostPlan::of(identity_of(HISTORIAN)).ask("modbus-read", (PLC, 502), pace / 20);
        let historian = historian.ask("smb-session", (FILES, 445), pace / 4).ask("ipp-status", (PRINTER, 631), pace);
        let historian = start(HISTORIAN, historian)?;
        let backup = HostPlan::of(identity_of(BACKUP)).ask("rsync-backup", (FILES, 873), pace * 4);
        let backup = start(BACKUP, backup.ask("dns-stub", (RESOLVER, 53), pace * 4))?;
        Ok(Self { plc, files, printer, hmi, historian, monitor, backup, resolver })
    }

    /// Everybody who asks somebody for something, by name.
    pub fn clients(&mut self) -> [(&'static str, &mut Host); 4] {
        [("hmi", &mut self.hmi), ("historian", &mut self.historian), ("monitor", &mut self.monitor), ("backup", &mut self.backup)]
    }
}

/// The intruder's machine: it holds a file server connection open and writes every millisecond, and sends a datagram as often.
///
/// # Errors
/// When it does not start.
pub fn start_intruder(plant: &Plant) -> Result<Host> {
    let every = Duration::from_millis(1);
    let identity = Identity { name: "laptop-17".to_owned(), product: "Linux 6.1".to_owned(), ..Identity::default() };
    let plan = HostPlan::of(identity).ask("smb-hold", (FILES, 445), every).ask("probe-send", (FILES, 3391), every);
    Host::start(plant.at(INTRUDER)?, &plan)
}

fn gateway(address: Ipv4Addr) -> Ipv4Addr {
    let [first, second, third, _] = address.octets();
    Ipv4Addr::new(first, second, third, 1)
}
