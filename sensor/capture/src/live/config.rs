//! What live capture is asked for.

use std::str::FromStr;

use crate::CaptureError;

/// How to capture on one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveConfig {
    pub interface: String,
    pub path: PathChoice,
    /// Frames that wait in each AF_XDP receive ring; a power of two. Rings of 1,024 to 4,096 were faster than larger ones.
    pub ring_size: u32,
    /// Buffers of 4,096 bytes for each AF_XDP queue; a power of two. With less than twice `ring_size` the buffers end before the ring is
    /// full.
    pub frame_count: u32,
    /// Spin instead of sleeping while a queue is empty, and drive the device from the same thread: less delay for a whole core.
    pub busy_poll: bool,
    /// Memory of libpcap for frames that wait.
    pub libpcap_buffer_bytes: u32,
    /// Ask a device with several queues to bring both directions of a flow to the same one.
    pub symmetric_hashing: bool,
}

/// Which way of capturing is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathChoice {
    /// AF_XDP where it works, else libpcap.
    #[default]
    Auto,
    AfXdp,
    /// AF_XDP in the generic hook, for drivers whose own XDP is broken.
    AfXdpGeneric,
    Libpcap,
}

impl LiveConfig {
    #[must_use]
    pub fn new(interface: impl Into<String>) -> Self {
        Self { interface: interface.into(), ..Self::default() }
    }

    pub(super) fn check(&self) -> Result<(), CaptureError> {
        let is_power = |size: u32, most: u32| size.is_power_of_two() && (64..=most).contains(&size);
        let wrong = |field, value: u32, wanted| Err(CaptureError::Setting { field, value: value.into(), wanted });
        if !is_power(self.ring_size, 65_536) {
            return wrong("ring_size", self.ring_size, "it must be a power of two from 64 to 65536");
        }
        // Twice the largest ring: beyond that no buffer is ever used.
        if !is_power(self.frame_count, 131_072) {
            return wrong("frame_count", self.frame_count, "it must be a power of two from 64 to 131072");
        }
        if self.libpcap_buffer_bytes < 1 << 20 {
            return wrong("libpcap_buffer_bytes", self.libpcap_buffer_bytes, "it must be at least 1048576");
        }
        Ok(())
    }
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            interface: String::new(),
            path: PathChoice::Auto,
            ring_size: 2_048,
            frame_count: 4_096,
            busy_poll: false,
            libpcap_buffer_bytes: 32 << 20,
            symmetric_hashing: true,
        }
    }
}

impl PathChoice {
    /// The word in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::AfXdp => "af_xdp",
            Self::AfXdpGeneric => "af_xdp_generic",
            Self::Libpcap => "libpcap",
        }
    }
}

impl FromStr for PathChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let choices = [Self::Auto, Self::AfXdp, Self::AfXdpGeneric, Self::Libpcap];
        let found = choices.into_iter().find(|choice| choice.name() == text);
        found.ok_or_else(|| format!("unknown capture path `{text}`; one of `auto`, `af_xdp`, `af_xdp_generic`, `libpcap`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_accepted_and_bad_rings_are_refused_with_what_is_wanted() {
        assert!(LiveConfig::new("eth0").check().is_ok());
        for (ring_size, frame_count, wanted) in [
            (1_000, 4_096, "`ring_size` is 1000; it must be a power of two from 64 to 65536"),
            (2_048, 32, "`frame_count` is 32; it must be a power of two from 64 to 131072"),
        ] {
            let config = LiveConfig { ring_size, frame_count, ..LiveConfig::new("eth0") };
            assert_eq!(config.check().expect_err("refused").to_string(), wanted);
        }
    }

    #[test]
    fn each_path_is_found_by_its_name() {
        for path in [PathChoice::Auto, PathChoice::AfXdp, PathChoice::AfXdpGeneric, PathChoice::Libpcap] {
            assert_eq!(path.name().parse(), Ok(path));
        }
    }
}
