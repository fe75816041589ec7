//! The state folder: what is confirmed, what waits for its timer, what was applied before, and a journal. Written atomically.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sensor_model::Timestamp;
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
        let Some(id) = read::<String>(&self.folder.join("confirmed.json"))? else { return Ok(None) };
        self.applied(&id)
    }

    /// A plan that was confirmed once.
    pub fn applied(&self, id: &str) -> Result<Option<Applied>> {
        read(&self.folder.join("confirmed").join(format!("{id}.json")))
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

    /// One line for `report` and for people.
    pub fn journal(&self, at: Timestamp, event: &str, plan: &str, detail: &str) -> Result<()> {
        #[derive(Serialize)]
        struct Line<'a> {
            at: Timestamp,
            event: &'a str,
            plan: &'a str,
            detail: &'a str,
        }
        let path = self.folder.join("journal.ndjson");
        let line = serde_json::to_string(&Line { at, event, plan, detail })? + "\n";
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
