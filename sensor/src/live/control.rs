//! The hub's thread: the only one that writes the sensor's state. Takes batches, publishes snapshots, sees that alerts and memory
//! reach the disk.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use sd_notify::NotifyState;
use sensor_flow::join_paths;
use sensor_model::{Accounting, Alert, DuplicatePath};
use tracing::{error, info, warn};

use super::lane::{Batch, LaneCounts, now};
use super::ledger::Counted;
use super::port::Port;
use super::snapshot::{RECENT_ALERTS, Snapshot, Status};
use crate::config::Config;
use crate::export::outbox::{Message, Outbox};
use crate::export::topics;
use crate::hub::Hub;
use crate::store::Store;

/// How fresh what is published is, at best. A large map is published more rarely: building it may take a quarter of the hub's time.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);
const BUILD_SHARE: u32 = 4;
const WAIT: Duration = Duration::from_millis(100);

pub struct Control {
    pub hub: Hub,
    pub port: Arc<Port>,
    pub store: Option<Store>,
    pub outbox: Option<Arc<Outbox>>,
    pub published: Arc<ArcSwap<Snapshot>>,
    pub events: Receiver<Batch>,
    pub settings: Config,
}

/// What the lanes have told so far.
#[derive(Debug, Default)]
struct Totals {
    lanes: Vec<LaneCounts>,
    /// By lane.
    duplicates: Vec<Vec<DuplicatePath>>,
    events_taken: u64,
}

impl Totals {
    fn all(&self) -> LaneCounts {
        let mut all = LaneCounts::default();
        self.lanes.iter().for_each(|lane| all.add(lane));
        all
    }
}

impl Control {
    /// Until every lane has ended and said its last word.
    pub fn run(mut self) -> Result<()> {
        let mut totals = Totals::default();
        let mut recent = VecDeque::new();
        let mut publish_at = Instant::now();
        let mut save_at = Instant::now() + self.settings.store.interval.0;
        let mut dropped_events = 0;
        notify(&[NotifyState::Ready]);
        loop {
            match self.events.recv_timeout(WAIT) {
                Ok(batch) => self.take(batch, &mut totals, &mut recent),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let started = Instant::now();
            if started >= publish_at {
                self.publish(&totals, &recent);
                notify(&[NotifyState::Watchdog]);
                publish_at = started + PUBLISH_EVERY.max(started.elapsed() * BUILD_SHARE);
                let dropped = totals.all().events_dropped;
                if dropped > dropped_events {
                    error!(
                        events = dropped - dropped_events,
                        "the hub is too slow: events were dropped, counts of flows may be late or missing"
                    );
                    dropped_events = dropped;
                }
            }
            if started >= save_at {
                self.save();
                save_at = Instant::now() + self.settings.store.interval.0;
            }
        }
        notify(&[NotifyState::Stopping]);
        self.publish(&totals, &recent);
        self.save();
        let frames = self.published.load().frames;
        info!(packets = frames.packets, "drained");
        Ok(())
    }

    fn take(&mut self, batch: Batch, totals: &mut Totals, recent: &mut VecDeque<Alert>) {
        if totals.lanes.len() <= batch.lane {
            totals.lanes.resize(batch.lane + 1, LaneCounts::default());
            totals.duplicates.resize(batch.lane + 1, Vec::new());
        }
        if let Some(total) = totals.lanes.get_mut(batch.lane) {
            *total = batch.counts;
        }
        if let (Some(known), Some(news)) = (totals.duplicates.get_mut(batch.lane), batch.duplicates) {
            *known = news;
        }
        totals.events_taken += batch.events.len() as u64;
        for event in batch.events {
            self.hub.take(event);
        }
        let alerts = self.hub.take_alerts();
        if alerts.is_empty() {
            return;
        }
        if let Some(outbox) = &self.outbox {
            let messages: Vec<_> = alerts.iter().filter_map(to_message).collect();
            if let Err(cause) = outbox.push(&messages) {
                error!(%cause, "alerts could not be kept for the broker");
            }
        }
        for alert in alerts {
            info!(id = alert.id, severity = alert.severity.as_str(), kind = alert.kind.as_str(), "{}", alert.summary);
            recent.push_back(alert);
            if recent.len() > RECENT_ALERTS {
                recent.pop_front();
            }
        }
    }

    fn publish(&self, totals: &Totals, recent: &VecDeque<Alert>) {
        let lanes = totals.all();
        let (frames, stages) = (lanes.frames, lanes.stages);
        let source = self.port.stats();
        let outbox = self.outbox.as_ref().map(|outbox| outbox.state()).unwrap_or_default();
        let counted = Counted { source, lanes, events_taken: totals.events_taken, outbox };
        let lost_packets = source.lost() + lanes.handover.dropped_packets;
        let mut map = self.hub.flow_map(Accounting {
            packets: frames.packets,
            lost_packets,
            skipped_packets: frames.skipped_total(),
            missed_bytes: 0,
            evicted_flows: stages.flows_evicted,
        });
        map.coverage.duplicates = join_paths(totals.duplicates.iter().flatten().cloned());
        let before = self.published.load();
        let told = self.port.told();
        let status = Status {
            capture: told.path,
            capture_reason: told.reason,
            port_state: source.interface.as_str(),
            now: now(),
            learning_until: self.hub.alerts().learning_until(),
            packets: frames.packets,
            bytes: frames.wire_bytes,
            flow_packets: stages.flow_packets,
            non_ip_packets: frames.arp + frames.other_non_ip,
            later_fragments: frames.unplaced_fragments(),
            skipped_packets: frames.skipped_total(),
            refused_packets: stages.refused_packets,
            duplicate_packets: stages.duplicates.total(),
            lost_packets,
            dropped_events: lanes.events_dropped,
            sent_frames: source.port_sent,
            active_flows: stages.flows_active,
            evicted_flows: stages.flows_evicted,
            uninspected_flows: stages.sessions_refused,
            assets: map.assets.len(),
            conversations: map.conversations.len(),
            refused_conversations: self.hub.conversations().refused,
            alerts: self.hub.alerts().total,
            suppressed_alerts: self.hub.alerts().suppressed,
            waiting_alerts: outbox.waiting,
            dropped_alerts: outbox.dropped,
            broker_connected: self.outbox.as_ref().map(|_| outbox.connected),
            stages: counted.stages(),
            ..before.status.clone()
        };
        let alerts = recent.iter().cloned().collect();
        self.published.store(Arc::new(Snapshot { published_at: Instant::now(), map, status, alerts, frames, stages, source }));
    }

    fn save(&mut self) {
        if let Some(store) = &mut self.store
            && let Err(cause) = store.save(&self.published.load().map, self.hub.alerts().learning_until())
        {
            warn!(%cause, "the memory could not be written; a restart would forget the latest");
        }
    }
}

fn to_message(alert: &Alert) -> Option<Message> {
    let payload = serde_json::to_string(alert).ok()?;
    Some(Message { topic: topics::alert(alert), payload })
}

/// Without a service manager this does nothing.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(cause) = sd_notify::notify(state) {
        warn!(%cause, "the service manager could not be told");
    }
}
