//! How a dialect begins: copy the folder, rename it, add its line to `registry.rs`. This one says one address pair a line, such as
//! `deny 10.0.0.0/8 192.0.2.1`, and refuses everything else; here a dialect opens with what its words really mean.

mod parse;
mod render;

use crate::cost;
use crate::target::{Capability, OwnNames, Target};

/// The dialect.
pub const TARGET: Target = Target {
    name: "template",
    title: "pairs of prefixes, one a line",
    capability: Capability { ipv6: true, ..Capability::LEAST },
    render: render::render,
    parse: parse::parse,
    own_names: OwnNames::None,
    cost: cost::lines,
};

#[cfg(test)]
mod tests {
    use enforcer_packetset::{AddressSet, Prefix, Selector, StateSet};
    use enforcer_policy::{Action, PointRule, Ruleset};

    use super::TARGET;
    use crate::{RenderOptions, prove};

    fn ruleset(state: StateSet) -> Ruleset {
        let address = |text: &str| AddressSet::from(text.parse::<Prefix>().unwrap());
        let selector = Selector { source: address("10.0.0.0/8"), destination: address("192.0.2.1"), state, ..Selector::any() };
        let rule = PointRule { id: "pair".into(), selector, action: Action::Deny, log: false, origin: Vec::new() };
        Ruleset { point: "test".into(), rules: vec![rule] }
    }

    #[test]
    fn what_it_can_say_is_read_back_equal() {
        let ruleset = ruleset(StateSet::Any);
        let rendering = (TARGET.render)(&ruleset, &RenderOptions::default()).unwrap();
        assert_eq!(rendering.text, "deny 10.0.0.0/8 192.0.2.1\n");
        assert!(prove(&TARGET, &ruleset, &rendering.text).is_ok());
    }

    #[test]
    fn what_it_cannot_say_is_an_error_with_the_rule_and_the_feature() {
        let error = (TARGET.render)(&ruleset(StateSet::New), &RenderOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), "rule `pair`: template cannot say more than two addresses; use another dialect");
    }

    #[test]
    fn an_unknown_word_is_an_error_with_its_place() {
        let error = (TARGET.parse)("deny 10.0.0.0/8 192.0.2.1\ndeny any 192.0.2.1\n").unwrap_err();
        assert_eq!((error.line, error.column), (2, 6));
    }
}
