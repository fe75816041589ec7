//! Room for addresses, and who makes room for whom when there is none.

use std::net::IpAddr;

use super::*;

impl Inventory {
    pub(super) fn mac_mut(&mut self, mac: MacAddr, seen_at: Timestamp) -> Option<MacNumber> {
        let number = match self.macs.find(&mac) {
            Some(number) => number,
            None if self.used() < self.config.max_assets || self.make_room(Standing::OneSided) => {
                self.macs.insert(mac, MacRecord::new(seen_at))
            }
            None => {
                self.unplaced.internal = self.unplaced.internal.saturating_add(1);
                return None;
            }
        };
        self.macs.get_mut(number)?.hear(seen_at);
        Some(MacNumber(number))
    }

    /// Finds an address or makes room for it; false when there is none.
    pub(super) fn place(&mut self, at: &mut Place, ip: IpAddr, seen_at: Timestamp, need: Need) -> bool {
        if self.ips.is(at.0, &ip) {
            return true;
        }
        if let Some(number) = self.ips.find(&ip) {
            at.0 = number;
            return true;
        }
        let scope = if self.groups.contains(&ip) { Scope::Group } else { scope_of(ip, &self.config.internal) };
        let standing = match need {
            Need::Hearsay => Standing::Silent,
            Need::Heard(standing) => standing,
            Need::Proven => Standing::of_proven(scope),
        };
        let max = self.config.max_assets;
        let room = match (need, scope) {
            (Need::Hearsay, _) => max / 2,
            (_, Scope::External) => max / 4 * 3,
            (_, Scope::Internal | Scope::Group) => max,
        };
        if self.used() >= room && !self.make_room(standing) {
            let unplaced = match (need, scope) {
                (Need::Hearsay, _) => &mut self.unplaced.hearsay,
                (_, Scope::External) => &mut self.unplaced.external,
                (_, Scope::Internal | Scope::Group) => &mut self.unplaced.internal,
            };
            *unplaced = unplaced.saturating_add(1);
            return false;
        }
        at.0 = self.ips.insert(ip, IpRecord::new(scope, seen_at));
        self.queue_up(at.0, Standing::Silent);
        self.raise(at.0, standing);
        true
    }

    /// An address never loses standing.
    pub(super) fn raise(&mut self, number: u32, standing: Standing) {
        if let Some(record) = self.ips.get_mut(number)
            && record.standing < standing
        {
            record.standing = standing;
            self.queue_up(number, standing);
        }
    }

    pub(super) fn queue_up(&mut self, number: u32, standing: Standing) {
        let ips = &self.ips;
        self.queue.put(number, standing, ips.len(), |number| ips.get(number).map(|record| record.standing));
    }

    /// Gives up an address of lower standing: what was counted for it goes to the asset that stands for all such.
    pub(super) fn make_room(&mut self, newcomer: Standing) -> bool {
        let ips = &self.ips;
        let victim = self.queue.take_below(newcomer, |number| ips.get(number).map(|record| record.standing));
        let Some((number, (ip, record))) = victim.and_then(|number| Some((number, self.ips.remove(number)?))) else {
            return false;
        };
        self.unplaced.evicted = self.unplaced.evicted.saturating_add(1);
        let others = self.overflow_of(ip);
        let unplaced =
            if others == AssetNumber::OTHER_EXTERNAL { &mut self.unplaced.external } else { &mut self.unplaced.internal };
        *unplaced = unplaced.saturating_add(1);
        self.renamed.push((AssetNumber::of_address(number), others));
        // A MAC that was only the sender of this address goes with it.
        for (mac, _) in record.sightings {
            if self.macs.get(mac.0).is_some_and(|sender| sender.is_bare() && sender.sighted.contains(&ip)) {
                self.macs.remove(mac.0);
                self.renamed.push((AssetNumber::of_mac(mac.0), others));
            }
        }
        true
    }

    pub(super) fn used(&self) -> usize {
        self.ips.len().saturating_add(self.macs.len())
    }

    pub(super) fn overflow_of(&self, ip: IpAddr) -> AssetNumber {
        if scope_of(ip, &self.config.internal) == Scope::External {
            AssetNumber::OTHER_EXTERNAL
        } else {
            AssetNumber::OTHER_INTERNAL
        }
    }
}
