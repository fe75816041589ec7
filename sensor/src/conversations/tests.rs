//! Conversations from flow records: totals, answers, hours, renames and limits.

use super::*;
use crate::fixtures::record;

fn asset(name: &str) -> AssetId {
    AssetId(name.to_owned())
}

/// One whole flow reported twice, first half then all.
fn flow(conversations: &mut Conversations, client: &str, server: &str) -> (EdgeId, Share) {
    let whole = record();
    let mut half = whole.clone();
    (half.sent.packets, half.received.packets, half.last_seen) = (2, 1, half.first_seen);
    let id = conversations.edge(&asset(client), &asset(server), &half).unwrap();
    let mut share = Share::default();
    conversations.join(id, None, &half);
    conversations.advance(id, None, &mut share, Report { record: &half, answered: false });
    conversations.advance(id, None, &mut share, Report { record: &whole, answered: true });
    (id, share)
}

#[test]
fn two_reports_of_one_flow_count_it_once() {
    let mut conversations = Conversations::new(10);
    flow(&mut conversations, "a", "b");
    let all = conversations.snapshot();
    assert_eq!(all.len(), 1);
    let one = &all[0];
    assert_eq!((one.flows, one.answered_flows, one.packets), (1, 1, EachWay { client: 6, server: 5 }));
    assert_eq!((one.activity.days, one.activity.hours.iter().map(|(_, flows)| flows).sum::<u64>()), (1, 1));
    assert_eq!(one.service.name.as_deref(), Some("modbus"));
    assert_eq!(one.service.name_strength, Some(Strength::Port));
}

#[test]
fn a_recognised_flow_moves_whole_to_its_application() {
    let mut conversations = Conversations::new(10);
    let (id, share) = flow(&mut conversations, "a", "b");
    conversations.rename_application(id, None, "http", &share);
    let all = conversations.snapshot();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].flows, all[0].packets), (1, EachWay { client: 6, server: 5 }));
    assert_eq!((all[0].service.name.as_deref(), all[0].service.name_strength), (Some("http"), Some(Strength::Confirmed)));
}

#[test]
fn renamed_assets_bring_their_conversations_together() {
    let mut conversations = Conversations::new(10);
    let (id, mut share) = flow(&mut conversations, "ip-1", "b");
    flow(&mut conversations, "mac-1", "b");
    conversations.rename(&asset("ip-1"), &asset("mac-1"));
    // The flow goes on under its old edge id.
    let mut more = record();
    more.sent.packets += 4;
    conversations.advance(id, None, &mut share, Report { record: &more, answered: true });
    let all = conversations.snapshot();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].client.as_str(), all[0].flows, all[0].packets.client), ("mac-1", 2, 16));
}

#[test]
fn a_full_map_refuses_new_pairs_and_counts_them_but_keeps_known_ones() {
    let mut conversations = Conversations::new(1);
    flow(&mut conversations, "a", "b");
    assert!(conversations.edge(&asset("a"), &asset("c"), &record()).is_none());
    assert!(conversations.edge(&asset("a"), &asset("b"), &record()).is_some());
    assert_eq!((conversations.refused, conversations.snapshot().len()), (1, 1));
}

#[test]
fn what_was_remembered_is_not_judged_again_and_keeps_counting() {
    let mut before = Conversations::new(10);
    flow(&mut before, "a", "b");
    let mut after = Conversations::new(10);
    after.remember(&before.snapshot()[0]);
    let (id, _) = flow(&mut after, "a", "b");
    assert!(!after.first_judgement(id));
    assert_eq!((after.snapshot()[0].flows, after.snapshot()[0].activity.days), (2, 1));
}
