//! What a point cannot do, in documents and for people: there, a policy of many rules has many gaps of one kind.

use enforcer_policy::Gap;

/// Of one kind, people see so many.
const SHOWN: usize = 5;

/// Kind and sentence of each, those of one kind together.
pub fn texts(gaps: &[Gap]) -> Vec<String> {
    gaps.iter().map(|gap| format!("{}: {gap}", gap.kind())).collect()
}

/// The first of each kind, and how many more there are.
pub fn folded(texts: &[String]) -> Vec<String> {
    let kind = |text: &str| text.split(": ").next().map(str::to_owned);
    let kinds = texts.chunk_by(|one, other| kind(one) == kind(other));
    kinds
        .flat_map(|alike| {
            let more = alike.len().checked_sub(SHOWN).filter(|&more| more > 0);
            let more = more.map(|more| {
                let kind = alike.first().and_then(|text| kind(text)).unwrap_or_default();
                format!("{kind}: {more} more like these; `--output json` names all")
            });
            alike.iter().take(SHOWN).cloned().chain(more)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_kind_the_first_are_shown_and_the_others_counted() {
        let unlogged = (0..7).map(|number| Gap::Unlogged { rule: format!("r{number}") });
        let gaps: Vec<Gap> = unlogged.chain([Gap::NoPacket { rule: "x".into() }]).collect();
        let folded = folded(&texts(&gaps));
        assert_eq!(folded.len(), SHOWN + 2);
        assert_eq!(folded[0], "unlogged: `r0` asks for log entries and this point writes none");
        assert_eq!(folded[SHOWN], "unlogged: 2 more like these; `--output json` names all");
        assert!(folded[SHOWN + 1].starts_with("no-packet: rule `x`"));
    }
}
