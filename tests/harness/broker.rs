//! An MQTT broker for as long as its value lives: mosquitto in the tests, rumqttd inside the demo.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::deadline::wait_for;
use crate::namespace::Namespace;
use crate::process::Running;

/// A broker process in a namespace.
#[derive(Debug)]
pub struct Broker {
    running: Running,
}

impl Broker {
    /// Whether the tests' broker is installed; says so when not.
    #[must_use]
    pub fn available() -> bool {
        let found = Command::new("mosquitto").arg("-h").output().is_ok();
        if !found {
            eprintln!("NOT CHECKED: no mosquitto; install Debian's package `mosquitto`");
        }
        found
    }

    /// Starts mosquitto with a configuration file of our own beside its data.
    ///
    /// # Errors
    /// When it is not installed or the port is taken.
    pub fn mosquitto(namespace: &Namespace, listen: SocketAddr, folder: &std::path::Path) -> Result<Self> {
        let configuration = folder.join("mosquitto.conf");
        let text = format!("listener {} {}\nallow_anonymous true\npersistence false\nuser root\n", listen.port(), listen.ip());
        std::fs::write(&configuration, text)?;
        let mut command = namespace.command("mosquitto");
        command.arg("-c").arg(&configuration);
        Self::started(namespace, Running::start("mosquitto", command)?, listen)
    }

    /// Starts a program that is a broker itself, as the demo is.
    ///
    /// # Errors
    /// When it ends before it listens.
    pub fn embedded(namespace: &Namespace, program: &std::path::Path, listen: SocketAddr) -> Result<Self> {
        let mut command = namespace.command(&program.to_string_lossy());
        command.args(["broker", &listen.to_string()]);
        Self::started(namespace, Running::start("the broker", command)?, listen)
    }

    fn started(namespace: &Namespace, mut running: Running, listen: SocketAddr) -> Result<Self> {
        wait_for("the broker to listen", Duration::from_secs(5), || {
            anyhow::ensure!(!running.has_ended(), "it ended: {}", running.complaints());
            let open = namespace.enter(|| std::net::TcpStream::connect(listen).context("connecting"));
            Ok(open.ok().map(drop))
        })?;
        Ok(Self { running })
    }

    /// Ends it as a power cut would.
    pub fn kill_hard(mut self) {
        self.running.kill_hard();
    }
}

/// Serves as the demo's broker until the process ends. It keeps nothing on disk.
///
/// # Errors
/// When the port is taken.
#[cfg(feature = "broker")]
pub fn serve(listen: SocketAddr) -> Result<()> {
    let connections = serde_json::json!({
        "connection_timeout_ms": 5000, "max_payload_size": 1 << 20, "max_inflight_count": 200, "dynamic_filters": true,
    });
    let server = serde_json::json!({ "name": "v4", "listen": listen, "next_connection_delay_ms": 1, "connections": connections });
    let router = serde_json::json!({
        "max_connections": 64, "max_outgoing_packet_count": 200, "max_segment_size": 1 << 20, "max_segment_count": 10,
    });
    let config: rumqttd::Config =
        serde_json::from_value(serde_json::json!({ "id": 0, "router": router, "v4": { "1": server } }))?;
    rumqttd::Broker::new(config).start().context("the embedded broker")
}
