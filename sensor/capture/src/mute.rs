//! Makes a mirror port silent: no IPv6 (which speaks as soon as a link is up) and no ARP. Leaves an interface alone that has an IPv4
//! address, as the host uses it. The port stays silent afterwards: giving it back its voice would make it speak at the moment we stop.

use std::fs;
use std::path::PathBuf;

use crate::CaptureError;
use crate::interface::Interface;

/// A port that was told to be silent.
#[derive(Debug)]
pub struct Muted {
    interface: Interface,
    changed: Vec<String>,
    warnings: Vec<String>,
}

/// Silences what the kernel would say on `interface` by itself. Fails only where there is no such interface; what is not permitted
/// becomes a warning.
pub fn mute(interface: &str) -> Result<Muted, CaptureError> {
    let interface = Interface::find(interface)?;
    let mut muted = Muted { interface, changed: Vec::new(), warnings: Vec::new() };
    if muted.interface.has_ipv4_address() {
        // Without ARP the host, and perhaps whoever started us over the network, would be cut off.
        let name = muted.interface.name();
        muted.warnings.push(format!(
            "`{name}` has an IPv4 address, so the host speaks there and it was not silenced; if it is a mirror port: ip addr flush dev {name}"
        ));
        return Ok(muted);
    }
    muted.switch_off_ipv6();
    muted.switch_off_arp();
    Ok(muted)
}

impl Muted {
    /// What could still make the port speak, one line each; empty when nothing can.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Commands that give the port back what was taken from it, one each; empty when it was silent before.
    #[must_use]
    pub fn undo(&self) -> &[String] {
        &self.changed
    }

    fn switch_off_ipv6(&mut self) {
        let name = self.interface.name();
        let switch = PathBuf::from(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"));
        // Without the file the kernel has no IPv6 for this interface.
        let Ok(value) = fs::read_to_string(&switch) else { return };
        if value.trim() != "0" {
            return;
        }
        match fs::write(&switch, "1") {
            Ok(()) => self.changed.push(format!("sysctl -w net.ipv6.conf.{name}.disable_ipv6=0")),
            Err(error) => self.warnings.push(format!(
                "IPv6 stays on at `{name}` ({error}), so it speaks; as root: sysctl -w net.ipv6.conf.{name}.disable_ipv6=1"
            )),
        }
    }

    fn switch_off_arp(&mut self) {
        let name = self.interface.name();
        let changed = self.interface.flags().and_then(|flags| {
            let off = flags | libc::IFF_NOARP;
            if flags == off { Ok(false) } else { self.interface.set_flags(off).map(|()| true) }
        });
        match changed {
            Ok(true) => self.changed.push(format!("ip link set {name} arp on")),
            Ok(false) => {}
            Err(error) => self
                .warnings
                .push(format!("ARP stays on at `{name}` ({error}), so it answers; as root: ip link set {name} arp off")),
        }
    }
}
