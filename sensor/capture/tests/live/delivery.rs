//! Every frame that comes over the wire reaches the worker, once and unchanged, whatever the path.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sensor_capture::{CaptureError, CapturePath, InterfaceState, Live, LiveConfig, PathChoice, Queue, Spreading};

use crate::wire::{FAR, Sender, TAP, Wire};

/// A number in front, so that each frame is known by itself: addresses, tags, local experimental EtherType, then the number.
fn frame(number: u32, tags: &[[u8; 4]], len: usize) -> Vec<u8> {
    let mut frame = vec![0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, number as u8];
    frame.extend(tags.iter().flatten());
    frame.extend([0x88, 0xb5]);
    frame.extend(number.to_be_bytes());
    let filler = (frame.len()..len).map(|at| (at as u32 ^ number) as u8);
    frame.extend(filler.collect::<Vec<_>>());
    frame
}

fn mixed_frames(count: u32) -> Vec<Vec<u8>> {
    let plain = (0..count).map(|number| match number % 500 {
        100 => frame(number, &[[0x81, 0, 0, 7]], 64),
        200 => frame(number, &[[0x88, 0xa8, 0, 9], [0x81, 0, 0, 7]], 128),
        300 => frame(number, &[], 9_000),
        400 => frame(number, &[[0x81, 0, 0x60, 7]], 9_004),
        rest => frame(number, &[], 60 + rest as usize * 2),
    });
    plain.collect()
}

struct Seen {
    wire_len: u32,
    bytes: Vec<u8>,
    seen_at_nanos: i64,
}

/// What one worker thread a queue sees until `wanted` frames are there, or the time is over.
fn collect(queues: Vec<Queue>, wanted: usize, send: impl FnOnce() + Send) -> Vec<Seen> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let (give, take) = mpsc::channel();
    let stop = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        for mut queue in queues {
            let give = give.clone();
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let polled = queue.poll(Duration::from_millis(20), |frames| {
                        assert!(!frames.is_empty() && frames.len() <= 64);
                        for frame in frames {
                            let (wire_len, seen_at_nanos) = (frame.wire_len, frame.seen_at_nanos);
                            give.send(Seen { wire_len, bytes: frame.bytes.to_vec(), seen_at_nanos }).expect("the test listens");
                        }
                    });
                    polled.expect("a queue that receives");
                }
            });
        }
        drop(give);
        send();
        let mut seen = Vec::new();
        while seen.len() < wanted && Instant::now() < deadline {
            seen.extend(take.recv_timeout(Duration::from_millis(50)));
        }
        // A moment longer: nothing may come twice.
        seen.extend(take.recv_timeout(Duration::from_millis(100)));
        stop.store(true, Ordering::Relaxed);
        seen
    })
}

fn config(path: PathChoice) -> LiveConfig {
    LiveConfig { path, ..LiveConfig::new(TAP) }
}

fn nanos_now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_nanos()).expect("before 2262")
}

fn delivers_everything(path: PathChoice, expected: CapturePath) {
    let Some(wire) = Wire::lay(2) else { return };
    wire.enter(|| {
        let frames = mixed_frames(6_000);
        let started = nanos_now();
        let mut live = Live::open(&config(path)).expect("a capture");
        assert_eq!(live.path(), expected, "{}", live.reason());
        assert!(!live.zero_copy(), "veth cannot");
        eprintln!("{expected}: {}", live.reason());

        let seen = collect(live.take_queues(), frames.len(), || Sender::new().send_paced(&frames));

        let mut by_bytes: BTreeMap<u32, &Seen> = BTreeMap::new();
        for one in &seen {
            let whole = frames.iter().find(|frame| frame.len() == one.wire_len as usize && frame.starts_with(&one.bytes));
            let whole = whole.expect("only bytes that were sent");
            assert!(one.bytes.len() == whole.len() || one.bytes.len() >= 3_840, "{} of {}", one.bytes.len(), whole.len());
            let number = frames.iter().position(|frame| frame == whole).expect("found before") as u32;
            assert!(by_bytes.insert(number, one).is_none(), "frame {number} came twice");
            assert!(one.seen_at_nanos > started - 1_000_000_000 && one.seen_at_nanos <= nanos_now());
        }
        let stats = live.stats();
        assert_eq!(by_bytes.len(), frames.len(), "{stats:?}");
        assert_eq!(stats.received, frames.len() as u64);
        assert_eq!((stats.lost(), stats.offered), (0, frames.len() as u64));
        assert_eq!((stats.port_received, stats.port_sent), (frames.len() as u64, 0));
    });
}

#[test]
fn af_xdp_in_the_driver_delivers_every_frame() {
    delivers_everything(PathChoice::Auto, CapturePath::AfXdpNative);
}

#[test]
fn af_xdp_in_the_generic_hook_delivers_every_frame() {
    delivers_everything(PathChoice::AfXdpGeneric, CapturePath::AfXdpGeneric);
}

#[test]
fn libpcap_delivers_every_frame() {
    delivers_everything(PathChoice::Libpcap, CapturePath::Libpcap);
}

#[test]
fn spinning_delivers_every_frame_too() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.enter(|| {
        let frames = mixed_frames(500);
        let mut live = Live::open(&LiveConfig { busy_poll: true, ..config(PathChoice::AfXdp) }).expect("a capture");
        let seen = collect(live.take_queues(), frames.len(), || Sender::new().send_paced(&frames));
        assert_eq!(seen.len(), frames.len());
    });
}

#[test]
fn more_frames_than_buffers_go_round_and_round_without_loss() {
    // Given 4,096 buffers, when 12,000 frames pass that take 18,000 of them, then each buffer served several times.
    let Some(wire) = Wire::lay(1) else { return };
    wire.enter(|| {
        let frames: Vec<_> = (0..12_000).map(|number| frame(number, &[], if number % 4 == 0 { 9_000 } else { 60 })).collect();
        let mut live = Live::open(&config(PathChoice::AfXdp)).expect("a capture");
        let seen = collect(live.take_queues(), frames.len(), || Sender::new().send_paced(&frames));
        let long = seen.iter().filter(|seen| seen.wire_len == 9_000).count();
        assert_eq!((seen.len(), long), (12_000, 3_000), "{:?}", live.stats());
    });
}

#[test]
fn frames_that_nobody_fetches_are_counted_as_lost() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.enter(|| {
        let small = LiveConfig { ring_size: 64, frame_count: 128, ..config(PathChoice::AfXdp) };
        let mut live = Live::open(&small).expect("a capture");
        let queues = live.take_queues();
        let frames: Vec<_> = (0..1_000).map(|number| frame(number, &[], 60)).collect();
        Sender::new().send_paced(&frames);
        let seen = collect(queues, 64, || ());
        let stats = live.stats();
        assert_eq!((seen.len() as u64, stats.ring_full, stats.lost()), (64, 936, 936), "{stats:?}");
        assert_eq!((stats.offered, stats.received, stats.port_received), (1_000, 64, 1_000), "{stats:?}");
    });
}

#[test]
fn frames_without_a_free_buffer_are_lost_under_that_name() {
    for path in [PathChoice::AfXdp, PathChoice::AfXdpGeneric] {
        let Some(wire) = Wire::lay(1) else { return };
        wire.enter(|| {
            // Given fewer buffers than places in the ring.
            let starved = LiveConfig { ring_size: 256, frame_count: 64, ..config(path) };
            let mut live = Live::open(&starved).expect("a capture");
            assert!(live.warnings().iter().any(|warning| warning.contains("frame_count 64")), "{:?}", live.warnings());
            let queues = live.take_queues();
            let frames: Vec<_> = (0..1_000).map(|number| frame(number, &[], 60)).collect();
            Sender::new().send_paced(&frames);
            let seen = collect(queues, 64, || ());
            let stats = live.stats();
            assert_eq!((seen.len() as u64, stats.no_buffer, stats.lost()), (64, 936, 936), "{stats:?}");
        });
    }
}

#[test]
fn a_frame_has_the_time_at_which_it_came_and_not_the_one_at_which_it_was_fetched() {
    for path in [PathChoice::AfXdp, PathChoice::AfXdpGeneric, PathChoice::Libpcap] {
        let Some(wire) = Wire::lay(1) else { return };
        wire.enter(|| {
            let mut live = Live::open(&config(path)).expect("a capture");
            let (sender, before) = (Sender::new(), nanos_now());
            for number in 0..3 {
                sender.send(&frame(number, &[], 60));
                std::thread::sleep(Duration::from_millis(100));
            }
            let seen = collect(live.take_queues(), 3, || ());
            let [first, second, third] = seen.as_slice() else { panic!("{} frames", seen.len()) };
            assert!(first.seen_at_nanos >= before - 1_000_000, "{path:?}");
            for (earlier, later) in [(first, second), (second, third)] {
                let gap = later.seen_at_nanos - earlier.seen_at_nanos;
                assert!(gap >= 95_000_000, "{path:?}: {gap} ns");
            }
        });
    }
}

#[test]
fn a_tap_that_is_opened_anew_counts_what_came_meanwhile_and_what_lay_in_its_rings() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.enter(|| {
        let (sender, frames) = (Sender::new(), mixed_frames(100));
        let mut first = Live::open(&config(PathChoice::AfXdp)).expect("a capture");
        sender.send_paced(&frames);
        drop(first.take_queues());
        let ended = first.end();
        sender.send_paced(&frames[..30]);
        let second = Live::open(&config(PathChoice::AfXdp)).expect("a capture");
        assert_eq!((ended.stats.port_received, ended.stats.abandoned), (100, 100));
        assert_eq!(second.missed_since(&ended), 30);
    });
}

#[test]
fn a_changed_number_of_queues_makes_a_capture_outdated() {
    let Some(wire) = Wire::lay(4) else { return };
    wire.inside(&format!("ethtool -L {TAP} rx 2"));
    wire.enter(|| {
        let live = Live::open(&config(PathChoice::AfXdp)).expect("a capture");
        assert_eq!((live.outdated(), live.spreading()), (None, Spreading::Unknown));
        wire.inside(&format!("ethtool -L {TAP} rx 4"));
        assert_eq!(live.outdated().as_deref(), Some("the port had 2 receive queues and now has 4"));
    });
}

#[test]
fn frames_on_a_queue_without_a_socket_are_counted() {
    let Some(wire) = Wire::lay(4) else { return };
    wire.inside(&format!("ethtool -L {TAP} rx 1"));
    wire.enter(|| {
        let mut live = Live::open(&config(PathChoice::AfXdp)).expect("a capture");
        wire.inside(&format!("ethtool -L {TAP} rx 4"));
        // Given frames of many flows, which the kernel spreads over all four queues.
        let frames: Vec<_> = (0..400).map(|number| udp_frame(number as u16)).collect();
        let seen = collect(live.take_queues(), 400, || Sender::new().send_paced(&frames));
        let stats = live.stats();
        assert_eq!(seen.len() as u64 + stats.no_socket, 400, "{stats:?}");
        assert!(stats.no_socket > 0, "{stats:?}");
    });
}

/// Ethernet, IPv4 and UDP headers whose source port tells flows apart.
fn udp_frame(port: u16) -> Vec<u8> {
    let mut frame = vec![0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1, 8, 0];
    frame.extend([0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend((10_000 + port).to_be_bytes());
    frame.extend([0, 9, 0, 26, 0, 0]);
    frame.resize(60, 0);
    frame
}

#[test]
fn dropping_everything_detaches_the_program_and_the_next_start_finds_the_port_free() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.enter(|| {
        for path in [PathChoice::AfXdp, PathChoice::AfXdpGeneric, PathChoice::AfXdp] {
            let mut live = Live::open(&config(path)).expect("a capture");
            let queues = live.take_queues();
            assert!(wire.inside(&format!("ip link show {TAP}")).contains("xdp"), "attached");
            drop(live);
            assert!(wire.inside(&format!("ip link show {TAP}")).contains("xdp"), "a queue still receives");
            drop(queues);
            assert!(!wire.inside(&format!("ip link show {TAP}")).contains("xdp"), "detached");
        }
    });
}

#[test]
fn a_port_in_use_by_another_af_xdp_is_refused_as_libpcap_would_see_nothing() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.enter(|| {
        let _first = Live::open(&config(PathChoice::AfXdp)).expect("a capture");
        let error = Live::open(&config(PathChoice::Auto)).expect_err("refused").to_string();
        assert!(error.contains("AF_XDP refused: bind: another program receives on this port by AF_XDP; end it"), "{error}");
    });
}

#[test]
fn a_port_that_goes_down_and_up_again_goes_on_delivering() {
    for path in [PathChoice::AfXdp, PathChoice::AfXdpGeneric, PathChoice::Libpcap] {
        let Some(wire) = Wire::lay(1) else { return };
        wire.enter(|| {
            let frames: Vec<_> = (0..100).map(|number| frame(number, &[], 60)).collect();
            let mut live = Live::open(&config(path)).expect("a capture");
            let seen = collect(live.take_queues(), 300, || {
                let sender = Sender::new();
                sender.send_paced(&frames);
                for _ in 0..2 {
                    std::thread::sleep(Duration::from_millis(100));
                    wire.inside(&format!("ip link set {TAP} down"));
                    assert_eq!(live.stats().interface, InterfaceState::Down);
                    std::thread::sleep(Duration::from_millis(300));
                    wire.inside(&format!("ip link set {TAP} up"));
                    assert_eq!(live.stats().interface, InterfaceState::Up);
                    wire.wait_until_it_carries();
                    sender.send_paced(&frames);
                }
            });
            assert_eq!(seen.len(), 300, "{path:?}");
        });
    }
}

#[test]
fn a_port_that_is_removed_ends_the_poll_with_an_error() {
    for path in [PathChoice::AfXdp, PathChoice::Libpcap] {
        let Some(wire) = Wire::lay(1) else { return };
        wire.enter(|| {
            let mut live = Live::open(&config(path)).expect("a capture");
            let mut queues = live.take_queues();
            let [queue] = queues.as_mut_slice() else { panic!("one queue") };
            wire.inside(&format!("ip link del {FAR}"));
            let deadline = Instant::now() + Duration::from_secs(5);
            let error = loop {
                assert!(Instant::now() < deadline, "no error within 5 s, {path:?}");
                if let Err(error) = queue.poll(Duration::from_millis(50), |_| ()) {
                    break error;
                }
            };
            assert!(matches!(error, CaptureError::InterfaceGone { .. }), "{path:?}: {error}");
        });
    }
}

#[test]
fn a_port_of_one_queue_whose_driver_has_no_hook_goes_to_libpcap() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.inside(&format!("ip link add link {TAP} name upper type macvlan mode passthru"));
    wire.inside("ip link set upper up");
    wire.enter(|| {
        let mut live = Live::open(&LiveConfig::new("upper")).expect("a capture");
        assert_eq!(live.path(), CapturePath::Libpcap);
        assert!(live.reason().contains("on one queue libpcap is faster than the generic hook"), "{}", live.reason());
        let frames: Vec<_> = (0..100).map(|number| frame(number, &[], 60)).collect();
        let seen = collect(live.take_queues(), frames.len(), || Sender::new().send_paced(&frames));
        assert_eq!(seen.len(), frames.len());
    });
}

#[test]
fn a_port_that_is_down_is_refused_with_the_command_that_helps() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.inside(&format!("ip link set {TAP} down"));
    wire.enter(|| {
        let error = Live::open(&config(PathChoice::Auto)).expect_err("refused");
        assert_eq!(error.to_string(), "interface `tap` is down; bring it up: ip link set tap up");
    });
}

#[test]
fn without_rights_the_error_names_the_capabilities_of_both_paths() {
    let Some(wire) = Wire::lay(1) else { return };
    wire.enter(|| {
        give_up_capabilities();
        let error = Live::open(&config(PathChoice::Auto)).expect_err("refused").to_string();
        assert!(error.contains("needs CAP_NET_RAW, CAP_BPF and CAP_NET_ADMIN"), "{error}");
        assert!(error.contains("libpcap refused: ") && error.contains("(needs CAP_NET_RAW:"), "{error}");
        assert!(!error.contains('\n'));
    });
}

/// Of this thread only: capabilities belong to threads.
fn give_up_capabilities() {
    // linux/capability.h, version 3: header, then effective, permitted and inheritable sets in two halves.
    let header = [0x2008_0522_u32, 0];
    let none = [0_u32; 6];
    // SAFETY: header and sets have the layout of version 3 and live until the call returns.
    let done = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    assert_eq!(done, 0, "capset");
}
