//! Reads capture files for tests: pcap and pcapng, both endians, every frame with its link type. Damage ends the file.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One frame of a capture file.
pub struct Frame {
    pub link: u32,
    pub bytes: Vec<u8>,
    pub wire_len: u32,
}

/// The folder of shared test material; None (and a loud word) where it is absent.
pub fn folder() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("CORDON_SHARED").map_or(default, PathBuf::from).join("captures");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("NOT TESTED: no captures at {}; set CORDON_SHARED to the folder that holds `captures`", folder.display());
    None
}

/// Every frame of `path`; gzip is undone by the system's tool.
pub fn frames(path: &Path) -> Vec<Frame> {
    let bytes = if path.extension().is_some_and(|extension| extension == "gz") {
        Command::new("gzip").arg("-dc").arg(path).output().expect("gzip runs").stdout
    } else {
        std::fs::read(path).expect("capture is readable")
    };
    let mut frames = Vec::new();
    let magic = bytes.get(..4).unwrap_or_default();
    // How far it came is in `frames`; a file that ends early is no news here.
    let _ = match magic {
        [0x0a, 0x0d, 0x0d, 0x0a] => pcapng(&bytes, &mut frames),
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => pcap(&bytes, false, 16, &mut frames),
        // Kuznetzov's variant: eight more bytes in each record.
        [0x34, 0xcd, 0xb2, 0xa1] => pcap(&bytes, false, 24, &mut frames),
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => pcap(&bytes, true, 16, &mut frames),
        _ => None,
    };
    frames
}

fn number(bytes: &[u8], at: usize, big: bool) -> Option<u32> {
    let quad = bytes.get(at..at + 4)?.first_chunk().copied()?;
    Some(if big { u32::from_be_bytes(quad) } else { u32::from_le_bytes(quad) })
}

fn pcap(bytes: &[u8], big: bool, record_header: usize, frames: &mut Vec<Frame>) -> Option<()> {
    let link = number(bytes, 20, big)? & 0x0fff_ffff;
    let mut at = 24;
    loop {
        let captured = number(bytes, at + 8, big)? as usize;
        let wire_len = number(bytes, at + 12, big)?;
        let start = at + record_header;
        frames.push(Frame { link, bytes: bytes.get(start..start + captured)?.to_vec(), wire_len });
        at = start + captured;
    }
}

fn pcapng(bytes: &[u8], frames: &mut Vec<Frame>) -> Option<()> {
    let (mut at, mut big, mut links) = (0, false, Vec::new());
    loop {
        let kind = number(bytes, at, big)?;
        if kind == 0x0a0d_0d0a {
            big = number(bytes, at + 8, true)? == 0x1a2b_3c4d;
            links.clear();
        }
        let len = number(bytes, at + 4, big)? as usize;
        let body = bytes.get(at + 8..at + len.checked_sub(4)?)?;
        match kind {
            1 => links
                .push((if big { number(body, 0, true)? >> 16 } else { number(body, 0, false)? & 0xffff }, number(body, 4, big)?)),
            3 => {
                let &(link, snap) = links.first()?;
                let wire_len = number(body, 0, big)?;
                let captured = if snap == 0 { wire_len } else { wire_len.min(snap) };
                frames.push(Frame { link, bytes: body.get(4..4 + captured as usize)?.to_vec(), wire_len });
            }
            2 | 6 => {
                let interface = number(body, 0, big)?;
                let interface = if kind == 6 {
                    interface
                } else if big {
                    interface >> 16
                } else {
                    interface & 0xffff
                };
                let link = links.get(interface as usize)?.0;
                let captured = number(body, 12, big)? as usize;
                frames.push(Frame { link, bytes: body.get(20..20 + captured)?.to_vec(), wire_len: number(body, 16, big)? });
            }
            _ => {}
        }
        at += len.next_multiple_of(4);
    }
}
