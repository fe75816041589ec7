//! `packet_ring INTERFACE MEBIBYTES [CPU]`: receives by TPACKET_V3 until its standard input ends, looks at one byte of each frame, and
//! prints what it received and what the kernel dropped. The peer of AF_XDP in `make bench`.
#![expect(clippy::expect_used, reason = "a benchmark that cannot receive must end")]

use std::error::Error;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const BLOCK_BYTES: usize = 1 << 20;
/// linux/if_packet.h: places in `struct tpacket_block_desc` with a `struct tpacket_hdr_v1` in it.
const STATUS: usize = 8;
const COUNT: usize = 12;
const FIRST: usize = 16;
const BLOCK_TIMEOUT_MILLIS: u32 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [interface, mebibytes, rest @ ..] = arguments.as_slice() else {
        return Err("packet_ring INTERFACE MEBIBYTES [CPU]".into());
    };
    let blocks: usize = mebibytes.parse()?;
    if let [cpu] = rest {
        sensor_capture::pin_thread(cpu.parse()?)?;
    }
    let socket = open(interface, blocks)?;
    let ring = map(socket, blocks * BLOCK_BYTES)?;
    let ended = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&ended);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        stop.store(true, Ordering::Relaxed);
    });
    println!("ready");
    let (mut received, mut seen, mut block) = (0_u64, 0_u64, 0);
    loop {
        let header = ring.wrapping_add(block * BLOCK_BYTES);
        // SAFETY: the kernel shares this word as an atomic; it lies inside the mapping and is aligned, as blocks are pages.
        let status = unsafe { AtomicU32::from_ptr(header.wrapping_add(STATUS).cast()) };
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            if ended.load(Ordering::Relaxed) {
                break;
            }
            wait(socket);
            continue;
        }
        // SAFETY: the block is ours until the store below.
        let packets = unsafe { header.wrapping_add(COUNT).cast::<u32>().read() };
        // SAFETY: as above.
        let mut offset = unsafe { header.wrapping_add(FIRST).cast::<u32>().read() } as usize;
        for _ in 0..packets {
            let packet = header.wrapping_add(offset);
            // SAFETY: the kernel's offsets stay inside the block, and a packet starts with this header.
            let about = unsafe { packet.cast::<libc::tpacket3_hdr>().read() };
            // SAFETY: the frame lies where its header says.
            seen += u64::from(unsafe { packet.wrapping_add(about.tp_mac.into()).read() });
            offset += about.tp_next_offset as usize;
        }
        received += u64::from(packets);
        status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        block = (block + 1) % blocks;
    }
    println!("received {received} dropped {} (bytes {seen})", dropped(socket));
    Ok(())
}

fn open(interface: &str, blocks: usize) -> Result<i32, Box<dyn Error>> {
    let name = std::ffi::CString::new(interface)?;
    // SAFETY: the name ends with a zero byte and lives until the call returns.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    // SAFETY: the call takes three integers. Protocol 0: nothing is received before the bind.
    let socket = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) };
    set(socket, libc::PACKET_VERSION, &(libc::tpacket_versions::TPACKET_V3 as i32))?;
    let request = libc::tpacket_req3 {
        tp_block_size: BLOCK_BYTES as u32,
        tp_block_nr: u32::try_from(blocks)?,
        tp_frame_size: 2048,
        tp_frame_nr: u32::try_from(blocks * BLOCK_BYTES / 2048)?,
        tp_retire_blk_tov: BLOCK_TIMEOUT_MILLIS,
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    };
    set(socket, libc::PACKET_RX_RING, &request)?;
    // SAFETY: all zeroes is an address without a value.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = index.cast_signed();
    let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: address and length belong together and live until the call returns.
    let bound = unsafe { libc::bind(socket, std::ptr::from_ref(&address).cast(), len) };
    if bound < 0 { Err(std::io::Error::last_os_error().into()) } else { Ok(socket) }
}

fn set<T>(socket: i32, option: i32, value: &T) -> std::io::Result<()> {
    let len = size_of::<T>() as libc::socklen_t;
    // SAFETY: pointer and length describe `value`, which the kernel only reads.
    let answer = unsafe { libc::setsockopt(socket, libc::SOL_PACKET, option, std::ptr::from_ref(value).cast(), len) };
    if answer < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

fn map(socket: i32, len: usize) -> std::io::Result<*mut u8> {
    let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_POPULATE);
    // SAFETY: the kernel chooses an address where nothing of ours lies.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), len, access, flags, socket, 0) };
    if start == libc::MAP_FAILED { Err(std::io::Error::last_os_error()) } else { Ok(start.cast()) }
}

fn wait(socket: i32) {
    let mut wanted = libc::pollfd { fd: socket, events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, and a count of one.
    let _ready = unsafe { libc::poll(&raw mut wanted, 1, 50) };
}

fn dropped(socket: i32) -> u32 {
    let mut statistics = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
    let mut len = size_of::<libc::tpacket_stats_v3>() as libc::socklen_t;
    let to = std::ptr::from_mut(&mut statistics).cast();
    // SAFETY: the length says how much room there is.
    let answer = unsafe { libc::getsockopt(socket, libc::SOL_PACKET, libc::PACKET_STATISTICS, to, &raw mut len) };
    assert_eq!(answer, 0, "statistics of the socket");
    let _ = usize::try_from(len).expect("a length");
    statistics.tp_drops
}
