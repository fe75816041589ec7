//! MQTT publisher: alerts out of the outbox, one after the other, each removed when the broker has acknowledged it; and the
//! present state, retained. A lost broker is tried again for ever; the last will tells others that we are gone.

mod state;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use rumqttc::{
    AsyncClient, ClientError, ConnectReturnCode, Event, EventLoop, LastWill, MqttOptions, Outgoing, Packet, QoS,
    TlsConfiguration, Transport,
};
use tokio::sync::oneshot::Receiver;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tracing::{error, info, warn};

use super::outbox::Outbox;
use super::topics;
use crate::config::Config;
use crate::live::snapshot::Snapshot;
use state::KnownState;

/// First and longest pause between attempts to connect.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Requests that wait for the connection; more than one round of state needs.
const REQUESTS: usize = 1_024;
const LARGEST_PACKET_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub struct Settings {
    sensor: String,
    broker: String,
    options: MqttOptions,
    kpi_interval: Duration,
}

impl Settings {
    /// Reads the password and the authorities: what is wrong with them is told at the start.
    pub fn new(config: &Config) -> Result<Self> {
        let mqtt = &config.mqtt;
        let broker = mqtt.broker.as_ref().context("`mqtt.broker` is empty")?;
        let sensor = config.name.0.clone();
        let id = mqtt.client_id.clone().unwrap_or_else(|| format!("cordon-{sensor}"));
        let mut options = MqttOptions::new(id, broker.host.clone(), broker.port);
        options.set_keep_alive(KEEP_ALIVE);
        options.set_max_packet_size(LARGEST_PACKET_BYTES, LARGEST_PACKET_BYTES);
        options.set_last_will(LastWill::new(topics::status(&sensor), state::status(&sensor, "offline"), QoS::AtLeastOnce, true));
        if let Some(user) = &mqtt.username {
            let password = match &mqtt.password_file {
                Some(path) => {
                    let text = std::fs::read_to_string(path)
                        .with_context(|| format!("cannot read `mqtt.password_file` `{}`", path.display()))?;
                    text.lines().next().unwrap_or_default().to_owned()
                }
                None => String::new(),
            };
            options.set_credentials(user.clone(), password);
        }
        if broker.encrypted {
            let path =
                mqtt.ca_file.as_ref().context("`mqtt.ca_file` is empty; mqtts needs the PEM file of the broker's authority")?;
            let ca = std::fs::read(path).with_context(|| format!("cannot read `mqtt.ca_file` `{}`", path.display()))?;
            // A second call finds the provider in place, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
            options.set_transport(Transport::Tls(TlsConfiguration::Simple { ca, alpn: None, client_auth: None }));
        }
        Ok(Self { sensor, broker: broker.to_string(), options, kpi_interval: mqtt.kpi_interval.0.max(Duration::from_secs(1)) })
    }
}

/// Publishes until `parted` resolves; then what waits is sent, as far as the broker takes it, and the status goes to offline.
pub async fn publish(settings: Settings, outbox: Arc<Outbox>, published: Arc<ArcSwap<Snapshot>>, mut parted: Receiver<()>) {
    let mut pause = PAUSE.0;
    let mut told = String::new();
    loop {
        let mut session = Session::new(&settings, &outbox, &published);
        let lost = session.run(&mut parted).await;
        outbox.set_connected(false);
        let Some(reason) = lost else { return };
        if session.was_connected {
            pause = PAUSE.0;
        }
        // The same reason over and over is one piece of news.
        if reason != told || session.was_connected {
            warn!(
                broker = settings.broker,
                reason,
                waiting = outbox.state().waiting,
                "no MQTT broker; alerts wait in the outbox"
            );
            told = reason;
        }
        tokio::select! {
            () = sleep(pause) => pause = (pause * 2).min(PAUSE.1),
            _ = &mut parted => return,
        }
    }
}

/// One connection. A new one starts from the outbox, so nothing of an old one is carried over.
struct Session<'a> {
    settings: &'a Settings,
    outbox: &'a Outbox,
    published: &'a ArcSwap<Snapshot>,
    client: AsyncClient,
    event_loop: EventLoop,
    known: KnownState,
    /// Numbers in the outbox of the publishes that were requested and have no packet id yet; None for state.
    requested: VecDeque<Option<i64>>,
    unacknowledged: HashMap<u16, i64>,
    was_connected: bool,
}

impl<'a> Session<'a> {
    fn new(settings: &'a Settings, outbox: &'a Outbox, published: &'a ArcSwap<Snapshot>) -> Self {
        let (client, event_loop) = AsyncClient::new(settings.options.clone(), REQUESTS);
        Self {
            settings,
            outbox,
            published,
            client,
            event_loop,
            known: KnownState::default(),
            requested: VecDeque::new(),
            unacknowledged: HashMap::new(),
            was_connected: false,
        }
    }

    /// Why the connection was lost; None when we parted in peace.
    async fn run(&mut self, parted: &mut Receiver<()>) -> Option<String> {
        if let Some(reason) = self.connect(parted).await {
            return reason;
        }
        let mut ticks: Interval = interval(self.settings.kpi_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut parting = false;
        loop {
            if self.alert_on_its_way().is_none() {
                match self.send_oldest() {
                    Ok(true) => {}
                    Ok(false) if parting => return self.part().await,
                    Ok(false) => {}
                    Err(cause) => return Some(format!("{cause:#}")),
                }
            }
            tokio::select! {
                event = self.event_loop.poll() => match event {
                    Ok(event) => self.take(&event),
                    Err(cause) => return Some(cause.to_string()),
                },
                () = self.outbox.filled() => {}
                _ = ticks.tick() => self.send_state(),
                _ = &mut *parted, if !parting => parting = true,
            }
        }
    }

    /// None when connected; else why not, or Some(None) when we are to part first.
    async fn connect(&mut self, parted: &mut Receiver<()>) -> Option<Option<String>> {
        let connected = async {
            loop {
                match self.event_loop.poll().await {
                    Ok(Event::Incoming(Packet::ConnAck(answer))) if answer.code == ConnectReturnCode::Success => return None,
                    Ok(Event::Incoming(Packet::ConnAck(answer))) => return Some(format!("refused: {:?}", answer.code)),
                    Ok(_) => {}
                    Err(cause) => return Some(cause.to_string()),
                }
            }
        };
        let refused = tokio::select! {
            result = timeout(CONNECT_WITHIN, connected) => result.unwrap_or_else(|_| Some("no answer".to_owned())),
            _ = &mut *parted => return Some(None),
        };
        if refused.is_some() {
            return Some(refused);
        }
        self.was_connected = true;
        self.outbox.set_connected(true);
        info!(broker = self.settings.broker, waiting = self.outbox.state().waiting, "connected to the MQTT broker");
        self.send(topics::status(&self.settings.sensor), true, state::status(&self.settings.sensor, "online"), None).ok();
        None
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Outgoing(Outgoing::Publish(id)) => {
                if let Some(Some(number)) = self.requested.pop_front() {
                    self.unacknowledged.insert(*id, number);
                }
            }
            Event::Incoming(Packet::PubAck(answer)) => {
                if let Some(number) = self.unacknowledged.remove(&answer.pkid)
                    && let Err(cause) = self.outbox.remove(number)
                {
                    error!(%cause, "an alert that the broker has could not be taken out of the outbox; it will be sent again");
                }
            }
            _ => {}
        }
    }

    fn alert_on_its_way(&self) -> Option<i64> {
        self.unacknowledged.values().next().copied().or_else(|| self.requested.iter().flatten().next().copied())
    }

    /// False when the outbox is empty.
    fn send_oldest(&mut self) -> Result<bool> {
        let Some((number, message)) = self.outbox.oldest()? else { return Ok(false) };
        self.send(message.topic, false, message.payload, Some(number))?;
        Ok(true)
    }

    fn send_state(&mut self) {
        let snapshot = self.published.load();
        for message in self.known.news(&self.settings.sensor, &snapshot) {
            if self.send(message.topic, true, message.payload, None).is_err() {
                // No room: the next round tells what is true then.
                self.known = KnownState::default();
                return;
            }
        }
    }

    fn send(&mut self, topic: String, retain: bool, payload: String, number: Option<i64>) -> Result<(), ClientError> {
        self.client.try_publish(topic, QoS::AtLeastOnce, retain, payload)?;
        self.requested.push_back(number);
        Ok(())
    }

    /// Says goodbye, since a clean disconnect suppresses the last will (MQTT 3.1.1, 3.14.4).
    async fn part(&mut self) -> Option<String> {
        self.send(topics::status(&self.settings.sensor), true, state::status(&self.settings.sensor, "offline"), None).ok();
        self.client.try_disconnect().ok();
        loop {
            match self.event_loop.poll().await {
                Ok(Event::Outgoing(Outgoing::Disconnect)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}
