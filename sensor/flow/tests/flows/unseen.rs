//! What a flow tells of bytes and packets that never came by.

use sensor_model::FlowRecord;

use crate::feeding::{Fed, config};

/// Feeds segments `(way, flags, sequence, acknowledgment, payload)` and gives the one flow.
fn played(segments: &[(char, &str, u32, u32, u32)]) -> FlowRecord {
    let mut fed = Fed::new(config());
    for &(way, text, sequence, acknowledgment, len) in segments {
        fed.segment(way, text, sequence, acknowledgment, len);
    }
    fed.only()
}

#[test]
fn acknowledgments_that_move_on_tell_of_a_side_that_was_never_heard() {
    let one = played(&[('>', "P.", 101, 301, 12), ('>', "P.", 113, 301, 12)]);
    assert!(!one.received.data_acked);
    let moved_on = played(&[('>', "P.", 101, 301, 12), ('>', "P.", 113, 311, 12)]);
    assert_eq!((moved_on.received.data_acked, moved_on.received.packets), (true, 0));
    let back = played(&[('>', "P.", 101, 301, 12), ('>', ".", 113, 201, 0)]);
    assert!(!back.received.data_acked);
}

#[test]
fn a_gap_counts_for_loss_in_a_connection_joined_midway_though_zeek_counts_none() {
    let hole = [('>', "P.", 101, 301, 100), ('<', ".", 301, 201, 0), ('>', "P.", 301, 301, 50), ('<', ".", 301, 351, 0)];
    let record = played(&hole);
    assert_eq!((record.gap_bytes, record.missed_bytes), (100, 0));
}

#[test]
fn data_that_comes_after_its_acknowledgment_was_not_lost() {
    let late = [
        ('>', "S", 100, 0, 0),
        ('<', "S.", 300, 101, 0),
        ('>', ".", 101, 301, 0),
        ('<', ".", 301, 201, 0),
        ('>', "P.", 101, 301, 100),
    ];
    let record = played(&late);
    // Zeek calls it missed, since it was not there when it was acknowledged.
    assert_eq!((record.gap_bytes, record.missed_bytes), (0, 100));
}

#[test]
fn an_acknowledgment_out_of_nothing_is_no_loss() {
    let record = played(&[('>', "P.", 101, 301, 100), ('<', ".", 301, 201, 0), ('<', ".", 301, 50_000_201, 0)]);
    assert_eq!(record.gap_bytes, 0);
}
