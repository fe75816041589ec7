//! Lines of `conn.log` that one shard has made of a chunk, each with the packet that ended its flow.

use sensor_model::FlowRecord;

use crate::export::conn_log::push_line;

/// One line, and the packet that caused it.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub number: u64,
    pub text: &'a [u8],
}

/// Lines in the order in which they were pushed.
#[derive(Debug, Default)]
pub struct Lines {
    text: Vec<u8>,
    /// Packet, and where in `text` its line ends.
    ends: Vec<(u64, usize)>,
}

impl Lines {
    pub fn push(&mut self, number: u64, record: &FlowRecord) {
        push_line(&mut self.text, record);
        self.ends.push((number, self.text.len()));
    }

    pub fn iter(&self) -> impl Iterator<Item = Line<'_>> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        self.ends
            .iter()
            .zip(starts)
            .map(|((number, end), start)| Line { number: *number, text: self.text.get(start..*end).unwrap_or_default() })
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::record;

    #[test]
    fn each_line_comes_back_whole_with_its_packet() {
        let mut lines = Lines::default();
        lines.push(7, &record());
        lines.push(3, &record());
        let numbers: Vec<u64> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [7, 3]);
        assert!(lines.iter().all(|line| line.text.starts_with(b"{") && line.text.ends_with(b"}\n")));
    }
}
