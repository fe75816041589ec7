//! Output files that appear whole or not at all: written under a temporary name, renamed together at the end.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What went wrong with which file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} `{}`; {advice}", path.display())]
pub struct StagedError {
    doing: &'static str,
    path: PathBuf,
    advice: &'static str,
    source: io::Error,
}

impl StagedError {
    fn new(doing: &'static str, path: &Path, source: io::Error) -> Self {
        let advice = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk and run again",
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "choose a folder you may write to",
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "name a folder, not a file",
            _ => "earlier output is left as it was",
        };
        Self { doing, path: path.to_owned(), advice, source }
    }
}

/// A folder into which files are staged.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder when it is missing.
    pub fn open(path: &Path) -> Result<Self, StagedError> {
        fs::create_dir_all(path).map_err(|source| StagedError::new("create the folder", path, source))?;
        Ok(Self { path: path.to_owned() })
    }

    pub fn stage(&self, name: &str) -> Result<Staged, StagedError> {
        self.remove_litter(name);
        let temporary = self.path.join(format!(".{name}.{}.tmp", std::process::id()));
        let file = File::create(&temporary).map_err(|source| StagedError::new("write", &temporary, source))?;
        // Where locks are not to be had, only the process number tells whose file it is.
        let _ = file.try_lock();
        Ok(Staged { out: Some(BufWriter::with_capacity(1 << 16, file)), temporary, path: self.path.join(name) })
    }
}

impl Folder {
    /// Takes away what a killed process left of this file: nobody holds it, and there is no process of that number.
    fn remove_litter(&self, name: &str) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let file_name = entry.file_name();
            let number = file_name
                .to_str()
                .and_then(|text| text.strip_prefix('.')?.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".tmp"));
            let Some(process) = number.and_then(|text| text.parse::<u32>().ok()) else { continue };
            let is_gone = !Path::new("/proc").join(process.to_string()).exists();
            if is_gone && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// One file on its way. Dropped without `commit`, it leaves nothing behind.
#[derive(Debug)]
pub struct Staged {
    out: Option<BufWriter<File>>,
    temporary: PathBuf,
    path: PathBuf,
}

impl Staged {
    /// Writes by `fill`, and says which file it was when that fails.
    pub fn write(&mut self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), StagedError> {
        let Some(out) = &mut self.out else { return Ok(()) };
        fill(out).map_err(|source| StagedError::new("write", &self.path, source))
    }

    /// Brings the contents to the disk; the file still has its temporary name.
    fn finish(&mut self) -> Result<(), StagedError> {
        let Some(out) = self.out.take() else { return Ok(()) };
        let failed = |source| StagedError::new("write", &self.path, source);
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a commit there is nothing under this name.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Finishes all files first and renames them after: a full disk is met before anything old is replaced.
pub fn commit(mut files: Vec<Staged>) -> Result<(), StagedError> {
    for file in &mut files {
        file.finish()?;
    }
    for file in &files {
        fs::rename(&file.temporary, &file.path).map_err(|source| StagedError::new("replace", &file.path, source))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("sensor-staged-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn an_abandoned_file_leaves_the_old_one_and_no_litter() {
        let path = folder("abandoned");
        let staging = Folder::open(&path).unwrap();
        fs::write(path.join("a"), "old").unwrap();
        let mut file = staging.stage("a").unwrap();
        file.write(|out| out.write_all(b"half")).unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "old");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_process_left_is_taken_away_and_nothing_else() {
        let path = folder("litter");
        let staging = Folder::open(&path).unwrap();
        // Process numbers end at 2^22 (man 5 proc, pid_max).
        let own = format!(".a.{}.tmp", std::process::id());
        for name in [".a.4194305.tmp", ".b.4194305.tmp", ".a.tmp", "a", &own] {
            fs::write(path.join(name), "x").unwrap();
        }
        drop(staging.stage("a").unwrap());
        let mut left: Vec<_> =
            fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, [".a.tmp", ".b.4194305.tmp", "a"]);
    }

    #[test]
    fn a_committed_file_replaces_the_old_one() {
        let path = folder("committed");
        let staging = Folder::open(&path).unwrap();
        let mut file = staging.stage("a").unwrap();
        file.write(|out| out.write_all(b"new")).unwrap();
        commit(vec![file]).unwrap();
        assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "new");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }

    #[test]
    fn a_file_in_the_way_is_named_with_advice() {
        let error = Folder::open(Path::new("/dev/null")).unwrap_err().to_string();
        assert_eq!(error, "cannot create the folder `/dev/null`; name a folder, not a file");
    }
}
