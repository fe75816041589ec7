//! The transcript: chapters, commands with the part of their output that matters, figures. Colour on a terminal only.

use std::io::IsTerminal;
use std::time::Instant;

use harness::story::Narrator;

/// Lines longer than this are cut: tables of many columns wrap on a terminal and then nobody reads them.
const WIDTH: usize = 150;

/// Lines at the end of an output that are shown when its middle is left out.
const CONCLUSION: usize = 2;

/// Where the story is told.
pub struct Screen {
    coloured: bool,
    start: Instant,
}

impl Screen {
    pub fn new() -> Self {
        Self { coloured: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(), start: Instant::now() }
    }

    pub fn note(&self, text: &str) {
        println!("   {} {text}", self.paint("33", "note"));
    }

    /// The last line.
    pub fn summary(&self, text: &str) {
        println!("\n{} {text} ({:.0} s)", self.paint("1;32", "Cordon demo:"), self.start.elapsed().as_secs_f64());
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl Narrator for Screen {
    fn chapter(&self, number: usize, title: &str) {
        let seconds = self.start.elapsed().as_secs_f64();
        println!("\n{}  {}", self.paint("1;36", &format!("{number}. {title}")), self.paint("2", &format!("[{seconds:.1} s]")));
    }

    fn say(&self, text: &str) {
        println!("   {text}");
    }

    fn good(&self, text: &str) {
        println!("   {} {text}", self.paint("32", "ok"));
    }

    fn command(&self, typed: &str, output: &str, limit: usize) {
        println!("   {}", self.paint("1", &format!("$ {typed}")));
        let lines: Vec<&str> = output.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        // The end of an output is its conclusion, so it is shown too.
        let (head, tail) = if lines.len() > limit { (limit.saturating_sub(CONCLUSION), CONCLUSION) } else { (lines.len(), 0) };
        for line in lines.iter().take(head) {
            println!("     {}", cut(line));
        }
        let left_out = lines.len() - head - tail;
        if left_out > 0 {
            println!("     {}", self.paint("2", &format!("... {left_out} more lines")));
        }
        for line in lines.iter().skip(head + left_out) {
            println!("     {}", cut(line));
        }
    }
}

fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH { line.to_owned() } else { line.chars().take(WIDTH - 3).chain("...".chars()).collect() }
}
