//! Reads what the commands work on: policies from files, flow maps from files or from a sensor's HTTP address.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sensor_model::{FlowMap, SCHEMA};

use crate::plan::{Input, sha256};

/// For connecting, and for each read.
const HTTP_TIMEOUT: Duration = Duration::from_secs(10);

/// A flow map may not be larger than this; a sensor's memory is bounded far below it.
const MAX_BYTES: u64 = 1 << 30;

/// A flow map and where it came from.
pub struct LoadedMap {
    pub map: FlowMap,
    pub input: Input,
}

/// Reads every named flow map.
pub fn flow_maps(names: &[String]) -> Result<Vec<LoadedMap>> {
    if names.is_empty() {
        bail!(
            "no flow map given; add --flowmap FILE (from `sensor replay`) or --flowmap http://127.0.0.1:9640 (a running sensor)"
        );
    }
    names.iter().map(|name| flow_map(name)).collect()
}

fn flow_map(name: &str) -> Result<LoadedMap> {
    let bytes = if let Some(address) = name.strip_prefix("http://") {
        fetch(address).with_context(|| format!("cannot read the flow map of the sensor at `{name}`"))?
    } else {
        read_bounded(Path::new(name)).with_context(|| format!("cannot read the flow map `{name}`"))?
    };
    let map: FlowMap =
        serde_json::from_slice(&bytes).with_context(|| format!("`{name}` is not a flow map that a sensor wrote"))?;
    if map.schema != SCHEMA {
        bail!(
            "flow map `{name}` has schema `{}`, this program reads `{SCHEMA}`; use sensor and enforcer of one version",
            map.schema
        );
    }
    Ok(LoadedMap { map, input: Input { name: name.to_owned(), sha256: sha256(&bytes) } })
}

/// Text of one file, for a policy or a rendering.
pub fn text(path: &Path) -> Result<String> {
    let bytes = read_bounded(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(error.as_bytes().get(..at).unwrap_or_default()).into_owned();
        let (line, last) = (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or_default());
        let column = last.chars().count() + 1;
        anyhow::anyhow!("{}:{line}:{column}: this is not UTF-8 text; save the file as UTF-8", path.display())
    })
}

fn read_bounded(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!("larger than {MAX_BYTES} bytes");
    }
    Ok(bytes)
}

/// GET /v1/flowmap. HTTP/1.0, so that the body ends with the connection: no chunks to read.
fn fetch(address: &str) -> Result<Vec<u8>> {
    let (host, path) = address.split_once('/').map_or((address, ""), |(host, path)| (host, path));
    let path = if path.is_empty() { "v1/flowmap" } else { path };
    let authority = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let socket = authority.to_socket_addrs()?.next().context("the name has no address")?;
    let mut stream = TcpStream::connect_timeout(&socket, HTTP_TIMEOUT).context("no sensor answers there; is it running?")?;
    stream.set_read_timeout(Some(HTTP_TIMEOUT))?;
    stream.write_all(format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").context("the answer is not HTTP")?;
    let (head, body) = answer.split_at(head);
    let status = String::from_utf8_lossy(head).lines().next().unwrap_or_default().to_owned();
    if status.split(' ').nth(1) != Some("200") {
        bail!("the sensor answered `{status}`");
    }
    Ok(body.get(4..).unwrap_or_default().to_vec())
}
