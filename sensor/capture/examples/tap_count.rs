//! `tap_count INTERFACE PATH RING BUFFERS sleep|spin [CPU]`: receives through this crate until its standard input ends, looks at one byte
//! of each frame, and prints what it received, what was lost, and how long frames lay until they were looked at.

use std::error::Error;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sensor_capture::live::nanos_now;
use sensor_capture::{Live, LiveConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [interface, path, ring, buffers, waiting, rest @ ..] = arguments.as_slice() else {
        return Err("tap_count INTERFACE PATH RING BUFFERS sleep|spin [CPU]".into());
    };
    let config = LiveConfig {
        path: path.parse()?,
        ring_size: ring.parse()?,
        frame_count: buffers.parse()?,
        busy_poll: waiting == "spin",
        libpcap_buffer_bytes: 128 << 20,
        ..LiveConfig::new(interface)
    };
    let mut live = Live::open(&config)?;
    let mut queues = live.take_queues();
    let [queue] = queues.as_mut_slice() else { return Err("the port must have one receive queue".into()) };
    let ended = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&ended);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        stop.store(true, Ordering::Relaxed);
    });
    // After the other thread, which would else wait for this one's CPU.
    if let [cpu] = rest {
        sensor_capture::pin_thread(cpu.parse()?)?;
    }
    println!("ready");
    let (mut received, mut seen) = (0_u64, 0_u64);
    // By powers of two of nanoseconds.
    let mut delays = [0_u64; 64];
    loop {
        let count = queue.poll(Duration::from_millis(20), |frames| {
            let now = nanos_now();
            for frame in frames {
                seen += u64::from(frame.bytes.first().copied().unwrap_or(0));
                let delay = now.saturating_sub(frame.seen_at_nanos).max(1).cast_unsigned();
                if let Some(bin) = delays.get_mut(delay.ilog2() as usize) {
                    *bin += 1;
                }
            }
            received += frames.len() as u64;
        })?;
        if count == 0 && ended.load(Ordering::Relaxed) {
            break;
        }
    }
    let stats = live.stats();
    let micros = |share: f64| {
        let mut left = (received as f64 * share) as u64;
        let bin = delays.iter().position(|count| {
            let is_here = *count > left;
            left = left.saturating_sub(*count);
            is_here
        });
        (1_u64 << (bin.unwrap_or(0) + 1).min(62)) as f64 / 1_000.0
    };
    println!(
        "received {received} dropped {} port {} median {:.0} p99 {:.0} (bytes {seen})",
        stats.lost(),
        stats.port_received,
        micros(0.5),
        micros(0.99)
    );
    Ok(())
}
