//! YAML files to one `Policy`, or to everything that is wrong with them at once.

mod fields;
mod guardrail;
pub mod keys;
mod nest;
mod rule;
mod zone;

use std::collections::HashMap;

use enforcer_packetset::L4;

use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::document::{Policy, Service, Verdict};
use crate::include;
use crate::service::{self, BUILT_IN};
use crate::source::{SourceFile, Sources, Spanned};
use crate::yaml::{self, Node};

use fields::{Fields, Log};

/// The only version there is.
pub const API_VERSION: &str = "cordon/v1";
/// Findings that are told before the reader gives up: a wrong file is wrong everywhere.
const MAX_FINDINGS: usize = 200;
/// Longest name of a zone: `<zone>-default-out` must fit 48 characters.
pub const MAX_ZONE_NAME: usize = 32;
/// Longest name of a rule: an ending such as `-2-tcp` must fit 48 characters.
pub const MAX_RULE_NAME: usize = 40;

const VERDICTS: &[(&str, Verdict)] = &[("allow", Verdict::Allow), ("deny", Verdict::Deny)];
/// Reads all files as one policy: zones, services and rules add up in the order of the files, and names are shared.
///
/// # Errors
/// Every error found, in the order of the text; never partly a policy.
pub fn read(files: &[SourceFile]) -> Result<Policy, Vec<Diagnostic>> {
    let sources = Sources::new(files);
    let mut log = Log::new(&sources);
    let mut documents = Vec::new();
    for file in 0..files.len() {
        match yaml::parse(&sources, file) {
            Ok(found) => documents.extend(found.into_iter().filter(|node| !node.is_null())),
            Err(finding) => log.push(*finding),
        }
    }
    if documents.is_empty() && log.is_empty() {
        let name = files.first().map_or("nothing", |file| file.name.as_str());
        let help = format!("begin with `apiVersion: {API_VERSION}` and `kind: Policy`");
        log.push(Diagnostic::error("empty", format!("`{name}` holds no policy")).help(help));
    }
    let tops: Vec<Fields> = documents.iter().filter_map(|node| Fields::of(node, "a policy", keys::POLICY, &mut log)).collect();
    let policy = assemble(&tops, &sources, &mut log);
    let findings = log.into_findings(MAX_FINDINGS);
    if findings.iter().any(|finding| finding.severity == Severity::Error) { Err(findings) } else { Ok(policy) }
}

fn assemble(tops: &[Fields], sources: &Sources, log: &mut Log) -> Policy {
    let mut policy = Policy {
        name: String::new(),
        owner: None,
        zones: Vec::new(),
        services: Vec::new(),
        rules: Vec::new(),
        guardrails: Vec::new(),
        quarantines: Vec::new(),
        sources: sources.clone(),
    };
    for top in tops {
        head(top, &mut policy, log);
        for included in top.texts("include", log).unwrap_or_default() {
            if !include::is_among(&included, sources) {
                let message = format!("`{}` was not read together with this file", included.value);
                log.error("include", message, &included.span, "whoever reads the file must follow its `include:`");
            }
        }
    }
    let entries = |key: &str, log: &mut Log| tops.iter().filter_map(|top| top.list(key, log)).flatten().collect::<Vec<_>>();
    let zones: Vec<zone::Entry> = entries("zones", log).into_iter().filter_map(|node| zone::read(node, log)).collect();
    let zone_names = names(zones.iter().map(|entry| &entry.zone.name), "zone", log);
    policy.zones = nest::link(zones, &zone_names, log);
    for node in entries("services", log) {
        policy.services.extend(read_service(node, log));
    }
    let service_names = names(policy.services.iter().map(|service| &service.name), "service", log);
    let within = (0..policy.zones.len()).map(|at| policy.within(at)).collect();
    let scope = rule::Scope { zones: zone_names, services: service_names, definitions: &policy.services, within };
    let mut rules = Vec::new();
    for node in entries("rules", log) {
        rules.extend(rule::read(node, &scope, log));
    }
    names(rules.iter().map(|rule| &rule.name), "rule", log);
    let mut guardrails = Vec::new();
    for node in entries("guardrails", log) {
        guardrails.extend(guardrail::read(node, &scope, log));
    }
    names(guardrails.iter().map(|guardrail| &guardrail.name), "guardrail", log);
    policy.rules = rules;
    policy.guardrails = guardrails;
    policy
}

/// `apiVersion`, `kind` and `metadata` of one document; the first name is the policy's.
fn head(top: &Fields, policy: &mut Policy, log: &mut Log) {
    let version_help = format!("write `apiVersion: {API_VERSION}`");
    if let Some(version) = top.required_text("apiVersion", &version_help, log)
        && version.value != API_VERSION
    {
        log.error("bad-version", format!("unknown apiVersion `{}`", version.value), &version.span, &version_help);
    }
    if let Some(kind) = top.required_text("kind", "write `kind: Policy`", log)
        && kind.value != "Policy"
    {
        log.error("bad-kind", format!("unknown kind `{}`", kind.value), &kind.span, "write `kind: Policy`");
    }
    let Some(node) = top.get("metadata") else {
        log.error("missing-key", "this policy has no `metadata`", &top.start(), "add `metadata:` with `name:` and `owner:`");
        return;
    };
    let Some(metadata) = Fields::of(node, "`metadata`", keys::METADATA, log) else { return };
    if let Some(name) = metadata.required_text("name", "add `name:`", log) {
        fields::check_name(&name, MAX_RULE_NAME, "policy", log);
        if policy.name.is_empty() {
            policy.name = name.value;
        }
    }
    let owner = metadata.text("owner", log).map(|owner| owner.value);
    policy.owner = policy.owner.take().or(owner);
}

fn read_service(node: &Node, log: &mut Log) -> Option<Service> {
    let fields = Fields::of(node, "a service", keys::SERVICE, log)?;
    let name = fields.required_text("name", "add `name:`", log)?;
    fields::check_name(&name, MAX_RULE_NAME, "service", log);
    if BUILT_IN.iter().any(|(known, _)| *known == name.value) {
        let message = format!("service `{}` is built in", name.value);
        log.error("duplicate-name", message, &name.span, "take it out, or give yours another name");
    }
    let terms = fields.required_texts("ports", "add `ports:` with a list such as [tcp/502, udp/161]", log)?;
    let l4: Vec<L4> = terms.iter().filter_map(|term| read_term(term, log)).collect();
    (!l4.is_empty()).then(|| Service { name, l4: service::merged(l4) })
}

fn read_term(term: &Spanned<String>, log: &mut Log) -> Option<L4> {
    service::parse(term).map_err(|refused| log.error("bad-service", refused.message, &term.span, &refused.help)).ok()
}

/// Name to index; the second of two equal names is an error.
fn names<'a>(all: impl Iterator<Item = &'a Spanned<String>>, what: &str, log: &mut Log) -> HashMap<String, usize> {
    let mut seen: HashMap<String, (usize, Spanned<String>)> = HashMap::new();
    for (at, name) in all.enumerate() {
        match seen.get(&name.value) {
            None => drop(seen.insert(name.value.clone(), (at, name.clone()))),
            Some((_, first)) => {
                let first = log.place(&first.span);
                let message = format!("{what} `{}` is defined twice", name.value);
                log.error("duplicate-name", message, &name.span, &format!("rename one; the first is at {first}"));
            }
        }
    }
    seen.into_iter().map(|(name, (at, _))| (name, at)).collect()
}

/// `; did you mean X?` or nothing.
fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"))
}
