#!/bin/bash
# Every program is killed in turn, in any order, while the others run: state stays right and traffic
# comes back without a hand on it.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
# shellcheck source=tests/netns/lib.sh
. "$top/tests/netns/lib.sh"
trap lw_cleanup EXIT
fail() { echo "restart: $*"; tail -n 15 "$LW_DIR"/*.log; exit 1; }

reach() { ns "home$1" ping -c1 -W1 198.51.100.7; }
leases() { "$LW_BIN/tools/lw4o6-server" -c "$LW_DIR/server.conf" --leases --csv | cut -d, -f1-6 | sort; }
same_leases() {
	local now
	now=$(leases)
	[ "$now" = "$before" ] || fail "the leases changed $*: $before, now $now"
}
own() { nsip "b4-$1" -6 addr show dev access | grep -c 'c000:212'; }

lw_topology && lw_settings || fail "no network namespaces"
# The AFTR is there before the server has made a table: it waits for it.
start_aftr
sleep 0.5
start_server
start_b4 1
start_b4 2
wait_for 30 bound 1 && wait_for 30 bound 2 || fail "no leases"
wait_for 5 reach 1 && wait_for 5 reach 2 || fail "no traffic at first"
before=$(leases)
mine="$(record 1 ipv4) $(record 1 psid)"

stop aftr KILL
start_aftr
wait_for 5 reach 1 && wait_for 5 reach 2 || fail "no traffic after the AFTR was killed"

stop server KILL
stop aftr KILL
start_server
start_aftr
wait_for 5 reach 1 && wait_for 5 reach 2 || fail "no traffic after server and AFTR were killed"
same_leases "after server and AFTR were killed"

stop b4-1 KILL
start_b4 1
sleep 0.5
wait_for 30 bound 1 && wait_for 10 reach 1 || fail "no traffic after the B4 was killed"
[ "$(record 1 ipv4) $(record 1 psid)" = "$mine" ] || fail "another lease after the B4 was killed"
[ "$(own 1)" = 1 ] || fail "$(own 1) softwire addresses after the B4 was killed"

# The run-time directory is gone, as after a reboot: the table is made again from the journal.
stop server KILL
rm -rf "$LW_DIR/run"
mkdir "$LW_DIR/run"
start_server
wait_for 5 reach 1 && wait_for 5 reach 2 || fail "no traffic after the table was lost"
same_leases "after the table was lost"

# Each change of a binding is in the log, with what it takes to trace a subscriber (D-341).
grep -qE "binding: added at [0-9T:.-]+Z b4 $(record 1 source) ipv4 192.0.2.18 offset 0 psid-len 6 psid $(record 1 psid) ports $(record 1 port_first)-$(record 1 port_last) lifetime [0-9]+ version [0-9]+ reason leased" "$LW_DIR/server.log" || fail "the lease is not in the log"

stop b4-1
stop b4-2
[ "$(own 1)$(own 2)" = 00 ] || fail "softwire addresses are left"
wait_for 5 sh -c "! '$LW_BIN/tools/lw4o6-server' -c '$LW_DIR/server.conf' --leases | grep -q ' active '" || fail "leases are left"
[ "$(grep -c 'binding: deleted .* reason released' "$LW_DIR/server.log")" = 2 ] || fail "the releases are not in the log"
echo "restart: all came back"
