//! `update`: the commands from the lists that run to the policy's, every state between checked. Devices are not touched.

use anyhow::Result;
use enforcer_targets::update::{Command, Does, NotUpdated};
use serde_json::json;

use crate::cli::{Cli, Output, Update};
use crate::command::plan::{compile_for, proven_text};
use crate::command::prove::chosen;
use crate::command::{Loaded, counted, gaps};
use crate::config::Config;
use crate::documents;
use crate::exit::{Exit, failure};
use crate::store::write_atomically;

pub fn update(cli: &Cli, config: &Config, arguments: &Update) -> Result<Exit> {
    let Loaded { policy, map, .. } = Loaded::read_for_text(config, &arguments.documents)?;
    let (point, target) = chosen(config, &arguments.at)?;
    let (target, compiled) = compile_for(&policy, &map, &point, &target)?;
    // What does not fit, or cannot be proven, is no state to go to.
    proven_text(&point, target, &compiled)?;
    let name = arguments.running.display().to_string();
    let running = documents::text(&arguments.running)?;
    let update = enforcer_targets::update::update(target, &compiled.ruleset, &running).map_err(|error| match error {
        NotUpdated::Dialect(..) | NotUpdated::Render(_) => failure(Exit::Error, error.to_string()),
        NotUpdated::Unreadable(error) => failure(Exit::ProofFailed, format!("{name}:{error}")),
        _ => failure(Exit::ProofFailed, format!("{name}: no commands are printed: {error}")),
    })?;
    let text = update.text();
    if let Some(path) = &arguments.out {
        write_atomically(path, text.as_bytes())?;
    }
    let bill: Vec<(&str, usize)> = BILL.iter().map(|&(does, word)| (word, update.count(does))).collect();
    let gaps = gaps::texts(&compiled.gaps);
    match cli.output {
        Output::Json => {
            let bill: serde_json::Map<_, _> = bill.into_iter().map(|(word, count)| (word.to_owned(), count.into())).collect();
            let steps: Vec<_> = update.commands.iter().map(step).collect();
            println!(
                "{}",
                json!({"point": point.name, "target": target.name, "gaps": gaps, "notes": update.notes, "bill": bill, "steps": steps})
            );
        }
        Output::Table => {
            gaps::folded(&gaps).iter().for_each(|gap| eprintln!("gap {gap}"));
            update.notes.iter().for_each(|note| eprintln!("note: {note}"));
            if update.commands.is_empty() {
                eprintln!("nothing to do: `{name}` does what the policy says");
            } else {
                let parts = bill.into_iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!("{count} {word}"));
                let parts = parts.collect::<Vec<_>>().join(", ");
                eprintln!("{}, every state between them checked: {parts}", counted(update.commands.len(), "step"));
            }
            if arguments.out.is_none() {
                print!("{text}");
            }
        }
    }
    Ok(if update.commands.is_empty() { Exit::Done } else { Exit::ChangesPending })
}

const BILL: [(Does, &str); 5] = [
    (Does::Resequence, "resequence"),
    (Does::Insert, "insert"),
    (Does::Remove, "remove"),
    (Does::Build, "build"),
    (Does::Bind, "bind"),
];

fn step(command: &Command) -> serde_json::Value {
    let does = BILL.iter().find(|(does, _)| *does == command.does).map(|(_, word)| *word);
    json!({"mode": command.mode, "command": command.text, "does": does})
}
