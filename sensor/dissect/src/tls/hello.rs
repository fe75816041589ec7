//! The ClientHello (RFC 8446 4.1.2), as far as a fingerprint and a server name need it.

use crate::reader::Reader;

mod extension {
    pub const SERVER_NAME: u16 = 0;
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    pub const ALPN: u16 = 16;
    pub const SUPPORTED_VERSIONS: u16 = 43;
}

pub(crate) const SERVER_NAME: u16 = extension::SERVER_NAME;
pub(crate) const ALPN: u16 = extension::ALPN;

/// Lists in the order they were sent, without the reserved values of GREASE (RFC 8701).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientHello<'a> {
    pub legacy_version: u16,
    pub ciphers: Vec<u16>,
    pub extensions: Vec<u16>,
    pub versions: Vec<u16>,
    pub signature_algorithms: Vec<u16>,
    pub server_name: Option<&'a [u8]>,
    /// The first protocol offered.
    pub alpn: Option<&'a [u8]>,
}

impl<'a> ClientHello<'a> {
    /// From the body of the handshake message. Broken extensions end the list, what came before them counts.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let legacy_version = reader.be16()?;
        reader.skip(32)?;
        reader.prefixed8().filter(|session| session.len() <= 32)?;
        let ciphers = reader.prefixed16().filter(|list| !list.is_empty() && list.len().is_multiple_of(2))?;
        reader.prefixed8().filter(|compressions| !compressions.is_empty())?;
        let mut hello = Self { legacy_version, ciphers: values(ciphers), ..Self::default() };
        if let Some(list) = reader.prefixed16() {
            hello.read_extensions(list);
        }
        Some(hello)
    }

    fn read_extensions(&mut self, list: &'a [u8]) -> Option<()> {
        let mut reader = Reader::new(list);
        while !reader.is_empty() {
            let kind = reader.be16()?;
            let data = reader.prefixed16()?;
            if is_grease(kind) {
                continue;
            }
            self.extensions.push(kind);
            let mut inner = Reader::new(data);
            match kind {
                // RFC 6066 3: a list of names, of which only host names (0) are defined.
                extension::SERVER_NAME => {
                    let mut names = Reader::new(inner.prefixed16().unwrap_or_default());
                    if names.u8() == Some(0) {
                        self.server_name = names.prefixed16();
                    }
                }
                extension::SIGNATURE_ALGORITHMS => self.signature_algorithms = values(inner.prefixed16().unwrap_or_default()),
                // RFC 7301 3.1.
                extension::ALPN => self.alpn = Reader::new(inner.prefixed16().unwrap_or_default()).prefixed8(),
                extension::SUPPORTED_VERSIONS => self.versions = values(inner.prefixed8().unwrap_or_default()),
                _ => {}
            }
        }
        Some(())
    }
}

fn values(list: &[u8]) -> Vec<u16> {
    let pairs = list.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
    pairs.map(u16::from_be_bytes).filter(|value| !is_grease(*value)).collect()
}

/// RFC 8701 2: 0x0a0a, 0x1a1a, ... 0xfafa.
const fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}
