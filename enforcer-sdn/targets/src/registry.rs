//! Every dialect. To add one: a folder beside `template/`, and a line here.

use crate::target::Target;
use crate::{
    arista_eos, aruba_aoscx, cisco_asa, cisco_ios, cisco_nxos, cisco_vacl, edl, faucet, flowspec, fortios, iptables,
    junos_filter, junos_srx, kubernetes, mud, nftables, openconfig, openflow, panos, pf, radius_dacl, radius_nas_filter, rfc8519,
    routeros,
};

/// All dialects, by name.
pub const TARGETS: &[Target] = &[
    arista_eos::TARGET,
    aruba_aoscx::TARGET,
    cisco_asa::TARGET,
    cisco_ios::TARGET,
    cisco_nxos::TARGET,
    cisco_vacl::TARGET,
    edl::ALLOW,
    edl::DENY,
    faucet::TARGET,
    flowspec::TARGET,
    fortios::TARGET,
    iptables::TARGET,
    junos_filter::TARGET,
    junos_srx::TARGET,
    kubernetes::TARGET,
    mud::TARGET,
    nftables::TARGET,
    nftables::BRIDGE,
    nftables::STATELESS_BRIDGE,
    nftables::NETDEV,
    openconfig::TARGET,
    openflow::TARGET,
    openflow::STATELESS,
    panos::TARGET,
    panos::XML,
    pf::TARGET,
    radius_dacl::TARGET,
    radius_nas_filter::TARGET,
    rfc8519::TARGET,
    routeros::TARGET,
];

/// The dialect of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ascending_and_so_unique() {
        assert!(TARGETS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert_eq!(find("nftables").map(|target| target.name), Some("nftables"));
        assert!(find("nosuch").is_none());
    }
}
