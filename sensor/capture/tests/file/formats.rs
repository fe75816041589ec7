//! Capture files built byte by byte: what the formats allow, and what they forbid.

use crate::made::{self, Endian, block, enhanced, file_on_disk, interface, pcap_header, pcap_record, section, simple};
use sensor_capture::file::parse_bytes;
use sensor_capture::{CaptureError, CaptureFile, Chunk, ChunkEnd, Frame};

const ETHERNET: u16 = 1;
const USB_LINUX: u16 = 189;

/// All frames, and how it ended.
fn read_all(mut file: CaptureFile) -> (Chunk, Result<ChunkEnd, CaptureError>) {
    let (mut chunk, mut beyond) = (Chunk::default(), Chunk::default());
    match file.next_chunk(usize::MAX, &mut chunk) {
        Ok(ChunkEnd::More) => {
            let end = file.next_chunk(usize::MAX, &mut beyond);
            assert!(beyond.frames().is_empty());
            (chunk, end)
        }
        end => (chunk, end),
    }
}

fn times(frames: &[Frame<'_>]) -> Vec<i64> {
    frames.iter().map(|frame| frame.seen_at_nanos).collect()
}

#[test]
fn pcap_of_both_byte_orders_and_both_resolutions_gives_the_same_frames() {
    for (magic, ticks) in [(0xa1b2_c3d4_u32, 500_000), (0xa1b2_3c4d, 500_000_000)] {
        for endian in [Endian::Little, Endian::Big] {
            let file = [pcap_header(endian, magic, 2, 4, 1), pcap_record(endian, 7, ticks, 1514, b"frame")].concat();

            let (chunk, end) = read_all(parse_bytes(&file).expect("a pcap"));

            let frames = chunk.frames();

            assert!(matches!(end, Ok(ChunkEnd::End)));
            let [frame] = frames.as_slice() else { panic!("{} frames", frames.len()) };
            assert_eq!((frame.seen_at_nanos, frame.wire_len, frame.bytes), (7_500_000_000, 1514, b"frame".as_slice()));
        }
    }
}

#[test]
fn a_pcap_record_longer_than_its_wire_length_counts_what_is_stored() {
    let file = [pcap_header(Endian::Little, 0xa1b2_c3d4, 2, 4, 1), pcap_record(Endian::Little, 0, 0, 2, b"frame")].concat();
    let (chunk, _) = read_all(parse_bytes(&file).expect("a pcap"));
    let frames = chunk.frames();
    assert_eq!(frames.iter().map(|frame| frame.wire_len).collect::<Vec<_>>(), [5]);
}

#[test]
fn an_empty_pcap_record_is_a_frame_without_bytes() {
    let file = [pcap_header(Endian::Little, 0xa1b2_c3d4, 2, 4, 1), pcap_record(Endian::Little, 0, 0, 60, b"")].concat();
    let (chunk, _) = read_all(parse_bytes(&file).expect("a pcap"));
    let frames = chunk.frames();
    assert_eq!(frames.iter().map(|frame| (frame.wire_len, frame.bytes.len())).collect::<Vec<_>>(), [(60, 0)]);
}

#[test]
fn the_oldest_pcap_versions_have_the_wire_length_first() {
    for minor in [2, 3] {
        let mut file = pcap_header(Endian::Big, 0xa1b2_c3d4, 2, minor, 1);
        for field in [1_u32, 2, 60, 3] {
            file.extend(field.to_be_bytes());
        }
        file.extend(b"abc");
        let (chunk, _) = read_all(parse_bytes(&file).expect("a pcap"));
        let frames = chunk.frames();
        assert_eq!(frames.iter().map(|f| (f.wire_len, f.bytes)).collect::<Vec<_>>(), [(60, b"abc".as_slice())], "2.{minor}");
    }
}

#[test]
fn the_patched_pcap_of_kuznetzov_has_eight_more_bytes_before_each_packet() {
    let mut file = pcap_header(Endian::Big, 0xa1b2_cd34, 2, 4, 1);
    for packet in [b"abc", b"def"] {
        file.extend(pcap_record(Endian::Big, 1, 2, 60, &[&[0_u8, 0, 0, 2, 8, 0, 4, 0], packet.as_slice()].concat()));
        let captured = file.len() - 11 - 8;
        file[captured..captured + 4].copy_from_slice(&3_u32.to_be_bytes());
    }
    let (chunk, end) = read_all(parse_bytes(&file).expect("a pcap"));
    let frames = chunk.frames();
    assert!(matches!(end, Ok(ChunkEnd::End)), "{end:?}");
    assert_eq!(frames.iter().map(|f| f.bytes).collect::<Vec<_>>(), [b"abc", b"def"]);
    assert_eq!(times(&frames), [1_000_002_000, 1_000_002_000]);
}

#[test]
fn the_length_of_the_frame_check_sequence_is_no_part_of_the_link_type() {
    // Given FCS present (bit 26) and two 16-bit words long (bits 28 to 31).
    let file = pcap_header(Endian::Little, 0xa1b2_c3d4, 2, 4, 0x2400_0001);
    assert!(parse_bytes(&file).is_ok());
}

#[test]
fn a_pcap_that_ends_inside_a_packet_gives_the_whole_ones_and_says_where_it_ends() {
    let mut file = [
        pcap_header(Endian::Little, 0xa1b2_c3d4, 2, 4, 1),
        pcap_record(Endian::Little, 0, 0, 5, b"first"),
        pcap_record(Endian::Little, 0, 0, 6, b"second"),
    ]
    .concat();
    file.truncate(file.len() - 2);

    let (chunk, end) = read_all(parse_bytes(&file).expect("a pcap"));

    let frames = chunk.frames();

    assert_eq!(frames.len(), 1);
    let Ok(ChunkEnd::Truncated(truncation)) = end else { panic!("{end:?}") };
    assert_eq!(truncation.to_string(), "the last packet #2 at offset 45 claims 6 bytes, 4 are there");
}

#[test]
fn a_packet_beyond_the_limit_is_an_error_and_not_a_truncation() {
    let mut file = pcap_header(Endian::Little, 0xa1b2_c3d4, 2, 4, 1);
    for field in [0_u32, 0, 1 << 30, 1 << 30] {
        file.extend(field.to_le_bytes());
    }
    let (_, end) = read_all(parse_bytes(&file).expect("a pcap"));
    let text = end.expect_err("an error").to_string();
    assert!(text.contains("packet #1, offset 24: the packet claims 1073741824 bytes, at most 262144 can be"), "{text}");
}

#[test]
fn pcapng_interfaces_keep_their_own_clock_and_link_type() {
    let e = Endian::Big;
    // Given microseconds by default, milliseconds, nanoseconds, 2^-10 s, picoseconds, and an offset of 100 s.
    let options: [&[(u16, &[u8])]; 6] =
        [&[], &[(9, &[3])], &[(9, &[9])], &[(9, &[0x8a])], &[(9, &[12])], &[(14, &[0, 0, 0, 0, 0, 0, 0, 100])]];
    let mut file = section(e);
    for options in options {
        file.extend(interface(e, ETHERNET, 0, options));
    }
    for number in 0..6 {
        file.extend(enhanced(e, number, 2_048, 60, b"frame"));
    }

    let (chunk, end) = read_all(parse_bytes(&file).expect("a pcapng"));

    let frames = chunk.frames();

    assert!(matches!(end, Ok(ChunkEnd::End)), "{end:?}");
    assert_eq!(times(&frames), [2_048_000, 2_048_000_000, 2_048, 2_000_000_000, 2, 100_002_048_000]);
}

#[test]
fn a_pcapng_time_before_1970_is_negative_where_a_signed_number_was_stored() {
    let e = Endian::Little;
    let file = [section(e), interface(e, ETHERNET, 0, &[]), enhanced(e, 0, (-5_i64).cast_unsigned(), 4, b"abcd")].concat();
    let (chunk, _) = read_all(parse_bytes(&file).expect("a pcapng"));
    let frames = chunk.frames();
    assert_eq!(times(&frames), [-5_000]);
}

#[test]
fn no_resolution_and_no_offset_overflows() {
    let e = Endian::Little;
    for resolution in 0..=255_u8 {
        for offset in [i64::MIN, -1, i64::MAX] {
            let options: &[(u16, &[u8])] = &[(9, &[resolution]), (14, &offset.to_le_bytes())];
            let file = [section(e), interface(e, ETHERNET, 0, options), enhanced(e, 0, u64::MAX / 3, 4, b"abcd")].concat();
            let (chunk, _) = read_all(parse_bytes(&file).expect("a pcapng"));
            let frames = chunk.frames();
            assert_eq!(frames.len(), 1);
        }
    }
}

#[test]
fn simple_packets_are_cut_at_the_snap_length_and_keep_the_last_time() {
    let e = Endian::Little;
    let file = [
        section(e),
        interface(e, ETHERNET, 4, &[]),
        enhanced(e, 0, 9, 4, b"abcd"),
        simple(e, 100, b"abcd"),
        simple(e, 3, b"abc"),
        simple(e, 0, b"abcd"),
    ]
    .concat();
    let (chunk, _) = read_all(parse_bytes(&file).expect("a pcapng"));
    let frames = chunk.frames();
    let seen: Vec<_> = frames.iter().map(|frame| (frame.seen_at_nanos, frame.wire_len, frame.bytes.len())).collect();
    assert_eq!(seen, [(9_000, 4, 4), (9_000, 100, 4), (9_000, 3, 3), (9_000, 4, 4)]);
}

#[test]
fn the_old_packet_block_is_read_as_the_enhanced_one() {
    let e = Endian::Big;
    let mut body = Vec::new();
    body.extend([0, 0, 0xff, 0xff]); // interface 0, drops unknown
    for field in [0_u32, 77, 3, 60] {
        body.extend(field.to_be_bytes());
    }
    body.extend(b"abc\0");
    let file = [section(e), interface(e, ETHERNET, 0, &[]), block(e, 2, &body)].concat();
    let (chunk, _) = read_all(parse_bytes(&file).expect("a pcapng"));
    let frames = chunk.frames();
    assert_eq!(frames.iter().map(|f| (f.wire_len, f.bytes)).collect::<Vec<_>>(), [(60, b"abc".as_slice())]);
}

#[test]
fn sections_of_different_byte_order_follow_each_other_with_unknown_blocks_between() {
    let (big, little) = (Endian::Big, Endian::Little);
    let file = [
        section(big),
        interface(big, ETHERNET, 0, &[]),
        block(big, 0x0bad, b"custom block"),
        enhanced(big, 0, 1, 4, b"abcd"),
        section(little),
        block(little, 0x7777, b""),
        interface(little, ETHERNET, 0, &[]),
        enhanced(little, 0, 2, 4, b"efgh"),
    ]
    .concat();
    let (chunk, end) = read_all(parse_bytes(&file).expect("a pcapng"));
    let frames = chunk.frames();
    assert!(matches!(end, Ok(ChunkEnd::End)), "{end:?}");
    assert_eq!(times(&frames), [1_000, 2_000]);
}

#[test]
fn a_new_section_forgets_the_interfaces_of_the_one_before() {
    let e = Endian::Little;
    let file = [section(e), interface(e, ETHERNET, 0, &[]), section(e), enhanced(e, 0, 1, 4, b"abcd")].concat();
    let (_, end) = read_all(parse_bytes(&file).expect("a pcapng"));
    let text = end.expect_err("an error").to_string();
    assert!(text.contains("the packet names interface 0, the section describes 0"), "{text}");
}

#[test]
fn packets_of_an_unreadable_interface_are_counted_and_the_others_read() {
    let e = Endian::Little;
    let file = [
        section(e),
        interface(e, USB_LINUX, 0, &[]),
        interface(e, ETHERNET, 0, &[]),
        enhanced(e, 0, 1, 4, b"urb1"),
        enhanced(e, 1, 2, 4, b"abcd"),
        enhanced(e, 0, 3, 4, b"urb2"),
    ]
    .concat();
    let mut reader = parse_bytes(&file).expect("a pcapng");
    let mut chunk = Chunk::default();
    assert!(matches!(reader.next_chunk(8, &mut chunk), Ok(ChunkEnd::More)));
    assert_eq!(times(&chunk.frames()), [2_000]);
    let unreadable: Vec<_> = reader.unreadable().map(|link| (link.number, link.name, link.packets)).collect();
    assert_eq!(unreadable, [(189, "USB_LINUX", 2)]);
}

#[test]
fn a_capture_of_nothing_readable_is_refused_with_number_and_name() {
    let e = Endian::Little;
    let pcapng = [section(e), interface(e, USB_LINUX, 0, &[]), enhanced(e, 0, 1, 4, b"urb1")].concat();
    let (_, end) = read_all(parse_bytes(&pcapng).expect("a pcapng"));
    let from_pcapng = end.expect_err("a refusal").to_string();
    let pcap = pcap_header(e, 0xa1b2_c3d4, 2, 4, USB_LINUX.into());
    let from_pcap = parse_bytes(&pcap).expect_err("a refusal").to_string();
    for text in [from_pcapng, from_pcap] {
        assert!(text.starts_with("link type 189 (USB_LINUX) of `memory` cannot be read; "), "{text}");
    }
}

#[test]
fn blocks_whose_two_lengths_differ_are_damage() {
    let e = Endian::Little;
    let mut file = [section(e), interface(e, ETHERNET, 0, &[])].concat();
    let last = file.len() - 4;
    file[last] ^= 0x40;
    let (_, end) = read_all(parse_bytes(&file).expect("a pcapng"));
    let text = end.expect_err("an error").to_string();
    assert!(text.contains("packet #1, offset 28: the block's length is 20 at its start and 84 at its end"), "{text}");
}

#[test]
fn what_is_no_capture_is_refused_with_what_to_do() {
    for (bytes, wanted) in [
        (b"".as_slice(), "nothing: it is empty"),
        (b"snoop\0\0\0\0\0\0\x02", "editcap -F pcapng"),
        (b"BZh91AY", "unpack it first"),
        (b"#!/bin/sh\n", "`23 21 2f 62`; pcap and pcapng can be read"),
        (b"\xd4\xc3\xb2\xa1\x02\0", "ends inside its header: 6 of 24"),
    ] {
        let text = parse_bytes(bytes).expect_err("a refusal").to_string();
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = CaptureFile::open("/nonexistent/x.pcap").expect_err("no such file");
    assert_eq!(error.to_string(), "cannot open `/nonexistent/x.pcap`: No such file or directory (os error 2)");
}

#[test]
fn gzip_members_and_zstd_frames_one_after_the_other_read_as_one_capture() {
    let e = Endian::Little;
    let (start, more) =
        ([pcap_header(e, 0xa1b2_c3d4, 2, 4, 1), pcap_record(e, 1, 0, 4, b"abcd")].concat(), pcap_record(e, 2, 0, 4, b"efgh"));
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let zstd = [made::zstd(&start), skippable.to_vec(), made::zstd(&more)].concat();
    for packed in [[made::gzip(&start), made::gzip(&more)].concat(), zstd] {
        let path = file_on_disk("packed", &packed);
        let (chunk, end) = read_all(CaptureFile::open(&path.0).expect("a packed capture"));
        let frames = chunk.frames();
        assert!(matches!(end, Ok(ChunkEnd::End)), "{end:?}");
        assert_eq!(times(&frames), [1_000_000_000, 2_000_000_000]);
    }
}

#[test]
fn a_gzip_file_that_ends_too_early_gives_its_packets_and_then_the_damage() {
    let e = Endian::Little;
    let mut packed = made::gzip(&[pcap_header(e, 0xa1b2_c3d4, 2, 4, 1), pcap_record(e, 1, 0, 4, b"abcd")].concat());
    packed.truncate(packed.len() - 4);
    let path = file_on_disk("cut", &packed);
    let (chunk, end) = read_all(CaptureFile::open(&path.0).expect("a packed capture"));
    let frames = chunk.frames();
    assert_eq!(frames.len(), 1);
    assert!(matches!(end, Err(CaptureError::Decompress { .. })), "{end:?}");
}
