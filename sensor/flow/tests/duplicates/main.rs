//! Which frames are copies: each rule of `Duplicates` by the frames it is about. Whole captures are tried in the system tests.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

mod frames;

use std::time::Duration;

use frames::{ACK, Frame, HOST, ROUTER_IN, ROUTER_OUT, SERVER};
use sensor_flow::{DuplicateConfig, Duplicates, Verdict};
use sensor_model::{Change, Timestamp, VlanId};
use sensor_wire::{LinkType, Options, Outcome, decode};

const MICROSECOND: i64 = 1_000;
const ROUTED: Verdict = Verdict::Copy(Change::Routed);
const SAME_HOP: Verdict = Verdict::Copy(Change::SameHop);

struct Tap {
    duplicates: Duplicates,
    now: i64,
}

impl Tap {
    fn new() -> Self {
        let config = DuplicateConfig { window: Duration::from_millis(1), contents: 4_096 };
        Self { duplicates: Duplicates::new(config, 7), now: 0 }
    }

    /// Ten microseconds later.
    fn sees(&mut self, frame: &Frame) -> Verdict {
        self.sees_bytes(&frame.bytes(), None)
    }

    fn sees_bytes(&mut self, bytes: &[u8], cut: Option<usize>) -> Verdict {
        self.now += 10 * MICROSECOND;
        let captured = &bytes[..cut.unwrap_or(bytes.len()).min(bytes.len())];
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let packet = match decode(LinkType::Ethernet, captured, wire_len, Options::default()) {
            Outcome::Packet(packet) | Outcome::Fragment(packet) => Some(packet),
            _ => None,
        }
        .unwrap();
        self.duplicates.judge(&packet, captured, Timestamp::from_nanos(self.now))
    }

    fn waits(&mut self, microseconds: i64) {
        self.now += microseconds * MICROSECOND;
    }

    /// Data on the path of `frame`, each segment as often as the mirror gives it.
    fn is_shown(&mut self, frame: &Frame, times: usize, contents: u32) {
        for number in 0..contents {
            let data = frame.clone().tcp(1_000_000 + number, ACK, b"data");
            for _ in 0..times {
                self.sees(&data);
            }
            self.waits(2_000);
        }
    }
}

fn before_router() -> Frame {
    Frame::new(HOST, ROUTER_IN).vlan(10)
}

fn after_router() -> Frame {
    Frame::new(ROUTER_OUT, SERVER).vlan(20).ttl(63)
}

#[test]
fn a_packet_on_both_sides_of_a_router_is_one_packet_and_names_the_router() {
    let mut tap = Tap::new();

    assert_eq!(tap.sees(&before_router().id(5)), Verdict::Original);
    assert_eq!(tap.sees(&after_router().id(5)), ROUTED);

    let paths = tap.duplicates.paths();
    let [path] = paths.as_slice() else { panic!("{paths:?}") };
    assert_eq!((path.change, path.ttl_lower_by, path.packets), (Change::Routed, 1, 1));
    assert_eq!((path.from.mac, path.from.vlan), (Some(ROUTER_IN), VlanId::new(10)));
    assert_eq!((path.to.mac, path.to.vlan), (Some(ROUTER_OUT), VlanId::new(20)));
    assert_eq!((path.sources.to_string(), path.destinations.to_string()), ("10.1.0.1/32".into(), "10.2.0.1/32".into()));
}

#[test]
fn a_copy_that_overtakes_its_packet_proves_the_same() {
    let mut tap = Tap::new();

    assert_eq!(tap.sees(&after_router().id(5)), Verdict::Original);
    assert_eq!(tap.sees(&before_router().id(5)), ROUTED);

    assert_eq!(tap.duplicates.paths()[0].from.mac, Some(ROUTER_IN));
}

#[test]
fn the_window_ends_the_search() {
    let mut tap = Tap::new();

    assert_eq!(tap.sees(&before_router().id(5)), Verdict::Original);
    tap.waits(1_000);
    assert_eq!(tap.sees(&after_router().id(5)), Verdict::Original);
}

#[test]
fn equal_acknowledgments_pass_as_often_as_they_were_sent_whatever_their_order() {
    for order in ["BBBAAA", "ABABAB", "AAABBB", "BAABAB"] {
        let mut tap = Tap::new();
        let passed = order.chars().filter(|side| {
            let frame = if *side == 'B' { before_router() } else { after_router() };
            tap.sees(&frame.tcp(9, ACK, b"")) == Verdict::Original
        });

        assert_eq!(passed.count(), 3, "{order}");
    }
}

#[test]
fn what_a_router_dropped_and_the_host_sent_again_passes() {
    let mut tap = Tap::new();

    assert_eq!(tap.sees(&before_router().tcp(9, ACK, b"data")), Verdict::Original);
    tap.waits(300);
    assert_eq!(tap.sees(&before_router().tcp(9, ACK, b"data")), Verdict::Original);
    assert_eq!(tap.sees(&after_router().tcp(9, ACK, b"data")), ROUTED);
}

#[test]
fn the_same_frame_twice_is_two_packets_until_its_path_proved_otherwise() {
    let mut tap = Tap::new();
    let hop = Frame::new(HOST, SERVER).vlan(10);
    let segment = hop.clone().id(77).tcp(5, ACK, b"again");

    assert_eq!([tap.sees(&segment), tap.sees(&segment)], [Verdict::Original; 2]);
    tap.is_shown(&hop, 2, 12);
    tap.waits(5_000);

    assert_eq!([tap.sees(&segment), tap.sees(&segment)], [Verdict::Original, SAME_HOP]);
    let elsewhere = Frame::new(HOST, ROUTER_IN).vlan(10).tcp(5, ACK, b"again");
    assert_eq!([tap.sees(&elsewhere), tap.sees(&elsewhere)], [Verdict::Original; 2]);
}

#[test]
fn on_a_doubled_path_three_equal_datagrams_are_six_frames() {
    let mut tap = Tap::new();
    let hop = Frame::new(HOST, SERVER);
    tap.is_shown(&hop, 2, 12);

    let passed = (0..6).filter(|_| tap.sees(&hop.clone().udp(b"alarm")) == Verdict::Original).count();

    assert_eq!(passed, 3);
}

#[test]
fn a_path_that_two_switches_mirror_both_ways_shows_each_packet_four_times() {
    let mut tap = Tap::new();
    let hop = Frame::new(HOST, SERVER);
    tap.is_shown(&hop, 4, 12);

    let seen: Vec<_> = (0..4).map(|_| tap.sees(&hop.clone().tcp(5, ACK, b"x"))).collect();

    assert_eq!(seen, [Verdict::Original, SAME_HOP, SAME_HOP, SAME_HOP]);
}

#[test]
fn a_proof_does_not_outlive_its_mirror() {
    let mut tap = Tap::new();
    let hop = Frame::new(HOST, SERVER);
    tap.is_shown(&hop, 2, 30);
    tap.is_shown(&hop, 1, 6);

    assert_eq!([tap.sees(&hop.clone().tcp(5, ACK, b"x")), tap.sees(&hop.tcp(5, ACK, b"x"))], [Verdict::Original; 2]);
}

#[test]
fn unnumbered_datagrams_that_always_come_in_pairs_are_sent_in_pairs() {
    let mut tap = Tap::new();
    for number in 0..200_u32 {
        let notice = Frame::new(HOST, SERVER).udp(&number.to_be_bytes());
        assert_eq!([tap.sees(&notice), tap.sees(&notice)], [Verdict::Original; 2], "{number}");
        tap.waits(2_000);
    }
}

#[test]
fn one_lossy_round_trip_is_no_proof() {
    let mut tap = Tap::new();
    let hop = Frame::new(HOST, SERVER);
    // 60 segments in 600 microseconds, all of them again.
    for _ in 0..2 {
        for number in 0..60 {
            assert_eq!(tap.sees(&hop.clone().tcp(number, ACK, b"data")), Verdict::Original);
        }
    }
    tap.waits(2_000);
    let late = hop.tcp(99, ACK, b"late");
    assert_eq!([tap.sees(&late), tap.sees(&late)], [Verdict::Original; 2]);
}

#[test]
fn probes_that_differ_in_their_ttl_alone_are_all_sent() {
    let mut tap = Tap::new();
    for ttl in 1..=30 {
        assert_eq!(tap.sees(&before_router().id(7).ttl(ttl)), Verdict::Original, "{ttl}");
    }
}

#[test]
fn twin_machines_with_equal_addresses_keep_their_unnumbered_packets() {
    let mut tap = Tap::new();
    for _ in 0..50 {
        assert_eq!(tap.sees(&Frame::new(HOST, ROUTER_IN).vlan(40).udp(b"cycle")), Verdict::Original);
        assert_eq!(tap.sees(&Frame::new(ROUTER_OUT, SERVER).vlan(41).udp(b"cycle")), Verdict::Original);
        tap.waits(2_000);
    }
}

#[test]
fn tags_type_of_service_and_cut_captures_do_not_hide_a_copy() {
    let mut tap = Tap::new();
    let frame = Frame::new(HOST, SERVER).tcp(5, ACK, &[0x55; 400]);

    assert_eq!(tap.sees_bytes(&frame.clone().vlan(10).bytes(), Some(128)), Verdict::Original);
    let untagged = frame.type_of_service(0x28).bytes();
    assert_eq!(tap.sees_bytes(&untagged, Some(128)), Verdict::Copy(Change::OtherVlan));
}

#[test]
fn one_byte_of_payload_makes_another_packet() {
    let mut tap = Tap::new();

    assert_eq!(tap.sees(&before_router().id(5).udp(b"valve 1 open")), Verdict::Original);
    assert_eq!(tap.sees(&after_router().id(5).udp(b"valve 2 open")), Verdict::Original);
}

#[test]
fn more_contents_than_are_remembered_pass_and_are_counted() {
    let mut tap = Tap::new();
    tap.duplicates = Duplicates::new(DuplicateConfig { window: Duration::from_secs(1), contents: 64 }, 7);
    for id in 1..=1_000 {
        assert_eq!(tap.sees(&before_router().id(id)), Verdict::Original);
    }
    assert_eq!(tap.duplicates.counts().forgotten, 1_000 - 64);
    assert_eq!(tap.sees(&after_router().id(1)), Verdict::Original);
    assert_eq!(tap.sees(&after_router().id(1_000)), ROUTED);
}
