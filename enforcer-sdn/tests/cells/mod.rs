//! Two cells whose zones are prefixes, and the command as a user calls it.

use std::path::Path;
use std::process::Command;

pub const POLICY: &str = "apiVersion: cordon/v1
kind: Policy
metadata: {name: cells, owner: ot}
zones:
  - {name: plcs, mode: enforce, members: [{prefix: 10.1.0.0/24}]}
  - {name: scada, mode: enforce, members: [{prefix: 10.2.0.0/24}]}
rules:
  - {name: poll, from: scada, to: plcs, services: [tcp/502], action: allow, owner: ot, reason: polling}
";

/// Exit code, standard output, standard error.
pub fn run(folder: &Path, words: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_enforcer-sdn"));
    let output = command.current_dir(folder).args(words.split_whitespace()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}
