//! Copy this file to begin a new rule: say here what happens and why it is worth a human.

use sensor_model::{AlertKind, Severity};

use super::rule::{Draft, Happening, Rule};

/// Unit structs stand in the registry; what a rule must remember belongs into the happening.
pub struct Template;

impl Rule for Template {
    fn judge(&self, happening: &Happening<'_>) -> Option<Draft> {
        let Happening::AssetAppeared { party, .. } = happening else { return None };
        Some(Draft {
            kind: AlertKind::NewAsset,
            severity: Severity::Info,
            summary: format!("{} did something", party.label),
            reason: "Why it matters, and what to look at.".to_owned(),
        })
    }
}

mod tests {
    use std::net::IpAddr;

    use sensor_model::{AssetId, Scope, Timestamp};

    use super::*;
    use crate::alert::Party;

    #[test]
    fn a_rule_speaks_of_its_own_happening() {
        let asset = AssetId("ip-10.0.0.1".to_owned());
        let ip = IpAddr::from([10, 0, 0, 1]);
        let party = Party { asset: &asset, label: "pump", ip, scope: Scope::Internal };
        let draft = Template.judge(&Happening::AssetAppeared { party, mac: None, at: Timestamp::ZERO });
        assert_eq!(draft.map(|draft| draft.summary), Some("pump did something".to_owned()));
    }
}
