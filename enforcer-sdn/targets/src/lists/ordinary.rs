//! Lines of a running configuration that stand beside its lists, for the dialects that look like Cisco's. What decides about no packet that
//! passes through is known by its first words; what filters, changes or turns packets beside the lists is known too, with what to do
//! about it. Anything else is unknown, and stays an error. Which routes there are is no matter here: a policy speaks of packets that go somewhere.

use crate::lists::beside::{FILTERS_OF_DEVICES, FILTERS_OF_INTERFACES, OF_DEVICES, OF_INTERFACES};
use crate::target::ParseError;
use crate::words::Words;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It decides about no packet, nor does what is indented below it.
    Unrelated,
    /// It does, beside the lists: what it does, and so why the text cannot be judged with it.
    Filters(&'static str),
    Unknown,
}

/// Of a line that stands in an interface.
pub(crate) fn of_interface(words: &Words<'_>) -> Known {
    if words.rest().trim_end() == "switchport" {
        return Known::Unrelated;
    }
    known(words, FILTERS_OF_INTERFACES, OF_INTERFACES)
}

/// Of a line that stands for itself.
pub(crate) fn of_device(words: &Words<'_>) -> Known {
    // AOS-CX: for what is sent to the device itself.
    if words.rest().starts_with("apply access-list ") && words.rest().contains(" control-plane ") {
        return Known::Unrelated;
    }
    known(words, FILTERS_OF_DEVICES, OF_DEVICES)
}

/// What the line is by these lists of first words.
pub(crate) fn known(words: &Words<'_>, filters: &[(&str, &'static str)], unrelated: &[&str]) -> Known {
    let starts = |start: &str| {
        let rest = words.rest().strip_prefix(start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace) || start.ends_with(':'))
    };
    if let Some((_, why)) = filters.iter().find(|(start, _)| starts(start)) {
        return Known::Filters(why);
    }
    if unrelated.iter().any(|start| starts(start)) { Known::Unrelated } else { Known::Unknown }
}

/// The line filters beside the lists.
pub(crate) fn beside(words: &Words<'_>, why: &str) -> ParseError {
    words.error_ahead(
        format!("`{}` decides about packets too", words.rest().trim_end()),
        format!("{why}; cut it out only if what the lists do is to be proven without it"),
    )
}

/// The line is not of any known kind.
pub(crate) fn unknown(words: &Words<'_>) -> ParseError {
    words.error_ahead(
        format!("`{}` is not known", words.peek()),
        "if it filters, changes or turns no packets, cut it out with what is indented below it: what counts are lists, their groups \
         and time ranges, and what binds them",
    )
}

/// [`unknown`], in an interface.
pub(crate) fn unknown_in_interface(words: &Words<'_>) -> ParseError {
    words.error_ahead(
        format!("`{}` is not known in an interface", words.peek()),
        "if it filters, changes or turns no packets, cut the line out: what counts are the lines that bind lists",
    )
}

/// Lines with their numbers, without the text that a banner shows at login.
pub(crate) fn without_banners(text: &str) -> Result<impl Iterator<Item = (usize, &str)> + Clone, ParseError> {
    let lines = (1..).zip(text.lines());
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    let mut until: Option<(usize, &str)> = None;
    // Every text is read once more for its banners; their first words are looked for and nothing else.
    for (line, text) in lines.clone() {
        if let Some((from, end)) = until {
            let is_end = if end == "EOF" { text.trim() == end } else { text.contains(end) };
            if is_end {
                hidden.push((from, line));
                until = None;
            }
        } else if let Some(shown) = text.strip_prefix("banner ") {
            let shown = shown.split_once(' ').map_or("", |(_, shown)| shown.trim_start());
            let end = match shown.chars().next() {
                None => "EOF",
                Some('^') if shown.len() > 1 => shown.get(..2).unwrap_or("^"),
                Some(first) => shown.get(..first.len_utf8()).unwrap_or("EOF"),
            };
            if shown.is_empty() || !shown.get(end.len()..).is_some_and(|rest| rest.contains(end)) {
                until = Some((line, end));
            } else {
                hidden.push((line, line));
            }
        }
    }
    if let Some((line, end)) = until {
        let what = format!("a banner that does not end in `{end}`");
        return Err(ParseError { line, column: 1, what, advice: "complete the text, or cut the banner out".into() });
    }
    Ok(lines.filter(move |(line, _)| !hidden.iter().any(|(from, to)| (from..=to).contains(&line))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::beside::{MAPS, POLICES};

    #[test]
    fn longer_words_decide_first() {
        let of = |line| of_device(&Words::new(1, line));
        assert_eq!(of("vlan 10"), Known::Unrelated);
        assert_eq!(of("vlan filter m vlan-list 10"), Known::Filters(MAPS));
        assert_eq!(of("service timestamps log"), Known::Unrelated);
        assert_eq!(of("service-policy input x"), Known::Filters(POLICES));
        assert_eq!(of("serviceable"), Known::Unknown);
        assert_eq!(of_interface(&Words::new(1, " switchport")), Known::Unrelated);
        assert_eq!(of_interface(&Words::new(1, " switchport mode access")), Known::Unrelated);
        assert_eq!(of_interface(&Words::new(1, " switchport anything")), Known::Unknown);
    }

    #[test]
    fn banners_are_no_lines() {
        let lines = |text: &str| without_banners(text).map(|lines| lines.map(|(line, _)| line).collect::<Vec<_>>());
        assert_eq!(lines("a\nbanner motd ^C\nip access-list x\n^C\nb\n"), Ok(vec![1, 5]));
        assert_eq!(lines("banner motd #no entry#\nb\n"), Ok(vec![2]));
        assert_eq!(lines("banner login\nb\nEOF\nc\n"), Ok(vec![4]));
        assert_eq!(lines("a\nbanner motd #\nb\n").unwrap_err().line, 2);
    }
}
