//! Every rule. To add one: a file like `template.rs`, and a line here.

use super::new_asset::NewAsset;
use super::new_conversation::NewConversation;
use super::rule::Rule;

pub const RULES: &[&dyn Rule] = &[&NewAsset, &NewConversation];
