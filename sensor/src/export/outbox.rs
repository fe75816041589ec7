//! Alerts that the broker has not acknowledged yet, in order, on disk: they survive the broker's restart and ours.
//!
//! Overflow: when `limit` messages wait, the oldest goes for the newest, and is counted. A message leaves only after its
//! acknowledgement, so the broker may get one twice and never misses one that is still here; alerts carry ids for that.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::Notify;

/// A text for a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    pub payload: String,
}

/// How full the outbox is, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Kept since the start, and what an earlier run left.
    pub pushed: u64,
    pub waiting: u64,
    pub dropped: u64,
    /// Acknowledged by the broker.
    pub delivered: u64,
    pub connected: bool,
}

/// Filled by the hub, emptied by the publisher.
#[derive(Debug)]
pub struct Outbox {
    limit: u64,
    inner: Mutex<Inner>,
    filled: Notify,
}

#[derive(Debug)]
struct Inner {
    connection: Connection,
    state: State,
}

impl Outbox {
    /// None keeps the messages in memory.
    pub fn open(path: Option<&Path>, limit: u64) -> Result<Self> {
        let connection = match path {
            Some(path) => Connection::open(path).with_context(|| {
                format!("cannot open the outbox `{}`; see that its folder exists and is writable", path.display())
            })?,
            None => Connection::open_in_memory()?,
        };
        connection.busy_timeout(Duration::from_secs(2))?;
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .context("cannot write the outbox; is it a file of another kind?")?;
        // An alert that is reported as kept must also survive a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS message (number INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, payload TEXT NOT NULL)",
        )?;
        let waiting = count(&connection)?;
        let state = State { pushed: waiting, waiting, ..State::default() };
        Ok(Self { limit: limit.max(1), inner: Mutex::new(Inner { connection, state }), filled: Notify::new() })
    }

    /// Keeps messages, in one transaction.
    pub fn push(&self, messages: &[Message]) -> Result<()> {
        let mut inner = self.lock();
        let transaction = inner.connection.transaction()?;
        for message in messages {
            transaction
                .prepare_cached("INSERT INTO message (topic, payload) VALUES (?1, ?2)")?
                .execute(params![message.topic, message.payload])?;
        }
        let waiting = count(&transaction)?;
        let surplus = waiting.saturating_sub(self.limit);
        if surplus > 0 {
            let oldest = "DELETE FROM message WHERE number IN (SELECT number FROM message ORDER BY number LIMIT ?1)";
            transaction.execute(oldest, [i64::try_from(surplus).unwrap_or(i64::MAX)])?;
        }
        transaction.commit()?;
        inner.state.pushed += messages.len() as u64;
        inner.state.waiting = waiting - surplus;
        inner.state.dropped += surplus;
        drop(inner);
        self.filled.notify_one();
        Ok(())
    }

    /// The oldest message and its number.
    pub fn oldest(&self) -> Result<Option<(i64, Message)>> {
        let inner = self.lock();
        let mut statement =
            inner.connection.prepare_cached("SELECT number, topic, payload FROM message ORDER BY number LIMIT 1")?;
        let oldest = statement.query_row([], |row| Ok((row.get(0)?, Message { topic: row.get(1)?, payload: row.get(2)? })));
        Ok(oldest.optional()?)
    }

    /// The broker has it.
    pub fn remove(&self, number: i64) -> Result<()> {
        let mut inner = self.lock();
        let removed = inner.connection.prepare_cached("DELETE FROM message WHERE number = ?1")?.execute([number])?;
        inner.state.waiting = inner.state.waiting.saturating_sub(removed as u64);
        inner.state.delivered += removed as u64;
        Ok(())
    }

    /// Returns after a push.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    #[must_use]
    pub fn state(&self) -> State {
        self.lock().state
    }

    pub fn set_connected(&self, connected: bool) {
        self.lock().state.connected = connected;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // SQLite's own transactions keep the state whole, whoever died holding the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT count(*) FROM message", [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &str) -> Message {
        Message { topic: "t".to_owned(), payload: payload.to_owned() }
    }

    #[test]
    fn messages_survive_a_restart_in_order_until_they_are_acknowledged() {
        let path = std::env::temp_dir().join(format!("sensor-outbox-{}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Outbox::open(Some(&path), 10).unwrap().push(&[message("a"), message("b")]).unwrap();
        let outbox = Outbox::open(Some(&path), 10).unwrap();
        assert_eq!(outbox.state().waiting, 2);
        let (number, first) = outbox.oldest().unwrap().unwrap();
        assert_eq!(first, message("a"));
        outbox.remove(number).unwrap();
        drop(outbox);
        let outbox = Outbox::open(Some(&path), 10).unwrap();
        assert_eq!(outbox.oldest().unwrap().map(|(_, message)| message.payload), Some("b".to_owned()));
        let _ = std::fs::remove_file(&path);
    }

    #[test]
    fn a_full_outbox_drops_the_oldest_and_counts_it() {
        let outbox = Outbox::open(None, 2).unwrap();
        outbox.push(&[message("a"), message("b"), message("c")]).unwrap();
        assert_eq!(outbox.state(), State { pushed: 3, waiting: 2, dropped: 1, delivered: 0, connected: false });
        assert_eq!(outbox.oldest().unwrap().map(|(_, message)| message.payload), Some("b".to_owned()));
    }
}
