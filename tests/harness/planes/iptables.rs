//! A Linux router with iptables, ip6tables and ipset.

use std::path::Path;

use anyhow::Result;

use super::{DataPlane, Plane};
use crate::firewall::Firewall;
use crate::namespace;

pub(super) const PLANE: Plane = Plane {
    target: "iptables",
    driver: Some("iptables"),
    has_flags: true,
    most_lines: None,
    tools: &["iptables-restore", "ip6tables-restore", "ipset", "conntrack"],
    build,
};

/// By hand, as a person would who reads the headings; the driver does it in a way of its own.
const LOAD: &str = r#"
set -e
iptables -F; iptables -X; ip6tables -F; ip6tables -X; ipset destroy
part() { awk -v want="$1" '/^# / { on = ($2 == want) } on && !/^#/' "$2"; }
part ipset "$1" | ipset restore
part iptables-restore "$1" | iptables-restore --noflush
part ip6tables-restore "$1" | ip6tables-restore --noflush
conntrack -F 2>/dev/null
"#;

struct Iptables(Firewall);

fn build() -> Result<Box<dyn DataPlane>> {
    Ok(Box::new(Iptables(Firewall::build()?)))
}

impl DataPlane for Iptables {
    fn firewall(&self) -> &Firewall {
        &self.0
    }

    fn load(&self, text: &Path) -> Result<()> {
        namespace::run(self.0.router.command("sh").args(["-c", LOAD, "load"]).arg(text)).map(|_| ())
    }
}
