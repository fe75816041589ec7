//! `sensor run`: the port's queues to the hub, the hub to its readers. One thread a queue, one for the hub, a small tokio runtime
//! for HTTP and MQTT. Nothing here looks into a packet.

mod control;
mod queue;
pub mod snapshot;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use arc_swap::ArcSwap;
use crossbeam_channel::bounded;
use sensor_capture::{Live, Muted, mute};
use signal_hook::consts::{SIGINT, SIGTERM};
use tracing::{info, warn};

use crate::config::Config;
use crate::export::mqtt;
use crate::export::outbox::Outbox;
use crate::http;
use crate::hub::Hub;
use crate::store::Store;
use control::Control;
use queue::QueueThread;
use snapshot::Snapshot;

/// How long MQTT may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(3);

/// Captures until a signal, or until the port is gone. True when it ended in order.
pub fn run(interface: &str, config: &Config) -> Result<bool> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot listen for signals")?;
    }
    let muted = mute(interface)?;
    let mut live = Live::open(&config.live(interface))?;
    tell_of_capture(interface, &live, &muted);

    let mut hub = Hub::new(config.hub());
    let store = match &config.store.path {
        Some(path) => Some(Store::open(path, &config.name.0)?),
        None => None,
    };
    if let Some(store) = &store {
        let memory = store.load()?;
        info!(assets = memory.map.assets.len(), conversations = memory.map.conversations.len(), "remembered from an earlier run");
        hub.remember(memory.map, memory.learning_until);
    }
    let outbox = match &config.mqtt.broker {
        Some(_) => Some(Arc::new(Outbox::open(config.mqtt.outbox.as_deref(), config.mqtt.max_waiting)?)),
        None => None,
    };

    let published = Arc::new(ArcSwap::from_pointee(Snapshot::empty(&config.name.0, interface, live.path(), live.reason())));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().context("cannot start tokio")?;
    let server = match config.http.listen {
        Some(address) => Some(runtime.block_on(http::bind(address))?),
        None => None,
    };
    if let Some(listener) = server {
        runtime.spawn(http::serve(listener, Arc::clone(&published)));
    }
    let (farewell, parted) = tokio::sync::oneshot::channel();
    let publisher = match &outbox {
        Some(outbox) => {
            let settings = mqtt::Settings::new(config)?;
            Some(runtime.spawn(mqtt::publish(settings, Arc::clone(outbox), Arc::clone(&published), parted)))
        }
        None => None,
    };

    let (sender, events) = bounded(config.capture.max_waiting_batches);
    let queues = live.take_queues();
    let limits = config.limits(queues.len());
    let mut threads = Vec::new();
    for (number, queue) in queues.into_iter().enumerate() {
        let thread = QueueThread::new(number, queue, &limits, config.wire_options(), sender.clone(), Arc::clone(&stop));
        let name = format!("queue-{number}");
        threads.push(thread::Builder::new().name(name).spawn(move || thread.run()).context("cannot start a queue's thread")?);
    }
    drop(sender);
    let control =
        Control { hub, live, store, outbox: outbox.clone(), published, events, queues: threads.len(), settings: config.clone() };
    let control =
        thread::Builder::new().name("hub".to_owned()).spawn(move || control.run()).context("cannot start the hub's thread")?;

    let mut in_order = true;
    for thread in threads {
        let ended = thread.join().map_err(|_| anyhow!("a queue's thread died"))?;
        if let Err(error) = ended {
            // The others need not wait for a port that is gone.
            stop.store(true, Ordering::Relaxed);
            eprintln!("error: {error}");
            in_order = false;
        }
    }
    control.join().map_err(|_| anyhow!("the hub's thread died"))??;
    let _ = farewell.send(());
    if let Some(publisher) = publisher {
        let _ = runtime.block_on(async { tokio::time::timeout(FAREWELL, publisher).await });
    }
    runtime.shutdown_timeout(Duration::from_secs(1));
    info!("stopped");
    Ok(in_order)
}

fn tell_of_capture(interface: &str, live: &Live, muted: &Muted) {
    info!(interface, path = live.path().name(), reason = live.reason(), "capturing");
    for warning in live.warnings().iter().chain(muted.warnings()) {
        warn!(interface, "{warning}");
    }
}
