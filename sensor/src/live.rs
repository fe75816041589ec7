//! `sensor run`: the port's queues to the hub, the hub to its readers. One thread a queue, one for the hub, a small tokio runtime
//! for HTTP and MQTT. Nothing here looks into a packet.

mod capturing;
mod control;
mod exchange;
mod lane;
pub mod ledger;
mod merge;
mod parcel;
mod port;
mod queue;
pub mod snapshot;
mod witness;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use arc_swap::ArcSwap;
use crossbeam_channel::bounded;
use sensor_capture::defer_thread;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use tracing::info;

use crate::config::Config;
use crate::export::mqtt;
use crate::export::outbox::Outbox;
use crate::http;
use crate::hub::Hub;
use crate::store::Store;
use capturing::{Asked, Capturing};
use control::Control;
pub use lane::random_seed;
use port::Port;
use snapshot::Snapshot;

/// How long MQTT may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(3);

/// Captures until a signal. `reread` gives the configuration as its file is now (SIGHUP).
pub fn run(interface: &str, config: &Config, reread: &dyn Fn() -> Result<Config>) -> Result<bool> {
    let asked = Asked::default();
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&asked.stop)).context("cannot listen for signals")?;
    }
    signal_hook::flag::register(SIGHUP, Arc::clone(&asked.reload)).context("cannot listen for signals")?;
    let port = Arc::new(Port::new(interface));
    let opened = port.open(&config.live(interface))?;

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

    let published = Arc::new(ArcSwap::from_pointee(Snapshot::empty(&config.name.0, interface, port.told())));
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
    let control =
        Control { hub, port: Arc::clone(&port), store, outbox: outbox.clone(), published, events, settings: config.clone() };
    let control = thread::Builder::new()
        .name("hub".to_owned())
        .spawn(move || {
            // Where it is not permitted the hub has the share of the queues.
            let _deferred = defer_thread();
            control.run()
        })
        .context("cannot start the hub's thread")?;
    let capturing = Capturing { port, interface: interface.to_owned(), config: config.clone(), reread, sender, asked };
    let captured = capturing.run(opened);
    control.join().map_err(|_| anyhow!("the hub's thread died"))??;
    captured?;
    let _ = farewell.send(());
    if let Some(publisher) = publisher {
        let _ = runtime.block_on(async { tokio::time::timeout(FAREWELL, publisher).await });
    }
    runtime.shutdown_timeout(Duration::from_secs(1));
    info!("stopped");
    Ok(true)
}
