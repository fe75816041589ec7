//! Every tunnel we open. A new one is a file beside this one, its `mod` line in `tunnel.rs` and its line here.

use super::{Opener, gre, ip_in_ip};

pub(super) const OPENERS: &[&Opener] = &[&ip_in_ip::IP, &ip_in_ip::SIX_IN_FOUR, &gre::GRE];
