//! IEC 60870-5-104: frames by their control field; the commands of the controlling station are operations.

use crate::protocol::{Probe, Protocol, Reading, Recognition, Step};
use crate::reader::{Parsed, Reader};

pub(crate) const PROTOCOL: Protocol = Protocol::tcp("iec104", &[2404], recognise, read).message_per_segment();

const START: u8 = 0x68;
const STARTDT_ACTIVATION: u8 = 0x07;

enum Control {
    /// Numbered information with its type and cause.
    Information {
        kind: u8,
        cause: u8,
    },
    Supervision,
    /// The function of an unnumbered frame.
    Unnumbered(u8),
}

/// Clause 5.1 to 5.3: start, length of 4 to 253, four bytes of control.
fn parse(bytes: &[u8]) -> Parsed<(Control, usize)> {
    let mut reader = Reader::new(bytes);
    match (reader.u8(), reader.u8()) {
        (None, _) | (Some(START), None) => return Parsed::Short,
        (Some(START), Some(4..=253)) => {}
        _ => return Parsed::Foreign,
    }
    let len = bytes.get(1).map_or(0, |len| usize::from(*len)).saturating_add(2);
    let Some(body) = bytes.get(2..len) else {
        return Parsed::Short;
    };
    let control = match body {
        // The numbers of received frames have their lowest bit clear; type 0 and cause 0 are not used, nor more than 127 objects.
        [first, _, third, _, kind @ 1..=127, _, cause, ..]
            if first & 1 == 0 && third & 1 == 0 && body.len() >= 12 && cause & 0x3f != 0 =>
        {
            Control::Information { kind: *kind, cause: cause & 0x3f }
        }
        [1, 0, third, _] if third & 1 == 0 => Control::Supervision,
        [function @ (0x07 | 0x0b | 0x13 | 0x23 | 0x43 | 0x83), 0, 0, 0] => Control::Unnumbered(*function),
        _ => return Parsed::Foreign,
    };
    Parsed::Whole((control, len))
}

/// Elsewhere than on its port the payload must be whole frames and nothing else.
fn recognise(probe: &Probe<'_>) -> Recognition {
    let mut bytes = probe.bytes;
    while !bytes.is_empty() {
        match parse(bytes) {
            Parsed::Foreign => return Recognition::No,
            Parsed::Short => return if probe.hinted { Recognition::Unsure } else { Recognition::No },
            Parsed::Whole(_) if probe.hinted => return Recognition::Yes,
            Parsed::Whole((_, len)) => bytes = bytes.get(len..).unwrap_or_default(),
        }
    }
    Recognition::Yes
}

fn read(reading: &mut Reading<'_>, bytes: &[u8]) -> Step {
    let (control, len) = match parse(bytes) {
        Parsed::Whole((control, len)) => (control, len),
        Parsed::Short => return Step::Wait,
        Parsed::Foreign => return Step::Leave,
    };
    match control {
        // Only the controlling station starts data transfer (clause 5.3) and sends commands.
        Control::Unnumbered(STARTDT_ACTIVATION) => reading.sent_by_client(true),
        Control::Information { kind, cause } => {
            const ACTIVATION: u8 = 6;
            const DEACTIVATION: u8 = 8;
            if matches!(cause, ACTIVATION | DEACTIVATION) {
                reading.sent_by_client(true);
            }
            if let Some(name) = operation(kind).filter(|_| reading.from_client) {
                reading.operation(name);
            }
        }
        Control::Supervision | Control::Unnumbered(_) => {}
    }
    Step::Read(len)
}

/// Types in the control direction (IEC 60870-5-101, 7.2.1).
const fn operation(kind: u8) -> Option<&'static str> {
    Some(match kind {
        45 | 58 => "iec104.single_command",
        46 | 59 => "iec104.double_command",
        47 | 60 => "iec104.regulating_step_command",
        48..=50 | 61..=63 => "iec104.set_point_command",
        51 | 64 => "iec104.bitstring_command",
        100 => "iec104.interrogation",
        101 => "iec104.counter_interrogation",
        102 => "iec104.read",
        103 => "iec104.clock_synchronisation",
        104 | 107 => "iec104.test",
        105 => "iec104.reset_process",
        106 => "iec104.delay_acquisition",
        110..=113 => "iec104.parameter",
        120..=127 => "iec104.file",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::samples::Script;

    const START_ACT: &[u8] = &[0x68, 4, 7, 0, 0, 0];
    const COMMAND: &[u8] = &[0x68, 14, 0, 0, 0, 0, 45, 1, 6, 0, 1, 0, 9, 0, 0, 1];
    const MEASURED: &[u8] = &[0x68, 14, 0, 0, 2, 0, 1, 1, 3, 0, 1, 0, 9, 0, 0, 1];

    #[test]
    fn a_command_is_an_operation_and_a_measured_value_is_not() {
        let findings = Script::tcp(2404).client(START_ACT).client(COMMAND).server(MEASURED).findings();
        assert_eq!(findings.services(), ["iec104"]);
        assert_eq!(findings.operations(), ["iec104.single_command"]);
    }

    #[test]
    fn a_strange_port_needs_whole_frames() {
        assert_eq!(Script::tcp(9999).client(START_ACT).findings().services(), ["iec104"]);
        assert_eq!(Script::tcp(9999).client(&[0x68, 4, 7, 0, 0, 0, 1]).findings().services(), Vec::<&str>::new());
    }
}
