//! Documents and metrics over HTTP, as Prometheus or a browser would ask for them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sensor_model::FlowMap;

use crate::namespace::Namespace;

/// The body of a page that answers 200.
///
/// # Errors
/// When nobody answers within two seconds, or with another status.
pub fn get(namespace: &Namespace, server: SocketAddr, path: &str) -> Result<String> {
    namespace.enter(|| get_here(server, path))
}

fn get_here(server: SocketAddr, path: &str) -> Result<String> {
    let mut stream =
        TcpStream::connect_timeout(&server, Duration::from_secs(2)).with_context(|| format!("http://{server}{path}"))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    // HTTP/1.0 without keep-alive: the body ends with the connection and never comes in chunks (RFC 9112 6.3).
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {server}\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").context("an answer without an empty line")?;
    let status = head.split_whitespace().nth(1).unwrap_or("none");
    if status != "200" {
        bail!("http://{server}{path} answered {status}: {body}");
    }
    Ok(body.to_owned())
}

/// The sensor's flow map.
///
/// # Errors
/// When nobody answers, or not with a flow map.
pub fn flow_map(namespace: &Namespace, server: SocketAddr) -> Result<FlowMap> {
    serde_json::from_str(&get(namespace, server, "/v1/flowmap")?).context("reading /v1/flowmap")
}

/// Values by series (`name{labels}`), of a page in Prometheus' text format.
#[must_use]
pub fn series(page: &str) -> BTreeMap<String, f64> {
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    samples
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

/// Sum over all series of one metric.
#[must_use]
pub fn total(series: &BTreeMap<String, f64>, metric: &str) -> f64 {
    let of_metric = |name: &str| name.strip_prefix(metric).is_some_and(|rest| rest.is_empty() || rest.starts_with('{'));
    series.iter().filter(|(name, _)| of_metric(name)).map(|(_, value)| value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_takes_every_label_set_and_no_longer_name() {
        let page = "# HELP a_total x\n# TYPE a_total counter\na_total{way=\"in\"} 2\na_total{way=\"out\"} 3\na_total_more 7\n";

        assert!((total(&series(page), "a_total") - 5.0).abs() < f64::EPSILON);
    }
}
