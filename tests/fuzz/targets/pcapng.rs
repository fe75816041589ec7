//! Any bytes as a pcapng file, behind its magic number.
#![no_main]

mod reading;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| reading::read(&[&[0x0a, 0x0d, 0x0d, 0x0a], bytes].concat()));
