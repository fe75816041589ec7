//! `wire_load INTERFACE PACKETS_A_SECOND SECONDS FLOWS [CPU]`: sends UDP frames of 60 bytes out of an interface (a veth port with GRO on)
//! at a steady rate, by running an XDP program with live frames. For `make bench`; the sensor has nothing that sends.
#![expect(clippy::expect_used, reason = "a benchmark that cannot make its load must end")]

use std::error::Error;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use aya::Ebpf;
use aya::maps::Array;
use aya::programs::Xdp;

const OBJECT: &[u8] = aya::include_bytes_aligned!("load.bpf.o");
/// One call sets up its pages anew, which takes some 30 ms.
const LEAST_FRAMES_A_CALL: u64 = 1_000_000;

/// `struct pace` of the program.
#[repr(C)]
#[derive(Clone, Copy)]
struct Pace {
    gap_nanos: u64,
    flow_mask: u64,
    due: u64,
    sent: u64,
    late: u64,
}

// SAFETY: five numbers without a gap between them; every bit pattern is a value.
unsafe impl aya::Pod for Pace {}

/// linux/bpf.h: the anonymous structure of `union bpf_attr` for BPF_PROG_TEST_RUN.
#[repr(C)]
#[derive(Default)]
struct TestRun {
    program: u32,
    answer: u32,
    frame_len: u32,
    frame_out_len: u32,
    frame: u64,
    frame_out: u64,
    repeat: u32,
    nanos: u32,
    context_len: u32,
    context_out_len: u32,
    context: u64,
    context_out: u64,
    flags: u32,
    cpu: u32,
    batch: u32,
    padding: u32,
}

/// linux/bpf.h: `struct xdp_md`.
#[repr(C)]
#[derive(Default)]
struct Context {
    data: u32,
    data_end: u32,
    data_meta: u32,
    interface_index: u32,
    queue: u32,
    egress_index: u32,
}

const BPF_PROG_TEST_RUN: libc::c_long = 10;
const LIVE_FRAMES: u32 = 1 << 1;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [interface, rate, seconds, flows, rest @ ..] = arguments.as_slice() else {
        return Err("wire_load INTERFACE PACKETS_A_SECOND SECONDS FLOWS [CPU]".into());
    };
    let (rate, seconds, flows): (u64, f64, u64) = (rate.parse()?, seconds.parse()?, flows.parse()?);
    if let [cpu] = rest {
        sensor_capture::pin_thread(cpu.parse()?)?;
    }
    let name = std::ffi::CString::new(interface.as_str())?;
    // SAFETY: the name ends with a zero byte and lives until the call returns.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    let mut loaded = Ebpf::load(OBJECT)?;
    let mut pace: Array<_, Pace> = Array::try_from(loaded.take_map("PACE").expect("the program has a map"))?;
    let gap_nanos = 1_000_000_000 / rate.max(1);
    pace.set(0, Pace { gap_nanos, flow_mask: flows.next_power_of_two() - 1, due: 0, sent: 0, late: 0 }, 0)?;
    let program: &mut Xdp = loaded.program_mut("load").expect("the object has a program").try_into()?;
    program.load()?;
    let fd = program.fd()?.as_fd().as_raw_fd().cast_unsigned();

    let (started, wanted) = (Instant::now(), Duration::from_secs_f64(seconds));
    let repeat = u32::try_from(((rate as f64 * seconds) as u64).clamp(64, LEAST_FRAMES_A_CALL)).unwrap_or(u32::MAX);
    while started.elapsed() < wanted {
        send(fd, index, repeat)?;
    }
    let (took, pace) = (started.elapsed().as_secs_f64(), pace.get(&0, 0)?);
    println!("sent {} late {} seconds {took:.3}", pace.sent, pace.late);
    Ok(())
}

fn send(program: u32, interface_index: u32, repeat: u32) -> std::io::Result<()> {
    let frame = frame();
    let len = u32::try_from(frame.len()).unwrap_or(0);
    let context = Context { data_end: len, interface_index, ..Context::default() };
    let run = TestRun {
        program,
        frame_len: len,
        frame: frame.as_ptr() as u64,
        repeat,
        context_len: size_of::<Context>() as u32,
        context: std::ptr::from_ref(&context) as u64,
        flags: LIVE_FRAMES,
        batch: 64,
        ..TestRun::default()
    };
    // SAFETY: the structure has the kernel's layout for this command; it, the frame and the context live until the call returns.
    let answer = unsafe {
        libc::syscall(libc::SYS_bpf, BPF_PROG_TEST_RUN, std::ptr::from_ref(&run), size_of::<TestRun>() as libc::c_long)
    };
    if answer < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

/// UDP from 10.0.0.0, whose lower bytes the program fills in, to 172.16.0.1.
fn frame() -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    frame.extend([0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 0, 172, 16, 0, 1]);
    frame.extend([0x9c, 0x40, 0, 161, 0, 26, 0, 0]);
    frame.resize(60, 0);
    frame
}
