#!/bin/bash
# lw4o6-server on two links whose clients have the same link-local address: groups, sources, ports, and
# that nothing but answers to what was asked leaves (S-001, S-002, S-021, S-033, S-038, S-075).
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
command -v python3 >/dev/null || { echo "needs python3"; exit 77; }
# shellcheck source=tests/netns/lib.sh
. "$top/tests/netns/lib.sh"
LW_NAMESPACES="srv left right"
trap lw_cleanup EXIT
fail() { echo "server: $*"; cat "$LW_DIR"/*.log 2>/dev/null; exit 1; }
program=$LW_BIN/lw4o6-server
[ -x "$program" ] || program=$LW_BIN/tools/lw4o6-server
[ -x "$program" ] || { echo "no lw4o6-server was built"; exit 77; }

for n in $LW_NAMESPACES; do
	ip netns add "$LW_TAG-$n" || { echo "no network namespaces"; exit 77; }
	nsip "$n" link set lo up
done
for side in left right; do
	link srv "$side" "$side" net0
	addr "$side" net0 fe80::53/64
done
addr srv left 2001:db8:1::547/64
addr left net0 2001:db8:1::53/64
settled() { [ -z "$(nsip srv -6 addr show tentative)$(nsip left -6 addr show tentative)$(nsip right -6 addr show tentative)" ]; }
wait_for 10 settled || fail "addresses stay tentative"
mkdir "$LW_DIR/state"
cat >"$LW_DIR/server.conf" <<-EOF2
	interface left
	interface right
	server-id 198.51.100.1
	state-dir $LW_DIR/state
	run-dir $LW_DIR/run
	4o6-servers multicast
	br 2001:db8:ffff::1
	link right interface right
	link right 4o6-servers 2001:db8:4::547
	pool a shared 192.0.2.18 psid-len 8
EOF2
start server srv "$program" -f -c "$LW_DIR/server.conf"
wait_for 10 grep -q ready "$LW_DIR/server.log" || fail "does not start"
# A second one ends at the port, before it could take a datagram or the pid file.
ns srv timeout 5 "$program" -f -c "$LW_DIR/server.conf" -p "$LW_DIR/pid2" >"$LW_DIR/second" 2>&1
[ $? = 2 ] && [ ! -e "$LW_DIR/pid2" ] || fail "a second instance starts"
for side in left right; do
	nsip srv -6 maddr show dev "$side" | grep -q 'ff02::1:2' || fail "not in ff02::1:2 on $side"
done

python3 - "$top" "/run/netns/$LW_TAG" <<'EOF2' || fail "the wire is wrong"
import os, re, socket, struct, sys

src = open(sys.argv[1] + "/tests/vectors/codec.h").read().replace("Z192", '"' + "00" * 192 + '"')

def vector(name):
    body = re.search(r'\{ "%s", (\d+), "\w+",(.*?)\},\n' % name, src, re.S).group(2)
    return bytes.fromhex("".join(re.findall(r'"([0-9a-f ]*)"', body)))

def enter(side):
    fd = os.open(sys.argv[2] + "-" + side, os.O_RDONLY)
    if hasattr(os, "setns"):
        os.setns(fd, 0x40000000)
    else:
        import ctypes
        assert ctypes.CDLL(None).setns(fd, 0x40000000) == 0
    os.close(fd)

def client(side, local, port=546):
    enter(side)
    index = socket.if_nametoindex("net0")
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind((local, port, 0, index if local.startswith("fe80") else 0))
    s.settimeout(2)
    return s, index

def ask(s, data, to):
    s.sendto(data, to)
    try:
        return s.recvfrom(4096)
    except socket.timeout:
        return None, None

def check(what, ok):
    if not ok:
        sys.exit(what)

info = vector("INFORMATION-REQUEST")
answers = {}
for side in ("left", "right"):
    s, index = client(side, "fe80::53")
    data, peer = ask(s, info, ("ff02::1:2", 547, 0, index))
    check(side + ": no REPLY", data and data[0] == 7 and data[1:4] == info[1:4])
    check(side + ": not from a link-local address, port 547: %s" % (peer,), peer[0].startswith("fe80") and peer[1] == 547)
    answers[side] = data
    data, peer = ask(s, vector("DISCOVER"), ("ff02::1:2", 547, 0, index))
    check(side + ": no OFFER by multicast", data and data[0] == 0x15)
    s.close()
# Each link its own option 88: the answer is of the interface of the query, and came out of it.
check("left: option 88 not empty", b"\x00\x58\x00\x00" in answers["left"])
check("right: option 88 not a list", b"\x00\x58\x00\x10" in answers["right"])

# Unicast: an Information-request is dropped, a query answered from the address it was sent to, to port 546.
s, index = client("left", "2001:db8:1::53")
s.settimeout(0.5)
check("unicast Information-request answered", ask(s, info, ("2001:db8:1::547", 547))[0] is None)
data, peer = ask(s, vector("REQUEST"), ("2001:db8:1::547", 547))
check("REQUEST not answered", data and data[0] == 0x15)
check("answer from %s" % peer[0], peer[0] == "2001:db8:1::547" and peer[1] == 547)
other = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
other.bind(("2001:db8:1::53", 0))
other.sendto(vector("DISCOVER"), ("2001:db8:1::547", 547))
data, peer = s.recvfrom(4096)
check("the answer does not go to port 546", data[0] == 0x15)
check("RELEASE answered", ask(s, vector("RELEASE"), ("2001:db8:1::547", 547))[0] is None)
s.close()

# Behind a relay: to the relay, port 547.
s, index = client("left", "2001:db8:1::53", 547)
data, peer = ask(s, vector("RELAY-FORW"), ("2001:db8:1::547", 547))
check("relayed DISCOVER not answered", data and data[0] == 13 and peer[0] == "2001:db8:1::547")
EOF2

# No IPv4 has left, and no IPv6 but Neighbour Discovery, group reports and UDP from port 547.
sent=$(nsip srv -s -4 route show table all 2>/dev/null | grep -c 192.0.2)
[ "$sent" = 0 ] || fail "IPv4 routes"
ns srv sh -c 'awk "/^Ip:/ && !/Forwarding/ { exit \$11 > 0 }" /proc/net/snmp' || fail "IPv4 packets were sent"
stop server
grep -q stopped "$LW_DIR/server.log" || fail "SIGTERM"
[ "$("$program" -c "$LW_DIR/server.conf" --leases --csv | wc -l)" -ge 1 ] || fail "--leases"
echo "server on two links: right"
