#!/bin/bash
# What happens to a B4 in real life: killed, renumbered, its interface down and up, its address taken
# away, its server gone; and that it leaves nothing behind (B-003, B-015, B-035, B-066, B-067, B-069,
# B-076, B-080).
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
# shellcheck source=tests/netns/lib.sh
. "$top/tests/netns/lib.sh"
trap lw_cleanup EXIT
fail() { echo "b4: $*"; tail -15 "$LW_DIR"/b4-1.log; exit 1; }
ok() { echo "b4: $*"; }

lw_topology && lw_settings || fail "no network namespaces"
cat >"$LW_DIR/hook" <<E2
#!/bin/sh
echo "\$1 \$2 \$IPV4 \$PSID/\$PSIDLEN@\$OFFSET [\$PORTSETS] \$AFTR" >>"$LW_DIR/hooks"
E2
chmod +x "$LW_DIR/hook"
cat >>"$LW_DIR/b4-1.conf" <<E2
hook $LW_DIR/hook
E2
start_b4() { start "b4-$1" "b4-$1" "$LW_BIN/tools/lw4o6-b4" -d -s "$LW_DIR/ctl" -c "$LW_DIR/b4-$1.conf"; }
start_server
wait_for 5 test -s "$LW_DIR/run/bindings" || fail "no binding table"
start_aftr
start_b4 1
wait_for 20 bound 1 || fail "no lease"
ping_works() { ns home1 ping -c1 -W1 198.51.100.7; }
wait_for 5 ping_works || fail "no ping"
mine() { nsip b4-1 -6 -o addr show dev access | grep -c 'c000:212'; }
hooked() { grep -q "$1" "$LW_DIR/hooks"; }
[ "$(mine)" = 1 ] || fail "no softwire address"
wait_for 2 hooked "access bound 192.0.2.18 $(record 1 psid)/6@0 \[$(record 1 portsets)\] 2001:db8:ffff::1" ||
	fail "hook: $(cat "$LW_DIR/hooks")"
hooked "access native-stop" || fail "the hook was not told to stop native DHCPv4"
tuple="$(record 1 ipv4) $(record 1 psid)" duid=$(record 1 duid)
ok "bound, hook called"

ns b4-1 "$LW_BIN/tools/lw4o6-b4" -f -c "$LW_DIR/b4-1.conf" >"$LW_DIR/second.log" 2>&1 && fail "two at once"
ping_works >/dev/null || fail "the second instance did harm"
ok "a second instance is refused: $(tail -1 "$LW_DIR/second.log" | cut -d: -f5-)"

stop b4-1 KILL
[ "$(mine)" = 1 ] || fail "a killed process cannot have removed its address"
start_b4 1
unbound() { [ "$(record 1 valid)" = False ]; }
wait_for 5 unbound || fail "valid before anybody confirmed the lease"
wait_for 20 bound 1 || fail "no lease after SIGKILL"
[ "$(record 1 ipv4) $(record 1 psid)" = "$tuple" ] || fail "another tuple after SIGKILL"
[ "$(record 1 duid)" = "$duid" ] || fail "another DUID"
grep -q 'lease confirmed' "$LW_DIR/b4-1.log" || fail "no first REQUEST with the stored lease"
[ "$(mine)" = 1 ] || fail "$(mine) softwire addresses"
wait_for 5 ping_works || fail "no ping after SIGKILL"
ok "killed and started: the same lease, confirmed"

nsip b4-1 addr add 2001:db8:12:3400::bb/64 dev access nodad
nsip b4-1 addr del "$(record 1 source)/128" dev access
none_left() { [ "$(mine)" = 0 ]; }
wait_for 2 none_left
wait_for 10 ping_works || fail "the softwire address was not made again"
ok "address taken away: made again"

nsip b4-1 link set access down
wait_for 5 unbound || fail "valid without a link"
nsip b4-1 link set access up
addr b4-1 access 2001:db8:12:3400::b1/64
nsip b4-1 -6 route add default via 2001:db8:12:3400::1
wait_for 20 bound 1 || fail "no lease after the link came back"
[ "$(record 1 ipv4) $(record 1 psid)" = "$tuple" ] || fail "another tuple after a link change"
wait_for 5 ping_works || fail "no ping after a link change"
ok "link down and up: the same lease"

addr aftr access 2001:db8:12:3401::1/64
addr b4-1 access 2001:db8:12:3401::b1/64
nsip b4-1 addr del 2001:db8:12:3400::b1/64 dev access
nsip b4-1 -6 route replace default via 2001:db8:12:3401::1
renumbered() { record 1 source | grep -q '^2001:db8:12:3401:' && bound 1; }
wait_for 20 renumbered || fail "not renumbered: $(record 1 source)"
[ "$(record 1 ipv4) $(record 1 psid)" = "$tuple" ] || fail "another tuple after renumbering"
wait_for 5 ping_works || fail "no ping after renumbering"
[ "$(mine)" = 1 ] || fail "the old softwire address is still there"
ok "renumbered: $(record 1 source), the same lease"

ask() { # ask COMMAND: of the control socket
	ns b4-1 python3 - "$LW_DIR/ctl" "$1" <<'E2'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\n")
answer = b""
while not answer.endswith(b"\n\n"):
    answer += s.recv(65536)
print(answer.decode().strip())
E2
}
ask status | grep -q '"state": "BOUND"' || fail "control: status"
ask mappings | grep -q '"address": "192.168.1.10"' || fail "control: mappings"
ask counters | grep -q '"nat-mapping-created"' || fail "control: counters"
ask renew | grep -q ok || fail "control: renew"
ask 'inform 6' | grep -q ok || fail "control: inform"
ask nonsense | grep -q error || fail "control: nonsense"
before=$tuple
ask decline | grep -q ok || fail "control: decline"
wait_for 5 unbound || fail "valid after a decline"
wait_for 30 bound 1 || fail "no lease after a decline"
[ "$(record 1 ipv4) $(record 1 psid)" != "$before" ] || fail "the declined tuple again"
ok "control socket: status, mappings, counters, renew, inform, decline"

stop server
ping_works >/dev/null || fail "traffic needs the server"
before=$(grep -c . "$LW_DIR/server.log")
start_server
wait_for 5 sh -c "[ \$(grep -c . '$LW_DIR/server.log') -gt $before ]"
ok "traffic does not need the server"

stop b4-1
wait_for 5 sh -c "\"$LW_BIN\"/tools/lw4o6-server -c '$LW_DIR/server.conf' --leases | grep -q released" || fail "no RELEASE"
[ "$(mine)" = 0 ] || fail "left an address behind"
nsip b4-1 link show lw0 2>/dev/null && fail "left the device behind"
[ "$(record 1 valid)" = False ] || fail "the record still says valid"
hooked "access stopped" || fail "the hook was not told"
ok "stopped: released, nothing left behind"

default_dev() { nsip b4-1 -4 route show default | grep -q "dev $1"; }
nsip b4-1 -4 route add default via 192.168.1.10 dev lan
start_b4 1
wait_for 20 bound 1 || fail "no lease"
sleep 0.5
default_dev lan || fail "another program's default route was replaced"
nsip b4-1 -4 route del default
addr b4-1 access 2001:db8:12:3401::b5/64 # any change of the interface
wait_for 5 default_dev lw0 || fail "no default route after the other one was gone"
ok "another default route is left alone, and followed"

nsip b4-1 link del access
wait "$LW_LAST"
status=$?
[ $status = 2 ] || fail "exit status $status after the interface was deleted"
[ "$(record 1 valid)" = False ] || fail "the record still says valid"
ok "interface deleted: ends with status 2"
