//! An asset's answered conversations as a manufacturer usage description (RFC 8520): what it was seen to need, as access lists.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::{Result, bail};
use sensor_model::{Asset, Conversation, FlowMap, IpProtocol};
use serde_json::{Value, json};

/// Days after which a description should be looked up again; ours is a draft, so it does not matter.
const CACHE_VALIDITY_HOURS: u32 = 48;

pub fn describe(map: &FlowMap, asset: &Asset) -> Result<String> {
    let ours: Vec<&Conversation> =
        map.conversations.iter().filter(|c| c.answered_flows > 0 && (c.client == asset.id || c.server == asset.id)).collect();
    if ours.is_empty() {
        bail!("`{}` has no answered conversation to describe", asset.label);
    }
    let mut lists = Vec::new();
    for (family, kind, suffix) in [("ipv4", "ipv4-acl-type", "v4"), ("ipv6", "ipv6-acl-type", "v6")] {
        for (direction, from_device) in [("from", true), ("to", false)] {
            let entries: Vec<Value> = ours.iter().flat_map(|c| entries(c, asset, family, from_device)).collect();
            if !entries.is_empty() {
                lists.push((
                    from_device,
                    json!({ "name": format!("{direction}-{suffix}"), "type": kind, "aces": { "ace": entries } }),
                ));
            }
        }
    }
    let policy = |from_device: bool| -> Value {
        let names: Vec<Value> =
            lists.iter().filter(|(way, _)| *way == from_device).map(|(_, list)| json!({ "name": list["name"] })).collect();
        json!({ "access-lists": { "access-list": names } })
    };
    let all: Vec<&Value> = lists.iter().map(|(_, list)| list).collect();
    let document = json!({
        "ietf-mud:mud": {
            "mud-version": 1,
            "mud-url": format!("https://cordon.invalid/{}.json", asset.id),
            "last-update": map.last_seen.to_string(),
            "cache-validity": CACHE_VALIDITY_HOURS,
            "is-supported": true,
            // RFC 8520 3.6 allows 60 octets.
            "systeminfo": asset.label.chars().filter(char::is_ascii).take(60).collect::<String>(),
            "from-device-policy": policy(true),
            "to-device-policy": policy(false),
        },
        "ietf-access-control-list:acls": { "acl": all },
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// One entry for each peer address of the family, in one direction.
fn entries(conversation: &Conversation, asset: &Asset, family: &str, from_device: bool) -> Vec<Value> {
    let is_client = conversation.client == asset.id;
    let peers = if is_client { &conversation.server_addresses } else { &conversation.client_addresses };
    let peers: BTreeSet<&IpAddr> = peers.iter().filter(|ip| ip.is_ipv4() == (family == "ipv4")).collect();
    peers
        .into_iter()
        .map(|peer| {
            let network = format!("{peer}/{}", if peer.is_ipv4() { 32 } else { 128 });
            let way = if from_device { "destination" } else { "source" };
            let number = match conversation.service.protocol {
                IpProtocol::Tcp => 6,
                IpProtocol::Udp => 17,
                IpProtocol::Icmp => {
                    if peer.is_ipv4() {
                        1
                    } else {
                        58
                    }
                }
                IpProtocol::Sctp => 132,
                IpProtocol::Other(number) => number,
            };
            let mut network_layer = json!({ "protocol": number });
            network_layer[format!("{way}-{family}-network")] = json!(network);
            let mut matches = json!({});
            matches[family] = network_layer;
            let transport = match conversation.service.protocol {
                IpProtocol::Tcp => Some("tcp"),
                IpProtocol::Udp => Some("udp"),
                _ => None,
            };
            if let Some(transport) = transport {
                // The service's port is the server's: towards it a destination, from it a source.
                let side = if from_device == is_client { "destination-port" } else { "source-port" };
                let mut ports = json!({});
                ports[side] = json!({ "operator": "eq", "port": conversation.service.port });
                if transport == "tcp" {
                    ports["ietf-mud:direction-initiated"] = json!(if is_client { "from-device" } else { "to-device" });
                }
                matches[transport] = ports;
            }
            let name = format!("{}-{}-{peer}", conversation.service.protocol, conversation.service.port);
            json!({ "name": name, "matches": matches, "actions": { "forwarding": "accept" } })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::flow_map;

    #[test]
    fn a_client_may_reach_its_servers_port_and_is_answered_from_it() {
        let map = flow_map();
        let asset = map.assets.iter().find(|asset| asset.id == map.conversations[0].client).unwrap();
        let document: Value = serde_json::from_str(&describe(&map, asset).unwrap()).unwrap();
        let lists = &document["ietf-access-control-list:acls"]["acl"];
        let from = &lists[0]["aces"]["ace"][0]["matches"];
        assert_eq!(from["ipv4"]["destination-ipv4-network"], "10.0.0.2/32");
        assert_eq!(from["tcp"]["destination-port"]["port"], 502);
        assert_eq!(from["tcp"]["ietf-mud:direction-initiated"], "from-device");
        assert_eq!(lists[1]["aces"]["ace"][0]["matches"]["tcp"]["source-port"]["port"], 502);
    }
}
