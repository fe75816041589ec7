//! Puts frames on a wire exactly as they are, at a steady pace.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use pcap::{Active, Capture};

use crate::namespace::Namespace;

/// Frames go out in groups, one group a millisecond.
const GROUP: Duration = Duration::from_millis(1);

/// A raw socket on one interface of a namespace.
pub struct WireSender {
    socket: Capture<Active>,
}

impl WireSender {
    /// # Errors
    /// When there is no such interface, or no right to open it.
    pub fn open(namespace: &Namespace, interface: &str) -> Result<Self> {
        let socket = namespace.enter(|| Ok(Capture::from_device(interface)?.open()?)).context("opening a raw socket")?;
        Ok(Self { socket })
    }

    /// # Errors
    /// When the interface is down.
    pub fn send(&mut self, frame: &[u8]) -> Result<()> {
        Ok(self.socket.sendpacket(frame)?)
    }

    /// Sends all frames, `per_second` of them in a second, never faster.
    ///
    /// # Errors
    /// When the interface is down.
    pub fn send_paced<'a>(&mut self, frames: impl Iterator<Item = &'a Vec<u8>>, per_second: usize) -> Result<()> {
        let group_len = (per_second / 1000).max(1);
        let start = Instant::now();
        for (sent, frame) in frames.enumerate() {
            if sent % group_len == 0 {
                let due = start + GROUP * u32::try_from(sent / group_len).unwrap_or(u32::MAX);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            self.send(frame)?;
        }
        Ok(())
    }
}
