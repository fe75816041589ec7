//! Text from the wire to text that may stand in a document: bounded, printable, never empty.

/// Longest value a fact may carry, in characters; a longer one is cut.
pub(crate) const MAX_CHARS: usize = 255;

/// Printable text without control characters, white space runs made one blank; None when nothing is left.
pub(crate) fn printable(bytes: &[u8]) -> Option<String> {
    // Four bytes a character is UTF-8's worst case; what lies behind cannot show.
    let bytes = bytes.get(..MAX_CHARS.saturating_mul(4)).unwrap_or(bytes);
    let mut text = String::new();
    let mut blank = false;
    for character in String::from_utf8_lossy(bytes).chars() {
        if character.is_whitespace() || character == '\0' {
            blank = !text.is_empty();
        } else if !character.is_control() {
            if std::mem::take(&mut blank) {
                text.push(' ');
            }
            text.push(character);
        }
    }
    if let Some((cut, _)) = text.char_indices().nth(MAX_CHARS) {
        text.truncate(cut);
    }
    (!text.is_empty()).then_some(text)
}

/// A host name as people write it: no trailing dot, no blanks; letters' case is kept. None for addresses' text and for rubbish.
pub(crate) fn host_name(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches(['\0', ' ', '.']);
    let plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '$'));
    let is_name = plain && !text.is_empty() && text.len() <= MAX_CHARS && text.parse::<std::net::IpAddr>().is_err();
    is_name.then(|| text.to_owned())
}

/// UTF-16LE, as Microsoft's protocols carry names.
pub(crate) fn utf16(bytes: &[u8]) -> Option<String> {
    let units = bytes.chunks_exact(2).take(MAX_CHARS).map(|pair| match pair {
        [low, high] => u16::from_le_bytes([*low, *high]),
        _ => 0,
    });
    let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    printable(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_runs_of_blanks_do_not_survive() {
        assert_eq!(printable(b"  Linux \r\n\t plc\x1b[31m\0 "), Some("Linux plc[31m".to_owned()));
        assert_eq!(printable(b"\0\0 \r\n"), None);
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let long = "ü".repeat(1000);
        assert_eq!(printable(long.as_bytes()).map(|t| t.chars().count()), Some(MAX_CHARS));
    }

    #[test]
    fn a_host_name_is_neither_an_address_nor_a_sentence() {
        assert_eq!(host_name(b"plc-1.plant.local."), Some("plc-1.plant.local".to_owned()));
        for refused in [&b"10.0.0.1"[..], b"two words", b"", b"\xff\xfe", b"a<b>"] {
            assert_eq!(host_name(refused), None);
        }
    }
}
