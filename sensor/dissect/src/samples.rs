//! Test support: plays payloads through a session, and keeps one real message of each protocol to show to all the others.

use std::net::{IpAddr, Ipv4Addr};

use sensor_model::{Direction, FactKind, IpProtocol, MacAddr, Subject, Timestamp};

use crate::protocol::Protocol;
use crate::{Finding, Session, SessionKey, Status};

pub(crate) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
pub(crate) const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
pub(crate) const CLIENT_MAC: MacAddr = MacAddr([0x00, 0x11, 0x22, 0x33, 0x44, 0x55]);

/// A conversation between `CLIENT`, who is the flow's originator, and `SERVER`.
pub(crate) struct Script {
    pub key: SessionKey,
    session: Session,
    said: [u32; 2],
    findings: Vec<Finding>,
    pub status: Status,
}

impl Script {
    pub fn tcp(port: u16) -> Self {
        Self::new(IpProtocol::Tcp, 40_000, port)
    }

    pub fn udp(port: u16) -> Self {
        Self::new(IpProtocol::Udp, 40_000, port)
    }

    pub fn new(protocol: IpProtocol, originator_port: u16, responder_port: u16) -> Self {
        let key = SessionKey {
            protocol,
            originator: CLIENT,
            originator_port,
            responder: SERVER,
            responder_port,
            originator_mac: CLIENT_MAC,
        };
        Self { key, session: Session::new(&key), said: [0; 2], findings: Vec::new(), status: Status::More }
    }

    pub fn between(mut self, originator: IpAddr, responder: IpAddr) -> Self {
        (self.key.originator, self.key.responder) = (originator, responder);
        self.session = Session::new(&self.key);
        self
    }

    pub fn only(mut self, protocol: &'static Protocol) -> Self {
        self.session = Session::of(protocol);
        self
    }

    pub fn client(self, payload: &[u8]) -> Self {
        self.say(Direction::ToResponder, payload)
    }

    pub fn server(self, payload: &[u8]) -> Self {
        self.say(Direction::ToOriginator, payload)
    }

    /// Bytes of the client that the tap missed.
    pub fn lost(mut self, len: u32) -> Self {
        self.said[0] += len;
        self
    }

    fn say(mut self, direction: Direction, payload: &[u8]) -> Self {
        let said = &mut self.said[usize::from(direction == Direction::ToOriginator)];
        let offset = if self.key.protocol == IpProtocol::Tcp { *said } else { 0 };
        *said = said.wrapping_add(payload.len() as u32);
        self.status = self.session.feed(&self.key, direction, offset, payload, Timestamp::from_nanos(7), &mut self.findings);
        self
    }

    pub fn findings(self) -> Findings {
        Findings(self.findings)
    }
}

pub(crate) struct Findings(pub Vec<Finding>);

impl Findings {
    pub fn services(&self) -> Vec<&'static str> {
        self.0.iter().filter_map(|f| if let Finding::Service(name) = f { Some(*name) } else { None }).collect()
    }

    pub fn operations(&self) -> Vec<&'static str> {
        self.0.iter().filter_map(|f| if let Finding::Operation(name) = f { Some(*name) } else { None }).collect()
    }

    pub fn is_reversed(&self) -> bool {
        self.0.iter().any(|f| matches!(f, Finding::Reversed(_)))
    }

    pub fn values_of(&self, kind: FactKind) -> Vec<&str> {
        self.facts(kind).map(|(_, value)| value).collect()
    }

    pub fn facts(&self, kind: FactKind) -> impl Iterator<Item = (Subject, &str)> {
        self.0.iter().filter_map(move |finding| match finding {
            Finding::Fact(fact) if fact.kind == kind => Some((fact.subject, fact.value.as_str())),
            _ => None,
        })
    }
}

use IpProtocol::{Tcp, Udp};

/// One first message of every recogniser: service, transport, port, bytes. Made by hand after each protocol's rules.
#[rustfmt::skip]
pub(crate) const SAMPLES: &[(&str, IpProtocol, u16, &[u8])] = &[
    ("ssl", Tcp, 443, b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03aaaaaaaabbbbbbbbccccccccdddddddd\x00\x00\x02\x13\x01\x01\x00\x00\x00\x00\x00"),
    ("http", Tcp, 80, b"GET / HTTP/1.1\r\nHost: plc.example\r\n\r\n"),
    ("dns", Udp, 53, b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03plc\x07example\x00\x00\x01\x00\x01"),
    ("dns", Tcp, 53, b"\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03plc\x07example\x00\x00\x01\x00\x01"),
    ("dns", Udp, 137, b"\x00\x01\x01\x10\x00\x01\x00\x00\x00\x00\x00\x00\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\x00\x00\x21\x00\x01"),
    ("modbus", Tcp, 502, b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x02"),
    ("s7comm", Tcp, 102, b"\x03\x00\x00\x19\x02\xf0\x80\x32\x01\x00\x00\x00\x00\x00\x08\x00\x00\xf0\x00\x00\x01\x00\x01\x01\xe0"),
    ("s7comm_plus", Tcp, 102, b"\x03\x00\x00\x0d\x02\xf0\x80\x72\x01\x00\x02\x31\x00"),
    ("mms", Tcp, 102, b"\x03\x00\x00\x0d\x02\xf0\x80\x0d\xb2\x05\x06\x13\x01"),
    ("rdp", Tcp, 3389, b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"),
    ("enip", Tcp, 44818, b"\x65\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00"),
    ("enip", Udp, 44818, b"\x63\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
    ("cip", Udp, 2222, b"\x02\x00\x02\x80\x08\x00\x01\x00\x00\x00\x01\x00\x00\x00\xb1\x00\x02\x00\x01\x00"),
    ("dnp3_tcp", Tcp, 20000, b"\x05\x64\x05\xc0\x01\x00\x00\x04\xe9\x21"),
    ("dnp3_udp", Udp, 20000, b"\x05\x64\x05\xc0\x01\x00\x00\x04\xe9\x21"),
    ("iec104", Tcp, 2404, b"\x68\x04\x07\x00\x00\x00"),
    ("opcua_binary", Tcp, 4840, b"HELF\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
    ("bacnet", Udp, 47808, b"\x81\x0b\x00\x0c\x01\x20\xff\xff\x00\xff\x10\x08"),
    ("dhcp", Udp, 67, &DHCP),
    ("netbios_dgm", Udp, 138, b"\x11\x02\x00\x01\x0a\x00\x00\x01\x00\x8a\x00\x00\x00\x00\x20EIENEJCNDBCACACACACACACACACACAAA\x00"),
    ("smb", Tcp, 445, b"\x00\x00\x00\x40\xfeSMB\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
    ("dce_rpc", Tcp, 135, b"\x05\x00\x0b\x03\x10\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00\x00"),
    ("ldap_tcp", Tcp, 389, b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"),
    ("ldap_udp", Udp, 389, b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"),
    ("krb", Udp, 88, b"\x6a\x0e\x30\x0c\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\x00"),
    ("krb_tcp", Tcp, 88, b"\x00\x00\x00\x10\x6a\x0e\x30\x0c\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a\xa4\x00"),
    ("snmp", Udp, 161, b"\x30\x1c\x02\x01\x01\x04\x06public\xa0\x0f\x02\x01\x01\x02\x01\x00\x02\x01\x00\x30\x04\x30\x02\x06\x00"),
    ("ntp", Udp, 123, &NTP),
    ("ssdp", Udp, 1900, b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: ssdp:all\r\n\r\n"),
    ("sip", Udp, 5060, b"REGISTER sip:a.example SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n"),
    ("sip", Tcp, 5060, b"OPTIONS sip:a.example SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n"),
    ("rtsp", Tcp, 554, b"OPTIONS rtsp://10.0.0.9/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
    ("mqtt", Tcp, 1883, b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04plc1"),
    ("dicom", Tcp, 104, b"\x01\x00\x00\x00\x00\xcd\x00\x01\x00\x00ARCHIVE         SCANNER-1       "),
    ("hl7", Tcp, 2575, b"\x0bMSH|^~\\&|LAB|"),
    ("jetdirect", Tcp, 9100, b"\x1b%-12345X@PJL INFO ID\r\n"),
    ("ssh", Tcp, 22, b"SSH-2.0-OpenSSH_9.2\r\n"),
    ("rfb", Tcp, 5900, b"RFB 003.008\n"),
    ("smtp", Tcp, 25, b"220 mail.example ESMTP\r\n"),
    ("ftp", Tcp, 21, b"220 ProFTPD Server\r\n"),
    ("pop3", Tcp, 110, b"+OK ready\r\n"),
    ("imap", Tcp, 143, b"* OK ready\r\n"),
    ("telnet", Tcp, 23, b"\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23"),
    ("mysql", Tcp, 3306, b"\x0b\x00\x00\x00\x0a8.0.33\x00\x01\x00\x00"),
    ("postgresql", Tcp, 5432, b"\x00\x00\x00\x08\x04\xd2\x16\x2f"),
    ("tds", Tcp, 1433, b"\x12\x01\x00\x14\x00\x00\x00\x00\x00\x00\x06\x00\x06\xff\x09\x00\x00\x00\x00\x00"),
    ("profinet_io_cm", Udp, 34964, b"\x04\x00\x20\x00\x10\x00\x00\x00\x00\x00\xa0\xde\x97\x6c\xd1\x11\x82\x71\x00\x01\x00\x01\x00\x02\x01\x00\xa0\xde\x97\x6c\xd1\x11\x82\x71\x00\xa0\x24\x42\xdf\x7d"),
    ("quic", Udp, 443, b"\xc3\x00\x00\x00\x01\x08\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x44\x9e"),
    ("syslog", Udp, 514, b"<34>Oct 11 22:14:15 plc su: failed"),
    ("tftp", Udp, 69, b"\x00\x01firmware.bin\x00octet\x00"),
    ("radius", Udp, 1812, b"\x01\x07\x00\x1a0123456789abcdef\x01\x06john"),
];

/// A client's inform of 240 bytes: operation, hardware, and the cookie at its end.
const DHCP: [u8; 244] = {
    let mut bytes = [0; 244];
    (bytes[0], bytes[1], bytes[2], bytes[28], bytes[33]) = (1, 1, 6, 2, 1);
    (bytes[236], bytes[237], bytes[238], bytes[239]) = (0x63, 0x82, 0x53, 0x63);
    (bytes[240], bytes[241], bytes[242], bytes[243]) = (53, 1, 8, 255);
    bytes
};

const NTP: [u8; 48] = {
    let mut bytes = [0; 48];
    bytes[0] = 0x23;
    bytes
};
