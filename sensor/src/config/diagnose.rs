//! Text to configuration, with the place of whatever is wrong and what to do about it.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Config, DEFAULTS};

/// Why a configuration is refused; one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub fn unreadable(path: &Path, source: &std::io::Error) -> Self {
        Self(format!("cannot read the configuration `{}`: {source}; give an existing file to --config", path.display()))
    }

    fn at(path: &Path, text: &str, offset: usize, message: &str) -> Self {
        let (line, column) = line_and_column(text, offset);
        let message = message.trim_end().replace('\n', "; ");
        Self(format!("{}:{line}:{column}: {message}", path.display()))
    }
}

/// The user's text over the defaults.
pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let refused =
        |error: toml::de::Error| ConfigError::at(path, text, error.span().map_or(0, |span| span.start), error.message());
    let user = DeTable::parse(text).map_err(refused)?;
    let mut whole = DeTable::parse(DEFAULTS).map_err(refused)?;
    overlay(whole.get_mut(), user.into_inner(), "").map_err(|(offset, message)| ConfigError::at(path, text, offset, &message))?;
    Config::deserialize(toml::Deserializer::from(whole)).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let line = text.get(..offset).map_or("", |before| text.lines().nth(before.matches('\n').count()).unwrap_or_default());
        ConfigError::at(path, text, offset, &format!("in `{}`: {}", line.trim(), error.message()))
    })
}

/// Puts the user's values into the defaults; a key that the defaults lack is unknown.
fn overlay<'a>(defaults: &mut DeTable<'a>, user: DeTable<'a>, prefix: &str) -> Result<(), (usize, String)> {
    for (key, value) in user {
        let name = key.get_ref().as_ref().to_owned();
        let known: Vec<String> = defaults.keys().map(|known| known.get_ref().as_ref().to_owned()).collect();
        let Some(old) = defaults.get_mut(name.as_str()) else {
            return Err((key.span().start, unknown(&format!("{prefix}{name}"), &name, &known)));
        };
        merge(old, value, &format!("{prefix}{name}."))?;
    }
    Ok(())
}

fn merge<'a>(old: &mut Spanned<DeValue<'a>>, new: Spanned<DeValue<'a>>, prefix: &str) -> Result<(), (usize, String)> {
    let span = new.span();
    match (old.get_mut(), new.into_inner()) {
        (DeValue::Table(old), DeValue::Table(new)) => overlay(old, new, prefix),
        (_, new) => {
            *old = Spanned::new(span, new);
            Ok(())
        }
    }
}

fn unknown(whole: &str, name: &str, known: &[String]) -> String {
    // Three slips in a name are a typing error; more are another word.
    let nearest = known.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name));
    match nearest.filter(|known| strsim::damerau_levenshtein(known, name) <= 3) {
        Some(nearest) => format!("unknown key `{whole}`; did you mean `{nearest}`?"),
        None => {
            let mut known: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
            known.sort();
            format!("unknown key `{whole}`; known here are {}", known.join(", "))
        }
    }
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
