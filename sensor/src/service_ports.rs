//! Names for services that nobody recognised by their bytes: what IANA registered for the port (Service Name and Transport
//! Protocol Port Number Registry), for the IT and OT services that matter on a plant network. A guess of strength `port`.

use sensor_model::{IpProtocol, Service, Strength};

/// What a service gives to whoever reaches it; alerts weigh by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Reads or moves the physical process.
    Control,
    /// Gives a shell, a desktop or files of a host.
    Administration,
    Ordinary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Tcp,
    Udp,
    Both,
}

use Over::{Both, Tcp, Udp};
use Weight::{Administration, Control, Ordinary};

/// Ascending by port. Names in Zeek's words where Zeek has one, so that a guess and what bytes tell are called the same.
const PORTS: &[(u16, Over, &str, Weight)] = &[
    (7, Both, "echo", Ordinary),
    (20, Tcp, "ftp-data", Ordinary),
    (21, Tcp, "ftp", Ordinary),
    (22, Tcp, "ssh", Administration),
    (23, Tcp, "telnet", Administration),
    (25, Tcp, "smtp", Ordinary),
    (37, Both, "time", Ordinary),
    (49, Tcp, "tacacs", Ordinary),
    (53, Both, "dns", Ordinary),
    (67, Udp, "dhcp", Ordinary),
    (68, Udp, "dhcp", Ordinary),
    (69, Udp, "tftp", Ordinary),
    (80, Tcp, "http", Ordinary),
    (88, Tcp, "krb_tcp", Ordinary),
    (88, Udp, "krb", Ordinary),
    (102, Tcp, "iso-tsap", Control),
    (104, Tcp, "dicom", Ordinary),
    (110, Tcp, "pop3", Ordinary),
    (111, Both, "sunrpc", Ordinary),
    (119, Tcp, "nntp", Ordinary),
    (123, Udp, "ntp", Ordinary),
    (135, Tcp, "dce_rpc", Administration),
    (137, Udp, "dns", Ordinary),
    (138, Udp, "netbios_dgm", Ordinary),
    (139, Tcp, "netbios-ssn", Administration),
    (143, Tcp, "imap", Ordinary),
    (161, Udp, "snmp", Ordinary),
    (162, Udp, "snmp", Ordinary),
    (179, Tcp, "bgp", Ordinary),
    (389, Tcp, "ldap_tcp", Ordinary),
    (389, Udp, "ldap_udp", Ordinary),
    (443, Tcp, "ssl", Ordinary),
    (443, Udp, "quic", Ordinary),
    (445, Tcp, "smb", Administration),
    (464, Both, "kpasswd", Ordinary),
    (465, Tcp, "submissions", Ordinary),
    (500, Udp, "isakmp", Ordinary),
    (502, Tcp, "modbus", Control),
    (514, Udp, "syslog", Ordinary),
    (515, Tcp, "printer", Ordinary),
    (520, Udp, "rip", Ordinary),
    (546, Udp, "dhcpv6", Ordinary),
    (547, Udp, "dhcpv6", Ordinary),
    (554, Tcp, "rtsp", Ordinary),
    (587, Tcp, "submission", Ordinary),
    (593, Tcp, "http-rpc-epmap", Administration),
    (623, Udp, "asf-rmcp", Administration),
    (631, Tcp, "ipp", Ordinary),
    (636, Tcp, "ldaps", Ordinary),
    (853, Tcp, "domain-s", Ordinary),
    (873, Tcp, "rsync", Administration),
    (989, Tcp, "ftps-data", Ordinary),
    (990, Tcp, "ftps", Ordinary),
    (993, Tcp, "imaps", Ordinary),
    (995, Tcp, "pop3s", Ordinary),
    (1089, Both, "ff-annunc", Control),
    (1090, Both, "ff-fms", Control),
    (1091, Both, "ff-sm", Control),
    (1194, Both, "openvpn", Ordinary),
    (1433, Tcp, "tds", Ordinary),
    (1434, Udp, "ms-sql-m", Ordinary),
    (1521, Tcp, "oracle", Ordinary),
    (1723, Tcp, "pptp", Ordinary),
    (1812, Udp, "radius", Ordinary),
    (1813, Udp, "radius", Ordinary),
    (1883, Tcp, "mqtt", Ordinary),
    (1900, Udp, "ssdp", Ordinary),
    (1911, Tcp, "niagara-fox", Control),
    (2049, Both, "nfs", Administration),
    (2222, Udp, "cip", Control),
    (2404, Tcp, "iec104", Control),
    (2575, Tcp, "hl7", Ordinary),
    (2762, Tcp, "dicom-tls", Ordinary),
    (3260, Tcp, "iscsi-target", Administration),
    (3268, Tcp, "msft-gc", Ordinary),
    (3269, Tcp, "msft-gc-ssl", Ordinary),
    (3306, Tcp, "mysql", Ordinary),
    (3389, Both, "rdp", Administration),
    (3478, Both, "stun", Ordinary),
    (3702, Udp, "ws-discovery", Ordinary),
    (4500, Udp, "ipsec-nat-t", Ordinary),
    (4840, Tcp, "opcua_binary", Control),
    (5007, Both, "wsm-server-ssl", Control),
    (5060, Both, "sip", Ordinary),
    (5061, Tcp, "sips", Ordinary),
    (5094, Both, "hart-ip", Control),
    (5353, Udp, "dns", Ordinary),
    (5355, Udp, "dns", Ordinary),
    (5432, Tcp, "postgresql", Ordinary),
    (5671, Tcp, "amqps", Ordinary),
    (5672, Tcp, "amqp", Ordinary),
    (5900, Tcp, "rfb", Administration),
    (5985, Tcp, "winrm", Administration),
    (5986, Tcp, "winrm", Administration),
    (6379, Tcp, "redis", Ordinary),
    (8000, Tcp, "http", Ordinary),
    (8080, Tcp, "http", Ordinary),
    (8443, Tcp, "ssl", Ordinary),
    (8883, Tcp, "secure-mqtt", Ordinary),
    (9100, Tcp, "jetdirect", Ordinary),
    (9600, Both, "fins", Control),
    (11112, Tcp, "dicom", Ordinary),
    (18245, Tcp, "ge-srtp", Control),
    (19999, Tcp, "dnp3-sec", Control),
    (20000, Tcp, "dnp3_tcp", Control),
    (20000, Udp, "dnp3_udp", Control),
    (27017, Tcp, "mongodb", Ordinary),
    (34962, Both, "profinet-rt", Control),
    (34963, Both, "profinet-rtm", Control),
    (34964, Both, "profinet_io_cm", Control),
    (34980, Both, "ethercat", Control),
    (44818, Both, "enip", Control),
    (47808, Udp, "bacnet", Control),
    (48898, Tcp, "ads", Control),
    (55000, Udp, "ff-fda", Control),
];

/// The name registered for a port, None where we have none.
#[must_use]
pub fn name_of(protocol: IpProtocol, port: u16) -> Option<&'static str> {
    entry(protocol, port).map(|(name, _)| name)
}

/// The service behind a port: named by `application` where the bytes told it, else by the port.
#[must_use]
pub fn service(protocol: IpProtocol, port: u16, application: Option<&str>) -> Service {
    let name = application
        .map(|name| (name, Strength::Confirmed))
        .or_else(|| name_of(protocol, port).map(|name| (name, Strength::Port)));
    Service { protocol, port, name: name.map(|(name, _)| name.to_owned()), name_strength: name.map(|(_, strength)| strength) }
}

/// What reaching this service means. The name that bytes told counts before the port.
#[must_use]
pub fn weight_of(protocol: IpProtocol, port: u16, application: Option<&str>) -> Weight {
    let by_name = |name: &str| PORTS.iter().find(|(.., known, _)| *known == name).map(|(.., weight)| *weight);
    application
        .and_then(|name| by_name(name).or_else(|| control_words(name)))
        .or_else(|| entry(protocol, port).map(|(_, weight)| weight))
        .unwrap_or(Ordinary)
}

/// Applications whose name by bytes is not the name of their port.
fn control_words(name: &str) -> Option<Weight> {
    const CONTROL: &[&str] = &["s7comm", "s7comm_plus", "mms", "goose", "umas", "pccc"];
    CONTROL.contains(&name).then_some(Control)
}

fn entry(protocol: IpProtocol, port: u16) -> Option<(&'static str, Weight)> {
    let first = PORTS.partition_point(|(known, ..)| *known < port);
    PORTS.iter().skip(first).take_while(|(known, ..)| *known == port).find_map(|(_, over, name, weight)| {
        let fits = match protocol {
            IpProtocol::Tcp => matches!(over, Tcp | Both),
            IpProtocol::Udp => matches!(over, Udp | Both),
            _ => false,
        };
        fits.then_some((*name, *weight))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_or_the_search_would_miss() {
        assert!(PORTS.is_sorted_by_key(|(port, ..)| *port));
    }

    #[test]
    fn a_port_has_a_name_only_over_its_own_transport() {
        assert_eq!(name_of(IpProtocol::Tcp, 502), Some("modbus"));
        assert_eq!(name_of(IpProtocol::Udp, 502), None);
        assert_eq!((name_of(IpProtocol::Tcp, 443), name_of(IpProtocol::Udp, 443)), (Some("ssl"), Some("quic")));
        assert_eq!(name_of(IpProtocol::Icmp, 7), None);
    }

    #[test]
    fn a_port_is_called_what_its_bytes_are_called() {
        let names = [(Tcp, 135), (Tcp, 4840), (Tcp, 5900), (Udp, 137), (Udp, 5353), (Udp, 5355)]
            .map(|(over, port)| name_of(if over == Tcp { IpProtocol::Tcp } else { IpProtocol::Udp }, port));
        assert_eq!(names.map(Option::unwrap), ["dce_rpc", "opcua_binary", "rfb", "dns", "dns", "dns"]);
        assert_eq!(weight_of(IpProtocol::Tcp, 49_320, Some("opcua_binary")), Weight::Control);
        assert_eq!(weight_of(IpProtocol::Tcp, 5901, Some("rfb")), Weight::Administration);
    }

    #[test]
    fn bytes_weigh_more_than_the_port() {
        assert_eq!(weight_of(IpProtocol::Tcp, 8080, Some("modbus")), Weight::Control);
        assert_eq!(weight_of(IpProtocol::Tcp, 502, Some("http")), Weight::Ordinary);
        assert_eq!(weight_of(IpProtocol::Tcp, 3389, None), Weight::Administration);
    }
}
