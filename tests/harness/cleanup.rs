//! What must be gone at the end, whatever the end is: a return, a panic, Ctrl-C, or (at the next start) a kill -9.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// First part of every namespace's name; the process id follows, so two runs never meet.
const PREFIX: &str = "cordon";

static NAMESPACES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static WATCH: Once = Once::new();

/// A name that nobody else has, here or in another process; `word` says what it is for.
#[must_use]
pub fn unique_name(word: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{PREFIX}-{}-{}-{word}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Remembers a namespace until `forget`, so that a signal cannot leave it behind.
pub fn remember(name: &str) {
    WATCH.call_once(watch_signals);
    lock().insert(name.to_owned());
}

/// Ends what runs in the namespace and removes it.
pub fn remove(name: &str) {
    lock().remove(name);
    end_processes(name);
    // Its links go with it. Nothing useful can be done when this fails: the next start sweeps again.
    let _ = Command::new("ip").args(["netns", "delete", name]).output();
}

/// Removes what earlier runs left behind when they were killed with no chance to clean up.
pub fn sweep() {
    let Ok(listed) = Command::new("ip").args(["netns", "list"]).output() else { return };
    for line in String::from_utf8_lossy(&listed.stdout).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('-')).and_then(|rest| rest.split('-').next());
        let dead =
            owner.and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw).is_some_and(|pid| test_kill_process(pid).is_err());
        if dead {
            remove(name);
        }
    }
}

/// Every process whose network is this namespace is ours: nobody else knows its name.
fn end_processes(name: &str) {
    let Ok(listed) = Command::new("ip").args(["netns", "pids", name]).output() else { return };
    for pid in
        String::from_utf8_lossy(&listed.stdout).lines().filter_map(|line| line.trim().parse().ok()).filter_map(Pid::from_raw)
    {
        // A thread of ours may be inside on a visit.
        if pid != rustix::process::getpid() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn watch_signals() {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let names: Vec<String> = lock().iter().cloned().collect();
            names.iter().for_each(|name| remove(name));
            std::process::exit(128 + signal);
        }
    });
}

fn lock() -> MutexGuard<'static, BTreeSet<String>> {
    NAMESPACES.lock().unwrap_or_else(PoisonError::into_inner)
}
