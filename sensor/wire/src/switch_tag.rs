//! Ethernet as a switch chip hands it to Linux: with a tag of the chip's own between or before the addresses (LINKTYPE_DSA_TAG_*,
//! Documentation/networking/dsa). Appliances that are switches themselves capture this.

use sensor_model::{MacAddr, VlanId};

use crate::view::View;
use crate::walk::{End, Next, Step, Walk};
use crate::{SkipReason, ethernet};

const TRUNCATED: Step<'static> = Step::End(End::Skip(SkipReason::Truncated));
const ADDRESSES_LEN: u32 = 12;
const TAG_LEN: u32 = 4;
/// Marvell's tag: the frame had a VLAN tag, which this one replaces.
const WAS_TAGGED: u8 = 0x20;

/// Broadcom's tag behind the addresses; its fields are about ports only.
pub(crate) fn read_brcm<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    if keep_addresses(view, state).is_none() {
        return TRUNCATED;
    }
    go_on(view.after(ADDRESSES_LEN.saturating_add(TAG_LEN)), state)
}

/// The same before the frame.
pub(crate) fn read_brcm_prepend(view: View<'_>) -> Step<'_> {
    view.after(TAG_LEN).map_or(TRUNCATED, |frame| Step::On(Next::Ethernet, frame))
}

/// Marvell's tag behind the addresses.
pub(crate) fn read_dsa<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    read_marvell(view, ADDRESSES_LEN, state)
}

/// The same behind an ethertype of its own and two reserved bytes.
pub(crate) fn read_edsa<'a>(view: View<'a>, state: &mut Walk<'_>) -> Step<'a> {
    read_marvell(view, ADDRESSES_LEN.saturating_add(4), state)
}

fn read_marvell<'a>(view: View<'a>, at: u32, state: &mut Walk<'_>) -> Step<'a> {
    let tag = view.after(at).and_then(|rest| rest.head::<4>());
    let (Some([modes, _, high, low]), Some(())) = (tag, keep_addresses(view, state)) else { return TRUNCATED };
    if modes & WAS_TAGGED != 0 {
        state.keep_vlan(VlanId::from_tci(u16::from_be_bytes([*high, *low])));
    }
    go_on(view.after(at.saturating_add(TAG_LEN)), state)
}

fn keep_addresses(view: View<'_>, state: &mut Walk<'_>) -> Option<()> {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *view.head::<12>()?;
    state.keep_macs(MacAddr([g, h, i, j, k, l]), MacAddr([a, b, c, d, e, f]));
    Some(())
}

fn go_on<'a>(rest: Option<View<'a>>, state: &mut Walk<'_>) -> Step<'a> {
    let Some((ethertype, inside)) = rest.and_then(|rest| Some((rest.u16_at(0)?, rest.after(2)?))) else { return TRUNCATED };
    let (next, inside) = ethernet::typed(ethertype, inside, state);
    Step::On(next, inside)
}
