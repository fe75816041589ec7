//! Replay writes the same bytes for any number of workers.

use std::fs;
use std::path::Path;

use super::*;

const DOCUMENTS: [&str; 4] = ["conn.log", "flowmap.json", "alerts.ndjson", "stats.json"];

/// A capture of `packets` UDP packets: many hosts ask one server, and it answers every other time; a few frames are no IP at all.
fn capture(packets: u32) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(word.to_le_bytes());
    }
    for number in 0..packets {
        let host = (number / 2 % 50) as u8 + 1;
        let (client, server) = ([10, 0, 0, host], [10, 0, 1, 1]);
        let answers = number % 2 == 1;
        let (from, to) = if answers { (server, client) } else { (client, server) };
        let (port_from, port_to) = if answers { (9_999_u16, 40_000_u16) } else { (40_000, 9_999) };
        let mut frame = vec![2, 0, 0, 0, to[2], to[3], 2, 0, 0, 0, from[2], from[3], 8, 0];
        frame.extend([0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0]);
        frame.extend(from.iter().chain(&to));
        frame.extend(port_from.to_be_bytes().iter().chain(&port_to.to_be_bytes()));
        frame.extend([0, 12, 0, 0, 1, 2, 3, 4]);
        if number % 97 == 0 {
            frame[12..14].copy_from_slice(&[0x88, 0xcc]);
        }
        for word in [1_700_000_000 + number / 1_000, number % 1_000 * 1_000, 46, 46] {
            file.extend(word.to_le_bytes());
        }
        file.extend(&frame);
    }
    file
}

fn replay(name: &str, files: &[&Path], workers: usize) -> (PathBuf, Result<bool>) {
    replay_as(name, files, workers, true)
}

fn replay_as(name: &str, files: &[&Path], workers: usize, with_map: bool) -> (PathBuf, Result<bool>) {
    let out = std::env::temp_dir().join(format!("sensor-replay-{}-{name}-{workers}", std::process::id()));
    let _ = fs::remove_dir_all(&out);
    let job = Job { files: files.iter().map(|file| file.to_path_buf()).collect(), out: out.clone(), workers, with_map };
    (out, run(&job, &Config::load(None).unwrap()))
}

fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("sensor-replay-{}-{name}.pcap", std::process::id()));
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn any_number_of_workers_writes_the_same_bytes_and_the_counts_balance() {
    // More pieces than are read ahead, so that the lanes overlap with each other and with the hub's work.
    let packets = 12 * lanes::PIECE_FRAMES as u32 + 5_000;
    let file = write("many", &capture(packets));
    let documents = |workers: usize| {
        let (out, done) = replay("many", &[&file], workers);
        assert!(done.unwrap());
        let bytes = DOCUMENTS.map(|name| fs::read(out.join(name)).unwrap());
        let _ = fs::remove_dir_all(out);
        bytes
    };
    let one = documents(1);
    for workers in [2, 3, 16] {
        assert!(documents(workers) == one, "{workers} workers differ");
    }
    let stats: serde_json::Value = serde_json::from_slice(&one[3]).unwrap();
    let count = |name: &str| stats[name].as_u64().unwrap();
    let skipped: u64 = stats["skipped"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(count("packets"), u64::from(packets));
    assert_eq!(count("non_ip_packets"), u64::from(packets.div_ceil(97)));
    let parts = ["flow_packets", "refused_packets", "non_ip_packets", "later_fragments"].map(count);
    assert_eq!(count("packets"), parts.iter().sum::<u64>() + skipped);
    let _ = fs::remove_file(file);
}

#[test]
fn without_a_map_the_flows_are_the_same_and_there_is_nothing_else() {
    let file = write("flows", &capture(20_000));
    let (whole, _) = replay_as("whole", &[&file], 1, true);
    let (flows, done) = replay_as("flows", &[&file], 2, false);
    assert!(done.unwrap());
    let conn_log = |out: &Path| fs::read(out.join("conn.log")).unwrap();
    assert!(conn_log(&whole) == conn_log(&flows) && !conn_log(&flows).is_empty());
    let mut names: Vec<_> = fs::read_dir(&flows).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["conn.log", "stats.json"]);
    for path in [whole, flows] {
        let _ = fs::remove_dir_all(path);
    }
    let _ = fs::remove_file(file);
}

#[test]
fn a_bad_file_is_told_of_and_the_others_are_still_read() {
    let (good, bad) = (write("good", &capture(10)), write("bad", b"no capture"));
    let (out, done) = replay("mixed", &[&bad, &good], 1);
    assert!(!done.unwrap());
    let stats = fs::read_to_string(out.join("stats.json")).unwrap();
    assert!(stats.contains("\"packets\": 10") && stats.contains("is not a capture"), "{stats}");
    let _ = fs::remove_dir_all(out);
}

#[test]
fn when_nothing_can_be_read_earlier_documents_stay() {
    let bad = write("only", b"no capture");
    let out = std::env::temp_dir().join(format!("sensor-replay-{}-stay", std::process::id()));
    fs::create_dir_all(&out).unwrap();
    fs::write(out.join("conn.log"), "old").unwrap();
    let job = Job { files: vec![bad], out: out.clone(), workers: 1, with_map: true };
    assert!(!run(&job, &Config::load(None).unwrap()).unwrap());
    assert_eq!(fs::read_to_string(out.join("conn.log")).unwrap(), "old");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    let _ = fs::remove_dir_all(out);
}
