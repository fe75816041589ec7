//! Where words stand: the files of a policy, and spans in them that turn into line, column and the line's text.

use std::ops::Range;
use std::sync::Arc;

/// One file's name and text; whoever reads files makes these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// As the user knows it: it opens every diagnostic.
    pub name: String,
    pub text: String,
}

/// The files of one policy, shared by everything that points into them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(Arc<[SourceFile]>);

impl Sources {
    #[must_use]
    pub fn new(files: &[SourceFile]) -> Self {
        Self(files.into())
    }

    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.0
    }

    /// Line and column (both from 1, columns in characters) and the text of the line that a span begins in.
    #[must_use]
    pub fn locate(&self, span: &Span) -> Option<Location> {
        let file = self.0.get(span.file)?;
        let start = floor_char_boundary(&file.text, span.bytes.start);
        let before = file.text.get(..start)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_text = file.text.get(line_start..)?.split(['\n', '\r']).next().unwrap_or_default();
        let end = floor_char_boundary(&file.text, span.bytes.end.min(line_start + line_text.len())).max(start);
        let columns = |from: usize, to: usize| file.text.get(from..to).map_or(0, |text| text.chars().count());
        Some(Location {
            file: file.name.clone(),
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: columns(line_start, start) + 1,
            width: columns(start, end).max(1),
            line_text: line_text.to_owned(),
        })
    }
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&byte| text.is_char_boundary(byte)).unwrap_or(0)
}

/// A span as a person finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Characters on this line, at least 1.
    pub width: usize,
    pub line_text: String,
}

/// Bytes of one of the policy's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Index into the sources.
    pub file: usize,
    pub bytes: Range<usize>,
}

/// A value and the words that say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_a_span_stops_at_its_line() {
        let sources = Sources::new(&[SourceFile { name: "a.yaml".into(), text: "x: 1\r\nzoné: [é, b\r\n c]\n".into() }]);
        let start = sources.files()[0].text.find('[').unwrap();
        let found = sources.locate(&Span { file: 0, bytes: start..start + 14 }).unwrap();
        assert_eq!((found.line, found.column, found.width, found.line_text.as_str()), (2, 7, 5, "zoné: [é, b"));
    }

    #[test]
    fn a_span_beyond_the_text_points_at_its_end() {
        let sources = Sources::new(&[SourceFile { name: "a".into(), text: "ab\n".into() }]);
        let found = sources.locate(&Span { file: 0, bytes: 90..95 }).unwrap();
        assert_eq!((found.line, found.column, found.width), (2, 1, 1));
    }
}
