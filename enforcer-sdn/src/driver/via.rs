//! Runs a device's own tools: here, in a network namespace, or over the system's ssh, by a configured command prefix.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A command prefix such as `["ip", "netns", "exec", "router"]`; empty for this host.
#[derive(Clone, Debug)]
pub struct Via(Vec<String>);

impl Via {
    pub fn new(prefix: &[String]) -> Self {
        Self(prefix.to_vec())
    }

    /// Runs `words` with `input`, and gives its standard output. A failure carries what the tool said.
    pub fn run(&self, words: &[&str], input: &str) -> Result<String> {
        let line: Vec<&str> = self.0.iter().map(String::as_str).chain(words.iter().copied()).collect();
        let Some((program, arguments)) = line.split_first() else { bail!("empty command") };
        let mut child = Command::new(program)
            .args(arguments)
            // nft converts `meta hour` with the loader's time zone: rules are written in UTC.
            .env("TZ", "UTC")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run `{}`; is it installed, and in PATH?", line.join(" ")))?;
        // The tools read all input before they write, so writing first cannot deadlock. A tool that ends early (a refused
        // rule) breaks the pipe; its own message below says more.
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().with_context(|| format!("`{}` did not end", line.join(" ")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.trim().replace('\n', " | ");
            bail!("`{}` failed ({}): {said}{}", line.join(" "), output.status, self.advice(&said));
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{}` printed bytes that are not UTF-8", line.join(" ")))
    }

    /// The tools say that something is not permitted, and not what would help.
    fn advice(&self, said: &str) -> &'static str {
        let is_refused = ["Operation not permitted", "Permission denied"].iter().any(|words| said.contains(words));
        match (is_refused, self.0.is_empty()) {
            (false, _) => "",
            (true, true) => "; run this as root, or as a service with CAP_NET_ADMIN (systemd/enforcer-sdn.service)",
            (true, false) => "; whoever `via` of the point becomes must be root there, or have CAP_NET_ADMIN",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_tool_is_quoted() {
        let failure = Via::new(&[]).run(&["sh", "-c", "echo no such rule >&2; exit 3"], "").unwrap_err().to_string();
        assert!(failure.contains("no such rule") && failure.contains('3'), "{failure}");
    }

    #[test]
    fn who_lacks_privileges_reads_what_to_do_and_where() {
        let refused = ["sh", "-c", "echo Operation not permitted >&2; exit 1"];
        let here = Via::new(&[]).run(&refused, "").unwrap_err().to_string();
        assert!(here.contains("run this as root, or as a service with CAP_NET_ADMIN"), "{here}");
        let there = Via::new(&["env".to_owned()]).run(&refused, "").unwrap_err().to_string();
        assert!(there.contains("whoever `via` of the point becomes must be root there"), "{there}");
    }

    #[test]
    fn the_prefix_stands_before_the_tool() {
        let via = Via::new(&["env".to_owned(), "X=1".to_owned()]);
        assert_eq!(via.run(&["sh", "-c", "cat; echo $X"], "in ").unwrap(), "in 1\n");
    }
}
