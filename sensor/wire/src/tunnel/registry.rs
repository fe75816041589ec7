//! Every tunnel we open. A new one is a file beside this one, its `mod` line in `tunnel.rs` and its line here.

use super::{Opener, capwap, erspan, ether_ip, geneve, gre, gtp_u, ip_in_ip, l2tp, mpls, nsh, pbb, pppoe, teredo, vxlan};

pub(super) const OPENERS: &[&Opener] = &[
    &capwap::CAPWAP,
    &erspan::TYPE_II,
    &erspan::TYPE_III,
    &ether_ip::ETHER_IP,
    &geneve::GENEVE,
    &gre::GRE,
    &gre::OVER_UDP,
    &gtp_u::GTP_U,
    &gtp_u::VERSION_0,
    &ip_in_ip::IP,
    &ip_in_ip::SIX_IN_FOUR,
    &l2tp::OVER_IP,
    &l2tp::OVER_UDP,
    &mpls::MPLS,
    &nsh::NSH,
    &pbb::PBB,
    &pppoe::PPPOE,
    &teredo::TEREDO,
    &vxlan::GPE,
    &vxlan::VXLAN,
];
