//! A configuration tree, in braces or as `set` lines, as paths: each leaf with all words that lead to it.

use super::{Comments, Lexing, Word, words};
use crate::target::ParseError;

/// The words from the root to one leaf. A list in brackets is one path an element; a block without content is a path too.
#[derive(Clone, Debug)]
pub(crate) struct Path<'a> {
    pub words: Vec<Word<'a>>,
    /// `delete`: the leaf and all below it are taken away.
    pub is_removal: bool,
}

const LEXING: Lexing =
    Lexing { marks: "{}[];\n", has_block_comments: true, comments: Comments::Anywhere, has_continuation: false };

/// The paths of a text in the order in which they stand.
pub(crate) fn paths(text: &str) -> Result<Vec<Path<'_>>, ParseError> {
    let words = words(text, LEXING)?;
    let is_set = words.iter().find(|word| word.text != "\n");
    let is_set = is_set.is_some_and(|first| ["set", "delete", "deactivate"].contains(&first.text));
    let (paths, inactive) = if is_set { set_lines(&words) } else { braces(&words) }?;
    without(paths, &inactive)
}

/// Takes what is not in force away. Its parent stays, for a term whose `from` is inactive is one without `from`.
fn without<'a>(mut paths: Vec<Path<'a>>, inactive: &[Inactive<'a>]) -> Result<Vec<Path<'a>>, ParseError> {
    let starts = |words: &[Word<'_>], start: &[Word<'_>]| {
        words.len() >= start.len() && words.iter().zip(start).all(|(one, other)| one.text == other.text)
    };
    for (at, Inactive { words: gone, parent }) in inactive.iter().enumerate() {
        let (Some(last), Some(parent)) = (gone.last(), gone.get(..*parent)) else { continue };
        if inactive.iter().take(at).any(|before| starts(gone, &before.words)) {
            continue;
        }
        let begins = |path: &Path<'_>, start: &[Word<'_>]| starts(&path.words, start);
        let Some(at) = paths.iter().position(|path| begins(path, gone)) else {
            return Err(last.error("nothing that is set is made inactive here", "give the listing that the device gives"));
        };
        paths.retain(|path| !begins(path, gone));
        if !paths.iter().any(|path| begins(path, parent)) {
            paths.insert(at.min(paths.len()), Path { words: parent.to_vec(), is_removal: false });
        }
    }
    Ok(paths)
}

/// Paths, and those of which nothing is in force.
type Read<'a> = (Vec<Path<'a>>, Vec<Inactive<'a>>);

/// The words that lead to what is not in force, and how many of them lead to what it is in.
#[derive(Debug)]
struct Inactive<'a> {
    words: Vec<Word<'a>>,
    parent: usize,
}

fn set_lines<'a>(words: &[Word<'a>]) -> Result<Read<'a>, ParseError> {
    let (mut paths, mut inactive) = (Vec::new(), Vec::new());
    for line in words.split(|word| word.text == "\n" && !word.is_quoted) {
        let Some((verb, statement)) = line.split_first() else { continue };
        let is_removal = match verb.text {
            "set" => false,
            "delete" => true,
            "deactivate" if !statement.is_empty() => {
                inactive.push(Inactive { words: statement.to_vec(), parent: statement.len() - 1 });
                continue;
            }
            _ => return Err(verb.unknown("`set` or `delete`", "give the listing of `show | display set`")),
        };
        if let Some(mark) = statement.iter().find(|word| ["{", "}", ";"].iter().any(|mark| word.is(mark))) {
            return Err(mark.unknown("a word of a `set` line", "give one form only"));
        }
        if statement.is_empty() {
            return Err(verb.error("a line without a statement", "complete it"));
        }
        expand(&[], statement, is_removal, &mut paths)?;
    }
    Ok((paths, inactive))
}

/// An open block: how long the path to it is, and whether something stood in it.
struct Block<'a> {
    opened_by: Word<'a>,
    path_length: usize,
    has_content: bool,
}

fn braces<'a>(words: &[Word<'a>]) -> Result<Read<'a>, ParseError> {
    let (mut paths, mut inactive) = (Vec::new(), Vec::new());
    let mut is_inactive: Option<Word<'a>> = None;
    let mut prefix: Vec<Word<'a>> = Vec::new();
    let mut blocks: Vec<Block<'a>> = Vec::new();
    let mut statement: Vec<Word<'a>> = Vec::new();
    for &word in words.iter().filter(|word| word.is_quoted || word.text != "\n") {
        if word.is("{") {
            if statement.is_empty() {
                return Err(word.error("a block without a name", "name it"));
            }
            mark_content(&mut blocks);
            blocks.push(Block { opened_by: word, path_length: prefix.len(), has_content: false });
            let parent = prefix.len();
            prefix.append(&mut statement);
            if is_inactive.take().is_some() {
                inactive.push(Inactive { words: prefix.clone(), parent });
            }
        } else if word.is("}") {
            if let Some(word) = is_inactive {
                return Err(word.error("nothing stands behind `inactive:`", "complete the text"));
            }
            if let Some(last) = statement.last() {
                return Err(last.error(format!("the statement that ends in `{}` is not closed", last.text), "write `;`"));
            }
            let block = blocks.pop().ok_or_else(|| word.error("`}` without a block", "remove it"))?;
            if !block.has_content {
                paths.push(Path { words: prefix.clone(), is_removal: false });
            }
            prefix.truncate(block.path_length);
        } else if word.is(";") {
            if statement.is_empty() {
                return Err(word.error("`;` without a statement", "remove it"));
            }
            mark_content(&mut blocks);
            if is_inactive.take().is_some() {
                // A list is inactive as a whole.
                let shown = statement.iter().take_while(|word| !word.is("["));
                inactive.push(Inactive { words: prefix.iter().chain(shown).copied().collect(), parent: prefix.len() });
            }
            expand(&prefix, &statement, false, &mut paths)?;
            statement.clear();
        } else if statement.is_empty() && word.is("inactive:") {
            is_inactive = Some(word);
        } else if statement.is_empty() && (word.is("replace:") || word.is("protect:")) {
            // Only says how the text is to be loaded, and who may change it.
        } else if statement.is_empty() && word.text.ends_with(':') && !word.is_quoted {
            return Err(word.error(format!("`{}` is not understood", word.text), "leave out what is not in force"));
        } else {
            statement.push(word);
        }
    }
    if let Some(word) = statement.first().copied().or(is_inactive).or(blocks.pop().map(|block| block.opened_by)) {
        return Err(word.error(format!("what begins with `{}` has no end", word.text), "complete the text"));
    }
    Ok((paths, inactive))
}

fn mark_content(blocks: &mut [Block<'_>]) {
    if let Some(block) = blocks.last_mut() {
        block.has_content = true;
    }
}

/// `a [ b c ]` as `a b` and `a c`.
fn expand<'a>(
    prefix: &[Word<'a>],
    statement: &[Word<'a>],
    is_removal: bool,
    paths: &mut Vec<Path<'a>>,
) -> Result<(), ParseError> {
    let path = |tail: &[Word<'a>]| Path { words: [prefix, tail].concat(), is_removal };
    let Some(open) = statement.iter().position(|word| word.is("[")) else {
        if let Some(close) = statement.iter().find(|word| word.is("]")) {
            return Err(close.error("`]` without `[`", "remove it"));
        }
        paths.push(path(statement));
        return Ok(());
    };
    let (head, list) = statement.split_at(open);
    let bracket = head.len();
    let advice = "a list is `[ A B ]`, at the end of its statement";
    match list {
        [_, elements @ .., close] if close.is("]") && !elements.is_empty() => {
            if let Some(other) = elements.iter().find(|word| word.is("[") || word.is("]")) {
                return Err(other.unknown("an element of a list", advice));
            }
            paths.extend(elements.iter().map(|&element| path(&[head, &[element]].concat())));
            Ok(())
        }
        _ => Err(statement.get(bracket).map_or_else(
            || ParseError { line: 1, column: 1, what: "a list".into(), advice: advice.into() },
            |word| word.error("a list that is empty, not closed or not the last", advice),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let join = |path: Path<'_>| path.words.iter().map(|word| word.text).collect::<Vec<_>>().join(" ");
        paths(text).unwrap().into_iter().map(join).collect()
    }

    #[test]
    fn braces_and_set_lines_are_the_same_paths() {
        let wanted = ["a b c", "a b d e", "a b d f", "a g"];
        assert_eq!(texts("a { b { c; d [ e f ]; } g { } } # x"), wanted);
        assert_eq!(texts("set a b c\nset a b d [ e f ]\n\nset a g\n"), wanted);
    }

    #[test]
    fn what_is_inactive_is_gone_and_what_it_was_in_stays() {
        let wanted = ["a x", "a y e"];
        assert_eq!(texts("a { x { inactive: b { c; d; } } y { e; inactive: f [ g h ]; } }"), wanted);
        assert_eq!(texts("set a x b c\nset a x b d\nset a y e\nset a y f [ g h ]\ndeactivate a x b\ndeactivate a y f\n"), wanted);
        assert_eq!(texts("inactive: a { b; } c d;"), ["c d"]);
        assert_eq!(texts("inactive: a { inactive: b; } c d;"), ["c d"]);
    }

    #[test]
    fn broken_trees_are_refused_at_their_place() {
        for (text, column) in [
            ("a { b }", 5),
            ("a { b;", 3),
            ("a b", 1),
            ("}", 1),
            ("a; }", 4),
            ("{ a; }", 1),
            ("a [ b;", 3),
            ("a [ ];", 3),
            ("a b ];", 5),
            ("a [ b ] c;", 3),
            ("unused: a;", 1),
            ("a { b; inactive: } c;", 8),
            ("a; inactive:", 4),
            ("set a b\ndeactivate a c", 14),
            ("deactivate", 1),
            ("set a\nb c", 1),
            ("set", 1),
            ("set a {", 7),
            (";", 1),
        ] {
            assert_eq!(paths(text).unwrap_err().column, column, "{text}");
        }
    }
}
