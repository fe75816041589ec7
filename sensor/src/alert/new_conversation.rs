//! A client asks a server for something it never asked for before.

use sensor_model::{AlertKind, Scope, Severity};

use super::rule::{Draft, Happening, Rule};
use crate::service_ports::Weight;

pub struct NewConversation;

impl Rule for NewConversation {
    fn judge(&self, happening: &Happening<'_>) -> Option<Draft> {
        let Happening::ConversationAppeared { client, server, service, weight, answered, replaces_application, .. } = happening
        else {
            return None;
        };
        let crosses_the_border = client.scope == Scope::External || server.scope == Scope::External;
        let (severity, why) = match weight {
            _ if server.scope == Scope::Group => (Severity::Info, "It goes to a group address."),
            Weight::Control if crosses_the_border => {
                (Severity::Critical, "The service controls the process, and one end is outside.")
            }
            Weight::Control => (Severity::High, "The service reads or moves the process."),
            Weight::Administration if client.scope == Scope::External => {
                (Severity::Critical, "The service gives access to the host, and the client is outside.")
            }
            Weight::Administration => (Severity::Medium, "The service gives access to the host."),
            Weight::Ordinary if client.scope == Scope::External => (Severity::High, "The client is outside."),
            Weight::Ordinary if crosses_the_border => (Severity::Low, "The server is outside."),
            Weight::Ordinary => (Severity::Low, "The service is an ordinary one."),
        };
        let answer = if *answered { "The server answered." } else { "No answer was seen yet." };
        let before = if *replaces_application { " This port served another application before." } else { "" };
        Some(Draft {
            kind: AlertKind::NewConversation,
            severity,
            summary: format!("{} talks to {} for {service} for the first time", client.label, server.label),
            reason: format!("{why} {answer}{before} Check whether the policy knows this conversation."),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use sensor_model::{AssetId, IpProtocol, Service, Timestamp};

    use super::*;
    use crate::alert::Party;

    fn severity(client: Scope, server: Scope, weight: Weight) -> Option<Severity> {
        let asset = AssetId("a".to_owned());
        let service = Service { protocol: IpProtocol::Tcp, port: 1, name: None, name_strength: None };
        let party = |scope| Party { asset: &asset, label: "a", ip: IpAddr::from([10, 0, 0, 1]), scope };
        let happening = Happening::ConversationAppeared {
            client: party(client),
            server: party(server),
            service: &service,
            weight,
            answered: false,
            replaces_application: false,
            at: Timestamp::ZERO,
        };
        NewConversation.judge(&happening).map(|draft| draft.severity)
    }

    #[test]
    fn severity_grows_with_what_the_service_can_do_and_with_the_stranger() {
        use Scope::{External, Group, Internal};
        assert_eq!(severity(Internal, Internal, Weight::Ordinary), Some(Severity::Low));
        assert_eq!(severity(Internal, Internal, Weight::Administration), Some(Severity::Medium));
        assert_eq!(severity(Internal, Internal, Weight::Control), Some(Severity::High));
        assert_eq!(severity(External, Internal, Weight::Control), Some(Severity::Critical));
        assert_eq!(severity(Internal, Group, Weight::Control), Some(Severity::Info));
    }
}
