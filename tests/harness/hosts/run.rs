//! One host process: what it is told on the command line, and what it answers on stdin.

use std::io::{self, BufRead, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::registry::{ANSWERERS, CLIENTS, SERVERS};
use super::service::{Answerer, Client, Identity, Peer, Server, Task};
use crate::binary;
use crate::namespace::Namespace;
use crate::process::Running;
use crate::tally::{Count, Counts, Tally};

/// What a host serves and asks; written as the arguments of `host`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostPlan {
    pub identity: Identity,
    /// Service name and port.
    pub serve: Vec<(String, u16)>,
    /// Client name, target, interval.
    pub ask: Vec<(String, SocketAddr, Duration)>,
}

impl HostPlan {
    #[must_use]
    pub fn of(identity: Identity) -> Self {
        Self { identity, ..Self::default() }
    }

    #[must_use]
    pub fn serve(mut self, service: &str, port: u16) -> Self {
        self.serve.push((service.to_owned(), port));
        self
    }

    #[must_use]
    pub fn ask(mut self, client: &str, target: (Ipv4Addr, u16), every: Duration) -> Self {
        self.ask.push((client.to_owned(), SocketAddr::from(target), every));
        self
    }

    #[must_use]
    pub fn record(mut self, name: &str, address: Ipv4Addr) -> Self {
        self.identity.records.push((name.to_owned(), address));
        self
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![format!("name={}", self.identity.name), format!("product={}", self.identity.product)];
        arguments.extend(self.identity.records.iter().map(|(name, address)| format!("record={name}@{address}")));
        arguments.extend(self.serve.iter().map(|(service, port)| format!("serve={service}@{port}")));
        arguments.extend(self.ask.iter().map(|(client, target, every)| format!("ask={client}@{target}/{}", every.as_micros())));
        arguments
    }

    fn parse(arguments: &[String]) -> Result<Self> {
        let mut plan = Self::default();
        for argument in arguments {
            let (key, value) = argument.split_once('=').with_context(|| format!("`{argument}` is not key=value"))?;
            match (key, value.split_once('@')) {
                ("name", _) => value.clone_into(&mut plan.identity.name),
                ("product", _) => value.clone_into(&mut plan.identity.product),
                ("record", Some((name, address))) => plan.identity.records.push((name.to_owned(), address.parse()?)),
                ("serve", Some((service, port))) => plan.serve.push((service.to_owned(), port.parse()?)),
                ("ask", Some((client, rest))) => {
                    let (target, micros) = rest.split_once('/').with_context(|| format!("`{rest}` has no /interval"))?;
                    plan.ask.push((client.to_owned(), target.parse()?, Duration::from_micros(micros.parse()?)));
                }
                _ => bail!("unknown argument `{argument}`; use name= product= record=N@IP serve=S@PORT ask=C@IP:PORT/MICROS"),
            }
        }
        Ok(plan)
    }
}

/// A host of the plant, ended when dropped.
#[derive(Debug)]
pub struct Host {
    running: Running,
}

impl Host {
    /// Starts a host in a namespace and waits until all its ports are open.
    ///
    /// # Errors
    /// When a port is taken or a service has no such name.
    pub fn start(namespace: &Namespace, plan: &HostPlan) -> Result<Self> {
        let mut command = namespace.command(&binary::path("host")?.to_string_lossy());
        command.args(plan.arguments());
        let mut running = Running::start(&format!("host {}", plan.identity.name), command)?;
        running.wait_for_line("its ports to open", Duration::from_secs(5), |line| line == "ready")?;
        Ok(Self { running })
    }

    /// # Errors
    /// When it has ended.
    pub fn counts(&mut self) -> Result<Counts> {
        Ok(serde_json::from_str(&self.running.ask("tally")?)?)
    }

    /// One count; all zero when it never happened.
    ///
    /// # Errors
    /// When it has ended.
    pub fn count(&mut self, name: &str) -> Result<Count> {
        Ok(self.counts()?.get(name).copied().unwrap_or_default())
    }
}

/// The whole life of a host process: open the ports, say `ready`, answer `tally`, end with stdin.
///
/// # Errors
/// When an argument is wrong or a port cannot be opened.
pub fn run_host(arguments: &[String]) -> Result<()> {
    let plan = HostPlan::parse(arguments)?;
    let identity = Arc::new(plan.identity);
    let tally = Arc::new(Tally::default());
    for (name, port) in &plan.serve {
        open(name, *port, &identity, &tally).with_context(|| format!("serving {name} on port {port}"))?;
    }
    for (name, target, interval) in plan.ask {
        let client = CLIENTS.iter().find(|client| client.name == name).with_context(|| format!("no client `{name}`"))?;
        let (identity, tally) = (Arc::clone(&identity), Arc::clone(&tally));
        std::thread::spawn(move || ask(client, target, interval, &identity, &tally));
    }
    println!("ready");
    for question in io::stdin().lock().lines().map_while(Result::ok) {
        if question == "tally" {
            println!("{}", serde_json::to_string(&tally.snapshot())?);
            io::stdout().flush()?;
        }
    }
    Ok(())
}

fn ask(client: &Client, target: SocketAddr, interval: Duration, identity: &Identity, tally: &Tally) {
    let task = Task { target, interval, identity, tally };
    loop {
        if let Err(error) = (client.run)(&task) {
            tally.add(&format!("{} failed", client.name));
            tally.add(&format!("{} failed: {error}", client.name));
            // A refused connection comes back at once; do not flood.
            task.rest();
        }
    }
}

fn open(name: &str, port: u16, identity: &Arc<Identity>, tally: &Arc<Tally>) -> Result<()> {
    let at = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let (identity, tally) = (Arc::clone(identity), Arc::clone(tally));
    if let Some(server) = SERVERS.iter().find(|server| server.name == name) {
        let listener = TcpListener::bind(at)?;
        std::thread::spawn(move || accept(&listener, server, &identity, &tally));
    } else if let Some(answerer) = ANSWERERS.iter().find(|answerer| answerer.name == name) {
        let socket = UdpSocket::bind(at)?;
        std::thread::spawn(move || answer(&socket, answerer, &identity, &tally));
    } else {
        bail!("no service `{name}`");
    }
    Ok(())
}

fn accept(listener: &TcpListener, server: &'static Server, identity: &Arc<Identity>, tally: &Arc<Tally>) {
    while let Ok((mut stream, from)) = listener.accept() {
        let (identity, tally) = (Arc::clone(identity), Arc::clone(tally));
        std::thread::spawn(move || {
            let peer = Peer { address: from.ip(), tally: &tally };
            peer.count(&format!("{} connection", server.name));
            let _ = stream.set_nodelay(true);
            // A peer that goes away is everyday life of a server.
            let _ = (server.serve)(&mut stream, &identity, &peer);
        });
    }
}

fn answer(socket: &UdpSocket, answerer: &Answerer, identity: &Identity, tally: &Tally) {
    let mut buffer = [0; 2048];
    while let Ok((len, from)) = socket.recv_from(&mut buffer) {
        let address: IpAddr = from.ip();
        let reply = buffer.get(..len).and_then(|request| (answerer.answer)(request, identity, &Peer { address, tally }));
        if let Some(reply) = reply {
            let _ = socket.send_to(&reply, from);
        }
    }
}
