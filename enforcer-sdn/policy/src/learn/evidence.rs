//! The traffic that speaks for one proposed rule, added up.

use std::collections::{BTreeMap, BTreeSet};

use sensor_model::{Conversation, DirectionReason, FlowMap, Scope, Timestamp, Visibility};

/// Conversations of one service between two zones.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    conversations: u64,
    flows: u64,
    answered: u64,
    days: u32,
    span: Option<(Timestamp, Timestamp)>,
    operations: BTreeMap<String, u64>,
    names: BTreeSet<String>,
    to_groups: bool,
    guessed_direction: bool,
    half_seen: BTreeSet<&'static str>,
}

impl Evidence {
    pub fn add(&mut self, map: &FlowMap, conversation: &Conversation) {
        self.conversations += 1;
        self.flows = self.flows.saturating_add(conversation.flows);
        self.answered = self.answered.saturating_add(conversation.answered_flows);
        self.days = self.days.max(conversation.activity.days);
        let (first, last) = self.span.unwrap_or((conversation.first_seen, conversation.last_seen));
        self.span = Some((first.min(conversation.first_seen), last.max(conversation.last_seen)));
        for operation in &conversation.operations {
            let times = self.operations.entry(operation.name.clone()).or_default();
            *times = times.saturating_add(operation.times);
        }
        self.names.extend(conversation.service.name.clone());
        self.to_groups |= map.asset(&conversation.server).is_some_and(|asset| asset.scope == Scope::Group);
        self.guessed_direction |= conversation.direction_reason == DirectionReason::FirstSeen;
        for asset in [&conversation.client, &conversation.server].into_iter().filter_map(|id| map.asset(id)) {
            if asset.scope == Scope::Internal && asset.coverage.visibility != Visibility::BothWays {
                self.half_seen.insert(asset.coverage.visibility.as_str());
            }
        }
    }

    /// Comment lines, without the `#`.
    pub fn lines(&self) -> Vec<String> {
        let counted = |number: u64, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
        let mut lines = Vec::new();
        let (first, last) = self.span.unwrap_or_default();
        let answers = if self.to_groups && self.answered == 0 {
            "to a group, where nobody answers".to_owned()
        } else {
            format!("{} answered", self.answered)
        };
        lines.push(format!(
            "Seen: {}, {} ({answers}), {} to {}, on {}.",
            counted(self.conversations, "conversation"),
            counted(self.flows, "flow"),
            minute(first),
            minute(last),
            counted(self.days.into(), "day"),
        ));
        if !self.names.is_empty() {
            lines.push(format!("Heard as: {}.", listed(self.names.iter().cloned())));
        }
        if !self.operations.is_empty() {
            let operations = self.operations.iter().map(|(name, times)| format!("{name} ({times})"));
            lines.push(format!("Operations: {}.", listed(operations)));
        }
        if !self.half_seen.is_empty() {
            let kinds = self.half_seen.iter().copied().collect::<Vec<_>>().join(", ");
            lines.push(format!("Coverage: the tap sees some of these hosts only in part ({kinds}); there may be more."));
        }
        if self.guessed_direction {
            lines.push("confirm: who starts is a guess, no start of a connection was seen".to_owned());
        }
        if self.flows <= 1 {
            lines.push("confirm: seen once; backup or monitoring?".to_owned());
        }
        lines
    }
}

/// To the minute: seconds tell a reader nothing.
pub fn minute(at: Timestamp) -> String {
    at.to_string().get(..16).map_or_else(|| at.to_string(), |text| format!("{}Z", text.replace('T', " ")))
}

/// At most twelve, then a count.
fn listed(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    let shown = all.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
    match all.len().checked_sub(12).filter(|more| *more > 0) {
        Some(more) => format!("{shown} and {more} more"),
        None => shown,
    }
}
