//! A host of ours spoke that was never heard before.

use sensor_identify::vendor_of;
use sensor_model::{AlertKind, Scope, Severity};

use super::rule::{Draft, Happening, Rule};

pub struct NewAsset;

impl Rule for NewAsset {
    fn judge(&self, happening: &Happening<'_>) -> Option<Draft> {
        let Happening::AssetAppeared { party, mac, .. } = happening else { return None };
        // The Internet is full of strangers; a conversation with one is another rule's matter.
        if party.scope != Scope::Internal {
            return None;
        }
        let vendor = mac.and_then(vendor_of);
        let hardware = match (mac, vendor) {
            (Some(mac), Some(vendor)) => format!("its MAC address {mac} belongs to {vendor}"),
            (Some(mac), None) if mac.is_local() => format!("its MAC address {mac} is made up by software"),
            (Some(mac), None) => format!("the vendor of its MAC address {mac} is not known"),
            (None, _) => "it was heard through a router, so its own MAC address is not known".to_owned(),
        };
        Some(Draft {
            kind: AlertKind::NewAsset,
            severity: Severity::Medium,
            summary: format!("new asset {} at {}", party.label, party.ip),
            reason: format!("It was not seen during the learning period; {hardware}. Check whether somebody expects it."),
        })
    }
}
