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
	grep -v -e ' 0$' -e '^frag[46]-memory' -e '^active-softwire' -e '^binding-' "$tmp/all" >"$tmp/counters"
	what=
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
exit $bad
