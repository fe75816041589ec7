//! Values as JSON documents. A map is millions of small pieces, so they are gathered before they are handed on.

use std::io::{self, Write};

use serde::Serialize;

/// Written at once.
const CHUNK_BYTES: usize = 1 << 16;

/// Each value on a line of its own.
pub fn write_lines<T: Serialize>(out: &mut dyn Write, values: &[T]) -> io::Result<()> {
    let mut chunks = Chunks { gathered: Vec::new(), out };
    for value in values {
        serde_json::to_writer(&mut chunks, value)?;
        chunks.write_all(b"\n")?;
    }
    chunks.flush()
}

struct Chunks<'a> {
    gathered: Vec<u8>,
    out: &'a mut dyn Write,
}

impl Write for Chunks<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.gathered.len() + bytes.len() > CHUNK_BYTES {
            self.flush()?;
        }
        self.gathered.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_longer_than_a_chunk_arrives_whole() {
        let value: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
        let mut out = Vec::new();
        write_lines(&mut out, &[&value, &value]).unwrap();
        assert!(out.len() > 4 * CHUNK_BYTES);
        let lines: Vec<Vec<String>> =
            out.split_inclusive(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect();
        assert_eq!(lines, [value.clone(), value]);
    }
}
