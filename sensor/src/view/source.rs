//! Where a reader's document comes from: a file, or a running sensor over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use sensor_model::{FlowMap, SCHEMA};

const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST_ANSWER_BYTES: u64 = 1 << 30;

#[derive(Clone, Debug, Args)]
pub struct SourceArgs {
    /// Read a flow map file, as replay writes it
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "url")]
    flowmap: Option<PathBuf>,
    /// Ask a running sensor
    #[arg(long, global = true, value_name = "URL", default_value = "http://127.0.0.1:9640")]
    url: String,
}

#[derive(Clone, Debug)]
pub enum Source {
    File(PathBuf),
    Url(String),
}

impl From<SourceArgs> for Source {
    fn from(args: SourceArgs) -> Self {
        args.flowmap.map_or(Self::Url(args.url), Self::File)
    }
}

impl Source {
    pub fn flow_map(&self) -> Result<FlowMap> {
        let (text, name) = match self {
            Self::File(path) => {
                let text =
                    std::fs::read_to_string(path).with_context(|| format!("cannot read the flow map `{}`", path.display()))?;
                (text, path.display().to_string())
            }
            Self::Url(url) => (get(url, "/v1/flowmap")?, url.clone()),
        };
        let map: FlowMap = serde_json::from_str(&text).with_context(|| format!("`{name}` is not a flow map"))?;
        if map.schema != SCHEMA {
            bail!("`{name}` is a `{}`, this sensor reads `{SCHEMA}`", map.schema);
        }
        Ok(map)
    }
}

/// The body of a GET. HTTP/1.0 and one connection a request: the sensor's own server is all it has to understand.
pub fn get(url: &str, path: &str) -> Result<String> {
    let host = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let Some(host) = host.filter(|host| !host.is_empty() && !host.contains('/')) else {
        bail!("`{url}` cannot be asked; write it as http://127.0.0.1:9640");
    };
    let address = if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let unreachable = || format!("no sensor answers at `{url}`; start `sensor run`, or give --flowmap FILE");
    let mut stream = TcpStream::connect(&address).with_context(unreachable)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n\r\n").with_context(unreachable)?;
    let mut answer = Vec::new();
    stream.take(LARGEST_ANSWER_BYTES).read_to_end(&mut answer).with_context(unreachable)?;
    let answer = String::from_utf8(answer).with_context(|| format!("`{url}` does not answer as a sensor does"))?;
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { bail!("`{url}` does not answer as a sensor does") };
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        bail!("`{url}{path}` answers `{status}`");
    }
    Ok(body.to_owned())
}
