//! What the hub tells the alerts of: assets and conversations that appeared.

use super::*;

impl Hub {
    pub(super) fn meet(&mut self, ip: IpAddr, mac: Option<MacAddr>, at: Timestamp, place: &mut Place) {
        let asset = self.inventory.asset_at(place, ip, at);
        self.follow_renames();
        if !self.alerts.meet(asset) {
            return;
        }
        if let Some(by_address) = self.inventory.by_address(ip).filter(|own| *own != asset && self.alerts.knows(*own)) {
            // Known by its address from an earlier run; now its MAC is known too.
            return self.rename(by_address, asset);
        }
        if self.alerts.is_learning(at) {
            return;
        }
        // The MAC is the asset's own only where the asset is named by it; else a router's.
        let mac = mac.filter(|mac| self.inventory.by_mac(*mac) == Some(asset));
        let (asset, label) = (self.inventory.id(asset), ip.to_string());
        let party = self.party(&asset, &label, ip);
        self.alerts.judge(&Happening::AssetAppeared { party, mac, at });
    }

    /// Tells the alerts of a conversation once its direction is sure: by a handshake, an answer, or the flow's end.
    pub(super) fn judge_conversation(&mut self, track: &mut Track, record: &FlowRecord, has_ended: bool) {
        let Some(edge) = track.edge.filter(|_| !track.judged) else { return };
        let is_sure = record.direction_reason <= DirectionReason::Role || track::is_answered(record) || has_ended;
        if !is_sure {
            return;
        }
        track.judged = true;
        let replaces_application = std::mem::take(&mut track.replaces_application);
        let is_news = self.conversations.first_judgement(edge) || replaces_application;
        if is_news && !self.alerts.is_learning(record.last_seen) {
            self.tell_of_conversation(track.application, replaces_application, record);
        }
    }

    pub(super) fn tell_of_conversation(&mut self, application: Option<&str>, replaces_application: bool, record: &FlowRecord) {
        let port = match record.protocol {
            IpProtocol::Icmp => record.originator_port,
            _ => record.responder_port,
        };
        let [client, server] = [record.originator, record.responder]
            .map(|ip| self.inventory.asset_of(ip, record.last_seen))
            .map(|asset| self.inventory.id(asset));
        let service = service_ports::service(record.protocol, port, application);
        let (client_label, server_label) = (record.originator.to_string(), record.responder.to_string());
        self.alerts.judge(&Happening::ConversationAppeared {
            client: self.party(&client, &client_label, record.originator),
            server: self.party(&server, &server_label, record.responder),
            weight: service_ports::weight_of(record.protocol, port, application),
            answered: track::is_answered(record),
            replaces_application,
            service: &service,
            at: record.last_seen,
        });
    }

    pub(super) fn party<'a>(&self, asset: &'a AssetId, label: &'a str, ip: IpAddr) -> Party<'a> {
        Party { asset, label, ip, scope: scope_of(ip, &self.settings.identify.internal) }
    }
}
