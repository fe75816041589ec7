//! Happenings to alerts: each rule of the registry judges each happening, once the learning period is over.
//!
//! Time is packet time. During learning everything is taken as normal; after it, what was not seen before is worth a human. One asset
//! raises at most `max_per_asset_an_hour` alerts an hour; the rest is counted.

mod new_asset;
mod new_conversation;
mod registry;
mod rule;
#[cfg(test)]
mod template;

use std::time::Duration;

use foldhash::{HashMap, HashMapExt};
use sensor_identify::AssetNumber;
use sensor_model::{Alert, AssetId, Timestamp};
use sha1::{Digest, Sha1};

pub use rule::{Draft, Happening, Party};

/// When to speak, and how often.
#[derive(Clone, Debug)]
pub struct Settings {
    pub sensor: String,
    pub learning: Duration,
    pub max_per_asset_an_hour: u32,
    /// Assets kept in mind; beyond it a new one is not told from an old one, and stays silent.
    pub max_assets: usize,
}

/// The judge. Keeps what is known, and counts what it holds back.
#[derive(Debug)]
pub struct Alerts {
    settings: Settings,
    learning_until: Option<Timestamp>,
    /// By number; how many are true.
    known_assets: Vec<bool>,
    known: usize,
    /// Alerts of each asset in the current hour.
    hour: i64,
    spoken: HashMap<AssetId, u32>,
    raised: Vec<Alert>,
    pub total: u64,
    pub suppressed: u64,
}

impl Alerts {
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            learning_until: None,
            known_assets: Vec::new(),
            known: 0,
            hour: 0,
            spoken: HashMap::new(),
            raised: Vec::new(),
            total: 0,
            suppressed: 0,
        }
    }

    /// Goes on from an earlier run: its assets are known, and learning began when it began.
    pub fn remember(&mut self, assets: impl IntoIterator<Item = AssetNumber>, learning_until: Option<Timestamp>) {
        assets.into_iter().for_each(|asset| self.set_known(asset, true));
        self.learning_until = learning_until.or(self.learning_until);
    }

    /// The end of learning, once the first packet has set it.
    #[must_use]
    pub const fn learning_until(&self) -> Option<Timestamp> {
        self.learning_until
    }

    /// True for an asset that was never met before.
    pub fn meet(&mut self, asset: AssetNumber) -> bool {
        if self.knows(asset) || self.known >= self.settings.max_assets {
            return false;
        }
        self.set_known(asset, true);
        true
    }

    #[must_use]
    pub fn knows(&self, asset: AssetNumber) -> bool {
        self.known_assets.get(asset.index()).is_some_and(|known| *known)
    }

    /// Two assets were one; what was known stays known.
    pub fn rename(&mut self, old: AssetNumber, new: AssetNumber) {
        if self.knows(old) {
            self.set_known(old, false);
            self.set_known(new, true);
        }
    }

    fn set_known(&mut self, asset: AssetNumber, is_known: bool) {
        if self.known_assets.len() <= asset.index() {
            self.known_assets.resize(asset.index() + 1, false);
        }
        let Some(place) = self.known_assets.get_mut(asset.index()) else { return };
        let was = std::mem::replace(place, is_known);
        self.known = self.known + usize::from(is_known) - usize::from(was);
    }

    /// Whether everything is still taken as normal. The first time it is asked sets the end of learning.
    pub fn is_learning(&mut self, at: Timestamp) -> bool {
        at < *self.learning_until.get_or_insert(at + self.settings.learning)
    }

    /// Lets every rule judge.
    pub fn judge(&mut self, happening: &Happening<'_>) {
        if self.is_learning(happening.at()) {
            return;
        }
        for rule in registry::RULES {
            if let Some(draft) = rule.judge(happening) {
                self.raise(draft, happening);
            }
        }
    }

    pub fn take_raised(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.raised)
    }

    fn raise(&mut self, draft: Draft, happening: &Happening<'_>) {
        let (actor, peer, service) = happening.parties();
        let hour = happening.at().as_nanos().div_euclid(3_600_000_000_000);
        if hour != self.hour {
            self.hour = hour;
            self.spoken.clear();
        }
        let spoken = self.spoken.entry(actor.asset.clone()).or_default();
        if *spoken >= self.settings.max_per_asset_an_hour {
            self.suppressed += 1;
            return;
        }
        *spoken += 1;
        self.total += 1;
        let mut alert = Alert {
            id: String::new(),
            kind: draft.kind,
            severity: draft.severity,
            at: happening.at(),
            sensor: self.settings.sensor.clone(),
            summary: draft.summary,
            reason: draft.reason,
            asset: actor.asset.clone(),
            asset_label: actor.label.to_owned(),
            peer: peer.map(|peer| peer.asset.clone()),
            peer_label: peer.map(|peer| peer.label.to_owned()),
            service: service.cloned(),
        };
        alert.id = id_of(&alert);
        self.raised.push(alert);
    }
}

/// From the cause alone, so that a repeat has the same id.
fn id_of(alert: &Alert) -> String {
    let mut digest = Sha1::new();
    let peer = alert.peer.as_ref().map_or("", AssetId::as_str);
    let service = alert.service.as_ref().map(ToString::to_string).unwrap_or_default();
    for part in [alert.sensor.as_str(), alert.kind.as_str(), alert.asset.as_str(), peer, &service] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use sensor_identify::{Config, Inventory, scope_of};

    use super::*;

    fn alerts(max_per_asset_an_hour: u32) -> Alerts {
        Alerts::new(Settings {
            sensor: "s".to_owned(),
            learning: Duration::from_secs(10),
            max_per_asset_an_hour,
            max_assets: 100,
        })
    }

    /// Host `name` of 10.0.0.0/24.
    fn asset(name: u8) -> AssetNumber {
        let mut inventory = Inventory::new(Config { internal: Vec::new(), max_assets: 300, max_evidence_an_asset: 8 });
        let numbers: Vec<_> =
            (0..=name).map(|host| inventory.asset_of(IpAddr::from([10, 0, 0, host]), Timestamp::ZERO)).collect();
        numbers[usize::from(name)]
    }

    fn appear(alerts: &mut Alerts, name: u8, second: i64) {
        if alerts.meet(asset(name)) {
            let (ip, asset, label) = (IpAddr::from([10, 0, 0, name]), AssetId(name.to_string()), name.to_string());
            let party = Party { asset: &asset, label: &label, ip, scope: scope_of(ip, &[]) };
            let at = Timestamp::from_nanos(second * 1_000_000_000);
            alerts.judge(&Happening::AssetAppeared { party, mac: None, at });
        }
    }

    #[test]
    fn what_appears_while_learning_is_silent_and_stays_silent() {
        let mut alerts = alerts(5);
        appear(&mut alerts, 1, 0);
        appear(&mut alerts, 1, 20);
        assert!(alerts.take_raised().is_empty());
        appear(&mut alerts, 2, 21);
        let ids: Vec<_> = alerts.take_raised().into_iter().map(|alert| alert.asset.0).collect();
        assert_eq!(ids, ["2"]);
    }

    #[test]
    fn a_renamed_asset_is_not_new() {
        let mut alerts = alerts(5);
        appear(&mut alerts, 1, 0);
        alerts.rename(asset(1), asset(2));
        appear(&mut alerts, 2, 20);
        assert!(alerts.take_raised().is_empty());
    }

    #[test]
    fn beyond_the_hourly_limit_alerts_are_counted_not_raised() {
        let mut alerts = alerts(0);
        appear(&mut alerts, 1, 0);
        appear(&mut alerts, 2, 20);
        assert_eq!((alerts.take_raised().len(), alerts.suppressed), (0, 1));
    }

    #[test]
    fn the_same_cause_has_the_same_id_at_another_time() {
        let mut ids = Vec::new();
        for second in [20, 4000] {
            let mut alerts = alerts(5);
            appear(&mut alerts, 1, 0);
            appear(&mut alerts, 2, second);
            ids.extend(alerts.take_raised().into_iter().map(|alert| alert.id));
        }
        assert_eq!(ids.len(), 2);
        assert_eq!(ids[0], ids[1]);
    }
}
