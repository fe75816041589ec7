//! A policy whose zones are prefixes is compiled, proven and planned without a flow map, as a CI run of it has none; for all of its zones
//! and for a point at one of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cells;

use std::fs;

use cells::{POLICY, run};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.yaml"), POLICY).unwrap();
    let device = "case \"$*\" in *list*) ;; *) exit 1 ;; esac\n";
    fs::write(folder.path().join("device"), device).unwrap();
    let config =
        "state = \"state\"\n[[point]]\nname = \"r\"\ntarget = \"nftables\"\ndriver = \"nft\"\nvia = [\"sh\", \"device\"]\n";
    fs::write(folder.path().join("e.toml"), config).unwrap();
    folder
}

#[test]
fn prefixes_need_no_flow_map_and_one_line_says_what_is_then_not_known() {
    let folder = folder();
    let (code, text, told) = run(folder.path(), "render --policy p.yaml --target nftables");
    assert!(code == 0 && text.contains("tcp dport 502"), "{text}{told}");
    assert_eq!(told.matches("no flow map given").count(), 1, "{told}");
    fs::write(folder.path().join("r.nft"), &text).unwrap();
    let (code, out, told) = run(folder.path(), "prove --policy p.yaml --target nftables r.nft");
    assert!(code == 0 && out.starts_with("proven"), "{out}{told}");
    fs::write(folder.path().join("wrong.nft"), text.replace("502", "503")).unwrap();
    assert_eq!(run(folder.path(), "prove --policy p.yaml --target nftables wrong.nft").0, 3);
    let (code, out, told) = run(folder.path(), "--config e.toml plan --policy p.yaml");
    assert!(code == 2 && out.contains("+ allow poll") && told.contains("would cut is not known"), "{out}{told}");
    let (code, out, told) = run(folder.path(), "--config e.toml quarantine --policy p.yaml 10.1.0.7 --owner ot --reason odd");
    assert!(code == 2 && out.contains("q-ip-10-1-0-7-in"), "{out}{told}");
}

#[test]
fn a_zone_of_assets_without_a_flow_map_is_refused_at_its_member() {
    let folder = folder();
    // Also in `observe`: rules may name it.
    let lacking =
        POLICY.replace("{name: scada, mode: enforce, members: [{prefix: 10.2.0.0/24}]}", "{name: scada, members: [{role: hmi}]}");
    fs::write(folder.path().join("p.yaml"), lacking).unwrap();
    for words in ["render --target nftables", "prove --target nftables p.yaml", "plan"] {
        let (code, out, told) = run(folder.path(), &format!("--config e.toml {words} --policy p.yaml"));
        assert!(code == 1 && out.is_empty(), "{words}: {out}");
        assert!(
            told.contains("p.yaml:6:") && told.contains("zone `scada` selects assets") && told.contains("--flowmap"),
            "{told}"
        );
    }
}

#[test]
fn dialects_that_speak_of_one_zone_take_the_rules_of_a_point_at_it() {
    let folder = folder();
    for (target, says) in [
        ("mud", "addresses: 10.1.0.0/24"),
        ("kubernetes", "cordon/addresses: \"10.1.0.0/24\""),
        ("rfc8519", "\"10.2.0.0/24\""),
        ("openconfig", "10.2.0.0/24"),
        ("cisco-ios", "10.2.0.0 0.0.0.255"),
    ] {
        let words = format!("--policy p.yaml --target {target} --narrow --zone plcs");
        let (code, text, told) = run(folder.path(), &format!("render {words}"));
        assert!(code == 0 && text.contains(says), "{target}: {text}{told}");
        assert!(
            told.contains("this point stands at `plcs` alone: what `scada` and others say to each other"),
            "{target}: {told}"
        );
        fs::write(folder.path().join("text"), &text).unwrap();
        let (code, out, told) = run(folder.path(), &format!("prove {words} text"));
        assert!(code == 0 && out.starts_with("proven"), "{target}: {out}{told}");
        // The other zone's point holds something else.
        let (code, _, told) = run(folder.path(), &format!("prove {} text", words.replace("plcs", "scada")));
        assert_eq!(code, 3, "{target}: {told}");
    }
    // All zones at once is more than one zone's view.
    let (code, text, told) = run(folder.path(), "render --policy p.yaml --target mud --narrow");
    assert!(code == 1 && text.is_empty() && told.contains("mud cannot say") && told.contains("`zones` of the point"), "{told}");
}

#[test]
fn hosts_that_nobody_may_speak_with_are_a_list() {
    let folder = folder();
    let shut = POLICY.replace("  - {name: scada,", "  - {name: bad, mode: enforce, intraZone: deny, members: [{prefix: 10.9.0.0/30}, {prefix: 10.9.7.1/32}]}\n  - {name: scada,");
    fs::write(folder.path().join("p.yaml"), shut).unwrap();
    let (code, text, told) = run(folder.path(), "render --policy p.yaml --target edl-deny --narrow --zone bad");
    assert_eq!((code, text.as_str()), (0, "10.9.0.0/30\n10.9.7.1\n"), "{told}");
    let (code, _, told) = run(folder.path(), "render --policy p.yaml --target edl-deny --narrow --zone plcs");
    assert!(code == 1 && told.contains("edl-deny cannot say exceptions"), "{told}");
}

#[test]
fn a_point_names_its_zones_in_the_configuration() {
    let folder = folder();
    let config = fs::read_to_string(folder.path().join("e.toml")).unwrap();
    fs::write(folder.path().join("e.toml"), format!("{config}zones = [\"plcs\"]\n")).unwrap();
    let (code, out, told) = run(folder.path(), "--config e.toml plan --policy p.yaml");
    assert!(code == 2 && out.contains("+ deny plcs-default-in") && !out.contains("scada-default"), "{out}{told}");
    fs::write(folder.path().join("e.toml"), format!("{config}zones = [\"plc\"]\n")).unwrap();
    let (code, _, told) = run(folder.path(), "--config e.toml plan --policy p.yaml");
    assert!(
        code == 1 && told.contains("point `r` stands at zone `plc`, which the policy does not have; did you mean `plcs`?"),
        "{told}"
    );
}

#[test]
fn a_list_that_comes_with_a_login_has_what_the_zone_sends_answers_too() {
    let folder = folder();
    let words = "--policy p.yaml --target radius-dacl --narrow --zone plcs --one-way";
    let (code, text, told) = run(folder.path(), &format!("render {words}"));
    assert_eq!(code, 0, "{told}");
    assert!(text.starts_with("# hosts: 10.1.0.0/24\n"), "{text}");
    assert!(text.contains("=permit tcp any eq 502 10.2.0.0 0.0.0.255 established\""), "{text}");
    assert!(told.contains("this point judges what `plcs` sends: what is sent to it is for other points"), "{told}");
    fs::write(folder.path().join("text"), &text).unwrap();
    let (code, out, told) = run(folder.path(), &format!("prove {words} text"));
    assert!(code == 0 && out.starts_with("proven"), "{out}{told}");
    // Both ways is more than such a list can say.
    let (code, _, told) = run(folder.path(), "render --policy p.yaml --target radius-dacl --narrow --zone plcs");
    assert!(code == 1 && told.contains("radius-dacl cannot say packets of a part of the hosts, or to them"), "{told}");
    let (code, _, told) = run(folder.path(), "render --policy p.yaml --target radius-dacl --narrow --one-way");
    assert!(code == 1 && told.contains("judges one way only, and stands at no zone"), "{told}");
}
