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
  python3:python3:"compares flows with the truth of captures"
  yanglint:libyang2-tools:"checks access lists against their YANG modules"
)
bench=(
  softflowd:softflowd:"a peer in the benchmark"
  nfpcapd:nfdump:"a peer in the benchmark"
  argus:argus-server:"a peer in the benchmark"
)

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

[[ ${#missing[@]} -eq 0 ]] && exit 0
if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
  echo "not root or not Debian: install by hand: ${missing[*]}" >&2
  exit 0
fi
echo "installing: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
# Run level 1: packages that bring a daemon must not start it; the tests start their own.
export RUNLEVEL=1
apt-get install -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
  { apt-get update >/dev/null && apt-get install -y --no-install-recommends "${missing[@]}" >/dev/null; }
