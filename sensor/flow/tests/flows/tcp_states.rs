//! Zeek's connection states and history letters, one way to reach each.

use std::time::Duration;

use crate::feeding::{CLIENT, Fed, SERVER, at, config, flags, tcp};
use sensor_model::{ConnState, DirectionReason, FlowRecord};

/// Feeds segments `(way, flags, sequence, acknowledgment, payload)` and gives the one flow.
fn played(segments: &[(char, &str, u32, u32, u32)]) -> FlowRecord {
    let mut fed = Fed::new(config());
    for &(way, text, sequence, acknowledgment, len) in segments {
        fed.segment(way, text, sequence, acknowledgment, len);
    }
    fed.only()
}

fn state_and_history(segments: &[(char, &str, u32, u32, u32)]) -> (ConnState, String) {
    let record = played(segments);
    (record.state, record.history)
}

const HANDSHAKE: [(char, &str, u32, u32, u32); 3] = [('>', "S", 100, 0, 0), ('<', "S.", 300, 101, 0), ('>', ".", 101, 301, 0)];

fn after_handshake(rest: &[(char, &'static str, u32, u32, u32)]) -> (ConnState, String) {
    state_and_history(&[&HANDSHAKE, rest].concat())
}

fn is(state: ConnState, history: &str) -> (ConnState, String) {
    (state, history.to_owned())
}

#[test]
fn a_syn_without_answer_is_s0() {
    assert_eq!(state_and_history(&[('>', "S", 100, 0, 0), ('>', "S", 100, 0, 0)]), is(ConnState::S0, "S"));
}

#[test]
fn a_finished_handshake_is_s1() {
    assert_eq!(after_handshake(&[]), is(ConnState::S1, "ShA"));
    assert_eq!(after_handshake(&[('>', "P.", 101, 301, 12), ('<', "P.", 301, 113, 10)]), is(ConnState::S1, "ShADd"));
}

#[test]
fn both_fins_are_sf_and_bytes_are_counted() {
    let ending = [
        ('>', "P.", 101, 301, 12),
        ('<', ".", 301, 113, 0),
        ('<', "P.", 301, 113, 10),
        ('>', "F.", 113, 311, 0),
        ('<', "F.", 311, 114, 0),
        ('>', ".", 114, 312, 0),
    ];
    let record = played(&[&HANDSHAKE[..], &ending].concat());
    assert_eq!((record.state, record.history.as_str()), (ConnState::SF, "ShADadFf"));
    assert_eq!((record.sent.payload_bytes, record.received.payload_bytes), (Some(12), Some(10)));
    assert_eq!((record.sent.packets, record.received.packets), (5, 4));
    assert_eq!((record.sent.ip_bytes, record.received.l2_bytes), (5 * 40 + 12, 4 * 54 + 10));
    assert_eq!(record.missed_bytes, 0);
}

#[test]
fn a_fin_of_one_side_only_is_s2_or_s3() {
    assert_eq!(after_handshake(&[('>', "F.", 101, 301, 0)]), is(ConnState::S2, "ShAF"));
    assert_eq!(after_handshake(&[('<', "F.", 301, 101, 0)]), is(ConnState::S3, "ShAf"));
}

#[test]
fn a_refused_syn_is_rej() {
    assert_eq!(state_and_history(&[('>', "S", 100, 0, 0), ('<', "R.", 0, 101, 0)]), is(ConnState::REJ, "Sr"));
}

#[test]
fn a_refused_syn_that_is_sent_again_is_another_connection() {
    let mut fed = Fed::new(config());
    for _ in 0..3 {
        fed.segment('>', "S", 100, 0, 0);
        fed.segment('<', "R.", 0, 101, 0);
    }
    let told: Vec<_> = fed.ended().into_iter().map(|flow| (flow.state, flow.sent.packets, flow.received.packets)).collect();
    assert_eq!(told, [(ConnState::REJ, 1, 1); 3]);
}

#[test]
fn a_reset_of_a_connection_names_who_sent_it() {
    assert_eq!(after_handshake(&[('>', "R", 101, 0, 0)]), is(ConnState::RSTO, "ShAR"));
    assert_eq!(after_handshake(&[('<', "R.", 301, 101, 0)]), is(ConnState::RSTR, "ShAr"));
}

#[test]
fn a_syn_and_its_own_reset_are_rstos0() {
    let syn = ('>', "S", 100, 0, 0);
    assert_eq!(state_and_history(&[syn, ('>', "R", 101, 0, 0)]), is(ConnState::RSTOS0, "SR"));
    // A responder that was heard, but sent no SYN, changes nothing; an originator that went on does.
    assert_eq!(state_and_history(&[syn, ('<', ".", 300, 101, 0), ('>', "R", 101, 0, 0)]), is(ConnState::RSTOS0, "SaR"));
    assert_eq!(state_and_history(&[syn, ('>', ".", 101, 301, 0), ('>', "R", 101, 0, 0)]), is(ConnState::OTH, "SAR"));
    assert_eq!(state_and_history(&[syn, ('>', "S", 100, 0, 0), ('>', "R", 101, 0, 0)]), is(ConnState::RSTOS0, "SR"));
}

#[test]
fn the_numbers_of_an_aborted_attempt_are_no_payload() {
    let record = played(&[('>', "S", 100, 0, 0), ('>', "R", 5_000, 0, 0)]);
    assert_eq!((record.state, record.sent.payload_bytes), (ConnState::RSTOS0, Some(0)));
    // What the responder acknowledged was there.
    let acked = played(&[('>', "S", 100, 0, 0), ('<', "S.", 300, 101, 0), ('>', "R", 5_000, 0, 0)]);
    assert_eq!((acked.state, acked.sent.payload_bytes), (ConnState::RSTO, Some(4_899)));
}

#[test]
fn one_fin_is_s2_or_s3_while_the_other_side_goes_on() {
    let half = [('>', "F.", 101, 301, 0), ('<', "P.", 301, 102, 50), ('>', ".", 102, 351, 0)];
    assert_eq!(after_handshake(&half), is(ConnState::S2, "ShAFd"));
    let other_half = [('<', "F.", 301, 101, 0), ('>', "P.", 101, 302, 50), ('<', ".", 302, 151, 0)];
    assert_eq!(after_handshake(&other_half), is(ConnState::S3, "ShAfDa"));
    let reset = [('>', "F.", 101, 301, 0), ('<', "R.", 301, 102, 0)];
    assert_eq!(after_handshake(&reset), is(ConnState::RSTR, "ShAFr"));
    let own_reset = [('>', "F.", 101, 301, 0), ('>', "R.", 102, 301, 0)];
    assert_eq!(after_handshake(&own_reset), is(ConnState::RSTO, "ShAFR"));
    let reset_then_fin = [('>', "F.", 101, 301, 0), ('>', "R.", 102, 301, 0), ('<', "F.", 301, 102, 0)];
    assert_eq!(after_handshake(&reset_then_fin), is(ConnState::SF, "ShAFRf"));
}

#[test]
fn a_keep_alive_is_no_retransmission_though_its_letter_says_so() {
    let data = ('>', "P.", 101, 301, 12);
    // One octet below the next one, with and without that octet.
    let record =
        played(&[&HANDSHAKE[..], &[data, ('>', ".", 112, 301, 1), ('>', ".", 112, 301, 0), ('>', ".", 112, 301, 1)]].concat());
    assert_eq!((record.history.as_str(), record.sent.retransmits, record.received.retransmits), ("ShADT", 0, 0));
    let record = played(&[&HANDSHAKE[..], &[data, ('>', ".", 112, 301, 1), data, ('>', "P.", 105, 301, 8)]].concat());
    assert_eq!(record.sent.retransmits, 2);
    // Partly new payload is not wholly repeated.
    let record = played(&[&HANDSHAKE[..], &[data, ('>', "P.", 105, 301, 40)]].concat());
    assert_eq!(record.sent.retransmits, 0);
}

#[test]
fn a_syn_and_a_fin_without_answer_are_sh() {
    assert_eq!(state_and_history(&[('>', "S", 100, 0, 0), ('>', "F.", 101, 0, 0)]), is(ConnState::SH, "SF"));
}

#[test]
fn without_the_originator_they_are_shr_and_rstrh() {
    let shr = played(&[('<', "S.", 300, 101, 0), ('<', "F.", 301, 101, 0)]);
    assert_eq!((shr.state, shr.history.as_str(), shr.direction_reason), (ConnState::SHR, "^hf", DirectionReason::SynAck));
    assert_eq!((shr.originator_port, shr.responder_port), (CLIENT.1, SERVER.1));
    let rstrh = played(&[('<', "S.", 300, 101, 0), ('<', "R", 301, 101, 0)]);
    assert_eq!((rstrh.state, rstrh.history.as_str()), (ConnState::RSTRH, "^hr"));
}

#[test]
fn traffic_from_the_middle_is_oth_and_oriented_by_port() {
    let record = played(&[('<', "P.", 5_000, 900, 7), ('>', ".", 900, 5_007, 0)]);
    assert_eq!((record.state, record.history.as_str()), (ConnState::OTH, "^dA"));
    assert_eq!((record.responder_port, record.direction_reason), (SERVER.1, DirectionReason::PortRank));
    assert_eq!((record.sent.payload_bytes, record.received.payload_bytes), (Some(0), Some(7)));
}

#[test]
fn a_missed_syn_with_a_seen_syn_ack_is_a_connection() {
    let record = played(&[('<', "S.", 300, 101, 0), ('>', ".", 101, 301, 0), ('>', "P.", 101, 301, 5)]);
    assert_eq!((record.state, record.history.as_str()), (ConnState::S1, "^hAD"));
    assert_eq!(record.sent.payload_bytes, Some(5));
}

#[test]
fn a_syn_captured_after_its_syn_ack_is_the_same_connection() {
    let record = played(&[('<', "S.", 300, 101, 0), ('>', "S", 100, 0, 0), ('>', ".", 101, 301, 0)]);
    assert_eq!((record.state, record.history.as_str()), (ConnState::S1, "^hSA"));
}

#[test]
fn a_simultaneous_open_is_one_connection() {
    let record = played(&[
        ('>', "S", 100, 0, 0),
        ('<', "S", 300, 0, 0),
        ('>', "S.", 100, 301, 0),
        ('<', "S.", 300, 101, 0),
        ('>', "P.", 101, 301, 4),
    ]);
    assert_eq!((record.state, record.history.as_str()), (ConnState::S1, "SsD"));
    assert_eq!((record.sent.payload_bytes, record.received.payload_bytes), (Some(4), Some(0)));
}

#[test]
fn a_new_syn_after_the_end_is_another_connection() {
    let mut fed = Fed::new(config());
    for start in [100, 9_100] {
        fed.segment('>', "S", start, 0, 0);
        fed.segment('<', "S.", start + 200, start + 1, 0);
        fed.segment('>', "F.", start + 1, start + 201, 0);
        fed.segment('<', "F.", start + 201, start + 2, 0);
        fed.segment('>', ".", start + 2, start + 202, 0);
    }
    let ended: Vec<_> = fed.ended().into_iter().map(|record| (record.state, record.history)).collect();
    assert_eq!(ended, [is(ConnState::SF, "ShFfA"), is(ConnState::SF, "ShFfA")]);
}

#[test]
fn a_syn_with_another_number_is_another_attempt_and_a_repeated_one_is_not() {
    let mut fed = Fed::new(config());
    for sequence in [100, 100, 500] {
        fed.segment('>', "S", sequence, 0, 0);
    }
    let packets: Vec<_> = fed.ended().into_iter().map(|record| record.sent.packets).collect();
    assert_eq!(packets, [2, 1]);
}

#[test]
fn a_retransmission_is_written_at_the_first_and_tenth_time_and_counted_once() {
    let mut segments = HANDSHAKE.to_vec();
    segments.extend([('>', "P.", 101, 301, 100); 11]);
    let record = played(&segments);
    assert_eq!((record.history.as_str(), record.sent.payload_bytes, record.sent.packets), ("ShADTT", Some(100), 13));
}

#[test]
fn an_acknowledged_hole_is_missed_and_written_as_gap() {
    let hole = [('>', "P.", 101, 301, 100), ('>', "P.", 301, 301, 50), ('<', ".", 301, 351, 0)];
    let record = played(&[&HANDSHAKE[..], &hole].concat());
    assert_eq!((record.missed_bytes, record.history.as_str()), (100, "ShADaG"));
    assert_eq!(record.sent.payload_bytes, Some(250));
}

#[test]
fn reordered_data_is_not_missed() {
    let reordered = [('>', "P.", 201, 301, 100), ('>', "P.", 101, 301, 100), ('<', ".", 301, 301, 0), ('>', "F.", 301, 301, 0)];
    let record = played(&[&HANDSHAKE[..], &reordered].concat());
    assert_eq!((record.missed_bytes, record.history.as_str(), record.sent.payload_bytes), (0, "ShADTaF", Some(200)));
}

#[test]
fn a_closed_window_is_written_unless_the_connection_is_ending() {
    let mut fed = Fed::new(config());
    fed.handshake();
    for (way, text, sequence, acknowledgment) in [('<', ".", 301, 101), ('<', "F.", 301, 101), ('>', ".", 101, 302)] {
        let (from, to) = if way == '>' { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        let mut packet = tcp(from, to, flags(text), sequence, acknowledgment, 0);
        packet.tcp.as_mut().unwrap().window = 0;
        fed.packet(packet);
    }
    assert_eq!(fed.only().history, "ShAawf");
}

#[test]
fn impossible_flags_have_their_letters() {
    assert_eq!(played(&[('>', "FR", 100, 0, 0)]).history, "I");
    assert_eq!(played(&[('>', "SF", 100, 0, 0)]).history, "Q");
}

#[test]
fn a_stream_beyond_four_gigabytes_keeps_its_count() {
    let mut fed = Fed::new(config());
    fed.handshake();
    let mut sequence = 101_u32;
    for _ in 0..10 {
        for _ in 0..8 {
            fed.segment('>', "P.", sequence, 301, 1 << 27);
            sequence = sequence.wrapping_add(1 << 27);
            fed.segment('<', ".", 301, sequence, 0);
        }
    }
    let record = fed.only();
    assert_eq!((record.sent.payload_bytes, record.missed_bytes), (Some(10 << 30), 0));
    assert_eq!(record.sent.ip_bytes, (10 << 30) + 82 * 40);
}

#[test]
fn stream_offsets_count_from_the_first_byte_and_old_data_is_not_inspected() {
    let mut fed = Fed::new(config());
    fed.handshake();
    let first = fed.segment('>', "P.", 101, 301, 10);
    let ahead = fed.segment('>', "P.", 131, 301, 10);
    let filling = fed.segment('>', "P.", 111, 301, 20);
    let again = fed.segment('>', "P.", 101, 301, 10);
    let offsets = [first, ahead, filling, again].map(|touch| (touch.stream_offset, touch.inspect));
    assert_eq!(offsets, [(0, true), (30, true), (10, true), (0, false)]);
    fed.table.stop_inspecting(first.flow);
    assert!(!fed.segment('>', "P.", 141, 301, 10).inspect);
}

#[test]
fn a_retransmission_counter_outgrows_its_octet() {
    let mut segments = HANDSHAKE.to_vec();
    segments.extend([('>', "P.", 101, 301, 100); 1_001]);
    let record = played(&segments);
    assert_eq!((record.history.as_str(), record.sent.retransmits), ("ShADTTTT", 1_000));
}

#[test]
fn a_long_history_is_kept_beyond_the_packed_letters() {
    let mut fed = Fed::new(config());
    fed.handshake();
    for step in 0..20 {
        fed.segment('>', "F.", 101 + step, 301, 0);
    }
    assert_eq!(fed.only().history, format!("ShA{}", "F".repeat(20)));
}

/// Segments at their microseconds; the round trips of the responder and of the originator, in microseconds.
fn round_trips(segments: &[(i64, char, &str, u32, u32)]) -> (Option<u128>, Option<u128>) {
    let mut fed = Fed::new(config());
    for &(micros, way, text, sequence, acknowledgment) in segments {
        let (from, to) = if way == '>' { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        fed.packet_at(at(micros * 1_000), tcp(from, to, flags(text), sequence, acknowledgment, 0));
    }
    let record = fed.only();
    // Kept as a number of three bytes, a hair below.
    let micros = |rtt: Option<Duration>| rtt.map(|rtt| (rtt.as_nanos() + 500) / 1_000);
    (micros(record.received.rtt), micros(record.sent.rtt))
}

#[test]
fn round_trips_are_from_syn_to_syn_ack_and_from_there_to_the_ack() {
    let (syn, syn_ack, ack) = ((0, '>', "S", 100, 0), (1_500, '<', "S.", 300, 101), (1_700, '>', ".", 101, 301));
    assert_eq!(round_trips(&[syn, syn_ack, ack]), (Some(1_500), Some(200)));
    assert_eq!(round_trips(&[syn, syn_ack, ack, (9_000, '>', "P.", 101, 301)]), (Some(1_500), Some(200)));
    assert_eq!(round_trips(&[syn, syn_ack]), (Some(1_500), None));
    assert_eq!(round_trips(&[syn, (0, '<', "S.", 300, 101)]), (Some(0), None));
}

#[test]
fn a_repeated_refused_or_unseen_segment_gives_no_round_trip() {
    let (syn, syn_ack, ack) = ((0, '>', "S", 100, 0), (1_500, '<', "S.", 300, 101), (1_700, '>', ".", 101, 301));
    assert_eq!(round_trips(&[syn, syn, syn_ack, ack]), (None, None));
    assert_eq!(round_trips(&[syn, syn_ack, syn_ack, ack]), (Some(1_500), None));
    assert_eq!(round_trips(&[syn, (900, '<', "R.", 0, 101)]), (None, None));
    assert_eq!(round_trips(&[syn_ack, ack]), (None, None));
    assert_eq!(round_trips(&[syn, (1_500, '<', "S.", 300, 77), ack]), (None, Some(200)));
    assert_eq!(round_trips(&[syn, syn_ack, (1_700, '>', "R.", 101, 301)]), (Some(1_500), None));
    // A clock that steps back measures nothing.
    assert_eq!(round_trips(&[(5_000, '>', "S", 100, 0), syn_ack]).0, None);
}
