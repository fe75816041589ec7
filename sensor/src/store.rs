//! The sensor's memory: assets, conversations and the end of learning, in one SQLite file that survives a restart.
//!
//! Written by the hub's thread alone, a whole state a transaction; what did not change is not written again.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OptionalExtension, params};
use sensor_model::{Accounting, Asset, Conversation, FlowMap, SCHEMA, TapCoverage, Timestamp};
use serde::de::DeserializeOwned;

/// Of the tables below; a file of another version is refused.
const VERSION: i64 = 1;
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS asset (id TEXT PRIMARY KEY, saved INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS conversation (id TEXT PRIMARY KEY, saved INTEGER NOT NULL, document TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";
const UPSERT_ASSET: &str = "INSERT INTO asset VALUES (?1, ?2, ?3)
    ON CONFLICT (id) DO UPDATE SET saved = excluded.saved, document = excluded.document";
const UPSERT_CONVERSATION: &str = "INSERT INTO conversation VALUES (?1, ?2, ?3)
    ON CONFLICT (id) DO UPDATE SET saved = excluded.saved, document = excluded.document";

#[derive(Debug)]
pub struct Store {
    connection: Connection,
    sensor: String,
    /// Grows with every save; rows of an older one are gone from the map.
    saves: i64,
}

/// What an earlier run knew.
#[derive(Debug)]
pub struct Memory {
    pub map: FlowMap,
    pub learning_until: Option<Timestamp>,
}

impl Store {
    /// Opens or makes the file.
    pub fn open(path: &Path, sensor: &str) -> Result<Self> {
        let advice = || format!("cannot open the memory `{}`; see that its folder exists and is writable", path.display());
        let connection = Connection::open(path).with_context(advice)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        connection.pragma_update(None, "journal_mode", "WAL").with_context(advice)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).with_context(advice)?;
        if version != 0 && version != VERSION {
            bail!(
                "the memory `{}` is of version {version}, this sensor reads {VERSION}; move it away to begin anew",
                path.display()
            );
        }
        connection.execute_batch(TABLES).with_context(advice)?;
        connection.pragma_update(None, "user_version", VERSION)?;
        let store = Self { connection, sensor: sensor.to_owned(), saves: 0 };
        let saves = store.fact("saves")?.and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(Self { saves, ..store })
    }

    pub fn load(&self) -> Result<Memory> {
        let assets: Vec<Asset> = self.documents("SELECT document FROM asset ORDER BY id")?;
        let conversations: Vec<Conversation> = self.documents("SELECT document FROM conversation ORDER BY id")?;
        let first_seen = assets.iter().map(|asset| asset.first_seen).min().unwrap_or_default();
        let last_seen = assets.iter().map(|asset| asset.last_seen).max().unwrap_or_default();
        let learning_until = self.fact("learning_until")?.and_then(|text| text.parse().ok());
        let map = FlowMap {
            schema: SCHEMA.to_owned(),
            sensor: self.sensor.clone(),
            first_seen,
            last_seen,
            accounting: Accounting::default(),
            coverage: TapCoverage::default(),
            assets,
            conversations,
        };
        Ok(Memory { map, learning_until })
    }

    /// Brings the file to the state of `map`, in one transaction.
    pub fn save(&mut self, map: &FlowMap, learning_until: Option<Timestamp>) -> Result<()> {
        let saves = self.saves + 1;
        let transaction = self.connection.transaction()?;
        {
            let mut assets = transaction.prepare_cached(UPSERT_ASSET)?;
            for asset in &map.assets {
                assets.execute(params![asset.id.as_str(), saves, serde_json::to_string(asset)?])?;
            }
            let mut conversations = transaction.prepare_cached(UPSERT_CONVERSATION)?;
            for conversation in &map.conversations {
                let id = format!("{} {} {}", conversation.client, conversation.server, conversation.service);
                conversations.execute(params![id, saves, serde_json::to_string(conversation)?])?;
            }
            transaction.execute("DELETE FROM asset WHERE saved < ?1", [saves])?;
            transaction.execute("DELETE FROM conversation WHERE saved < ?1", [saves])?;
            let mut facts = transaction.prepare_cached("INSERT OR REPLACE INTO fact VALUES (?1, ?2)")?;
            facts.execute(params!["saves", saves.to_string()])?;
            if let Some(end) = learning_until {
                facts.execute(params!["learning_until", end.to_string()])?;
            }
        }
        transaction.commit()?;
        self.saves = saves;
        Ok(())
    }

    fn documents<T: DeserializeOwned>(&self, query: &str) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare(query)?;
        let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
        texts.map(|text| serde_json::from_str(&text?).context("the memory holds a document that cannot be read")).collect()
    }

    fn fact(&self, name: &str) -> Result<Option<String>> {
        Ok(self.connection.query_row("SELECT value FROM fact WHERE name = ?1", [name], |row| row.get(0)).optional()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::flow_map;

    #[test]
    fn a_saved_map_is_loaded_whole_and_what_left_it_is_gone() {
        let path = std::env::temp_dir().join(format!("sensor-store-{}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut map = flow_map();
        let until = Some(Timestamp::from_nanos(5_000));
        Store::open(&path, "s").unwrap().save(&map, until).unwrap();
        let memory = Store::open(&path, "s").unwrap().load().unwrap();
        assert_eq!((&memory.map.assets, &memory.map.conversations), (&map.assets, &map.conversations));
        assert_eq!(memory.learning_until, until);
        map.conversations.clear();
        let mut store = Store::open(&path, "s").unwrap();
        store.save(&map, until).unwrap();
        assert!(store.load().unwrap().map.conversations.is_empty());
        let _ = std::fs::remove_file(&path);
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let error = format!("{:#}", Store::open(Path::new("/nonexistent/a.db"), "s").unwrap_err());
        assert!(error.starts_with("cannot open the memory `/nonexistent/a.db`; see that its folder exists"), "{error}");
    }
}
