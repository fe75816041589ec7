//! Values of the configuration that are more than a number: each is checked while it is read, so a wrong one has a place.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A length of time, written `30s`, `5m`, `12h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("`{text}` is not a time; write it as \"30s\", \"5m\", \"12h\" or \"7d\"");
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?);
        let unit_seconds: u64 = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(refused()),
        };
        let number: u64 = digits.parse().map_err(|_| refused())?;
        number.checked_mul(unit_seconds).map(|seconds| Self(Duration::from_secs(seconds))).ok_or_else(refused)
    }
}

/// Letters, digits, `-` and `_`: it becomes part of topics and file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorName(pub String);

impl FromStr for SensorName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if text.is_empty() || text.len() > 64 || !text.chars().all(plain) {
            return Err(format!("`{text}` is not a sensor name; use up to 64 letters, digits, `-` and `_`"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// An address prefix, written `203.0.113.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    pub network: IpAddr,
    pub length: u8,
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("`{text}` is not a prefix; write it as \"203.0.113.0/24\" or \"2001:db8::/32\"");
        let (network, length) = text.split_once('/').ok_or_else(refused)?;
        let network: IpAddr = network.parse().map_err(|_| refused())?;
        let length: u8 = length.parse().map_err(|_| refused())?;
        let longest = if network.is_ipv4() { 32 } else { 128 };
        if length <= longest { Ok(Self { network, length }) } else { Err(refused()) }
    }
}

/// How frames are taken from the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CapturePath {
    Auto,
    AfXdp,
    AfXdpGeneric,
    Libpcap,
}

impl FromStr for CapturePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        clap::ValueEnum::from_str(text, false)
            .map_err(|_| format!("`{text}` is not a capture path; write \"auto\", \"af-xdp\", \"af-xdp-generic\" or \"libpcap\""))
    }
}

/// When packets go to the worker that owns their flow, instead of staying at the queue they came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reshard {
    /// Where the directions of a flow come to different queues, or may.
    Auto,
    Always,
    Never,
}

impl FromStr for Reshard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(format!("`{text}` does not say when to re-shard; write \"auto\", \"always\" or \"never\"")),
        }
    }
}

/// Whether mirrored copies are left out, and how far they are looked for. Written `off`, `500us`, `1ms` or `1s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dedup {
    Off,
    Within(Duration),
}

impl Dedup {
    /// Copies that come later than this are made by no switch and no router.
    const LONGEST: Duration = Duration::from_secs(1);
}

impl FromStr for Dedup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("`{text}` is no window for copies; write \"off\", or up to a second as \"500us\" or \"1ms\"");
        if text == "off" {
            return Ok(Self::Off);
        }
        let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?);
        let number = digits.parse().map_err(|_| refused())?;
        let window = match unit.trim() {
            "us" => Duration::from_micros(number),
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            _ => return Err(refused()),
        };
        if window.is_zero() || window > Self::LONGEST { Err(refused()) } else { Ok(Self::Within(window)) }
    }
}

impl From<CapturePath> for sensor_capture::PathChoice {
    fn from(path: CapturePath) -> Self {
        match path {
            CapturePath::Auto => Self::Auto,
            CapturePath::AfXdp => Self::AfXdp,
            CapturePath::AfXdpGeneric => Self::AfXdpGeneric,
            CapturePath::Libpcap => Self::Libpcap,
        }
    }
}

/// Whether VLAN tags tell flows apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanKey(pub sensor_flow::VlanKey);

impl FromStr for VlanKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self(sensor_flow::VlanKey::Auto)),
            "always" => Ok(Self(sensor_flow::VlanKey::Always)),
            "never" => Ok(Self(sensor_flow::VlanKey::Never)),
            _ => Err(format!("`{text}` does not say when VLANs tell flows apart; write \"auto\", \"always\" or \"never\"")),
        }
    }
}

/// Where an MQTT broker listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    pub host: String,
    pub port: u16,
    pub encrypted: bool,
}

impl FromStr for Broker {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("`{text}` is not a broker; write it as \"mqtt://host:1883\" or \"mqtts://host:8883\"");
        let (encrypted, rest) = match text.split_once("://") {
            Some(("mqtt", rest)) => (false, rest),
            Some(("mqtts", rest)) => (true, rest),
            _ => return Err(refused()),
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') => (host, port.parse().map_err(|_| refused())?),
            _ => (rest, if encrypted { 8883 } else { 1883 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains(['/', '@']) {
            Err(refused())
        } else {
            Ok(Self { host: host.to_owned(), port, encrypted })
        }
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mqtt{}://{}:{}", if self.encrypted { "s" } else { "" }, self.host, self.port)
    }
}

macro_rules! deserialize_by_text {
    ($($name:ty),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}
deserialize_by_text!(Dedup, Span, SensorName, Prefix, CapturePath, Reshard, VlanKey);

/// An empty text is None.
pub fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: T::Err| {
        let message = error.to_string();
        // Errors of our own types name the value already.
        de::Error::custom(if message.starts_with('`') { message } else { format!("`{text}`: {message}") })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_have_usual_ports_and_may_be_ipv6() {
        let read = |text: &str| text.parse::<Broker>().map(|broker| broker.to_string());
        assert_eq!(read("mqtt://plant").as_deref(), Ok("mqtt://plant:1883"));
        assert_eq!(read("mqtts://plant/").as_deref(), Ok("mqtts://plant:8883"));
        assert_eq!(read("mqtt://[::1]:99").as_deref(), Ok("mqtt://::1:99"));
        assert!(read("plant:1883").is_err() && read("mqtt://").is_err() && read("mqtt://a:b").is_err());
    }

    #[test]
    fn times_without_unit_or_too_large_are_refused() {
        assert_eq!("2d".parse(), Ok(Span(Duration::from_secs(172_800))));
        assert!("5".parse::<Span>().is_err() && "m".parse::<Span>().is_err());
        assert!("99999999999999999999d".parse::<Span>().is_err() && "999999999999999999d".parse::<Span>().is_err());
    }
}
