#!/bin/sh
# What the public headers declare, lib/liblw4o6.map lists and the shared object exports is the same.
#
# To add a function: declare it with LW4O6_API in its header, define it, then
#	srcdir=. sh tests/abi-symbols.sh --write
# which writes the list in the map anew from the headers.
set -u
top=${srcdir:-.}
map=$top/lib/liblw4o6.map

# The declarations: comments out, one a line, then the name before "(", "[" or the end.
declared() {
	cat "$top"/include/lw4o6/*.h | sed 's|//.*||' | tr '\n\t' '  ' | sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/||g' |
		tr ';{}' '\n\n\n' | sed -n 's/^.*LW4O6_API//p' | sed -n 's/^[^(]*\<\(lw4o6_[a-z0-9_]*\)[^a-z0-9_(]*\((.*\)\{0,1\}$/\1/p' | sort -u
}
listed() {
	sed -n 's/^[ \t]*\(lw4o6_[a-z0-9_*]*\);.*$/\1/p' "$map" | sort
}

if [ "${1:-}" = --write ]; then
	new=$(awk -v names="$(declared)" '
		/^global:/ { print; n = split(names, name, "\n"); for (i = 1; i <= n; i++) print "\t" name[i] ";"; skip = 1; next }
		/^local:/ { skip = 0 }
		!skip { print }' "$map") && printf '%s\n' "$new" >"$map"
	exit
fi

tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
declared >"$tmp/declared"
listed >"$tmp/listed"
bad=0
[ "$(wc -l <"$tmp/declared")" -gt 20 ] || { echo "the headers could not be read"; bad=1; }
diff "$tmp/declared" "$tmp/listed" >"$tmp/diff" ||
	{ echo "headers (<) and lib/liblw4o6.map (>) differ; see the head of this script:"; cat "$tmp/diff"; bad=1; }
so=${builddir:-.}/.libs/liblw4o6.so
if [ -e "$so" ]; then
	nm -D --defined-only "$so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
		grep -Ev '^(__(asan|ubsan|tsan|start|stop|odr)|_(init|fini|edata|end)$)' | LC_ALL=C sort >"$tmp/exported"
	LC_ALL=C sort "$tmp/listed" | diff - "$tmp/exported" >"$tmp/diff" ||
		{ echo "lib/liblw4o6.map (<) and the exports of the library (>) differ:"; cat "$tmp/diff"; bad=1; }
fi
exit $bad
