//! What an asset is for: one table from what it serves and uses to a role, and the choice among the roles that hold.

use std::str::FromStr;

use sensor_model::{Claim, FactKind, Role, Strength};

use crate::dossier::{Dossier, claim, weight};

/// When a line of the table holds.
enum When {
    /// It serves one of these.
    Serves(&'static [&'static str]),
    /// It serves one of the first and one of the second.
    ServesBoth(&'static [&'static str], &'static [&'static str]),
    /// It was a client of one of these, in so many flows.
    Uses(&'static [&'static str], u64),
    /// It forwards packets of others, or others were told to send theirs to it.
    Routes,
}

struct Line {
    when: When,
    role: Role,
    strength: Strength,
}

const fn line(when: When, role: Role, strength: Strength) -> Line {
    Line { when, role, strength }
}

const FIELD_DEVICE: &[&str] =
    &["modbus", "s7comm", "enip", "cip", "dnp3_tcp", "dnp3_udp", "iec104", "bacnet", "profinet_io_cm", "ads", "fins"];
const DIRECTORY: &[&str] = &["ldap_tcp", "ldap_udp"];
const KERBEROS: &[&str] = &["krb", "krb_tcp"];

/// Among lines of the same strength the upper one wins: what is rare and telling stands above what many hosts do besides.
const LINES: &[Line] = &[
    line(When::Routes, Role::Router, Strength::Probable),
    line(When::ServesBoth(KERBEROS, DIRECTORY), Role::DomainController, Strength::Probable),
    line(When::Serves(FIELD_DEVICE), Role::Plc, Strength::Probable),
    line(When::Serves(&["dicom", "hl7"]), Role::MedicalDevice, Strength::Probable),
    line(When::Serves(&["ipp", "jetdirect"]), Role::Printer, Strength::Probable),
    line(When::Serves(KERBEROS), Role::DomainController, Strength::Probable),
    line(When::Serves(&["mqtt"]), Role::MqttBroker, Strength::Probable),
    line(When::Serves(&["mysql", "postgresql", "tds", "mongodb", "oracle"]), Role::DatabaseServer, Strength::Probable),
    line(When::Serves(&["smtp", "imap", "pop3"]), Role::MailServer, Strength::Probable),
    line(When::Serves(&["smb", "nfs", "afp"]), Role::FileServer, Strength::Probable),
    line(When::Serves(&["dhcp"]), Role::DhcpServer, Strength::Probable),
    line(When::Serves(&["dns"]), Role::DnsServer, Strength::Probable),
    line(When::Serves(&["ntp"]), Role::TimeServer, Strength::Probable),
    // A monitoring station asks again and again; a single walk may be anybody's.
    line(When::Uses(&["snmp"], 3), Role::Monitoring, Strength::Probable),
    line(
        When::Uses(&["modbus", "s7comm", "enip", "cip", "dnp3_tcp", "iec104", "opcua_binary", "bacnet"], 1),
        Role::Hmi,
        Strength::Port,
    ),
    line(When::Uses(&["dicom", "hl7"], 1), Role::MedicalDevice, Strength::Port),
    line(When::Uses(&["snmp"], 1), Role::Monitoring, Strength::Port),
    line(When::Serves(&["rtsp"]), Role::Camera, Strength::Port),
    line(When::Serves(&["http", "ssl"]), Role::WebServer, Strength::Port),
    line(When::Serves(&["ldap_tcp", "ssh", "rdp", "ftp", "telnet", "opcua_binary", "sip", "snmp"]), Role::Server, Strength::Port),
    line(When::Uses(&["krb", "krb_tcp", "smb", "rdp"], 1), Role::Workstation, Strength::Port),
    line(When::Uses(&["http", "ssl", "quic"], 1), Role::Workstation, Strength::Port),
];

/// The strongest role; of equals one that a protocol named, then the upper line of the table.
pub(crate) fn role_of(dossier: &Dossier) -> Option<Claim> {
    if dossier.is_empty() {
        return None;
    }
    let named = dossier.of(FactKind::Role).filter(|piece| Role::from_str(&piece.value).is_ok());
    let named = named.max_by_key(|piece| weight(piece)).map(claim);
    let (serves, uses) = (dossier.of(FactKind::Serves).next().is_some(), dossier.of(FactKind::Uses).next().is_some());
    let may_hold = |line: &&Line| match line.when {
        When::Serves(_) | When::ServesBoth(..) => serves,
        When::Uses(..) => uses,
        When::Routes => true,
    };
    let followed = LINES.iter().filter(may_hold).filter_map(|line| follow(line, dossier));
    // `max_by_key` keeps the last of equals, so the table is walked from below, and what was named comes last.
    followed.rev().chain(named).max_by_key(|claim| claim.strength)
}

/// The role of a line that holds; no better known than what it rests on.
fn follow(line: &Line, dossier: &Dossier) -> Option<Claim> {
    let (known, source) = match line.when {
        When::Serves(services) => serves(services, dossier)?,
        When::ServesBoth(these, those) => {
            let ((first, source), (second, _)) = (serves(these, dossier)?, serves(those, dossier)?);
            (first.min(second), source)
        }
        When::Uses(services, least) => uses(services, least, dossier)?,
        When::Routes => (dossier.of(FactKind::Routes).map(|piece| piece.strength).max()?, "routes".to_owned()),
    };
    Some(Claim { value: line.role.to_string(), strength: line.strength.min(known), source })
}

/// The best known of these services, in words that `why` can show.
fn serves(services: &[&str], dossier: &Dossier) -> Option<(Strength, String)> {
    let known = services.iter().rev().filter_map(|service| Some((dossier.known(FactKind::Serves, service)?.0, service)));
    let (strength, service) = known.max_by_key(|(strength, _)| *strength)?;
    Some((strength, format!("serves {service}")))
}

fn uses(services: &[&str], least: u64, dossier: &Dossier) -> Option<(Strength, String)> {
    let known = services.iter().rev().filter_map(|service| Some((dossier.known(FactKind::Uses, service)?, service)));
    let ((strength, _), service) = known.filter(|((_, times), _)| *times >= least).max_by_key(|((strength, _), _)| *strength)?;
    Some((strength, format!("uses {service}")))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use sensor_model::{Fact, Subject, Timestamp};

    use super::*;

    fn role(facts: &[(FactKind, &str, Strength)]) -> Option<String> {
        let mut dossier = Dossier::default();
        for (kind, value, strength) in facts {
            let subject = Subject::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
            let seen_at = Timestamp::from_nanos(0);
            let source = "test".to_owned();
            dossier.add(&Fact { subject, kind: *kind, value: (*value).to_owned(), strength: *strength, source, seen_at }, 64);
        }
        role_of(&dossier).map(|claim| claim.value)
    }

    #[test]
    fn each_kind_of_host_gets_its_role() {
        use FactKind::{Role as Named, Routes, Serves, Uses};
        use Strength::{Confirmed, Port, Probable};
        let (serves, uses) = (|service| (Serves, service, Confirmed), |service| (Uses, service, Confirmed));
        for (facts, wanted) in [
            (vec![serves("modbus"), serves("http")], Some("plc")),
            (vec![uses("modbus"), uses("dns")], Some("hmi")),
            (vec![serves("smb"), serves("dns"), serves("krb"), serves("ldap_udp")], Some("domain-controller")),
            (vec![serves("smb"), uses("krb")], Some("file-server")),
            (vec![serves("ipp"), serves("http")], Some("printer")),
            (vec![serves("dns"), serves("dhcp"), (Routes, "default gateway", Probable)], Some("router")),
            (vec![uses("snmp"), uses("snmp"), uses("snmp")], Some("monitoring")),
            (vec![serves("http"), (Named, "camera", Probable)], Some("camera")),
            (vec![serves("modbus"), (Named, "camera", Port)], Some("plc")),
            (vec![serves("snmp"), serves("http")], Some("web-server")),
            (vec![serves("modbus"), serves("dns"), (Serves, "smb", Port)], Some("plc")),
            (vec![(Serves, "modbus", Port), serves("dns")], Some("dns-server")),
            (vec![uses("dns")], None),
            (vec![(Named, "nonsense", Confirmed)], None),
        ] {
            assert_eq!(role(&facts).as_deref(), wanted, "{facts:?}");
        }
    }
}
