//! The demo's story, held to its bars.

use std::time::Duration;

use harness::broker::Broker;
use harness::plant::BROKER;
use harness::story::{self, Narrator};

use crate::on_wires;

/// Tells the story to the log of a failed test.
struct Log;

impl Narrator for Log {
    fn chapter(&self, number: usize, title: &str) {
        println!("{number}. {title}");
    }

    fn say(&self, text: &str) {
        println!("   {text}");
    }

    fn good(&self, text: &str) {
        println!("   ok {text}");
    }

    fn command(&self, typed: &str, output: &str, _: usize) {
        println!("   $ {typed}\n{output}");
    }
}

#[test]
fn the_story_from_mirror_port_to_enforced_rule_meets_its_bars() {
    if !on_wires() || !Broker::available() {
        return;
    }

    let figures = story::play(&Log, |namespace, scratch| Broker::mosquitto(namespace, BROKER, scratch.path())).unwrap();

    println!("{figures:?}");
    assert!(figures.block <= Duration::from_millis(300), "blocked after {:?}", figures.block);
    assert!(figures.cut <= Duration::from_millis(300), "a live connection cut after {:?}", figures.cut);
    assert!(figures.rollback <= Duration::from_secs(1), "rolled back {:?} after the timer", figures.rollback);
    assert_eq!(figures.broken, 0);
    assert_eq!(figures.frames.sent, 0);
}
