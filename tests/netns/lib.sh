# The network that the demo and the namespace tests run on. Source it; it needs root.
#
#   home1 -- b4-1 --+
#                   +-- isp (IPv6 only) -- aftr + server -- router -- inet
#   home2 -- b4-2 --+
#
# Every namespace carries the process id of the script in its name, so that scripts do not
# meet, and lw_cleanup removes all of them with every process that was started in them.

LW_TAG=lw$$
LW_DIR=$(mktemp -d "${TMPDIR:-/tmp}/lw4o6.XXXXXX")
LW_PIDS=
LW_NAMESPACES="home1 home2 b4-1 b4-2 isp aftr router inet"

# ip(8)'s own way into a namespace wants to change mounts, which a chroot does not allow.
ns() { # ns NAME COMMAND...: run in a namespace
	local name=$1
	shift
	nsenter --net="/run/netns/$LW_TAG-$name" "$@"
}
nsip() { # nsip NAME ARGUMENT...: ip(8) in a namespace
	local name=$1
	shift
	ns "$name" ip "$@"
}

# Start a daemon in a namespace; its process id is then in $LW_LAST, its output in $LW_DIR/ID.log.
start() { # start ID NAMESPACE COMMAND...
	local id=$1 name=$2
	shift 2
	nsenter --net="/run/netns/$LW_TAG-$name" "$@" >>"$LW_DIR/$id.log" 2>&1 &
	LW_LAST=$!
	LW_PIDS="$LW_PIDS $LW_LAST"
	echo "$LW_LAST" >"$LW_DIR/$id.pid"
}

pid_of() { cat "$LW_DIR/$1.pid"; }

# Ask a daemon to stop and wait until it has.
stop() { # stop ID [SIGNAL]
	local pid
	pid=$(pid_of "$1")
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	LW_PIDS=$(printf '%s\n' $LW_PIDS | grep -vx "$pid" | tr '\n' ' ') # the number may be another's soon
}

# Repeat a command every tenth of a second until it succeeds.
wait_for() { # wait_for SECONDS COMMAND...
	local tries=$(($1 * 10))
	shift
	while [ "$tries" -gt 0 ]; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
		tries=$((tries - 1))
	done
	return 1
}

lw_cleanup() {
	local pid n
	for pid in $LW_PIDS; do
		kill "$pid" 2>/dev/null
	done
	for pid in $LW_PIDS; do
		wait "$pid" 2>/dev/null
	done
	for n in $LW_NAMESPACES; do
		for pid in $(ip netns pids "$LW_TAG-$n" 2>/dev/null); do
			kill -9 "$pid" 2>/dev/null
		done
		ip netns del "$LW_TAG-$n" 2>/dev/null
	done
	[ -n "${LW_KEEP:-}" ] || rm -rf "$LW_DIR"
	true
}

link() { # link NS1 IF1 NS2 IF2: a cable
	nsip "$1" link add "$2" type veth peer name "$4" netns "$LW_TAG-$3"
	nsip "$1" link set "$2" up
	nsip "$3" link set "$4" up
}

addr() { # addr NS IF ADDR...
	local name=$1 dev=$2 a
	shift 2
	for a in "$@"; do
		case $a in
		*:*) nsip "$name" addr add "$a" dev "$dev" nodad ;;
		*) nsip "$name" addr add "$a" dev "$dev" ;;
		esac
	done
}

lw_topology() {
	local n i
	for n in $LW_NAMESPACES; do
		ip netns add "$LW_TAG-$n" || return 1
		nsip "$n" link set lo up
	done

	# The access network: one bridge, no IPv4 on it.
	nsip isp link add br0 type bridge mcast_snooping 0
	nsip isp link set br0 up
	ns isp sysctl -qw net.ipv6.conf.br0.disable_ipv6=1
	for n in b4-1 b4-2 aftr; do
		link "$n" access isp "to-$n"
		nsip isp link set "to-$n" master br0
	done
	addr aftr access 2001:db8:12:3400::1/64
	addr b4-1 access 2001:db8:12:3400::b1/64
	addr b4-2 access 2001:db8:12:3400::b2/64
	for n in b4-1 b4-2; do
		nsip "$n" -6 route add default via 2001:db8:12:3400::1
	done

	# The homes: the same private addresses in both.
	for i in 1 2; do
		link "home$i" lan "b4-$i" lan
		addr "home$i" lan 192.168.1.10/24
		addr "b4-$i" lan 192.168.1.1/24
		nsip home$i route add default via 192.168.1.1
	done

	# The IPv4 Internet.
	link aftr core router core
	addr aftr core 203.0.113.1/24
	addr router core 203.0.113.9/24
	link router net inet net
	addr router net 198.51.100.1/24
	addr inet net 198.51.100.7/24
	nsip aftr route add default via 203.0.113.9
	nsip router route add 192.0.2.0/24 via 203.0.113.1
	nsip inet route add default via 198.51.100.1

	for n in aftr router b4-1 b4-2; do
		ns "$n" sysctl -qw net.ipv4.ip_forward=1
	done
	ns aftr sysctl -qw net.ipv6.conf.all.forwarding=1
}

# ---- the programs ----

LW_BIN=${LW4O6_BIN:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build/plain}

lw_settings() {
	local i
	mkdir -p "$LW_DIR/state" "$LW_DIR/run"
	cat >"$LW_DIR/server.conf" <<-EOF
		interface access
		server-id 198.51.100.1
		state-dir $LW_DIR/state
		table $LW_DIR/run/bindings
		table-size 1024
		4o6-servers multicast
		br 2001:db8:ffff::1
		pool homes shared 192.0.2.18 psid-len 6 offset 0 hint 2001:db8:12:3400::/64
		lease-min 60
		lease-default 60
	EOF
	cat >"$LW_DIR/aftr.conf" <<-EOF
		aftr-address 2001:db8:ffff::1
		icmp4-source-internet 203.0.113.1
		table $LW_DIR/run/bindings
		tun lw0
		ipv4-route 192.0.2.0/24
	EOF
	for i in 1 2; do
		mkdir -p "$LW_DIR/b4-$i"
		cat >"$LW_DIR/b4-$i.conf" <<-EOF
			interface access
			lan-prefix 192.168.1.0/24
			tun lw0
			state-dir $LW_DIR/b4-$i
			run-dir $LW_DIR/b4-$i
			dhcpv4-start-delay 0
			release-on-exit on
		EOF
	done
}

start_server() { start server aftr "$LW_BIN/tools/lw4o6-server" -f -c "$LW_DIR/server.conf"; }
start_aftr() { start aftr aftr "$LW_BIN/tools/lw4o6-aftr" -f -c "$LW_DIR/aftr.conf"; }
start_b4() { start "b4-$1" "b4-$1" "$LW_BIN/tools/lw4o6-b4" -f -c "$LW_DIR/b4-$1.conf"; }

# What a B4 obtained, from the record it keeps: record 1 ipv4
record() {
	python3 -c 'import json,sys; v=json.load(open(sys.argv[1]))[sys.argv[2]]; print(*v if isinstance(v,list) else [v])' \
		"$LW_DIR/b4-$1/record.json" "$2" 2>/dev/null
}
bound() { [ "$(record "$1" valid)" = True ]; }

# A counter of the AFTR, from the list it writes to its log at SIGUSR1.
counter() {
	local before
	before=$(wc -l <"$LW_DIR/aftr.log")
	kill -USR1 "$(pid_of aftr)"
	wait_for 2 sh -c "tail -n +$((before + 1)) '$LW_DIR/aftr.log' | grep -qE '(^|[ :])$1 [0-9]+'" || return 1
	tail -n "+$((before + 1))" "$LW_DIR/aftr.log" | grep -oE "(^|[ :])$1 [0-9]+" | tail -1 | grep -oE '[0-9]+$'
}
