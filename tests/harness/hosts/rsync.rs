//! The rsync daemon's greeting and a transfer behind it: the backup that comes once in a long while.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::service::{Client, Identity, Peer, Server, Task};

const GREETING: &[u8] = b"@RSYNCD: 31.0\n";
const TRANSFER_LEN: usize = 256 * 1024;

pub const SERVER: Server = Server { name: "rsync", serve };
pub const BACKUP: Client = Client { name: "rsync-backup", run: backup };

fn serve(stream: &mut TcpStream, _: &Identity, peer: &Peer<'_>) -> io::Result<()> {
    stream.write_all(GREETING)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    // The client's greeting, then the module it wants.
    for _ in 0..2 {
        line.clear();
        reader.read_line(&mut line)?;
    }
    peer.count("rsync module");
    stream.write_all(b"@RSYNCD: OK\n")?;
    stream.write_all(&vec![0x6b; TRANSFER_LEN])
}

fn backup(task: &Task<'_>) -> io::Result<()> {
    loop {
        let mut stream = task.connect()?;
        stream.write_all(GREETING)?;
        stream.write_all(b"archive\n")?;
        let len = stream.take(1 << 22).read_to_end(&mut Vec::new())?;
        task.tally.add(if len > TRANSFER_LEN { "rsync backup" } else { "rsync short" });
        task.rest();
    }
}
