//! SSDP (UPnP Device Architecture 2.0, 1.2 and 1.3): what a device announces of itself.

use sensor_model::{FactKind, Role, Strength};

use crate::head::{Head, tell_system};
use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};

pub(crate) const PROTOCOL: Protocol = Protocol::udp("ssdp", &[1900], recognise, read).between_peers();

fn recognise(probe: &Probe<'_>) -> Recognition {
    let bytes = probe.bytes;
    let asks = bytes.starts_with(b"M-SEARCH * HTTP/1.") || bytes.starts_with(b"NOTIFY * HTTP/1.");
    Recognition::of(asks || (probe.hinted && bytes.starts_with(b"HTTP/1.1 200")))
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let Some(head) = Head::of_datagram(bytes).filter(|head| head.first_line.windows(5).any(|word| word == b"HTTP/")) else {
        return Step::Leave;
    };
    if !head.first_line.starts_with(b"M-SEARCH") {
        tell_system(reading, head.field("server"));
        let kind = head.field("nt").or_else(|| head.field("st")).unwrap_or_default();
        let role = [(&b":device:InternetGatewayDevice:"[..], Role::Router), (&b":device:Printer:"[..], Role::Printer)]
            .into_iter()
            .find(|(word, _)| kind.windows(word.len()).any(|part| part == *word));
        let role = role.map(|(_, role)| role.to_string());
        reading.tell_of_ip(reading.sender(), FactKind::Role, role, Strength::Probable);
    }
    Step::Read(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Script;

    #[test]
    fn an_announcement_tells_system_and_role() {
        let notify = b"NOTIFY * HTTP/1.1\r\nSERVER: Linux/3.14 UPnP/1.0 x/1\r\nNT: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n";
        let findings = Script::udp(1900).client(notify).findings();
        assert_eq!(findings.services(), ["ssdp"]);
        assert_eq!(findings.values_of(FactKind::OperatingSystem), ["Linux"]);
        assert_eq!(findings.values_of(FactKind::Role), ["router"]);
    }
}
