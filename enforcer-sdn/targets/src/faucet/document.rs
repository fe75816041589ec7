//! YAML as the controller reads it: numbers may be hexadecimal, and some stand in quotes. For the parser only.

use std::net::{Ipv4Addr, Ipv6Addr};

use enforcer_packetset::{AddressSet, PortSet, RangeSet};
use enforcer_policy::yaml::{self, Node, Value};
use enforcer_policy::{SourceFile, Sources};

use crate::target::ParseError;
use crate::tree::place;

/// A value with the text that it stands in.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    text: &'a str,
    node: &'a Node,
}

/// The one document of a text.
pub(super) fn read(text: &str) -> Result<Node, ParseError> {
    let sources = Sources::new(&[SourceFile { name: String::new(), text: text.to_owned() }]);
    let documents = yaml::parse(&sources, 0).map_err(|diagnostic| {
        let advice = diagnostic.help.clone().unwrap_or_else(|| "correct the YAML".into());
        ParseError { line: diagnostic.line(), column: diagnostic.column(), what: diagnostic.message, advice }
    })?;
    let mut documents = documents.into_iter();
    match (documents.next(), documents.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(ParseError {
            line: 1,
            column: 1,
            what: "the text has no access list".into(),
            advice: "give `acls:` with one list".into(),
        }),
        (_, Some(second)) => {
            Err(Field { text, node: &second }.error("a second document", "the controller reads one: give it alone"))
        }
    }
}

impl<'a> Field<'a> {
    pub(super) const fn new(text: &'a str, node: &'a Node) -> Self {
        Self { text, node }
    }

    pub(super) fn line(self) -> usize {
        place(self.text, self.node.span.bytes.start).0
    }

    pub(super) fn error(self, what: impl Into<String>, advice: impl Into<String>) -> ParseError {
        let (line, column) = place(self.text, self.node.span.bytes.start);
        ParseError { line, column, what: what.into(), advice: advice.into() }
    }

    /// Members of a mapping, each name once; the first of a pair is the name's place.
    pub(super) fn members(self) -> Result<Vec<(&'a str, Self, Self)>, ParseError> {
        let Value::Map(entries) = &self.node.value else {
            return Err(self.error(format!("{} where a mapping belongs", self.node.kind()), "write `name: value`"));
        };
        let mut members: Vec<(&'a str, Self, Self)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key = Self { node: key, ..self };
            let name = key.word()?;
            if members.iter().any(|(known, ..)| *known == name) {
                return Err(key.error(format!("`{name}` stands twice in one mapping"), "say it once"));
            }
            members.push((name, key, Self { node: value, ..self }));
        }
        Ok(members)
    }

    /// None where it is no list.
    pub(super) fn items(self) -> Option<impl Iterator<Item = Self>> {
        match &self.node.value {
            Value::List(items) => Some(items.iter().map(move |node| Self { node, ..self })),
            _ => None,
        }
    }

    fn scalar(self) -> Result<(&'a str, bool), ParseError> {
        match &self.node.value {
            Value::Scalar { text, quoted } => Ok((text, *quoted)),
            _ => Err(self.error(format!("{} where a value belongs", self.node.kind()), "write one value")),
        }
    }

    pub(super) fn word(self) -> Result<&'a str, ParseError> {
        self.scalar().map(|(word, _)| word)
    }

    /// 0 or 1, or a truth value; in quotes it would be a text.
    pub(super) fn truth(self) -> Result<bool, ParseError> {
        match self.scalar()? {
            ("1" | "true" | "True", false) => Ok(true),
            ("0" | "false" | "False", false) => Ok(false),
            (word, _) => Err(self.error(format!("`{word}` is neither 0 nor 1"), "write 1 to allow, 0 to deny")),
        }
    }

    /// Decimal or hexadecimal.
    pub(super) fn number<T: TryFrom<u32>>(self) -> Result<T, ParseError> {
        let word = self.word()?;
        let advice = "write a decimal number without leading zeros, or a hexadecimal one after 0x";
        number(word).ok_or_else(|| self.error(format!("`{word}` is no number that the field can hold"), advice))
    }

    /// A port, or one under a mask.
    pub(super) fn ports(self) -> Result<PortSet, ParseError> {
        let word = self.word()?;
        let advice = "write a port, or a value under a mask as '0x10/0xfff0'; there are no ranges";
        ports(word).ok_or_else(|| self.error(format!("`{word}` is no port"), advice))
    }

    pub(super) fn v4(self) -> Result<AddressSet, ParseError> {
        let word = self.word()?;
        let v4 = v4(word)
            .ok_or_else(|| self.error(format!("`{word}` is no IPv4 prefix"), "write it as '192.0.2.0/24', without host bits"))?;
        Ok(AddressSet { v4, v6: RangeSet::full() })
    }

    pub(super) fn v6(self) -> Result<AddressSet, ParseError> {
        let (word, is_quoted) = self.scalar()?;
        // YAML 1.1 reads 1:20:30 as a number to the base of 60.
        if !is_quoted && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
            return Err(self.error(format!("`{word}` is a number to some readers of YAML"), "write it in quotes"));
        }
        let v6 = v6(word)
            .ok_or_else(|| self.error(format!("`{word}` is no IPv6 prefix"), "write it as '2001:db8::/32', without host bits"))?;
        Ok(AddressSet { v4: RangeSet::full(), v6 })
    }
}

fn number<T: TryFrom<u32>>(word: &str) -> Option<T> {
    let value = match word.strip_prefix("0x") {
        Some(hex) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok()?,
        None if word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0')) => word.parse().ok()?,
        _ => return None,
    };
    T::try_from(value).ok()
}

fn ports(word: &str) -> Option<PortSet> {
    let Some((value, mask)) = word.split_once('/') else { return number(word).map(RangeSet::of) };
    let (value, mask): (u16, u16) = (number(value)?, number(mask)?);
    // A bit outside of the mask is a mistake.
    (value & !mask == 0).then_some(())?;
    if mask == 0 {
        return Some(RangeSet::full());
    }
    if mask.leading_ones() + mask.trailing_zeros() == u16::BITS {
        return Some(RangeSet::range(value, value | !mask));
    }
    Some(RangeSet::from_ranges((0..=u16::MAX).filter(|port| port & mask == value).map(|port| (port, port))))
}

fn v4(word: &str) -> Option<RangeSet<u32>> {
    let (address, mask) = word.split_once('/').unwrap_or((word, "32"));
    let hosts = if mask.contains('.') {
        !mask.parse::<Ipv4Addr>().ok()?.to_bits()
    } else {
        u32::MAX.checked_shr(length(mask, 32)?).unwrap_or(0)
    };
    let network = address.parse::<Ipv4Addr>().ok()?.to_bits();
    // Masks with holes, and host bits that are set.
    (hosts & hosts.wrapping_add(1) == 0 && network & hosts == 0).then(|| RangeSet::range(network, network | hosts))
}

fn v6(word: &str) -> Option<RangeSet<u128>> {
    let (address, mask) = word.split_once('/').unwrap_or((word, "128"));
    let hosts = if mask.contains(':') {
        !mask.parse::<Ipv6Addr>().ok()?.to_bits()
    } else {
        u128::MAX.checked_shr(length(mask, 128)?).unwrap_or(0)
    };
    let network = address.parse::<Ipv6Addr>().ok()?.to_bits();
    (hosts & hosts.wrapping_add(1) == 0 && network & hosts == 0).then(|| RangeSet::range(network, network | hosts))
}

/// In decimal digits.
fn length(word: &str, most: u32) -> Option<u32> {
    number(word).filter(|&length| length <= most && !word.starts_with("0x"))
}
