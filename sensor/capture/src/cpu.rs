//! A thread's place: bound to one CPU, so that its caches stay warm and nobody moves it at the wrong moment, and first in line there.

use std::io;

/// Binds the calling thread to the CPU at `place` among those it may use, counted round. Gives the CPU's number.
pub fn pin_thread(place: usize) -> io::Result<usize> {
    let allowed = allowed_cpus()?;
    let cpu = allowed.get(place.checked_rem(allowed.len()).unwrap_or(0)).copied();
    let cpu = cpu.ok_or_else(|| io::Error::other("no CPU is allowed"))?;
    let mut only = no_cpus();
    // SAFETY: upheld by `allowed_cpus`: the number came from a set of this type, so it has a place in one.
    unsafe { libc::CPU_SET(cpu, &mut only) };
    // SAFETY: upheld by us: pointer and size describe the set, which the kernel only reads; 0 is the calling thread.
    let answer = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const only) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(cpu) }
}

/// Lets the calling thread run before ordinary ones where that is permitted (CAP_SYS_NICE): a ring holds only milliseconds of frames.
pub fn prefer_thread() -> io::Result<()> {
    set_nice(PREFERRED)
}

/// Lets the calling thread, and those that it starts, run after ordinary ones: for whoever works on what waits in a queue anyway.
pub fn defer_thread() -> io::Result<()> {
    set_nice(DEFERRED)
}

/// A nice value: well before what else runs, and not before what keeps the machine alive.
const PREFERRED: libc::c_int = -10;
/// A third of an ordinary thread's share where there is not enough for both.
const DEFERRED: libc::c_int = 5;

fn set_nice(value: libc::c_int) -> io::Result<()> {
    // SAFETY: upheld by the kernel: the call takes three integers; 0 is the calling thread (setpriority(2), notes on Linux).
    let answer = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, value) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// CPUs the calling thread may run on, in order.
fn allowed_cpus() -> io::Result<Vec<usize>> {
    let mut set = no_cpus();
    // SAFETY: upheld by us: pointer and size describe the set, which is ours; 0 is the calling thread.
    let answer = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    let is_in = |cpu: &usize| {
        // SAFETY: upheld by the range below: the number has a place in the set.
        unsafe { libc::CPU_ISSET(*cpu, &set) }
    };
    Ok((0..libc::CPU_SETSIZE.cast_unsigned() as usize).filter(is_in).collect())
}

fn no_cpus() -> libc::cpu_set_t {
    // SAFETY: upheld by the type: it is a bit field, and all zeroes is the empty set.
    unsafe { std::mem::zeroed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_bound_to_the_allowed_cpu_of_its_place_and_no_other_thread_is() {
        let before = allowed_cpus().expect("some CPUs");
        for place in [0, 1, before.len(), before.len() * 3 + 1] {
            let (cpu, after) = std::thread::scope(|scope| {
                let thread = scope.spawn(|| (pin_thread(place).expect("an allowed CPU"), allowed_cpus().expect("one CPU")));
                thread.join().expect("a thread that ends")
            });
            assert_eq!((cpu, after.as_slice()), (before[place % before.len()], [cpu].as_slice()));
        }
        assert_eq!(allowed_cpus().expect("some CPUs"), before);
    }
}
