#!/bin/sh
# The example in the EXAMPLES of the installed liblw4o6.3 compiles against the installed library and runs.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$PAGE" | sed -n '/^\.Bd/,/^\.Ed/{/^\.[BE]d/d;s/\\e/\\/g;s/\\&//g;p;}' >"$tmp/example.c"
test -s "$tmp/example.c"
# Word splitting is meant.
# shellcheck disable=SC2046,SC2086
${CC:-cc} -std=gnu11 -Wall -Wextra -Werror ${CFLAGS:-} $(${PKG_CONFIG:-pkg-config} --cflags liblw4o6) "$tmp/example.c" \
	-o "$tmp/example" $(${PKG_CONFIG:-pkg-config} --libs liblw4o6 talloc)
"$tmp/example" >"$tmp/out"
cat "$tmp/out"
grep -q 'psid 52/8' "$tmp/out"
