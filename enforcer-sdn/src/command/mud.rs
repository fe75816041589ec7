//! `mud`: a manufacturer usage description to a policy document.

use anyhow::{Context, Result};
use enforcer_policy::MudOptions;
use sensor_model::Role;
use serde_json::json;

use crate::cli::{Cli, Mud, Output};
use crate::command::counted;
use crate::documents;
use crate::exit::{Exit, failure};
use crate::store::write_atomically;

pub fn import(cli: &Cli, arguments: &Mud) -> Result<Exit> {
    let name = arguments.file.display().to_string();
    let text = documents::text(&arguments.file)?;
    let role = arguments.role.as_deref().map(|role| {
        let known = || Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
        role.parse::<Role>().map_err(|_| anyhow::anyhow!("unknown role `{role}`; known: {}", known()))
    });
    let review_by =
        arguments.review_by.as_deref().map(str::parse).transpose().context("--review-by takes a date like 2027-05-31")?;
    let options = MudOptions {
        zone: arguments.zone.clone(),
        role: role.transpose()?,
        local: arguments.local.clone(),
        controller: arguments.controller.clone(),
        manufacturer: arguments.manufacturer.clone(),
        owner: arguments.owner.clone(),
        review_by,
    };
    let import = enforcer_policy::from_mud(&text, &options).map_err(|refused| {
        refused.iter().for_each(|one| eprintln!("{name}: {one}"));
        failure(Exit::Error, format!("`{name}` was not imported; nothing was written"))
    })?;
    match &arguments.out {
        Some(path) => write_atomically(path, import.text.as_bytes())?,
        None if cli.output == Output::Table => print!("{}", import.text),
        None => {}
    }
    match (cli.output, &arguments.out) {
        (Output::Json, file) => println!(
            "{}",
            json!({"zones": import.zones, "rules": import.rules, "notes": import.notes, "file": file,
                "text": file.is_none().then_some(&import.text)})
        ),
        (Output::Table, Some(path)) => {
            println!("{}: {} and {}", path.display(), counted(import.zones, "zone"), counted(import.rules, "rule"));
            import.notes.iter().for_each(|note| println!("note: {note}"));
            println!("read it, then add it to `include:` of your policy");
        }
        (Output::Table, None) => {}
    }
    Ok(Exit::Done)
}
