//! Raw printing (port 9100) by its job languages (HP PJL reference, PostScript), and the model that a printer answers.

use sensor_model::{FactKind, Strength};

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::text;

pub(crate) const PROTOCOL: Protocol = Protocol::tcp("jetdirect", &[9100], recognise, read).told_by("pjl");

const UNIVERSAL_EXIT: &[u8] = b"\x1b%-12345X";

fn recognise(probe: &Probe<'_>) -> Recognition {
    match Recognition::starts_with_any(probe.bytes, &[UNIVERSAL_EXIT, b"@PJL"]) {
        Recognition::No if probe.hinted => Recognition::starts_with_any(probe.bytes, &[b"%!PS-Adobe", b"\x1bE"]),
        other => other,
    }
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    // `@PJL INFO ID` is answered by the line and then the model in quotes.
    if !reading.from_client
        && let Some(rest) = bytes.strip_prefix(b"@PJL INFO ID")
    {
        let model = rest.split(|byte| *byte == b'"').nth(1).and_then(text::printable);
        reading.tell_of_ip(reading.sender(), FactKind::Model, model, Strength::Confirmed);
    }
    Step::Last
}
