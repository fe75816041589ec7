//! Port names of EOS: those of IOS, and some that only EOS lists. Others are refused: their numbers can be written.

use crate::lists::ports::ios;

pub(super) fn port(protocol: u8, word: &str) -> Option<u16> {
    let own = match (protocol, word) {
        (6, "ssh") => 22,
        (6 | 17, "kerberos") => 88,
        (6, "imap") => 143,
        (6 | 17, "snmp") => 161,
        (6, "ldap") => 389,
        (6, "https") => 443,
        (6 | 17, "microsoft-ds") => 445,
        (6, "ldaps") => 636,
        (6, "imaps") => 993,
        (6, "pop3s") => 995,
        (17, "bfd") => 3784,
        (17, "bfd-echo") => 3785,
        (17, "vxlan") => 4789,
        _ => return ios(protocol, word),
    };
    Some(own)
}
