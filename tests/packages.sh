#!/usr/bin/env bash
# Installs the Debian packages that a target needs and this machine lacks: packages.sh build|demo|test|bench...
# Without root it says what is missing and goes on: everything that needs a missing tool says so and is left out.
set -euo pipefail

# command or file : package : why
build=(
  cc:gcc:"links Rust programs"
  /usr/include/pcap/pcap.h:libpcap-dev:"capture where AF_XDP cannot be had"
)
demo=(
  ip:iproute2:"namespaces and links"
  tc:iproute2:"the mirror port"
  nft:nftables:"the enforcement point"
  conntrack:conntrack:"cuts live connections"
  ethtool:ethtool:"switches offloads off on test links"
  sysctl:procps:"forwarding on the test router"
)
test=(
  mosquitto:mosquitto:"the broker in tests"
  promtool:prometheus:"checks the metrics page and the alert rules"
  systemd-analyze:systemd:"checks the units"
  clang-14:clang-14:"rebuilds the BPF program and compares it with the committed one"
  iptables-restore:iptables:"an enforcement point"
  ipset:ipset:"address sets of iptables"
  ovs-vswitchd:openvswitch-switch:"an enforcement point"
  exabgp:exabgp:"announces flow specifications"
  birdc:bird2:"a router that hears them"
  python3:python3:"compares flows with the truth of captures"
  /usr/share/doc/python3-venv:python3-venv:"an environment for peers written in Python"
  /usr/lib/python3/dist-packages/jsonschema:python3-jsonschema:"validates policies with the JSON schema"
  /usr/lib/python3/dist-packages/yaml:python3-yaml:"reads policies as editors do"
  yanglint:libyang2-tools:"checks access lists against their YANG modules"
)
bench=(
  softflowd:softflowd:"a peer in the benchmark"
  nfpcapd:nfdump:"a peer in the benchmark"
  argus:argus-server:"a peer in the benchmark"
  python3:python3:"runs peers written in Python"
  /usr/share/doc/python3-venv:python3-venv:"an environment for them"
)

# Peers that tests compare with, from the Python package index, each in an environment of its own: name, version.
bench_peers=(
  "aerleon 1.18.0"
)
test_peers=(
  "aerleon 1.18.0"
  # A controller, which switches ask for their flows.
  "faucet 1.10.12"
)

peer() {
  local home=target/peers/$1
  [[ -x $home/bin/python ]] && return
  if ! command -v python3 >/dev/null; then
    echo "python3 is missing, so $1 $2 is not installed: the tests against it say so and are left out" >&2
    return
  fi
  echo "installing: $1 $2 (Python) in $home" >&2
  if ! { python3 -m venv "$home" && "$home/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 10 "$1==$2"; } >/dev/null 2>&1; then
    echo "cannot install $1 $2: the tests against it say so and are left out" >&2
    rm -rf "$home"
  fi
}

missing=()
for group in "$@"; do
  declare -n rows=$group
  for row in "${rows[@]}"; do
    IFS=: read -r thing package why <<<"$row"
    if [[ $thing == /* ]]; then [[ -e $thing ]] && continue; else PATH=$PATH:/usr/sbin:/sbin command -v "$thing" >/dev/null && continue; fi
    echo "missing: $thing (Debian package $package): $why" >&2
    missing+=("$package")
  done
done

install() {
  (($#)) || return 0
  if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "not root or not Debian: install by hand: $*" >&2
    return 0
  fi
  echo "installing: $*" >&2
  export DEBIAN_FRONTEND=noninteractive
  # Run level 1: packages that bring a daemon must not start it; the tests start their own.
  export RUNLEVEL=1
  apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
    { apt-get update >/dev/null && apt-get install -y --no-install-recommends "$@" >/dev/null; } ||
    echo "cannot install $*: what needs them says so and is left out" >&2
}
install "${missing[@]}"

for group in "$@"; do
  declare -n peers=${group}_peers
  for row in "${peers[@]:-}"; do
    # shellcheck disable=SC2086
    if [[ -n $row ]]; then (cd "$(dirname "$0")/.." && peer $row); fi
  done
done
