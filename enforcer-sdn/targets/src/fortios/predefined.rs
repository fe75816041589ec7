//! The services that a device has from the factory, by name, as its own listing of `firewall service custom` gives them; the text may define
//! them anew.

use enforcer_packetset::{L4, PortSet, RangeSet};

/// Ranges, both ends included.
type Ports = &'static [(u16, u16)];

/// What the name means: the union of these.
pub(super) fn predefined(name: &str) -> Option<Vec<L4>> {
    let (tcp, udp): (Ports, Ports) = match name {
        "AFS3" => (&[(7000, 7009)], &[(7000, 7009)]),
        "ALL_TCP" => (&[(1, 65535)], &[]),
        "ALL_UDP" => (&[], &[(1, 65535)]),
        "AOL" => (&[(5190, 5194)], &[]),
        "BGP" => (&[(179, 179)], &[]),
        "CVSPSERVER" => (&[(2401, 2401)], &[(2401, 2401)]),
        "DCE-RPC" => (&[(135, 135)], &[(135, 135)]),
        "DHCP" => (&[], &[(67, 68)]),
        "DHCP6" => (&[], &[(546, 547)]),
        "DNS" => (&[(53, 53)], &[(53, 53)]),
        "FINGER" => (&[(79, 79)], &[]),
        "FTP" | "FTP_GET" | "FTP_PUT" => (&[(21, 21)], &[]),
        "GOPHER" => (&[(70, 70)], &[]),
        "H323" => (&[(1503, 1503), (1720, 1720)], &[(1719, 1719)]),
        "HTTP" => (&[(80, 80)], &[]),
        "HTTPS" => (&[(443, 443)], &[]),
        "IKE" => (&[], &[(500, 500), (4500, 4500)]),
        "IMAP" => (&[(143, 143)], &[]),
        "IMAPS" => (&[(993, 993)], &[]),
        "IRC" => (&[(6660, 6669)], &[]),
        "Internet-Locator-Service" | "LDAP" => (&[(389, 389)], &[]),
        "KERBEROS" => (&[(88, 88), (464, 464)], &[(88, 88), (464, 464)]),
        "L2TP" => (&[(1701, 1701)], &[(1701, 1701)]),
        "LDAP_UDP" => (&[], &[(389, 389)]),
        "MGCP" => (&[], &[(2427, 2427), (2727, 2727)]),
        "MMS" => (&[(1755, 1755)], &[(1024, 5000)]),
        "MS-SQL" => (&[(1433, 1434)], &[]),
        "MYSQL" => (&[(3306, 3306)], &[]),
        "NFS" => (&[(111, 111), (2049, 2049)], &[(111, 111), (2049, 2049)]),
        "NNTP" => (&[(119, 119)], &[]),
        "NONE" => (&[(0, 0)], &[]),
        "NTP" => (&[(123, 123)], &[(123, 123)]),
        "NetMeeting" => (&[(1720, 1720)], &[]),
        "ONC-RPC" => (&[(111, 111)], &[(111, 111)]),
        "PC-Anywhere" => (&[(5631, 5631)], &[(5632, 5632)]),
        "POP3" => (&[(110, 110)], &[]),
        "POP3S" => (&[(995, 995)], &[]),
        "PPTP" => (&[(1723, 1723)], &[]),
        "QUAKE" => (&[], &[(26000, 26000), (27000, 27000), (27910, 27910), (27960, 27960)]),
        "RADIUS" => (&[], &[(1812, 1813)]),
        "RADIUS-OLD" => (&[], &[(1645, 1646)]),
        "RAUDIO" => (&[], &[(7070, 7070)]),
        "RDP" => (&[(3389, 3389)], &[]),
        "REXEC" => (&[(512, 512)], &[]),
        "RIP" => (&[], &[(520, 520)]),
        "RTSP" => (&[(554, 554), (7070, 7070), (8554, 8554)], &[(554, 554)]),
        "SAMBA" => (&[(139, 139)], &[]),
        "SCCP" => (&[(2000, 2000)], &[]),
        "SIP" => (&[(5060, 5060)], &[(5060, 5060)]),
        "SIP-MSNmessenger" => (&[(1863, 1863)], &[]),
        "SMB" => (&[(445, 445)], &[]),
        "SMTP" => (&[(25, 25)], &[]),
        "SMTPS" => (&[(465, 465)], &[]),
        "SNMP" => (&[(161, 162)], &[(161, 162)]),
        "SOCKS" => (&[(1080, 1080)], &[(1080, 1080)]),
        "SQUID" => (&[(3128, 3128)], &[]),
        "SSH" => (&[(22, 22)], &[]),
        "SYSLOG" => (&[], &[(514, 514)]),
        "TALK" => (&[], &[(517, 518)]),
        "TELNET" => (&[(23, 23)], &[]),
        "TFTP" => (&[], &[(69, 69)]),
        "TRACEROUTE" => (&[], &[(33434, 33535)]),
        "UUCP" => (&[(540, 540)], &[]),
        "VDOLIVE" => (&[(7000, 7010)], &[]),
        "VNC" => (&[(5900, 5900)], &[]),
        "WAIS" => (&[(210, 210)], &[]),
        "WINFRAME" => (&[(1494, 1494), (2598, 2598)], &[]),
        "WINS" => (&[(1512, 1512)], &[(1512, 1512)]),
        "X-WINDOWS" => (&[(6000, 6063)], &[]),
        _ => return without_ports(name),
    };
    let set = |ranges: Ports| RangeSet::from_ranges(ranges.iter().copied());
    let tcp = (!tcp.is_empty()).then(|| L4::Tcp { source: PortSet::full(), destination: set(tcp) });
    let udp = (!udp.is_empty()).then(|| L4::Udp { source: PortSet::full(), destination: set(udp) });
    Some(tcp.into_iter().chain(udp).collect())
}

/// Those that are no ports, and those that ask for the source port too.
fn without_ports(name: &str) -> Option<Vec<L4>> {
    let icmp = |kind| L4::Icmp { types: RangeSet::of(kind), codes: RangeSet::full() };
    let privileged = |port| L4::Tcp { source: RangeSet::range(512, 1023), destination: PortSet::of(port) };
    Some(vec![match name {
        "ALL" => L4::Any,
        "ALL_ICMP" => L4::Icmp { types: RangeSet::full(), codes: RangeSet::full() },
        "ALL_ICMP6" => L4::Icmp6 { types: RangeSet::full(), codes: RangeSet::full() },
        "PING" => icmp(8),
        "TIMESTAMP" => icmp(13),
        "INFO_REQUEST" => icmp(15),
        "INFO_ADDRESS" => icmp(17),
        "PING6" => L4::Icmp6 { types: RangeSet::of(128), codes: RangeSet::full() },
        "GRE" => L4::Protocol(47),
        "ESP" => L4::Protocol(50),
        "AH" => L4::Protocol(51),
        "OSPF" => L4::Protocol(89),
        "RLOGIN" => privileged(513),
        "RSH" => privileged(514),
        _ => return None,
    }])
}

/// The groups that it has from the factory.
pub(super) fn predefined_group(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "Email Access" => &["DNS", "IMAP", "IMAPS", "POP3", "POP3S", "SMTP", "SMTPS"],
        "Exchange Server" => &["DCE-RPC", "DNS", "HTTPS"],
        "Web Access" => &["DNS", "HTTP", "HTTPS"],
        "Windows AD" => &["DCE-RPC", "DNS", "KERBEROS", "LDAP", "LDAP_UDP", "SAMBA", "SMB"],
        _ => return None,
    })
}
