#!/bin/sh
# Each directory of tests/pcap is a case: conf and in4.pcap, in6.pcap go through lw4o6-aftr --replay,
# out4.pcap, out6.pcap and the counters that are not zero must come out. Gauges that hang on the
# machine are left out.
src=${srcdir:-.}/tests/pcap
tool=${AFTR:-tools/lw4o6-aftr}
[ -x "$tool" ] || { echo "no $tool"; exit 77; }
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
bad=0
for dir in "$src"/*/; do
	name=$(basename "$dir")
	in4=- in6=-
	[ -f "$dir/in4.pcap" ] && in4=$dir/in4.pcap
	[ -f "$dir/in6.pcap" ] && in6=$dir/in6.pcap
	if ! "$tool" -c "$dir/conf" --seed 1 --replay "$in4" "$in6" "$tmp/out4" "$tmp/out6" >"$tmp/all" 2>"$tmp/err"; then
		echo "FAIL $name: $(cat "$tmp/err")"
		bad=1
		continue
	fi
	grep -v -e ' 0$' -e '^frag[46]-memory' -e '^active-softwire' -e '^binding-' -e '^discontinuity-time' "$tmp/all" >"$tmp/counters"
	what=
	lines=$(grep -c '^softwire ' "$dir/conf")
	grep -qx "binding-added $lines" "$tmp/all" || what="$what binding-added"
	grep -q '^binding-probe-max ' "$tmp/all" && grep -q '^discontinuity-time ' "$tmp/all" || what="$what gauges"
	cmp -s "$tmp/out4" "$dir/out4.pcap" || what="$what out4.pcap"
	cmp -s "$tmp/out6" "$dir/out6.pcap" || what="$what out6.pcap"
	diff "$dir/counters" "$tmp/counters" >"$tmp/diff" 2>&1 || what="$what counters"
	if [ -n "$what" ]; then
		echo "FAIL $name:$what"
		cat "$tmp/diff"
		bad=1
	else
		echo "ok   $name"
	fi
done

# D-023, D-036, D-080: what a softwire line may not have in common with the concentrator; what is allowed.
base='aftr-address 2001:db8:ffff::1
icmp4-source-internet 203.0.113.1
'
load()
{
	printf '%s%s\n' "$base" "$1" >"$tmp/conf"
	"$tool" -c "$tmp/conf" --replay - - - - >"$tmp/all" 2>"$tmp/err"
}
refuse()
{
	if load "$1" || ! grep -q "conf:3: .*$2" "$tmp/err"; then
		echo "FAIL '$1' not refused: $(cat "$tmp/err")"
		bad=1
	fi
}
accept()
{
	load "$1" || { echo "FAIL '$1': $(cat "$tmp/err")"; bad=1; }
}
refuse 'softwire 203.0.113.1 b4 2001:db8::4' icmp4-source-internet
refuse 'softwire 192.0.0.1 b4 2001:db8::4' icmp4-source-tunnel
refuse 'softwire 192.0.2.1 b4 2001:db8:ffff::1' 'b4 is'
refuse 'softwire 192.0.2.1 b4 2001:db8::4 br 2001:db8:ffff::2' 'br is'
refuse 'frag4-per-datagram 1025' ''
refuse 'frag6-per-datagram 4097' ''
accept 'softwire 192.0.2.1 b4 2001:db8::4 br 2001:db8:ffff::1'
accept 'frag4-memory 1'
accept 'frag6-memory 1'
accept 'frag4-per-datagram 1024'
accept 'frag6-per-datagram 4096'
accept 'access-prefixes any'
exit $bad
