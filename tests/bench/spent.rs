//! CPU time that programs took which this process started and waited for.

/// The kernel counts in hundredths on every machine that we build for (man 5 proc, sysconf(_SC_CLK_TCK)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds so far.
pub fn by_children() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // man 5 proc: the name in brackets may hold blanks; cutime and cstime are the 14th and 15th field after it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(13)? + ticks(14)?) / TICKS_PER_SECOND)
}
