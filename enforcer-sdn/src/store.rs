//! The state folder: what is confirmed, what waits for its timer, what was applied before, and a journal. Written atomically.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use enforcer_policy::Quarantine;
use sensor_model::{AssetId, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::driver::Running;
use crate::plan::Plan;

/// A plan that is on the devices, with what ran before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    pub plan: Plan,
    pub applied_at: Timestamp,
    pub checkpoints: Vec<Checkpoint>,
}

/// What one point ran before a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub point: String,
    pub running: Running,
}

/// An applied plan whose timer runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub applied: Applied,
    pub deadline: Timestamp,
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at: Timestamp,
    pub event: String,
    /// Id of the plan; empty where there is none.
    pub plan: String,
    pub detail: String,
}

const JOURNAL: &str = "journal.ndjson";
const QUARANTINE: &str = "quarantine.json";

/// The folder, locked: one process at a time changes devices.
pub struct Store {
    folder: PathBuf,
    _lock: File,
}

impl Store {
    /// Opens the folder and waits for its lock.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder.join("confirmed"))
            .with_context(|| format!("cannot make the state folder `{}`; set `state` in the configuration", folder.display()))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = lock.with_context(|| format!("cannot open `{}`", path.display()))?;
        give_to_owner(folder, &path);
        give_to_owner(folder, &folder.join("confirmed"));
        lock.lock().with_context(|| format!("cannot lock `{}`", path.display()))?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    pub fn pending(&self) -> Result<Option<Pending>> {
        pending(&self.folder)
    }

    pub fn set_pending(&self, pending: &Pending) -> Result<()> {
        self.write("pending.json", pending)
    }

    pub fn clear_pending(&self) -> Result<()> {
        remove(&self.folder.join("pending.json"))
    }

    /// The plan that runs, confirmed.
    pub fn confirmed(&self) -> Result<Option<Applied>> {
        confirmed(&self.folder)
    }

    pub fn confirm(&self, applied: &Applied) -> Result<()> {
        self.write(&format!("confirmed/{}.json", applied.plan.id), applied)?;
        self.write("confirmed.json", &applied.plan.id)
    }

    /// Goes back to the parent of the confirmed plan.
    pub fn unconfirm(&self, parent: Option<&str>) -> Result<()> {
        match parent {
            Some(id) => self.write("confirmed.json", &id),
            None => remove(&self.folder.join("confirmed.json")),
        }
    }

    /// Shuts an asset in; one that was in before gets the new words.
    pub fn quarantine(&self, quarantine: &Quarantine) -> Result<()> {
        let mut all = quarantines(&self.folder)?;
        all.retain(|known| known.asset != quarantine.asset);
        all.push(quarantine.clone());
        self.write(QUARANTINE, &all)
    }

    /// Lets an asset out.
    pub fn release(&self, asset: &AssetId) -> Result<()> {
        let mut all = quarantines(&self.folder)?;
        all.retain(|known| known.asset != *asset);
        self.write(QUARANTINE, &all)
    }

    /// One line for `report` and for people.
    pub fn journal(&self, at: Timestamp, event: &str, plan: &str, detail: &str) -> Result<()> {
        let path = self.folder.join(JOURNAL);
        let line = Entry { at, event: event.to_owned(), plan: plan.to_owned(), detail: detail.to_owned() };
        let line = serde_json::to_string(&line)? + "\n";
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        give_to_owner(&self.folder, &path);
        Ok(())
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        let path = self.folder.join(name);
        write_atomically(&path, serde_json::to_string_pretty(value)?.as_bytes())?;
        give_to_owner(&self.folder, &path);
        Ok(())
    }
}

/// Who is shut in, also those whose time is over. Read without the lock: files are replaced whole.
pub fn quarantines(folder: &Path) -> Result<Vec<Quarantine>> {
    Ok(read(&folder.join(QUARANTINE))?.unwrap_or_default())
}

/// The plan that runs, confirmed. Read without the lock.
pub fn confirmed(folder: &Path) -> Result<Option<Applied>> {
    let Some(id) = read::<String>(&folder.join("confirmed.json"))? else { return Ok(None) };
    read(&folder.join("confirmed").join(format!("{id}.json")))
}

/// Every plan that was ever confirmed, oldest first.
pub fn history(folder: &Path) -> Result<Vec<Applied>> {
    let path = folder.join("confirmed");
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let mut all: Vec<Applied> = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            all.extend(read::<Applied>(&path)?);
        }
    }
    all.sort_by(|a, b| (a.applied_at, &a.plan.id).cmp(&(b.applied_at, &b.plan.id)));
    Ok(all)
}

/// The journal's lines in order; a last line that a crash cut short is left out.
pub fn entries(folder: &Path) -> Result<Vec<Entry>> {
    let path = folder.join(JOURNAL);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let whole = text.rfind('\n').map_or("", |end| text.get(..end).unwrap_or_default());
    let line = |line: &str| {
        serde_json::from_str(line).with_context(|| format!("`{}` has a line that this program did not write", path.display()))
    };
    whole.lines().map(line).collect()
}

/// What root's `apply` writes belongs to the folder's owner, so that the service, which is not root, can go on with it. Not being
/// root is no error: then the file has the right owner, or nobody else needs it.
fn give_to_owner(folder: &Path, path: &Path) {
    if let Ok(owner) = fs::metadata(folder) {
        let _ = chown(path, Some(owner.uid()), Some(owner.gid()));
    }
}

/// The pending plan, read without the lock: files are replaced whole.
pub fn pending(folder: &Path) -> Result<Option<Pending>> {
    read(&folder.join("pending.json"))
}

/// Replaces a file so that a crash or a full disk leaves the old one or the new one, never a part.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(name);
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // The temporary may not exist; the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        return Err(error).with_context(|| format!("cannot write `{}`", path.display()));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(|| format!("cannot sync `{}`", folder.display()))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .with_context(|| format!("`{}` is not what this program wrote", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_keeps_the_old_file_and_leaves_no_temporary() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        write_atomically(&path, b"old").unwrap();
        // A folder under the final name cannot be replaced by a file.
        let blocked = folder.path().join("blocked");
        fs::create_dir(&blocked).unwrap();
        assert!(write_atomically(&blocked, b"new").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn damaged_state_is_named_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pending.json"), b"{").unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert!(store.pending().unwrap_err().to_string().contains("pending.json"));
    }
}
