//! `verify`: a flow map from before the rules and one from after tell whether the rules bite. Three answers: yes, no, cannot know.

use std::collections::HashMap;

use anyhow::{Context, Result};
use enforcer_policy::Outcome;
use sensor_model::{AssetId, Conversation, FlowMap, Service, Visibility};
use serde::Serialize;
use serde_json::json;

use crate::cli::{Cli, Output, Verify};
use crate::clock;
use crate::command::{Loaded, refused, table};
use crate::config::Config;
use crate::documents;
use crate::exit::Exit;

/// What the wire says about one conversation that the policy decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Bite {
    /// Denied; was tried since, and nobody answered.
    Blocked,
    /// Denied, and the server still answers.
    StillPasses,
    /// Allowed, and answered since.
    Passes,
    /// Allowed, was tried since, and nobody answered.
    Unanswered,
    /// Was not tried since, or the tap does not see the side that would answer.
    CannotKnow,
}

pub fn verify(cli: &Cli, config: &Config, arguments: &Verify) -> Result<Exit> {
    let Loaded { policy, map, .. } = Loaded::read(config, &arguments.documents)?;
    let name = arguments.before.display().to_string();
    let before = documents::flow_maps(&[name])?.pop().context("no flow map from before")?.map;
    let impact = enforcer_policy::simulate(&policy, &map, clock::now()).map_err(|found| refused(&found))?;
    let earlier: HashMap<Key<'_>, &Conversation> = before.conversations.iter().map(|known| (key(known), known)).collect();
    let mut answers = Vec::new();
    for (conversation, fate) in map.conversations.iter().zip(&impact.conversations) {
        let denied = match (fate.outcome, fate.mode) {
            (Outcome::Denied, Some("enforce")) => true,
            (Outcome::Allowed, _) => false,
            _ => continue,
        };
        let bite = bite(denied, earlier.get(&key(conversation)).copied(), conversation, &map);
        answers.push((fate, bite));
    }
    let of = |wanted: Bite| answers.iter().filter(|(_, bite)| *bite == wanted).count();
    match cli.output {
        Output::Json => {
            let rows: Vec<_> = answers
                .iter()
                .map(
                    |(fate, bite)| json!({"client": fate.client, "server": fate.server, "service": fate.service, "answer": bite}),
                )
                .collect();
            println!("{}", json!({"answers": rows}));
        }
        Output::Table => {
            let rows = answers.iter().map(|(fate, bite)| {
                vec![fate.client_label.clone(), fate.server_label.clone(), fate.service.to_string(), words(*bite).into()]
            });
            println!("{}", table(&["client", "server", "service", "on the wire"], rows));
            println!(
                "{} blocked, {} still pass; {} allowed and answered, {} allowed and unanswered; {} cannot know",
                of(Bite::Blocked),
                of(Bite::StillPasses),
                of(Bite::Passes),
                of(Bite::Unanswered),
                of(Bite::CannotKnow)
            );
        }
    }
    Ok(if of(Bite::StillPasses) > 0 { Exit::Drift } else { Exit::Done })
}

type Key<'a> = (&'a AssetId, &'a AssetId, &'a Service);

fn key(conversation: &Conversation) -> Key<'_> {
    (&conversation.client, &conversation.server, &conversation.service)
}

fn bite(denied: bool, before: Option<&Conversation>, after: &Conversation, map: &FlowMap) -> Bite {
    let old = before.map_or_else(Default::default, |known| known.packets);
    let (asked, answered) = (after.packets.client.saturating_sub(old.client), after.packets.server.saturating_sub(old.server));
    let server_is_heard = map
        .asset(&after.server)
        .is_some_and(|server| matches!(server.coverage.visibility, Visibility::BothWays | Visibility::SendsOnly));
    match (denied, asked, answered) {
        (true, _, 1..) => Bite::StillPasses,
        (false, _, 1..) => Bite::Passes,
        (_, 0, 0) => Bite::CannotKnow,
        _ if !server_is_heard => Bite::CannotKnow,
        (true, _, 0) => Bite::Blocked,
        (false, _, 0) => Bite::Unanswered,
    }
}

const fn words(bite: Bite) -> &'static str {
    match bite {
        Bite::Blocked => "blocked",
        Bite::StillPasses => "STILL PASSES",
        Bite::Passes => "passes",
        Bite::Unanswered => "allowed, but unanswered",
        Bite::CannotKnow => "cannot know",
    }
}
