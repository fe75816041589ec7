//! The XDP program of the tap (`bpf/tap.bpf.c`): loaded from the committed object, attached, and gone when this is dropped.

use std::io;
use std::os::fd::AsRawFd;

use aya::maps::{MapData, PerCpuArray, XskMap};
use aya::programs::{Xdp, XdpMode};
use aya::{Ebpf, EbpfLoader};

use super::socket::Refusal;

/// The program with its maps. Dropping it detaches it.
pub(super) struct Program {
    loaded: Ebpf,
    /// Index 0: frames handed to a socket; 1: frames of queues without one.
    frames: PerCpuArray<MapData, u64>,
    sockets: XskMap<MapData>,
}

const OBJECT: &[u8] = aya::include_bytes_aligned!("../../bpf/tap.bpf.o");
const NAME: &str = "tap";
const REDIRECTED: u32 = 0;
const NO_SOCKET: u32 = 1;

/// What the program did with the frames it saw.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdicts {
    pub redirected: u64,
    pub no_socket: u64,
}

impl Program {
    pub fn load(queues: u32) -> Result<Self, Refusal> {
        let step = "load the XDP program";
        let mut loaded = EbpfLoader::new().map_max_entries("SOCKETS", queues).load(OBJECT).map_err(|e| refusal(step, &e))?;
        let frames = loaded.take_map("FRAMES").ok_or_else(|| refusal_text(step, "no map FRAMES"))?;
        let sockets = loaded.take_map("SOCKETS").ok_or_else(|| refusal_text(step, "no map SOCKETS"))?;
        let frames = PerCpuArray::try_from(frames).map_err(|e| refusal(step, &e))?;
        let sockets = XskMap::try_from(sockets).map_err(|e| refusal(step, &e))?;
        let mut program = Self { loaded, frames, sockets };
        program.xdp()?.load().map_err(|e| refusal(step, &e))?;
        Ok(program)
    }

    /// From now on the queue's frames go to the socket.
    pub fn serve_queue(&mut self, queue: u32, socket: &impl AsRawFd) -> Result<(), Refusal> {
        self.sockets.set(queue, socket.as_raw_fd(), 0).map_err(|e| refusal("enter the socket into the map", &e))
    }

    pub fn attach(&mut self, interface_index: u32, mode: XdpMode) -> Result<(), Refusal> {
        let attached = self.xdp()?.attach_to_if_index(interface_index, mode);
        attached.map(|_link| ()).map_err(|e| refusal("attach the XDP program", &e))
    }

    pub fn verdicts(&self) -> Option<Verdicts> {
        let count = |outcome| Some(self.frames.get(&outcome, 0).ok()?.iter().sum());
        // The second first: a frame that comes in between then misses in neither.
        let no_socket = count(NO_SOCKET)?;
        Some(Verdicts { redirected: count(REDIRECTED)?, no_socket })
    }

    fn xdp(&mut self) -> Result<&mut Xdp, Refusal> {
        let program = self.loaded.program_mut(NAME).ok_or_else(|| refusal_text("load the XDP program", "no program in it"))?;
        program.try_into().map_err(|e| refusal("load the XDP program", &e))
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").finish_non_exhaustive()
    }
}

/// Keeps the error number, which decides what is tried next, out of the chain of sources.
fn refusal(step: &'static str, error: &(dyn std::error::Error + 'static)) -> Refusal {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut texts = Vec::new();
    while let Some(error) = source {
        if let Some(number) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return Refusal { step, source: io::Error::from_raw_os_error(number) };
        }
        texts.push(error.to_string());
        source = error.source();
    }
    refusal_text(step, &texts.join(": "))
}

fn refusal_text(step: &'static str, text: &str) -> Refusal {
    Refusal { step, source: io::Error::other(text.lines().next().unwrap_or(text).to_owned()) }
}
