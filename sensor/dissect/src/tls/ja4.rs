//! JA4, the TLS client fingerprint, after FoxIO's public specification (BSD 3-Clause). Its relatives (JA4S, JA4H, ...) have another licence.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::hello::{ALPN, ClientHello, SERVER_NAME};

/// How the hello travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Tcp,
}

impl Carrier {
    const fn letter(self) -> char {
        match self {
            Self::Tcp => 't',
        }
    }
}

pub(crate) fn fingerprint(hello: &ClientHello<'_>, carrier: Carrier) -> String {
    let version = version(hello.versions.iter().copied().max().unwrap_or(hello.legacy_version));
    let name = if hello.extensions.contains(&SERVER_NAME) { 'd' } else { 'i' };
    let ciphers = hello.ciphers.len().min(99);
    let extensions = hello.extensions.len().min(99);
    let alpn = alpn(hello.alpn);
    let head = format!("{}{version}{name}{ciphers:02}{extensions:02}{alpn}", carrier.letter());
    format!("{head}_{}_{}", cipher_hash(hello), extension_hash(hello))
}

const fn version(value: u16) -> &'static str {
    match value {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// First and last character of the first protocol; of its hexadecimal form where one of the two is no letter or digit.
fn alpn(protocol: Option<&[u8]>) -> String {
    let (Some(first), Some(last)) = (protocol.and_then(<[u8]>::first), protocol.and_then(<[u8]>::last)) else {
        return "00".to_owned();
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(*first), char::from(*last)].iter().collect();
    }
    format!("{:x}{:x}", first >> 4, last & 0x0f)
}

fn cipher_hash(hello: &ClientHello<'_>) -> String {
    let mut ciphers = hello.ciphers.clone();
    ciphers.sort_unstable();
    hash(&hex_list(&ciphers))
}

/// Sorted, without server name and ALPN, which say more of the request than of the client; then the signature algorithms as sent.
fn extension_hash(hello: &ClientHello<'_>) -> String {
    let mut extensions = hello.extensions.clone();
    extensions.sort_unstable();
    extensions.retain(|kind| !matches!(*kind, SERVER_NAME | ALPN));
    let mut text = hex_list(&extensions);
    if !hello.signature_algorithms.is_empty() {
        text.push('_');
        text.push_str(&hex_list(&hello.signature_algorithms));
    }
    if hello.extensions.is_empty() { hash("") } else { hash(&text) }
}

fn hex_list(values: &[u16]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:04x}")).collect();
    values.join(",")
}

/// The first 12 hexadecimal digits of SHA-256; zeros for nothing.
fn hash(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".to_owned();
    }
    let mut digits = String::new();
    for byte in Sha256::digest(text.as_bytes()).iter().take(6) {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of FoxIO's specification.
    #[test]
    fn the_specifications_example_has_the_specifications_fingerprint() {
        let hello = ClientHello {
            legacy_version: 0x0303,
            versions: vec![0x0304, 0x0303],
            ciphers: vec![
                0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f,
                0x0035,
            ],
            extensions: vec![
                0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b,
                0x000a, 0x0015,
            ],
            signature_algorithms: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            server_name: Some(b"example.com"),
            alpn: Some(b"h2"),
        };
        assert_eq!(fingerprint(&hello, Carrier::Tcp), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn an_alpn_that_is_not_text_gives_its_outer_nibbles() {
        assert_eq!(alpn(Some(&[0xab, 0xcd])), "ad");
        assert_eq!(alpn(Some(b"x")), "xx");
        assert_eq!(alpn(None), "00");
    }
}
