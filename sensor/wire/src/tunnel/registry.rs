//! Every tunnel we open. A new one is a file beside this one, its `mod` line in `tunnel.rs` and its line here.

use super::{
    Opener, ayiya, capwap, erspan, ether_ip, fabric_path, geneve, gre, gtp_u, ip_in_ip, l2tp, lisp, mpls, nsh, pbb, pim, pppoe,
    teredo, trill, tzsp, vxlan,
};

pub(super) const OPENERS: &[&Opener] = &[
    &ayiya::AYIYA,
    &capwap::CAPWAP,
    &erspan::TYPE_II,
    &erspan::TYPE_III,
    &ether_ip::ETHER_IP,
    &fabric_path::FABRIC_PATH,
    &geneve::GENEVE,
    &gre::GRE,
    &gre::OVER_UDP,
    &gtp_u::GTP_U,
    &gtp_u::VERSION_0,
    &ip_in_ip::IP,
    &ip_in_ip::SIX_IN_FOUR,
    &l2tp::OVER_IP,
    &l2tp::OVER_UDP,
    &lisp::LISP,
    &lisp::CONTROL,
    &mpls::MPLS,
    &nsh::NSH,
    &pbb::PBB,
    &pim::REGISTER,
    &pppoe::PPPOE,
    &teredo::TEREDO,
    &trill::TRILL,
    &tzsp::TZSP,
    &vxlan::GPE,
    &vxlan::VXLAN,
];
