//! The files of a policy: from the ones that are named to all that they include, each once, included files before the file that
//! names them. Reading is the caller's; a file that comes twice, or that includes itself in the end, is an error with both places.

use std::path::{Component, Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::source::{SourceFile, Sources, Span, Spanned};
use crate::yaml::{self, Node, Value};

/// Files of one policy. Nobody writes so many; a mistake in a generator does.
const MAX_FILES: usize = 1000;
/// Includes in includes.
const MAX_DEPTH: usize = 32;
const KEY: &str = "include";

/// Every file of the policy, in the order in which it is to be read. `load` gives the text of a file, or says why there is none.
///
/// # Errors
/// Files that cannot be read, that come twice, and that include themselves.
pub fn gather(named: &[String], load: impl FnMut(&str) -> Result<String, String>) -> Result<Vec<SourceFile>, Vec<Diagnostic>> {
    let mut walk = Walk { load, done: Vec::new(), open: Vec::new(), findings: Vec::new() };
    for name in named {
        let path = plain(Path::new(name));
        walk.file(&path, None);
    }
    let Walk { done, findings, .. } = walk;
    if findings.is_empty() { Ok(done.into_iter().map(|file| file.source).collect()) } else { Err(findings) }
}

/// Whether the file that an `include:` entry means is one of the sources.
pub fn is_among(entry: &Spanned<String>, sources: &Sources) -> bool {
    let Some(from) = sources.files().get(entry.span.file) else { return false };
    let wanted = beside(&from.name, &entry.value);
    sources.files().iter().any(|file| plain(Path::new(&file.name)) == wanted)
}

/// A path beside the file that names it, without `.` and inner `..`.
fn beside(file: &str, path: &str) -> String {
    plain(&Path::new(file).parent().unwrap_or(Path::new("")).join(path))
}

fn plain(path: &Path) -> String {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out.display().to_string()
}

struct Read {
    source: SourceFile,
    /// Who named it.
    by: Option<Place>,
}

/// `file:line:column` of an entry.
type Place = String;

struct Walk<L> {
    load: L,
    done: Vec<Read>,
    /// Files whose includes are being read, outermost first.
    open: Vec<(String, Option<Place>)>,
    findings: Vec<Diagnostic>,
}

impl<L: FnMut(&str) -> Result<String, String>> Walk<L> {
    fn file(&mut self, path: &str, entry: Option<(&Sources, &Spanned<String>)>) {
        let place = entry.and_then(|(sources, entry)| sources.locate(&entry.span));
        let place = place.map(|at| format!("{}:{}:{}", at.file, at.line, at.column));
        let told = |finding: Diagnostic| match entry {
            Some((sources, entry)) => finding.at(sources, &entry.span),
            None => finding,
        };
        if let Some((_, by)) = self.open.iter().find(|(name, _)| name == path) {
            let by = by.as_ref().map_or_else(|| "the command line".to_owned(), Clone::clone);
            let message = format!("`{path}` includes itself in the end: it was named by {by} and is named here again");
            return self.findings.push(told(Diagnostic::error("include-cycle", message).help("take this entry out")));
        }
        if let Some(known) = self.done.iter().find(|known| known.source.name == path) {
            let by = known.by.as_ref().map_or_else(|| "the command line".to_owned(), Clone::clone);
            let message = format!("`{path}` comes twice: it was named by {by} before");
            let help = "include a file once; its zones and services are there for all files";
            return self.findings.push(told(Diagnostic::error("include-twice", message).help(help)));
        }
        if self.done.len() + self.open.len() >= MAX_FILES || self.open.len() >= MAX_DEPTH {
            let message = format!("more than {MAX_FILES} files, or includes deeper than {MAX_DEPTH}");
            return self.findings.push(told(Diagnostic::error("include-many", message).help("put them together")));
        }
        let text = match (self.load)(path) {
            Ok(text) => text,
            Err(why) => {
                let message = format!("cannot read `{path}`: {why}");
                let help = "a path in `include:` is relative to the file that it stands in";
                let finding = Diagnostic::error("include", message);
                return self.findings.push(told(if entry.is_some() { finding.help(help) } else { finding }));
            }
        };
        let source = SourceFile { name: path.to_owned(), text };
        self.open.push((path.to_owned(), place.clone()));
        // Most files include nothing; a large one is not parsed twice for that.
        if source.text.contains(KEY) {
            let sources = Sources::new(std::slice::from_ref(&source));
            for entry in entries(&sources) {
                self.file(&beside(path, &entry.value), Some((&sources, &entry)));
            }
        }
        self.open.pop();
        self.done.push(Read { source, by: place });
    }
}

/// What a file includes. A file that is no YAML includes nothing: `read` says what is wrong with it.
fn entries(sources: &Sources) -> Vec<Spanned<String>> {
    let documents = yaml::parse(sources, 0).unwrap_or_default();
    let mut found = Vec::new();
    for document in &documents {
        let Value::Map(map) = &document.value else { continue };
        for (key, node) in map {
            if matches!(&key.value, Value::Scalar { text, .. } if text == KEY) {
                match &node.value {
                    Value::List(items) => found.extend(items.iter().filter_map(text)),
                    _ => found.extend(text(node)),
                }
            }
        }
    }
    found
}

fn text(node: &Node) -> Option<Spanned<String>> {
    match &node.value {
        Value::Scalar { text, .. } if !node.is_null() => {
            Some(Spanned { value: text.clone(), span: Span { file: 0, ..node.span.clone() } })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: cordon/v1\nkind: Policy\nmetadata: {name: p, owner: o}\n";

    fn gathered(files: &[(&str, &str)], named: &[&str]) -> Result<Vec<String>, Vec<String>> {
        let load = |path: &str| {
            let found = files.iter().find(|(name, _)| *name == path);
            found.map(|(_, body)| format!("{HEAD}{body}\n")).ok_or_else(|| "no such file".to_owned())
        };
        let named: Vec<String> = named.iter().map(ToString::to_string).collect();
        let found = gather(&named, load);
        found
            .map(|files| files.into_iter().map(|file| file.name).collect())
            .map_err(|found| found.iter().map(|one| format!("{}:{} {}", one.line(), one.column(), one.message)).collect())
    }

    #[test]
    fn included_files_come_before_the_one_that_names_them_and_paths_are_relative_to_it() {
        let files = [
            ("dir/top.yaml", "include: [./sub/a.yaml, ../shared/b.yaml]"),
            ("dir/sub/a.yaml", "include: b.yaml"),
            ("dir/sub/b.yaml", ""),
            ("shared/b.yaml", ""),
        ];
        assert_eq!(
            gathered(&files, &["dir/top.yaml"]).unwrap(),
            ["dir/sub/b.yaml", "dir/sub/a.yaml", "shared/b.yaml", "dir/top.yaml"]
        );
    }

    #[test]
    fn cycles_and_files_that_come_twice_are_told_with_both_places() {
        let cycle = [("a", "include: [b]"), ("b", "\ninclude:\n  - ./a")];
        assert_eq!(
            gathered(&cycle, &["a"]).unwrap_err(),
            ["6:5 `a` includes itself in the end: it was named by the command line and is named here again"]
        );
        let deep = [("top", "include: a"), ("a", "include: [b]"), ("b", "include: a")];
        assert_eq!(
            gathered(&deep, &["top"]).unwrap_err(),
            ["4:10 `a` includes itself in the end: it was named by top:4:10 and is named here again"]
        );
        let twice = [("a", "include: [c, b]"), ("b", "include: [c]"), ("c", "")];
        assert_eq!(gathered(&twice, &["a"]).unwrap_err(), ["4:11 `c` comes twice: it was named by a:4:11 before"]);
        assert_eq!(
            gathered(&twice[2..], &["c", "./c"]).unwrap_err(),
            ["0:0 `c` comes twice: it was named by the command line before"]
        );
        assert_eq!(gathered(&[("a", "include: gone")], &["a"]).unwrap_err(), ["4:10 cannot read `gone`: no such file"]);
    }

    #[test]
    fn a_chain_without_end_is_cut() {
        let load = |path: &str| Ok(format!("include: x{path}"));
        assert_eq!(gather(&["x".to_owned()], load).unwrap_err()[0].code, "include-many");
    }
}
