//! Where the programs under test are: beside the running one, as Cargo lays them out.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

/// The folder of built binaries; `CORDON_BIN` names another one and switches off building.
pub const FOLDER_VARIABLE: &str = "CORDON_BIN";

/// The path of `sensor`, `enforcer-sdn`, `host` or `generate`, built before the first use.
///
/// # Errors
/// When it cannot be built, or is not where it should be.
pub fn path(program: &str) -> Result<PathBuf> {
    let path = folder()?.join(program);
    if path.is_file() { Ok(path) } else { bail!("no `{}`; run `cargo build --workspace --bins`", path.display()) }
}

/// The root of the repository.
#[must_use]
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Captures and truth kept beside the repository and never in it; `CORDON_SHARED` names another place. None says so on stderr.
#[must_use]
pub fn shared(part: &str) -> Option<PathBuf> {
    let beside = || repository().parent().unwrap_or(Path::new("..")).join("shared");
    let folder = std::env::var_os("CORDON_SHARED").map_or_else(beside, PathBuf::from).join(part);
    if folder.exists() {
        return Some(folder);
    }
    eprintln!("NOT CHECKED: no {}; set CORDON_SHARED to the folder that has `{part}`", folder.display());
    None
}

fn folder() -> Result<&'static Path> {
    static FOLDER: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    match FOLDER.get_or_init(|| find_folder().map_err(|error| format!("{error:#}"))) {
        Ok(folder) => Ok(folder),
        Err(text) => bail!("{text}"),
    }
}

fn find_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE) {
        return Ok(PathBuf::from(folder));
    }
    let current = std::env::current_exe().context("finding the running program")?;
    // A test runs from target/<profile>/deps, a program from target/<profile>.
    let mut folder = current.parent().context("a program without a folder")?;
    let is_test = folder.file_name().is_some_and(|name| name == "deps");
    if is_test {
        folder = folder.parent().context("deps without a parent")?;
        build(folder)?;
    }
    Ok(folder.to_owned())
}

/// Cargo builds the binaries of other packages for nobody's tests, so a test asks for them; a second time this costs nothing.
fn build(folder: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(repository()).args(["build", "--quiet", "--package", "sensor", "--package", "enforcer-sdn", "--bins"]);
    if folder.file_name().is_some_and(|name| name == "release") {
        command.arg("--release");
    }
    crate::namespace::run(&mut command).map(|_| ())
}
