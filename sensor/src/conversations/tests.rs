//! Conversations from flow records: totals, answers, hours, renames and limits.

use sensor_identify::{Config, Inventory};

use super::*;
use crate::fixtures::record;

/// Assets 0 to 9 are 10.0.0.0 to 10.0.0.9.
fn asset(number: u8) -> AssetNumber {
    let mut inventory = Inventory::new(Config { internal: Vec::new(), max_assets: 100, max_evidence_an_asset: 8 });
    let numbers: Vec<_> = (0..=number).map(|host| inventory.asset_of([10, 0, 0, host].into(), Timestamp::ZERO)).collect();
    numbers[usize::from(number)]
}

fn id(asset: AssetNumber) -> AssetId {
    AssetId(format!("{:02}", asset.index()))
}

fn edge(conversations: &mut Conversations, client: u8, server: u8, record: &FlowRecord, standing: Standing) -> Option<EdgeId> {
    conversations.edge((asset(client), asset(server)), record, standing, false)
}

/// One whole flow reported twice, first half then all.
fn flow(conversations: &mut Conversations, client: u8, server: u8) -> (EdgeId, Share) {
    let whole = record();
    let mut half = whole.clone();
    (half.sent.packets, half.received.packets, half.last_seen) = (2, 1, half.first_seen);
    let id = edge(conversations, client, server, &half, Standing::Attempt).unwrap();
    let mut share = Share::default();
    conversations.join(id, None, &half);
    conversations.advance(id, None, &mut share, Report { record: &half, answered: false });
    conversations.advance(id, None, &mut share, Report { record: &whole, answered: true });
    (id, share)
}

/// A flow of one packet that nobody answers.
fn attempt(conversations: &mut Conversations, client: u8, server: u8) -> Option<EdgeId> {
    let mut record = record();
    (record.sent.packets, record.received.packets) = (1, 0);
    let id = edge(conversations, client, server, &record, Standing::Attempt)?;
    conversations.join(id, None, &record);
    conversations.advance(id, None, &mut Share::default(), Report { record: &record, answered: false });
    Some(id)
}

#[test]
fn two_reports_of_one_flow_count_it_once() {
    let mut conversations = Conversations::new(10);
    flow(&mut conversations, 1, 2);
    let all = conversations.snapshot(id);
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
    let (edge, share) = flow(&mut conversations, 1, 2);
    conversations.rename_application(edge, None, "http", &share);
    let all = conversations.snapshot(id);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].flows, all[0].packets), (1, EachWay { client: 6, server: 5 }));
    assert_eq!((all[0].service.name.as_deref(), all[0].service.name_strength), (Some("http"), Some(Strength::Confirmed)));
}

#[test]
fn renamed_assets_bring_their_conversations_together() {
    let mut conversations = Conversations::new(10);
    let (edge, mut share) = flow(&mut conversations, 1, 3);
    flow(&mut conversations, 2, 3);
    conversations.rename(asset(1), asset(2));
    // The flow goes on where its edge is now.
    let edge = conversations.settle(edge).unwrap();
    let mut more = record();
    more.sent.packets += 4;
    conversations.advance(edge, None, &mut share, Report { record: &more, answered: true });
    let all = conversations.snapshot(id);
    assert_eq!(all.len(), 1);
    assert_eq!((&all[0].client, all[0].flows, all[0].packets.client), (&id(asset(2)), 2, 16));
}

#[test]
fn a_full_map_of_answered_pairs_refuses_new_ones_and_keeps_the_known() {
    let mut conversations = Conversations::new(1);
    flow(&mut conversations, 1, 2);
    assert!(edge(&mut conversations, 1, 3, &record(), Standing::Settled).is_none());
    assert!(edge(&mut conversations, 1, 2, &record(), Standing::Attempt).is_some());
    assert_eq!((conversations.evicted, conversations.snapshot(id).len()), (0, 1));
}

#[test]
fn a_map_full_of_attempts_gives_their_room_oldest_first_to_what_is_answered() {
    let mut conversations = Conversations::new(3);
    let lost = [2, 3, 4].map(|server| attempt(&mut conversations, 1, server).unwrap());
    assert!(attempt(&mut conversations, 1, 5).is_none(), "an attempt is no better than another");
    assert!(edge(&mut conversations, 1, 6, &record(), Standing::Settled).is_some());
    assert!(edge(&mut conversations, 1, 7, &record(), Standing::Passing).is_some());
    assert_eq!(conversations.evicted, 2);
    let settled = lost.map(|edge| conversations.settle(edge).is_some());
    assert_eq!(settled, [false, false, true]);
}

#[test]
fn an_attempt_that_was_answered_since_is_not_given_up() {
    let mut conversations = Conversations::new(2);
    flow(&mut conversations, 1, 2);
    attempt(&mut conversations, 1, 3);
    assert!(edge(&mut conversations, 1, 4, &record(), Standing::Settled).is_some());
    let servers: Vec<_> = conversations.snapshot(id).into_iter().map(|one| one.server).collect();
    assert_eq!(servers, [id(asset(2))], "the new edge has no flow yet, the attempt is gone");
    assert!(edge(&mut conversations, 1, 5, &record(), Standing::Passing).is_none());
}

#[test]
fn a_stranger_of_another_day_is_no_stranger() {
    let mut conversations = Conversations::new(1);
    let (mut first, mut share) = (record(), Share::default());
    let edge_of = |conversations: &mut Conversations, server: u8, record: &FlowRecord| {
        conversations.edge((asset(1), asset(server)), record, Standing::Passing, true)
    };
    let stranger = edge_of(&mut conversations, 2, &first).unwrap();
    conversations.join(stranger, None, &first);
    conversations.advance(stranger, None, &mut share, Report { record: &first, answered: true });
    first.last_seen = first.last_seen + std::time::Duration::from_secs(86_400);
    conversations.advance(stranger, None, &mut share, Report { record: &first, answered: true });
    assert!(edge(&mut conversations, 1, 3, &record(), Standing::Settled).is_none());
    assert_eq!(conversations.evicted, 0);
}

#[test]
fn the_slot_of_an_edge_that_went_is_used_again_once_nobody_holds_it() {
    let mut conversations = Conversations::new(1);
    let held = attempt(&mut conversations, 1, 2).unwrap();
    let better = edge(&mut conversations, 1, 3, &record(), Standing::Unanswered).unwrap();
    assert_ne!(better, held, "somebody still holds the old slot");
    conversations.release(better);
    assert_eq!(conversations.settle(held), None);
    let best = edge(&mut conversations, 1, 4, &record(), Standing::Settled).unwrap();
    assert!([held, better].contains(&best), "{best:?} is a third slot");
}

#[test]
fn a_way_of_merges_is_followed_to_its_end_and_leaves_no_slot_behind() {
    let mut conversations = Conversations::new(10);
    let held: Vec<_> = [1, 2, 3].map(|client| flow(&mut conversations, client, 4).0).into();
    conversations.rename(asset(1), asset(2));
    conversations.rename(asset(2), asset(3));
    for edge in held.iter().rev() {
        let settled = conversations.settle(*edge).unwrap();
        assert_eq!(settled, held[2]);
        conversations.release(settled);
    }
    let again: Vec<_> = [5, 6, 7].map(|server| flow(&mut conversations, 1, server).0).into();
    assert!(held[..2].iter().all(|edge| again.contains(edge)), "{held:?} {again:?}");
    assert_eq!(conversations.snapshot(id)[0].flows, 1);
}

#[test]
fn what_was_remembered_is_not_judged_again_and_keeps_counting() {
    let mut before = Conversations::new(10);
    flow(&mut before, 1, 2);
    let mut after = Conversations::new(10);
    after.remember((asset(1), asset(2)), &before.snapshot(id)[0], false);
    let (edge, _) = flow(&mut after, 1, 2);
    assert!(!after.first_judgement(edge));
    assert_eq!((after.snapshot(id)[0].flows, after.snapshot(id)[0].activity.days), (2, 1));
}
