//! Lines of a text, each with the rule that it is there for. For renderers only.

use std::fmt::Write as _;

use crate::target::{RenderedLine, Rendering};

#[derive(Debug)]
pub(crate) struct Lines {
    rendering: Rendering,
    line: usize,
}

impl Lines {
    pub const fn new() -> Self {
        Self { rendering: Rendering { text: String::new(), lines: Vec::new() }, line: 0 }
    }

    pub fn push(&mut self, text: &str, rule: Option<&str>) {
        let _ = writeln!(self.rendering.text, "{text}");
        self.line += 1;
        if let Some(rule) = rule {
            self.rendering.lines.push(RenderedLine { line: self.line, rule: rule.into() });
        }
    }

    /// Elements of a list in JSON, one a line.
    pub fn elements(&mut self, indent: usize, elements: Vec<(String, Option<&str>)>) {
        let last = elements.len().saturating_sub(1);
        for (at, (text, rule)) in elements.into_iter().enumerate() {
            self.push(&format!("{:indent$}{text}{}", "", if at == last { "" } else { "," }), rule);
        }
    }

    pub fn done(self) -> Rendering {
        self.rendering
    }
}

/// One name, or several in brackets, as `set` forms have them.
pub(crate) fn bracketed(names: &[String]) -> String {
    match names {
        [name] => name.clone(),
        _ => format!("[ {} ]", names.join(" ")),
    }
}
