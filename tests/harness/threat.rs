//! What an intruder in the office tries: the doors of file server and controller, one after the other.

use std::io;
use std::net::{IpAddr, SocketAddr};

use anyhow::Result;

use crate::hosts::{rdp, smb, write_register};
use crate::namespace::Namespace;

/// One try at one door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub door: &'static str,
    pub target: SocketAddr,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The service answered in its own protocol.
    GotIn,
    /// Nobody answered, or a firewall said no.
    Blocked(String),
}

/// The three doors of the story.
#[must_use]
pub fn attempts(file_server: IpAddr, controller: IpAddr) -> Vec<Attempt> {
    vec![
        Attempt { door: "RDP", target: (file_server, 3389).into() },
        Attempt { door: "SMB", target: (file_server, 445).into() },
        Attempt { door: "RDP", target: (controller, 3389).into() },
        Attempt { door: "SMB", target: (controller, 445).into() },
        Attempt { door: "Modbus write", target: (controller, 502).into() },
    ]
}

/// Tries one door from inside a namespace.
///
/// # Errors
/// When the namespace is gone; a closed door is an outcome.
pub fn attempt(from: &Namespace, attempt: &Attempt) -> Result<Outcome> {
    let tried = from.enter(|| Ok(try_door(attempt)))?;
    Ok(tried.map_or_else(|error| Outcome::Blocked(error.to_string()), |()| Outcome::GotIn))
}

fn try_door(attempt: &Attempt) -> io::Result<()> {
    match attempt.door {
        "RDP" => rdp::open(attempt.target),
        "SMB" => smb::open(attempt.target).map(drop),
        _ => write_register(attempt.target, 41, 0xdead),
    }
}
