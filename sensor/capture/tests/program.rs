//! The committed BPF object is what its committed source says.

use std::path::Path;
use std::process::Command;

fn succeeds(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn each_object_is_byte_for_byte_what_clang_14_makes_of_its_source() {
    is_what_clang_makes("bpf", "tap");
    is_what_clang_makes("examples", "load");
}

fn is_what_clang_makes(folder: &str, name: &str) {
    let (source, built_before) = (format!("{name}.bpf.c"), format!("{name}.bpf.o"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let object = std::env::temp_dir().join(format!("{name}-{}.bpf.o", std::process::id()));
    let headers = succeeds(Command::new("gcc").arg("-dumpmachine")).map(|machine| format!("-I/usr/include/{machine}"));
    let mut clang = Command::new("clang-14");
    clang.current_dir(&folder).args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-fdebug-compilation-dir=."]);
    clang.args(headers).args(["-c", &source, "-o"]).arg(&object);
    let built = succeeds(&mut clang).and_then(|_| succeeds(Command::new("llvm-strip-14").arg("-g").arg(&object)));
    if built.is_none() {
        eprintln!("NOT CHECKED: {built_before} against its source, as clang-14 and llvm-14 are not installed");
        return;
    }
    let (rebuilt, committed) = (std::fs::read(&object), std::fs::read(folder.join(&built_before)));
    let _removed = std::fs::remove_file(&object);
    let same = rebuilt.is_ok_and(|rebuilt| committed.is_ok_and(|committed| rebuilt == committed));
    assert!(
        same,
        "{built_before} is not what clang-14 makes of {source}; build it as the comment in the source says and commit it"
    );
}
