#!/bin/sh
# The manual pages pass mandoc's linter.
set -u
cd "${srcdir:-.}" || exit 99
command -v "${MANDOC:-mandoc}" >/dev/null || { echo "no mandoc"; exit 77; }
bad=0
n=0
for page in tools/*.[1-9]; do
	[ -e "$page" ] || continue
	n=$((n + 1))
	# Which other pages are installed is not the page's affair.
	complaints=$(${MANDOC:-mandoc} -Tlint "$page" 2>&1 | grep -Ev 'mandoc\.db|referenced manual not found')
	[ -z "$complaints" ] || { echo "$complaints"; bad=1; }
done
[ "$n" -gt 0 ] || { echo "no manual pages found"; exit 1; }
exit $bad
