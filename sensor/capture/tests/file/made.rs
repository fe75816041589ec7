//! Builders of capture files for tests.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Clone, Copy, Debug)]
pub enum Endian {
    Little,
    Big,
}

impl Endian {
    fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

pub fn pcap_header(e: Endian, magic: u32, major: u16, minor: u16, link: u32) -> Vec<u8> {
    let mut out = e.u32(magic).to_vec();
    out.extend(e.u16(major));
    out.extend(e.u16(minor));
    for field in [0, 0, 65_535, link] {
        out.extend(e.u32(field));
    }
    out
}

pub fn pcap_record(e: Endian, seconds: u32, ticks: u32, wire_len: u32, bytes: &[u8]) -> Vec<u8> {
    let captured = u32::try_from(bytes.len()).expect("a short packet");
    let mut out: Vec<u8> = [seconds, ticks, captured, wire_len].into_iter().flat_map(|field| e.u32(field)).collect();
    out.extend(bytes);
    out
}

pub fn block(e: Endian, kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let len = u32::try_from(padded + 12).expect("a short block");
    let mut out = [e.u32(kind), e.u32(len)].concat();
    out.extend(body);
    out.resize(8 + padded, 0);
    out.extend(e.u32(len));
    out
}

pub fn section(e: Endian) -> Vec<u8> {
    let mut body = e.u32(0x1a2b_3c4d).to_vec();
    body.extend([e.u16(1), e.u16(0)].concat());
    body.extend([0xff; 8]);
    block(e, 0x0a0d_0d0a, &body)
}

pub fn interface(e: Endian, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = [e.u16(link), e.u16(0)].concat();
    body.extend(e.u32(snaplen));
    for (code, value) in options {
        body.extend(e.u16(*code));
        body.extend(e.u16(u16::try_from(value.len()).expect("a short option")));
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    block(e, 1, &body)
}

pub fn enhanced(e: Endian, interface: u32, ticks: u64, wire_len: u32, bytes: &[u8]) -> Vec<u8> {
    let captured = u32::try_from(bytes.len()).expect("a short packet");
    let high = u32::try_from(ticks >> 32).expect("32 bits");
    let low = u32::try_from(ticks & 0xffff_ffff).expect("32 bits");
    let mut body: Vec<u8> = [interface, high, low, captured, wire_len].into_iter().flat_map(|field| e.u32(field)).collect();
    body.extend(bytes);
    block(e, 6, &body)
}

pub fn simple(e: Endian, wire_len: u32, bytes: &[u8]) -> Vec<u8> {
    block(e, 3, &[&e.u32(wire_len), bytes].concat())
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A file that goes with its owner.
pub struct OnDisk(pub PathBuf);

impl Drop for OnDisk {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.0);
    }
}

pub fn file_on_disk(name: &str, bytes: &[u8]) -> OnDisk {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let unique = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("sensor-capture-{}-{unique}-{name}", std::process::id()));
    std::fs::write(&path, bytes).expect("the temporary folder can be written");
    OnDisk(path)
}
