//! The DNS parser against names, answers and nonsense made by hand.

use proptest::prelude::*;
use sensor_model::{IpProtocol, Subject};

use super::*;
use crate::samples::{CLIENT, SERVER, Script};

fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

pub(crate) fn query(name: &str, kind: u16) -> Vec<u8> {
    let mut bytes = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec();
    bytes.extend(labels(name));
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    bytes
}

fn response(question: Option<(&str, u16)>, records: &[(&str, u16, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x12\x34\x81\x80\x00\x00\x00\x00\x00\x00\x00\x00".to_vec();
    bytes[5] = u8::from(question.is_some());
    bytes[7] = records.len() as u8;
    if let Some((name, kind)) = question {
        bytes.extend(labels(name));
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1]);
    }
    for (name, kind, data) in records {
        bytes.extend(labels(name));
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 60]);
        bytes.extend((data.len() as u16).to_be_bytes());
        bytes.extend(*data);
    }
    bytes
}

const PLC: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

#[test]
fn an_answer_names_the_address_in_lower_case() {
    let script = Script::udp(53).client(&query("PLC.plant.example", TYPE_A));
    let findings = script
        .server(&response(Some(("PLC.plant.example", TYPE_A)), &[("PLC.plant.example", TYPE_A, &[10, 0, 0, 7])]))
        .findings();
    assert_eq!(findings.services(), ["dns"]);
    assert_eq!(findings.facts(FactKind::DnsName).collect::<Vec<_>>(), [(Subject::Ip(PLC), "plc.plant.example")]);
    assert_eq!(findings.facts(FactKind::Serves).collect::<Vec<_>>(), [(Subject::Ip(SERVER), "dns")]);
    assert_eq!(findings.facts(FactKind::Uses).collect::<Vec<_>>(), [(Subject::Ip(CLIENT), "dns")]);
}

#[test]
fn an_alias_gives_the_address_both_names() {
    let records: &[(&str, u16, &[u8])] =
        &[("www.a.example", TYPE_CNAME, &labels("b.example")), ("b.example", TYPE_A, &[10, 0, 0, 7])];
    let findings = Script::udp(53).server(&response(Some(("www.a.example", TYPE_A)), records)).findings();
    assert_eq!(findings.values_of(FactKind::DnsName), ["b.example", "www.a.example"]);
}

#[test]
fn reverse_names_give_addresses_of_both_families() {
    let v6 = "b.a.9.8.7.6.5.4.3.2.1.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    let (four, six) = (labels("plc.example"), labels("hmi.example"));
    let records: &[(&str, u16, &[u8])] = &[("7.0.0.10.in-addr.arpa", TYPE_PTR, &four), (v6, TYPE_PTR, &six)];
    let findings = Script::udp(53).server(&response(None, records)).findings();
    let told: Vec<_> = findings.facts(FactKind::DnsName).collect();
    let address = "2001:db8::123:4567:89ab".parse().map(Subject::Ip).unwrap();
    assert_eq!(told, [(Subject::Ip(PLC), "plc.example"), (address, "hmi.example")]);
}

#[test]
fn a_response_from_the_originator_reverses_the_flow() {
    let findings =
        Script::new(IpProtocol::Udp, 53, 40_000).client(&response(None, &[("a.example", TYPE_A, &[10, 0, 0, 7])])).findings();
    assert!(findings.is_reversed());
    assert_eq!(findings.facts(FactKind::Serves).collect::<Vec<_>>(), [(Subject::Ip(CLIENT), "dns")]);
}

#[test]
fn a_host_names_itself_by_multicast() {
    let group = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251));
    let records: &[(&str, u16, &[u8])] = &[
        ("Press-3.local", TYPE_A, &[10, 0, 0, 1]),
        ("Press 3._ipp._tcp.local", TYPE_SRV, b"\0\0\0\0\x02\x77\x07Press-3\x05local\0"),
        ("Press 3._ipp._tcp.local", TYPE_TXT, b"\x09txtvers=1\x0aty=LaserPr"),
    ];
    let script = Script::new(IpProtocol::Udp, 5353, 5353).between(CLIENT, group);
    let findings = script.client(&response(None, records)).findings();
    assert_eq!(findings.services(), ["dns"]);
    assert_eq!(findings.facts(FactKind::Hostname).collect::<Vec<_>>(), [(Subject::Ip(CLIENT), "press-3.local")]);
    assert_eq!(findings.values_of(FactKind::Role), ["printer"]);
    assert_eq!(findings.values_of(FactKind::Model), ["LaserPr"]);
    assert!(!findings.is_reversed());
}

#[test]
fn an_llmnr_answer_names_its_sender() {
    let findings = Script::udp(5355).server(&response(Some(("HMI", TYPE_A)), &[("HMI", TYPE_A, &[10, 0, 0, 2])])).findings();
    assert_eq!(findings.facts(FactKind::Hostname).collect::<Vec<_>>(), [(Subject::Ip(SERVER), "hmi")]);
}

#[test]
fn a_domain_controller_is_known_by_its_locator_record() {
    let records: &[(&str, u16, &[u8])] = &[
        ("_ldap._tcp.dc._msdcs.plant.example", TYPE_SRV, b"\0\0\0\x64\x01\x85\x03dc1\x05plant\x07example\0"),
        ("dc1.plant.example", TYPE_A, &[10, 0, 0, 7]),
    ];
    let findings = Script::udp(53).server(&response(None, records)).findings();
    assert_eq!(findings.facts(FactKind::Role).collect::<Vec<_>>(), [(Subject::Ip(PLC), "domain-controller")]);
}

#[test]
fn tcp_messages_are_split_by_their_length() {
    let message = query("plc.example", TYPE_A);
    let mut bytes = (message.len() as u16).to_be_bytes().to_vec();
    bytes.extend(&message);
    let findings = Script::tcp(53).client(&bytes[..9]).client(&bytes[9..]).findings();
    assert_eq!(findings.services(), ["dns"]);
}

#[test]
fn a_strange_port_needs_an_exact_message() {
    assert_eq!(Script::udp(9999).client(&query("plc.example", TYPE_A)).findings().services(), ["dns"]);
    let mut longer = query("plc.example", TYPE_A);
    longer.push(0);
    assert_eq!(Script::udp(9999).client(&longer).findings().services(), Vec::<&str>::new());
}

proptest! {
    #[test]
    fn no_payload_panics(payload in proptest::collection::vec(any::<u8>(), 0..300), port in prop::sample::select(vec![53u16, 5353, 5355])) {
        let _ = Script::udp(port).client(&payload).server(&payload).findings();
        let mut response = response(Some(("a.example", TYPE_A)), &[]);
        response.extend(&payload);
        response[7] = 3;
        let _ = Script::udp(port).server(&response).findings();
    }
}
