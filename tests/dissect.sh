#!/bin/sh
# dissect prints the vectors the same over every kind of link, and as vectors/dissect.txt has them;
# a capture cut short is said to be, and what is in it is still printed.
[ -x tests/dissect ] || exit 77
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail() { echo "$*" >&2; exit 1; }

for link in ether vlan raw sll; do
	tests/mkcapture $link "$dir/$link.pcap" || fail "mkcapture $link"
	tests/dissect "$dir/$link.pcap" >"$dir/$link.txt" || fail "dissect $link"
	diff -u "${srcdir:-.}/tests/vectors/dissect.txt" "$dir/$link.txt" || fail "$link: other lines than expected"
done

head -c 2000 "$dir/ether.pcap" >"$dir/cut.pcap"
tests/dissect "$dir/cut.pcap" >"$dir/cut.txt" 2>"$dir/cut.err" && fail "a cut capture is taken as whole"
[ -s "$dir/cut.err" ] || fail "no word about a cut capture"
head -n "$(wc -l <"$dir/cut.txt")" "$dir/ether.txt" | cmp - "$dir/cut.txt" || fail "a cut capture is read differently"
tests/dissect /dev/null 2>/dev/null && fail "an empty file is taken as a capture"
exit 0
