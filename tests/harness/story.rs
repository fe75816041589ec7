//! The story on real wires, in the order in which a site would live it: the demo tells it, a test holds it to its figures.

use std::time::{Duration, Instant};

use crate::broker::Broker;
use crate::enforcer::{Answer, Enforcer, code};
use crate::hosts::Host;
use crate::link::FrameCount;
use crate::measure;
use crate::mqtt::Subscription;
use crate::namespace::Namespace;
use crate::plant::{BROKER, FILES, HISTORIAN, HMI, INTRUDER, MONITOR, PLC, PRINTER, Plant, Staff, start_intruder};
use crate::scrape;
use crate::scratch::Scratch;
use crate::sensor::{Sensor, SensorSetting};
use crate::tally::now_nanos;
use crate::threat::{self, Outcome};
use anyhow::{Context, Result, ensure};

/// How long an hour of the plant takes here: the backup comes every four.
const PACE: Duration = Duration::from_secs(2);
/// What the sensor takes as normal.
const LEARNING: Duration = Duration::from_secs(14);
/// The timer of the apply that nobody confirms.
const SHORT_TIMER: Duration = Duration::from_secs(5);

/// Who answers for the learned rules.
const OWNER: &str = "ot-team@plant.example";
/// When somebody looks at them again.
const REVIEW_BY: &str = "2099-12-31";

/// Who listens to the story.
pub trait Narrator {
    fn chapter(&self, number: usize, title: &str);
    fn say(&self, text: &str);
    /// Something that was checked.
    fn good(&self, text: &str);
    /// A command as typed, and at most `limit` lines of what it printed.
    fn command(&self, typed: &str, output: &str, limit: usize);

    fn answer(&self, answer: &Answer, limit: usize) {
        self.command(&answer.typed, &answer.lines().collect::<Vec<_>>().join("\n"), limit);
        if answer.code != 0 {
            self.say(&format!("(exit {})", answer.code));
        }
    }
}

/// What was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub assets: usize,
    pub conversations: usize,
    /// Mirrored frames that the sensor's port received, and that it sent.
    pub frames: FrameCount,
    /// From the start of the intruder's machine to the alert at the subscriber.
    pub alert: Duration,
    /// From the command to the last packet of a stream of new ones, and of a live connection, that got through.
    pub block: Duration,
    pub cut: Duration,
    /// How late after its timer an unconfirmed apply was undone on the wire.
    pub rollback: Duration,
    /// Requests of the plant that failed during enforcement.
    pub broken: u64,
}

/// Plays the story. `open_broker` starts a broker at `BROKER` inside the given namespace.
///
/// # Errors
/// At the first thing that is not as told.
pub fn play(screen: &dyn Narrator, open_broker: impl FnOnce(&Namespace, &Scratch) -> Result<Broker>) -> Result<Figures> {
    let scratch = Scratch::create("story")?;
    let mut figures = Figures::default();

    screen.chapter(1, "A plant: two subnets, a router that can hold rules, a mirror port");
    let plant = Plant::build()?;
    let mirror = plant.mirror()?;
    let _broker = open_broker(&plant.sensor, &scratch)?;
    screen.say("plant 10.10.0.0/24: PLC (Modbus/TCP), old file server (SMB, RDP, rsync), printer (9100, IPP)");
    screen.say("office 10.20.0.0/24: HMI, historian, monitoring (SNMP), backup host, resolver (DNS)");
    screen.say("router: nftables, `ct state established,related accept`, policy accept; every frame that enters it is mirrored");

    screen.chapter(2, "The sensor listens on the mirror port");
    let setting = SensorSetting { path: "auto", learning: LEARNING, with_broker: true };
    let mut sensor = Sensor::start(&plant.sensor, &scratch, &setting)?;
    let alerts = Subscription::open(&plant.sensor, BROKER, "cordon/#")?;
    screen.say(&sensor.capture_path()?);
    let mut staff = Staff::hire(&plant, PACE)?;
    let started_at = Instant::now();
    screen.say(&format!("the hosts work; {} s of traffic are taken as normal", LEARNING.as_secs()));
    crate::deadline::wait_until("the end of learning", LEARNING * 2, || {
        started_at.elapsed() > LEARNING + Duration::from_secs(1)
    })?;
    let sampled = scrape::series(&sensor.metrics()?);
    screen.say(&format!("Prometheus: {} series at /metrics", sampled.len()));

    screen.chapter(3, "The flow map");
    for table in ["assets", "conversations", "coverage"] {
        screen.command(&format!("sensor {table}"), &sensor.table(table)?, 24);
    }
    let map = sensor.flow_map()?;
    (figures.assets, figures.conversations) = (map.assets.len(), map.conversations.len());
    scratch.write("flowmap.json", &serde_json::to_string_pretty(&map)?)?;

    screen.chapter(4, "From the map to a proven rule set");
    let enforcer = Enforcer::configure(&scratch, &["ip", "netns", "exec", plant.router.name()])?;
    propose(screen, &enforcer, "flowmap.json")?;
    let planned = enforcer.run(&["plan", "--policy", "policy.yaml", "--flowmap", "flowmap.json", "--out", "plan.json"])?;
    screen.answer(&planned, 14);
    planned.expect_code(&[code::CHANGES_PENDING])?;
    prove(screen, &enforcer, "flowmap.json")?;

    screen.chapter(5, "An intruder in the office, then the rules");
    let entered_at = Instant::now();
    let mut intruder = start_intruder(&plant)?;
    let alerted_at = intrusion(screen, &plant, &alerts)?;
    figures.alert = alerted_at.saturating_duration_since(entered_at);
    screen.good(&format!("the alert was at the subscriber {} after the intruder's machine was started", millis(figures.alert)));
    enforce(screen, &plant, &enforcer, &mut staff, &mut intruder, &mut figures)?;

    screen.chapter(6, "An apply that nobody confirms, and whose process is killed");
    figures.rollback = unconfirmed(screen, &enforcer, &mut staff, &map)?;
    let drift = enforcer.run(&["drift"])?;
    screen.answer(&drift, 4);
    drift.expect_code(&[code::DONE])?;

    figures.frames = mirror.frame_count()?;
    ensure!(figures.frames.sent == 0, "the sensor's port sent {} frames", figures.frames.sent);
    screen.good(&format!("the sensor's port received {} frames and sent 0", figures.frames.received));
    Ok(figures)
}

/// learn, check, simulate: from a map to a policy that would cut nothing, and that its owner switches on.
///
/// # Errors
/// At the first command that does not end as it should.
pub fn propose(screen: &dyn Narrator, enforcer: &Enforcer<'_>, map: &str) -> Result<()> {
    let terms = ["--owner", OWNER, "--review-by", REVIEW_BY, "--out", "policy.yaml"];
    let learned = enforcer.run(&[&["learn", "--flowmap", map][..], &terms].concat())?;
    screen.answer(&learned, 6);
    learned.expect_code(&[code::DONE])?;
    show_policy(screen, &std::fs::read_to_string(enforcer.file("policy.yaml"))?);
    let checked = enforcer.run(&["check", "--policy", "policy.yaml", "--flowmap", map])?;
    screen.answer(&checked, 10);
    checked.expect_code(&[code::DONE])?;
    let simulated = enforcer.run(&["simulate", "--policy", "policy.yaml", "--flowmap", map])?;
    show_simulation(screen, &simulated);
    simulated.expect_code(&[code::DONE])?;
    screen.say("nothing would be cut, so the owner switches every zone from observe to enforce");
    switch_to_enforce(enforcer, "policy.yaml")
}

/// render, prove.
///
/// # Errors
/// When the proof fails.
pub fn prove(screen: &dyn Narrator, enforcer: &Enforcer<'_>, map: &str) -> Result<()> {
    let documents = ["--target", "nftables", "--policy", "policy.yaml", "--flowmap", map];
    let rendered = enforcer.run(&[&["render"], &documents[..], &["--out", "router.nft"]].concat())?;
    screen.answer(&rendered, 4);
    rendered.expect_code(&[code::DONE])?;
    let proven = enforcer.run(&[&["prove"], &documents[..], &["router.nft"]].concat())?;
    screen.answer(&proven, 6);
    proven.expect_code(&[code::DONE]).map(|_| ())
}

/// The first zone and the first rules, with what they were learned from.
fn show_policy(screen: &dyn Narrator, text: &str) {
    let rules_at = text.lines().position(|line| line.starts_with("rules:")).unwrap_or(0);
    let some = text.lines().take(15).chain(["      ..."]).chain(text.lines().skip(rules_at).take(16));
    screen.command("cat policy.yaml", &some.chain(["      ..."]).collect::<Vec<_>>().join("\n"), 40);
}

/// Who the table is about does not fit a transcript: what is not allowed, and the figures below it.
pub fn show_simulation(screen: &dyn Narrator, answer: &Answer) {
    let denied: Vec<&str> = answer.stdout.lines().filter(|line| line.contains("DENIED")).collect();
    let figures = answer.lines().filter(|line| !line.trim_start().starts_with(['│', '┌', '╞', '└', '├']));
    screen.command(&answer.typed, &denied.into_iter().chain(figures).collect::<Vec<_>>().join("\n"), 12);
    screen.say(&format!("(exit {})", answer.code));
}

/// What the owner does in an editor once the simulation is clean.
///
/// # Errors
/// When the policy does not begin in `observe`, or cannot be written.
fn switch_to_enforce(enforcer: &Enforcer<'_>, policy: &str) -> Result<()> {
    let path = enforcer.file(policy);
    let text = std::fs::read_to_string(&path)?;
    ensure!(text.contains("mode: observe"), "{policy} should begin in observe");
    Ok(std::fs::write(&path, text.replace("mode: observe", "mode: enforce"))?)
}

/// The intruder gets in everywhere, and the sensor says so. Returns when the first alert arrived.
fn intrusion(screen: &dyn Narrator, plant: &Plant, alerts: &Subscription) -> Result<Instant> {
    for attempt in threat::attempts(FILES.into(), PLC.into()) {
        let outcome = threat::attempt(plant.at(INTRUDER)?, &attempt)?;
        ensure!(outcome == Outcome::GotIn, "{} to {} should be open before any rule: {outcome:?}", attempt.door, attempt.target);
        screen.say(&format!("before: {} to {} gets in", attempt.door, attempt.target));
    }
    let about = INTRUDER.to_string();
    let told = |payload: &[u8]| String::from_utf8_lossy(payload).contains(&about);
    let alert = alerts.wait_for("an alert about the intruder", Duration::from_secs(10), |message| {
        message.topic.contains("/alert/") && told(&message.payload)
    })?;
    let alert_value: sensor_model::Alert = serde_json::from_slice(&alert.payload).context("reading an alert")?;
    screen.good(&format!("MQTT {}: {}", alert.topic, alert_value.summary));
    Ok(alert.arrived_at)
}

/// Applies, confirms, and measures what is blocked and what goes on.
fn enforce(
    screen: &dyn Narrator,
    plant: &Plant,
    enforcer: &Enforcer<'_>,
    staff: &mut Staff,
    intruder: &mut Host,
    figures: &mut Figures,
) -> Result<()> {
    let held = format!("smb request from {INTRUDER}");
    let probed = format!("probe from {INTRUDER}");
    ensure!(staff.files.count(&held)?.times > 0, "the intruder's connection should be alive");
    let failed_before = staff_failures(staff)?;
    let applied_at = now_nanos();
    let applied = enforcer.run(&["apply", "plan.json", "--confirm", "30s", "--detach"])?;
    screen.answer(&applied, 6);
    applied.expect_code(&[code::DONE])?;
    figures.block = measure::time_to_block(&mut staff.files, &probed, applied_at)?;
    figures.cut = measure::time_to_block(&mut staff.files, &held, applied_at)?;
    screen.good(&format!("a 1 ms stream of new packets: the last one got through {} after the command", millis(figures.block)));
    screen.good(&format!("the live SMB connection: its last request got through {} after the command", millis(figures.cut)));
    ensure!(intruder.count("smb request")?.times > 0, "the intruder should have tried");
    for attempt in threat::attempts(FILES.into(), PLC.into()) {
        let outcome = threat::attempt(plant.at(INTRUDER)?, &attempt)?;
        let Outcome::Blocked(how) = outcome else { anyhow::bail!("{} to {} still gets in", attempt.door, attempt.target) };
        screen.good(&format!("{} to {}: blocked ({how})", attempt.door, attempt.target));
    }
    let worked = legitimate_work(staff)?;
    let confirmed = enforcer.run(&["confirm"])?;
    screen.answer(&confirmed, 3);
    confirmed.expect_code(&[code::DONE])?;
    let failed = staff_failures(staff)? - failed_before;
    figures.broken = failed;
    ensure!(failed == 0, "{failed} legitimate requests failed");
    screen.good(&format!("legitimate traffic went on: {worked} more requests answered, 0 failed"));
    Ok(())
}

/// Plans from a map that lacks one conversation, applies it, kills the enforcer, and waits for the rules to come back.
/// Returns how late that was.
fn unconfirmed(
    screen: &dyn Narrator,
    enforcer: &Enforcer<'_>,
    staff: &mut Staff,
    map: &sensor_model::FlowMap,
) -> Result<Duration> {
    let mut narrower = map.clone();
    let printer_polled = |conversation: &sensor_model::Conversation| {
        conversation.service.port == 161 && conversation.server_addresses.contains(&PRINTER.into())
    };
    narrower.conversations.retain(|conversation| !printer_polled(conversation));
    ensure!(narrower.conversations.len() < map.conversations.len(), "the printer's SNMP should be in the map");
    std::fs::write(enforcer.file("narrower.json"), serde_json::to_string(&narrower)?)?;
    enforcer
        .run(&["learn", "--flowmap", "narrower.json", "--owner", OWNER, "--out", "narrower.yaml"])?
        .expect_code(&[code::DONE])?;
    switch_to_enforce(enforcer, "narrower.yaml")?;
    let simulated = enforcer.run(&["simulate", "--policy", "narrower.yaml", "--flowmap", "flowmap.json"])?;
    show_simulation(screen, &simulated);
    simulated.expect_code(&[code::TRAFFIC_WOULD_BREAK])?;
    let planned =
        enforcer.run(&["plan", "--policy", "narrower.yaml", "--flowmap", "narrower.json", "--out", "narrower-plan.json"])?;
    planned.expect_code(&[code::CHANGES_PENDING])?;

    let polled = format!("snmp get from {MONITOR}");
    let timer = format!("{}s", SHORT_TIMER.as_secs());
    let arguments = ["apply", "narrower-plan.json", "--confirm", &timer];
    let mut applying = enforcer.start(&arguments)?;
    let last = measure::wait_for_silence(&mut staff.printer, &polled, PACE / 5, Duration::from_secs(5))?;
    screen.command(&format!("enforcer-sdn {}", arguments.join(" ")), &applying.lines().join("\n"), 4);
    screen.good("the printer's SNMP polling stopped: the rules bite");
    applying.kill_hard();
    screen.say(&format!("kill -9 {}: nobody is left to confirm", applying.id()));
    let back_at = measure::wait_for_return(&mut staff.printer, &polled, last, SHORT_TIMER + Duration::from_secs(10))?;
    let outage = Duration::from_nanos(back_at.saturating_sub(last.last_at_nanos));
    let late = outage.saturating_sub(SHORT_TIMER);
    ensure!(late <= Duration::from_secs(1), "the rules came back {late:?} after the timer");
    screen.good(&format!("polling came back by itself after {:.2} s, {} after the timer", outage.as_secs_f64(), millis(late)));
    Ok(late)
}

fn legitimate_work(staff: &mut Staff) -> Result<u64> {
    let plc = [format!("modbus read from {HMI}"), format!("modbus read from {HISTORIAN}")];
    let before: u64 = plc.iter().map(|name| staff.plc.count(name).map(|count| count.times)).sum::<Result<u64>>()?;
    crate::deadline::wait_for("the controller to be polled on", Duration::from_secs(5), || {
        let now: u64 = plc.iter().map(|name| staff.plc.count(name).map(|count| count.times)).sum::<Result<u64>>()?;
        Ok((now > before + 20).then_some(now - before))
    })
}

fn staff_failures(staff: &mut Staff) -> Result<u64> {
    staff.clients().into_iter().map(|(_, host)| measure::failures(host)).sum()
}

/// For people.
#[must_use]
pub fn millis(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}
