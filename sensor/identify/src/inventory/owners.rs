//! Which asset an address belongs to, as bindings of addresses to MACs come and go.

use std::net::IpAddr;

use super::*;

impl Inventory {
    pub(super) fn see_sender(&mut self, at: &mut Place, mac: MacAddr, ip: IpAddr, seen_at: Timestamp) {
        if mac.is_group() || mac.is_zero() || is_group(ip) {
            return;
        }
        if !self.place(at, ip, seen_at, Need::Heard(Standing::OneSided)) {
            return;
        }
        if self.sees_again(*at, mac, seen_at) {
            return;
        }
        let Some(number) = self.mac_mut(mac, seen_at) else { return };
        let Some(mac_record) = self.macs.get_mut(number.0) else { return };
        mac_record.sight(ip);
        let of_family = mac_record.sighted.iter().filter(|other| other.is_ipv4() == ip.is_ipv4()).count();
        let Some(record) = self.ips.get_mut(at.0) else { return };
        record.hear(seen_at);
        match record.sightings.iter_mut().find(|(known, _)| *known == number) {
            Some((_, first_seen)) if seen_at < *first_seen => {
                *first_seen = seen_at;
                self.refresh(at.0);
            }
            Some(_) => {}
            None => {
                if record.sightings.len() < MAX_MACS_AN_ADDRESS {
                    record.sightings.push((number, seen_at));
                }
                // The second address of a family takes the first one's likely owner away; a third changes nothing for the others.
                self.refresh(at.0);
                if of_family == 2 {
                    self.refresh_all_of(number);
                }
            }
        }
    }

    /// The usual case: this address was seen under this MAC before, so nothing follows from it but that both are alive.
    pub(super) fn sees_again(&mut self, at: Place, mac: MacAddr, seen_at: Timestamp) -> bool {
        let Some(record) = self.ips.get_mut(at.0) else { return false };
        let known = |(number, first_seen): &&(MacNumber, Timestamp)| *first_seen <= seen_at && self.macs.is(number.0, &mac);
        let Some((number, _)) = record.sightings.iter().find(known) else { return false };
        if let Some(mac_record) = self.macs.get_mut(number.0) {
            mac_record.hear(seen_at);
        }
        record.hear(seen_at);
        true
    }

    pub(super) fn bind(&mut self, ip: IpAddr, mac: MacAddr, seen_at: Timestamp) {
        let mut at = Place::default();
        if mac.is_group() || mac.is_zero() || is_group(ip) || !self.place(&mut at, ip, seen_at, Need::Heard(Standing::Ours)) {
            return;
        }
        self.raise(at.0, Standing::Ours);
        let Some(mac) = self.mac_mut(mac, seen_at) else { return };
        let Some(mac_record) = self.macs.get_mut(mac.0) else { return };
        if mac_record.bound.len() < MAX_ADDRESSES_A_MAC {
            mac_record.bound.insert(ip);
        }
        let Some(record) = self.ips.get_mut(at.0) else { return };
        match record.bindings.last_mut() {
            Some(present) if present.mac == mac => {
                present.span.include(seen_at);
                record.hear(seen_at);
                return;
            }
            Some(_) => self.move_out(ip, at, seen_at),
            None => {}
        }
        let Some(record) = self.ips.get_mut(at.0) else { return };
        record.hear(seen_at);
        if record.bindings.len() >= MAX_BINDINGS {
            record.bindings.remove(0);
        }
        record.bindings.push(Binding { mac, span: Span::at(seen_at) });
        self.refresh(at.0);
        self.refresh_all_of(mac);
    }

    /// Leaves what was learnt of an address with the MAC that had it until now.
    pub(super) fn move_out(&mut self, ip: IpAddr, at: Place, seen_at: Timestamp) {
        let limit = self.config.max_evidence_an_asset;
        let Some(record) = self.ips.get_mut(at.0) else { return };
        let dossier = std::mem::take(&mut record.dossier);
        let counts = std::mem::take(&mut record.counts);
        let signs = std::mem::take(&mut record.signs);
        let span = std::mem::replace(&mut record.span, Span::at(seen_at));
        record.sightings.clear();
        let Some(owner) = record.bindings.last().and_then(|binding| self.macs.get_mut(binding.mac.0)) else {
            return;
        };
        owner.dossier.merge(&dossier, limit);
        owner.former_counts.add(counts);
        owner.former_signs.add(signs);
        let tenancy = AddressUse { address: ip, first_seen: span.first, last_seen: span.last };
        if let Some(known) = owner.former.iter_mut().find(|known| known.address == ip) {
            known.last_seen = known.last_seen.max(tenancy.last_seen);
        } else if owner.former.len() < MAX_ADDRESSES_A_MAC {
            owner.former.push(tenancy);
        }
    }

    pub(super) fn refresh_all_of(&mut self, mac: MacNumber) {
        let sighted: Vec<IpAddr> =
            self.macs.get(mac.0).map(|record| record.sighted.iter().copied().collect()).unwrap_or_default();
        for number in sighted.iter().filter_map(|ip| self.ips.find(ip)).collect::<Vec<_>>() {
            self.refresh(number);
        }
    }

    /// Works out the owner anew, and says so when somebody was told otherwise.
    pub(super) fn refresh(&mut self, number: u32) {
        let (Some(ip), Some(record)) = (self.ips.key(number), self.ips.get(number)) else { return };
        let owner = owner_of(ip, record, |mac| self.macs.key(mac.0).zip(self.macs.get(mac.0)));
        let told = record.told;
        if owner != record.owner
            && let Some(record) = self.ips.get_mut(number)
        {
            record.owner = owner;
            record.told = told.map(|_| owner);
        }
        // A certain owner who hands his address on keeps what was his.
        if let Some(old) = told.filter(|old| old.mac() != owner.mac() && !matches!(old, Owner::Certain(_)))
            && !self.keeps_others(old, ip)
        {
            self.renamed.push((number_of(number, old), number_of(number, owner)));
        }
    }

    /// The asset goes on under its old id, for another address of its own.
    pub(super) fn keeps_others(&self, old: Owner, ip: IpAddr) -> bool {
        let Some(record) = old.mac().and_then(|mac| self.macs.get(mac.0)) else {
            return false;
        };
        let others = record.sighted.iter().filter(|other| **other != ip).filter_map(|other| self.ips.by_key(other));
        others.into_iter().any(|other| other.told.is_some() && other.owner.mac() == old.mac())
    }
}
