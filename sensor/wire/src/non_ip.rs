//! Names for what is neither IP nor ARP, as counters: a closed set, chosen for what plants and their switches send (IEEE ethertypes).

/// What kind of protocol an ethertype stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NonIpKind {
    /// An 802.3 length instead of an ethertype: spanning tree, CDP, IS-IS, IPX.
    Llc,
    /// Encrypted by 802.1AE, or at least signed; nothing behind it is read.
    Macsec,
    /// 802.1X, MACsec's key agreement included.
    Eapol,
    Lldp,
    /// Link aggregation, OAM, ESMC.
    SlowProtocols,
    /// IEEE 1588 in Ethernet.
    Ptp,
    Profinet,
    Ethercat,
    Powerlink,
    Sercos,
    Goose,
    /// IEC 61850-9-2.
    SampledValues,
    /// Media redundancy, IEC 62439-2.
    Mrp,
    /// Supervision of PRP and HSR, IEC 62439-3.
    Prp,
    /// Device level ring and other beacons of EtherNet/IP.
    Dlr,
    PppoeDiscovery,
    /// A loop test (Ethernet configuration testing).
    Loopback,
    Other,
}

impl NonIpKind {
    pub const ALL: &'static [Self] = &[
        Self::Llc,
        Self::Macsec,
        Self::Eapol,
        Self::Lldp,
        Self::SlowProtocols,
        Self::Ptp,
        Self::Profinet,
        Self::Ethercat,
        Self::Powerlink,
        Self::Sercos,
        Self::Goose,
        Self::SampledValues,
        Self::Mrp,
        Self::Prp,
        Self::Dlr,
        Self::PppoeDiscovery,
        Self::Loopback,
        Self::Other,
    ];

    /// Of `Outcome::NonIp`.
    #[must_use]
    pub const fn of(ethertype: u16) -> Self {
        match ethertype {
            0..0x0600 => Self::Llc,
            0x88e5 => Self::Macsec,
            0x888e => Self::Eapol,
            0x88cc => Self::Lldp,
            0x8809 => Self::SlowProtocols,
            0x88f7 => Self::Ptp,
            0x8892 => Self::Profinet,
            0x88a4 => Self::Ethercat,
            0x88ab => Self::Powerlink,
            0x88cd => Self::Sercos,
            0x88b8 => Self::Goose,
            0x88ba => Self::SampledValues,
            0x88e3 => Self::Mrp,
            0x88fb => Self::Prp,
            0x80e1 => Self::Dlr,
            0x8863 => Self::PppoeDiscovery,
            0x9000 => Self::Loopback,
            _ => Self::Other,
        }
    }

    /// Metric label and `stats.json` key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Llc => "llc",
            Self::Macsec => "macsec",
            Self::Eapol => "eapol",
            Self::Lldp => "lldp",
            Self::SlowProtocols => "slow_protocols",
            Self::Ptp => "ptp",
            Self::Profinet => "profinet",
            Self::Ethercat => "ethercat",
            Self::Powerlink => "powerlink",
            Self::Sercos => "sercos",
            Self::Goose => "goose",
            Self::SampledValues => "sampled_values",
            Self::Mrp => "mrp",
            Self::Prp => "prp",
            Self::Dlr => "dlr",
            Self::PppoeDiscovery => "pppoe_discovery",
            Self::Loopback => "loopback",
            Self::Other => "other",
        }
    }
}
