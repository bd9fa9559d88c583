#!/bin/bash
# lw4o6-aftr alone, with softwire lines and a softwire by hand: both directions, each node decrements once
# (D-205), errors come back through the softwire (D-066, D-061), own addresses answer (D-070), a reload keeps
# other flows and a bad file keeps the table (D-031, D-036), neighbour discovery is not ours (D-146), the log
# does not grow with traffic (D-340), drops can be watched (D-346), floods raise an alarm (D-347).
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
# shellcheck source=tests/netns/lib.sh
. "$top/tests/netns/lib.sh"
LW_NAMESPACES="b4-1 aftr inet"
trap lw_cleanup EXIT
fail() { echo "aftr: $*"; tail -n 5 "$LW_DIR"/*.log 2>/dev/null; exit 1; }

for n in $LW_NAMESPACES; do
	ip netns add "$LW_TAG-$n" && nsip "$n" link set lo up || fail "no network namespaces"
done
A=2001:db8:12:3400:0:c000:212:34 B=2001:db8:12:3400:0:c000:212:35
link b4-1 access aftr access
link inet core aftr core
addr b4-1 access 2001:db8:12:3400::b1/64 $A/128 $B/128
addr aftr access 2001:db8:12:3400::1/64
nsip b4-1 -6 route add default via 2001:db8:12:3400::1
addr aftr core 203.0.113.1/24
addr inet core 203.0.113.9/24
addr inet lo 198.51.100.7/32
nsip aftr route add default via 203.0.113.9
nsip inet route add 192.0.2.0/24 via 203.0.113.1
ns aftr sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

cat >"$LW_DIR/aftr.conf" <<-EOC
	aftr-address 2001:db8:ffff::1
	icmp4-source-internet 203.0.113.1
	tun lw0
	ipv4-route 192.0.2.0/24
	alarm no-binding 50
	softwire 192.0.2.18 psid 0x34 psid-len 6 b4 $A
EOC
start echo inet python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("198.51.100.7", 5001))
s.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL
s.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: no DF
while True:
    d, more, _, peer = s.recvmsg(65535, 100)
    s.sendto(b"seen ttl %d port %d " % (more[0][2][0], peer[1]) + d, peer)
'
start aftr aftr "$LW_BIN/tools/lw4o6-aftr" -d -c "$LW_DIR/aftr.conf"
wait_for 5 grep -q "forwarding through" "$LW_DIR/aftr.log" || fail "does not start"
ask() { ns b4-1 python3 "$top/tests/netns/b4raw.py" "$1" 2001:db8:ffff::1 "$2"; }
expect() { # expect PATTERN B4 QUESTION
	local got
	got=$(ask "$2" "$3")
	case $got in $1) ;; *) fail "$3: got '$got', expected '$1'" ;; esac
}

S=192.0.2.18
wait_for 5 sh -c "[ \"\$(nsenter --net=/run/netns/$LW_TAG-b4-1 python3 $top/tests/netns/b4raw.py $A 2001:db8:ffff::1 '$S:53250>198.51.100.7:5001')\" != none ]"
# 64 from the B4, one hop through the AFTR's node each way
expect "udp 63 * seen ttl 63 port 53250 *" $A "$S:53250>198.51.100.7:5001"
expect "udp 63 1472 seen ttl 63 port 53250 *" $A "$S:53250>198.51.100.7:5001,size=4000" # its first fragment first
expect "icmp 11 0 * *" $A "$S:53250>198.51.100.7:5001,ttl=1"
expect "icmp 0 0 63 198.51.100.7" $A "$S:53252>198.51.100.7"
expect "icmp 0 0 64 192.0.0.1" $A "$S:53252>192.0.0.1"
expect "icmp 3 3 63 198.51.100.7" $A "$S:53250>198.51.100.7:5999"
expect "icmp 3 1 64 192.0.0.1" $A "$S:53250>$S:100"
expect none $A "$S:54300>198.51.100.7:5001"
expect none $B "$S:53250>198.51.100.7:5001"
ns inet ping -c1 -W2 203.0.113.1 >/dev/null || fail "the host's own address does not answer"
[ "$(counter drop-v6-spoofed-packets)" = 1 ] || fail "spoofed packet not counted"
[ "$(counter drop-v6-port-unbound-packets)" = 1 ] || fail "unbound port not counted"
[ "$(counter icmp6-out-1-5)" = 2 ] || fail "no ICMPv6 1/5"
[ "$(counter drop-v6-not-local-packets)" = 0 ] || fail "packets of the host were counted"

# A reload with another subscriber; then a bad line; the first one never notices.
reload() { # reload PATTERN: what the log says
	local lines
	lines=$(wc -l <"$LW_DIR/aftr.log")
	kill -HUP "$(pid_of aftr)"
	wait_for 5 sh -c "tail -n +$((lines + 1)) '$LW_DIR/aftr.log' | grep -q '$1'" || fail "reload: no '$1'"
}
echo "softwire $S psid 0x35 psid-len 6 b4 $B" >>"$LW_DIR/aftr.conf"
reload "1 kept, 0 gone or changed, 1 new"
expect "udp 63 * seen ttl 63 port 53250 *" $A "$S:53250>198.51.100.7:5001"
expect "udp 63 * seen ttl 63 port 54300 *" $B "$S:54300>198.51.100.7:5001"
expect none $A "$S:54300>198.51.100.7:5001"
echo "softwire $S psid 0x99 psid-len 6 b4 $B" >>"$LW_DIR/aftr.conf"
reload "aftr.conf:8: .*the running softwires stay"
expect "udp 63 * seen ttl 63 port 54300 *" $B "$S:54300>198.51.100.7:5001"
"$LW_BIN/tools/lw4o6-aftr" -t -c "$LW_DIR/aftr.conf" 2>"$LW_DIR/test.log" && fail "-t takes a bad file"
grep -q "aftr.conf:8:" "$LW_DIR/test.log" || fail "-t names no line"

# Drops are logged on demand (D-346), and too many of one kind raise an alarm once (D-347).
kill -USR2 "$(pid_of aftr)"
wait_for 5 grep -q "trace: drops are logged" "$LW_DIR/aftr.log" || fail "no trace"
expect none $A "$S:54300>198.51.100.7:5001"
wait_for 5 grep -q "drop: drop-v6-spoofed-packets 6" "$LW_DIR/aftr.log" || fail "the drop is not in the trace"
ns inet python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(600): s.sendto(b"x", ("192.0.2.18", 9)); time.sleep(0.005)' # 3 s without a gap
sleep 1
kill -USR2 "$(pid_of aftr)"
[ "$(grep -c "warning: alarm: no-binding" "$LW_DIR/aftr.log")" = 1 ] || fail "no alarm, or more than one"
wait_for 5 grep -q "info: alarm: no-binding: over" "$LW_DIR/aftr.log" || fail "the alarm does not end"
[ "$(grep -c "debug: drop: " "$LW_DIR/aftr.log")" -le 60 ] || fail "the trace has no limit"

lines=$(wc -l <"$LW_DIR/aftr.log")
for _ in 1 2 3 4 5; do
	expect "udp 63 *" $A "$S:53250>198.51.100.7:5001"
done
[ "$(wc -l <"$LW_DIR/aftr.log")" = "$lines" ] || fail "traffic makes log lines"
stop aftr
nsip aftr route show 192.0.2.0/24 | grep -q . && fail "a route stays"
echo "aftr: ok"
