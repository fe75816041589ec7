//! Any bytes as a classic capture file: frames inside the file, an end or an error, never a loop without progress.
#![no_main]

mod reading;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if !bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
        reading::read(bytes);
    }
});
