//! Makes a mirror port silent: no IPv6 (which speaks as soon as a link is up) and no ARP. Leaves an interface alone that has an IPv4
//! address, as the host uses it. What was changed is put back when the guard is dropped, as far as the rights still allow it.

use std::fs;
use std::path::PathBuf;

use crate::CaptureError;
use crate::interface::Interface;

/// A port that was told to be silent.
#[derive(Debug)]
#[must_use = "the port speaks again when this is dropped"]
pub struct Muted {
    interface: Interface,
    undo_ipv6: Option<PathBuf>,
    undo_arp: bool,
    warnings: Vec<String>,
}

/// Silences what the kernel would say on `interface` by itself. Fails only where there is no such interface; what is not permitted
/// becomes a warning.
pub fn mute(interface: &str) -> Result<Muted, CaptureError> {
    let interface = Interface::find(interface)?;
    let mut muted = Muted { interface, undo_ipv6: None, undo_arp: false, warnings: Vec::new() };
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

    fn switch_off_ipv6(&mut self) {
        let name = self.interface.name();
        let switch = PathBuf::from(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"));
        // Without the file the kernel has no IPv6 for this interface.
        let Ok(value) = fs::read_to_string(&switch) else { return };
        if value.trim() != "0" {
            return;
        }
        match fs::write(&switch, "1") {
            Ok(()) => self.undo_ipv6 = Some(switch),
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
            Ok(changed) => self.undo_arp = changed,
            Err(error) => self
                .warnings
                .push(format!("ARP stays on at `{name}` ({error}), so it answers; as root: ip link set {name} arp off")),
        }
    }
}

impl Drop for Muted {
    fn drop(&mut self) {
        // Nothing can be done about a failure here; the port then stays silent, which harms nobody.
        if let Some(switch) = &self.undo_ipv6 {
            let _restored = fs::write(switch, "0");
        }
        if self.undo_arp {
            let _restored = self.interface.flags().and_then(|flags| self.interface.set_flags(flags & !libc::IFF_NOARP));
        }
    }
}
