//! A pair of connected ports in a network namespace of its own, and a sender on the far one.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The port under test; the other end is [`FAR`].
pub const TAP: &str = "tap";
pub const FAR: &str = "far";

/// Removed with everything in it when dropped, also by a panic.
pub struct Wire {
    namespace: String,
}

impl Wire {
    /// None, and a loud line, where namespaces cannot be made.
    pub fn lay(queues: u32) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // SAFETY: the call cannot fail and touches no memory.
        if unsafe { libc::geteuid() } != 0 {
            eprintln!("NOT CHECKED: live capture needs root for a network namespace; run the tests with sudo -E");
            return None;
        }
        for program in ["ip -V", "ethtool --version", "sysctl -V"] {
            let words: Vec<&str> = program.split(' ').collect();
            if let Err(why) = run(&words) {
                eprintln!("NOT CHECKED: live capture needs iproute2, ethtool and procps: {why}");
                return None;
            }
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("cordon-capture-{}-{number}", std::process::id());
        if let Err(why) = run(&["ip", "netns", "add", &namespace]) {
            eprintln!("NOT CHECKED: no network namespace can be made here: {why}");
            return None;
        }
        let wire = Self { namespace };
        wire.inside("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
        let count = format!("numrxqueues {queues} numtxqueues {queues}");
        wire.inside(&format!("ip link add {TAP} mtu 9216 {count} type veth peer name {FAR} mtu 9216 {count}"));
        for port in [TAP, FAR] {
            wire.inside(&format!("ethtool -K {port} tx off tso off gso off gro on"));
            wire.inside(&format!("ip link set {port} up"));
        }
        Some(wire)
    }

    /// Runs a command in the namespace, with its own view of /sys and /proc/sys.
    pub fn inside(&self, command: &str) -> String {
        let words: Vec<&str> = ["ip", "netns", "exec", &self.namespace].into_iter().chain(command.split(' ')).collect();
        run(&words).expect("a command of the test's namespace")
    }

    /// The far port learns a little later that this one is up again; until then the kernel drops what it sends, and says nothing.
    pub fn wait_until_it_carries(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.inside(&format!("cat /sys/class/net/{FAR}/operstate")).trim() != "up" {
            assert!(Instant::now() < deadline, "{FAR} has no carrier");
            std::thread::sleep(Duration::from_millis(10));
        }
        // Its queue is opened right after.
        std::thread::sleep(Duration::from_millis(50));
    }

    /// Runs a test in the namespace: in a thread, as a thread that entered it stays there.
    pub fn enter<T: Send>(&self, test: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let namespace = std::fs::File::open(format!("/run/netns/{}", self.namespace)).expect("the namespace");
                // SAFETY: the descriptor is open; only this thread changes its namespace.
                let entered = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
                assert_eq!(entered, 0, "setns: {}", io::Error::last_os_error());
                test()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Err(why) = run(&["ip", "netns", "del", &self.namespace]) {
            eprintln!("the namespace stays: {why}");
        }
    }
}

fn run(words: &[&str]) -> Result<String, String> {
    let [program, arguments @ ..] = words else { return Err("no command".to_owned()) };
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(out.into_owned()) } else { Err(format!("{words:?}: {err}{out}")) }
}

/// Sends whole frames into the far port.
pub struct Sender {
    socket: OwnedFd,
    address: libc::sockaddr_ll,
}

impl Sender {
    /// Must be called inside the namespace.
    pub fn new() -> Self {
        let name = std::ffi::CString::new(FAR).expect("a name");
        // SAFETY: the name ends with a zero byte and lives until the call returns.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        assert_ne!(index, 0, "no far port");
        // SAFETY: the call takes three integers. Protocol 0: the socket receives nothing.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        assert!(fd >= 0, "packet socket: {}", io::Error::last_os_error());
        // SAFETY: the kernel just gave this descriptor to us alone.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: 0,
            sll_ifindex: index.cast_signed(),
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 6,
            sll_addr: [0; 8],
        };
        Self { socket, address }
    }

    pub fn send(&self, frame: &[u8]) {
        let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        let address = std::ptr::from_ref(&self.address).cast();
        // SAFETY: both pointers come with their lengths and live until the call returns.
        let sent = unsafe { libc::sendto(self.socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0, address, len) };
        assert_eq!(sent, frame.len() as isize, "send: {}", io::Error::last_os_error());
    }

    /// At most 20,000 a second, so that not one frame may be missing.
    pub fn send_paced(&self, frames: &[Vec<u8>]) {
        let start = Instant::now();
        for (index, frame) in frames.iter().enumerate() {
            let due = Duration::from_micros(50).saturating_mul(u32::try_from(index).expect("a short list"));
            if let Some(early) = due.checked_sub(start.elapsed()).filter(|early| *early > Duration::from_millis(1)) {
                std::thread::sleep(early);
            }
            self.send(frame);
        }
    }
}
