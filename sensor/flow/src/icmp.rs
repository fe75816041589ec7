//! ICMP as flows: request and reply are the two directions, everything else stands alone.

/// The type that answers `kind` (RFC 792, RFC 950, RFC 1256; ICMPv6: RFC 4443, 4861, 2710, 4620, 6275).
const fn counterpart(v6: bool, kind: u16) -> Option<u16> {
    Some(match (v6, kind) {
        (false, 8) => 0,
        (false, 0) => 8,
        (false, 13) => 14,
        (false, 14) => 13,
        (false, 15) => 16,
        (false, 16) => 15,
        (false, 10) => 9,
        (false, 9) => 10,
        (false, 17) => 18,
        (false, 18) => 17,
        (true, 128) => 129,
        (true, 129) => 128,
        (true, 133) => 134,
        (true, 134) => 133,
        (true, 135) => 136,
        (true, 136) => 135,
        (true, 130) => 131,
        (true, 131) => 130,
        (true, 139) => 140,
        (true, 140) => 139,
        (true, 144) => 145,
        (true, 145) => 144,
        _ => return None,
    })
}

/// Port of sender and receiver as Zeek writes them: the type and its counterpart, or type and code, which is then a flow of
/// one direction (the third value).
pub fn ports(v6: bool, kind: u16, code: u16) -> (u16, u16, bool) {
    match counterpart(v6, kind) {
        Some(other) => (kind, other, false),
        None => (kind, code, true),
    }
}

/// A message that nobody sends without having been asked: its receiver is the one who asked. Advertisements of routers and
/// neighbours are not among them.
pub const fn is_answer(v6: bool, kind: u16) -> bool {
    matches!((v6, kind), (false, 0 | 14 | 16 | 18) | (true, 129 | 140 | 145))
}

/// A message that asks.
pub const fn is_request(v6: bool, kind: u16) -> bool {
    matches!((v6, kind), (false, 8 | 10 | 13 | 15 | 17) | (true, 128 | 130 | 133 | 135 | 139 | 144))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counterparts_are_each_others() {
        for v6 in [false, true] {
            for kind in 0..256 {
                if let Some(other) = counterpart(v6, kind) {
                    assert_eq!(counterpart(v6, other), Some(kind), "{v6} {kind}");
                    assert!(!(is_request(v6, kind) && is_answer(v6, kind)));
                }
            }
        }
    }

    #[test]
    fn an_unreachable_stands_alone_with_type_and_code() {
        assert_eq!(ports(false, 3, 1), (3, 1, true));
        assert_eq!(ports(true, 143, 0), (143, 0, true));
    }
}
