//! Patterns with `*` and `?` over names, without regard to case.

use std::fmt;

/// A pattern that matches a whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    written: String,
    folded: Vec<char>,
}

impl Glob {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { written: text.to_owned(), folded: text.to_lowercase().chars().collect() }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Two cursors and one place to go back to: quadratic at worst, never exponential.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.to_lowercase().chars().collect();
        let (mut at, mut pattern_at) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.folded.get(pattern_at) {
                Some('*') => {
                    star = Some((pattern_at + 1, at));
                    pattern_at += 1;
                }
                Some(wanted) if *wanted == '?' || text.get(at) == Some(wanted) => {
                    at += 1;
                    pattern_at += 1;
                }
                _ => {
                    let Some((after_star, eaten)) = star else { return false };
                    star = Some((after_star, eaten + 1));
                    pattern_at = after_star;
                    at = eaten + 1;
                }
            }
        }
        self.folded.get(pattern_at..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_whole_texts() {
        for (pattern, text, matches) in [
            ("plc-*", "PLC-12", true),
            ("plc-?", "plc-12", false),
            ("*.example.org", "hmi.example.org", true),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXb", false),
            ("*", "", true),
            ("plc", "plc1", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), matches, "{pattern} {text}");
        }
    }
}
