//! Names of ICMP types and codes in `openconfig-icmpv4-types` and `openconfig-icmpv6-types` (spelled as there), with their numbers.

/// Modules of the names: of ICMP, and of ICMPv6.
pub(super) const MODULES: [&str; 2] = ["openconfig-icmpv4-types", "openconfig-icmpv6-types"];

/// A type, and those of its codes that have a name.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) number: u8,
    pub(super) codes: &'static [(&'static str, u8)],
}

const fn kind(name: &'static str, number: u8, codes: &'static [(&'static str, u8)]) -> Kind {
    Kind { name, number, codes }
}

/// RFC 792 and those after it.
const V4: &[Kind] = &[
    kind("ECHO_REPLY", 0, &[("ECHO_REPLY_NONE", 0)]),
    kind(
        "DST_UNREACHABLE",
        3,
        &[
            ("DST_UNREACHABLE_NET", 0),
            ("DST_UNREACHABLE_HOST", 1),
            ("DST_UNREACHABLE_PROTOCOL", 2),
            ("DST_UNREACHABLE_PORT", 3),
            ("DST_UNREACHABLE_CANNOT_FRAGMENT", 4),
            ("DST_UNREACHABLE_SRC_ROUTE_FAILED", 5),
            ("DST_UNREACHABLE_DST_NET_UNKNOWN", 6),
            ("DST_UNREACHABLE_DST_HOST_UNKNOWN", 7),
            ("DST_UNREACHABLE_SRC_HOST_ISOLATED", 8),
            ("DST_UNREACHABLE_DST_NET_ADMIN_PROHIBITED", 9),
            ("DST_UNREACHABLE_DST_HOST_ADMIN_PROHIBITED", 10),
            ("DST_UNREACHABLE_NET_UNREACHABLE_FOR_TOS", 11),
            ("DST_UNREACHABLE_HOST_UNREACHABLE_FOR_TOS", 12),
            ("DST_UNREACHABLE_ADMIN_PROHIBITED", 13),
            ("DST_UNREACHABLE_HOST_PRECEDENCE_VIOLATION", 14),
            ("DST_UNREACHABLE_PRECEDENCE_CUTOFF", 15),
        ],
    ),
    kind("REDIRECT", 5, &[("REDIRECT_NETWORK", 0), ("REDIRECT_HOST", 1), ("REDIRECT_TOS_NETWORK", 2), ("REDIRECT_TOS_HOST", 3)]),
    kind("ECHO", 8, &[("ECHO_NO_CODE", 0)]),
    kind("ROUTER_ADVERTISEMENT", 9, &[("ROUTER_ADVERTISEMENT_NORMAL", 0), ("ROUTER_ADVERTISEMENT_DOES_NOT_ROUTE_COMMON", 16)]),
    kind("ROUTER_SELECTION", 10, &[("ROUTER_SELECTION_NO_CODE", 0)]),
    kind("TIME_EXCEEDED", 11, &[("TIME_EXCEEDED_IN_TRANSIT", 0), ("TIME_EXCEEDED_FRAGMENT_REASSEMBLY_IN_TRANSIT", 1)]),
    kind(
        "PARAM_PROBLEM",
        12,
        &[("PARAM_PROBLEM_POINTER_INDICATES_ERR", 0), ("PARAM_PROBLEM_MISSING_REQ_OPTION", 1), ("PARAM_PROBLEM_BAD_LENGTH", 2)],
    ),
    kind("TIMESTAMP", 13, &[("TIMESTAMP_NO_CODE", 0)]),
    kind("TIMESTAMP_REPLY", 14, &[("TIMESTAMP_REPLY_NO_CODE", 0)]),
    kind("EXT_ECHO_REQUEST", 42, &[("EXT_ECHO_REQUEST_NO_ERROR", 0)]),
    kind(
        "EXT_ECHO_REPLY",
        43,
        &[
            ("EXT_ECHO_REPLY_NO_ERROR", 0),
            ("EXT_ECHO_REPLY_MALFORMED_QUERY", 1),
            ("EXT_ECHO_REPLY_NO_SUCH_INTF", 2),
            ("EXT_ECHO_REPLY_NO_SUB_TABLE_ENTRY", 3),
            ("EXT_ECHO_REPLY_MULTIPLE_INTF_SATISFY_QUERY", 4),
        ],
    ),
];

/// RFC 4443 and those after it; the model names no codes.
const V6: &[Kind] = &[
    kind("DESTINATION_UNREACHABLE", 1, &[]),
    kind("PACKET_TOO_BIG", 2, &[]),
    kind("TIME_EXCEEDED", 3, &[]),
    kind("PARAMETER_PROBLEM", 4, &[]),
    kind("ECHO_REQUEST", 128, &[]),
    kind("ECHO_REPLY", 129, &[]),
    kind("MULTICAST_LISTENER_QUERY", 130, &[]),
    kind("MULTICAST_LISTENER_REPORT", 131, &[]),
    kind("MULTICAST_LISTENER_DONE", 132, &[]),
    kind("ROUTER_SOLICITATION", 133, &[]),
    kind("ROUTER_ADVERTISEMENT", 134, &[]),
    kind("NEIGHBOR_SOLICITATION", 135, &[]),
    kind("NEIGHBOR_ADVERTISEMENT", 136, &[]),
    kind("REDIRECT", 137, &[]),
    kind("INVERSE_NEIGHBOR_SOLICITATION", 141, &[]),
    kind("INVERSE_NEIGHBOR_ADVERTISEMENT", 142, &[]),
    kind("VERSION2_MULTICAST_LISTENER", 143, &[]),
    kind("MULTICAST_ROUTER_ADVERTISEMENT", 151, &[]),
    kind("MULTICAST_ROUTER_SOLICITATION", 152, &[]),
    kind("MULTICAST_ROUTER_TERMINATION", 153, &[]),
    kind("EXT_ECHO_REQUEST", 160, &[]),
    kind("EXT_ECHO_REPLY", 161, &[]),
];

pub(super) const fn kinds(is_ipv6: bool) -> &'static [Kind] {
    if is_ipv6 { V6 } else { V4 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_names_are_unique() {
        for is_ipv6 in [false, true] {
            assert!(kinds(is_ipv6).windows(2).all(|pair| pair[0].number < pair[1].number));
            let mut names: Vec<&str> =
                kinds(is_ipv6).iter().flat_map(|kind| kind.codes.iter().map(|code| code.0).chain([kind.name])).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
