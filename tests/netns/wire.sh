#!/bin/bash
# What is on the wire, judged by tshark: nothing malformed, every checksum right, nothing above the
# MTU (D-047); no IPv4, no ARP, no probing on the access network (S-033, S-075, B-060); no Reconfigure
# (S-021); the public address is nobody's on the LAN (D-262); what the B4's host sends itself is not
# decremented (D-206); every source port is of the sender's set (B-083); native IPv6 is left alone (D-257).
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
command -v tshark >/dev/null && command -v ethtool >/dev/null || { echo "needs tshark and ethtool"; exit 77; }
# shellcheck source=tests/netns/lib.sh
. "$top/tests/netns/lib.sh"
trap lw_cleanup EXIT
fail() { echo "wire: $*"; tail -n 5 "$LW_DIR"/*.log 2>/dev/null; exit 1; }

lw_topology && lw_settings || fail "no network namespaces"
# The kernel leaves checksums to the hardware unless told otherwise; there is none here.
for n in b4-1 b4-2 aftr; do
	ns $n ethtool -K access tx off >/dev/null
done
start capture isp tshark -q -i br0 -w "$LW_DIR/access.pcapng"
start lan b4-1 tshark -q -i lan -w "$LW_DIR/lan.pcapng"
wait_for 20 test -s "$LW_DIR/access.pcapng" && wait_for 20 test -s "$LW_DIR/lan.pcapng" || fail "no capture"
head -c 3000000 /dev/urandom >"$LW_DIR/file"
start web inet python3 -m http.server --directory "$LW_DIR" 80
start_server
wait_for 5 test -s "$LW_DIR/run/bindings" || fail "no binding table"
start_aftr
start_b4 1
start_b4 2
wait_for 20 bound 1 && wait_for 20 bound 2 || fail "no leases"
ns home1 ping -c3 -i0.2 198.51.100.7 >/dev/null || fail "no ping"
ns home1 ping -c2 -i0.2 -M dont -s 4000 198.51.100.7 >/dev/null || fail "no large ping"
[ "$(ns home2 curl -sS -m 20 http://198.51.100.7/file | sha256sum)" = "$(sha256sum <"$LW_DIR/file")" ] || fail "bad download"
ns b4-1 ping -c1 -W2 198.51.100.7 >/dev/null || fail "no ping from the B4 itself"
ns b4-1 ping -c1 -W2 2001:db8:12:3400::1 >/dev/null || fail "no native IPv6"
for i in 1 2; do
	source[$i]=$(record $i source) first[$i]=$(record $i port_first) last[$i]=$(record $i port_last)
done
for i in 1 2; do stop b4-$i; done
sleep 1
stop capture INT
stop lan INT

file=$LW_DIR/access.pcapng
count() { # count FILTER: how many packets of $file match
	tshark -r "$file" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-o tcp.check_checksum:TRUE -Y "$1" 2>/dev/null | wc -l
}
none() {
	local n
	n=$(count "$1")
	[ "$n" -eq 0 ] || { tshark -r "$file" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -o tcp.check_checksum:TRUE -Y "$1" 2>/dev/null | head -n 3; fail "$n packets: $1"; }
}
some() { [ "$(count "$1")" -ge "$2" ] || fail "fewer than $2 packets: $1"; }

none "_ws.malformed"
none "ip.checksum.status == 0 || udp.checksum.status == 0 || tcp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0"
none "eth.type == 0x0800 || arp"
none "frame.len > 1514"
some "dhcpv6.msgtype == 11 && ipv6.dst == ff02::1:2" 2
some "dhcpv6.msgtype == 7" 2
some "dhcpv6.msgtype == 20" 5
some "dhcpv6.msgtype == 21" 4
some "ipv6.nxt == 4" 100
some "ipv6.fragment" 2
none "dhcpv6.msgtype == 10"
some "ipv6.src == ${source[1]} && ip.ttl == 64 && icmp.type == 8" 1
for i in 1 2; do
	none "ipv6.src == ${source[$i]} && (tcp.srcport < ${first[$i]} || tcp.srcport > ${last[$i]} || icmp.ident < ${first[$i]} || icmp.ident > ${last[$i]})"
done
echo "wire: $(count frame) packets, none malformed"
file=$LW_DIR/lan.pcapng
none "arp.src.proto_ipv4 == 192.0.2.18 || arp.dst.proto_ipv4 == 192.0.2.18"
some "icmp" 2
