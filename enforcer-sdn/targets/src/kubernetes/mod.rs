//! Kubernetes `networking.k8s.io/v1` NetworkPolicy as YAML: what pods may ask of address blocks, and these of them.
//!
//! Words that differ: a policy stands for the pods that its `podSelector` selects, here one zone, and a text does not say which addresses
//! they have. So a rendering selects by the label `cordon/point` and writes the addresses into the annotation `cordon/addresses`; a text
//! without it cannot be compared with anything and is refused. There are no denials: a pod that a policy with a `policyTypes` entry selects
//! is isolated in that direction, and only what some policy allows passes, in no order. A pod that no policy selects is open. Both ends
//! decide between two isolated pods. Answers always pass, so the ruleset must let established connections through first. `ingress: []`
//! allows nothing and `ingress: [{}]` everything; no `from`, and an empty one, is every peer; no `ports`, and an empty list, every service.
//! Without `policyTypes` a policy isolates `Ingress`, and `Egress` only if it has egress rules. `except` cuts holes into a `cidr`. Ports
//! are destination ports of TCP (the default), UDP and SCTP; what becomes of ICMP and other protocols is left to the network plugin (the
//! documentation of Kubernetes says so), and noted. The node of a pod reaches it whatever a policy says. There is no log.
//! Peers that are pods and namespaces, and pods without the annotation, are what the point's description says is behind their labels, and
//! refused where it does not; named ports always are. Both selectors in one peer must match, two peers add up. Policies for several
//! selections of pods are read together: those for one pod add up, and between two pods both ends decide.
//!
//! Source: the Kubernetes documentation of network policies and its API reference. Checked by parse-back alone; no cluster was there.

mod labels;
mod parse;
mod peers;
mod render;

use crate::cost;
use crate::target::{Capability, OwnNames, Target};

/// Says for which hosts a policy stands.
const ADDRESSES: &str = "cordon/addresses";
/// Says for which point.
const POINT: &str = "cordon/point";

/// The dialect.
pub const TARGET: Target = Target {
    name: "kubernetes",
    title: "Kubernetes NetworkPolicy as YAML, stateful, for one zone",
    capability: Capability { stateful: true, ipv6: true, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::Labels(parse::parse_with),
    cost: cost::lines,
};
