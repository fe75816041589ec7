//! The device's own names in a text, as the addresses behind them.

use enforcer_packetset::AddressSet;
use enforcer_policy::diagnostic::nearest;

use super::Word;
use crate::device_zones::DeviceZones;
use crate::target::ParseError;

impl DeviceZones {
    /// What is behind the name; an unknown one is an error with what may have been meant.
    pub(crate) fn find(&self, name: Word<'_>) -> Result<&AddressSet, ParseError> {
        self.get(name.text).ok_or_else(|| {
            let meant = nearest(name.text, self.iter().map(|(name, _)| name));
            let meant = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            let what = format!("`{}` is not in `device_zones` of the point{meant}", name.text);
            name.error(what, "say there which zones of the policy are behind it")
        })
    }

    /// The union of what is behind the names; `any` is everybody.
    pub(crate) fn union(&self, names: &[Word<'_>], any: &str) -> Result<AddressSet, ParseError> {
        names.iter().try_fold(AddressSet::empty(), |all, &name| {
            if name.text == any { Ok(AddressSet::full()) } else { Ok(all.union(self.find(name)?)) }
        })
    }
}
