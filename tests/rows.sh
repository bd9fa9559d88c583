#!/bin/sh
# Every test that tests/rows.txt names exists, every row it names is one of tests/spec/, and how many
# of the rows that say MUST have a test.
set -u
cd "${srcdir:-.}/tests" || exit 99
bad=0

# Rows that the file names, and which are not in the specification.
awk '
FILENAME != "rows.txt" {
	if (match($0, /^\| [CSBYD]-[0-9][0-9][0-9] \|/)) {
		n = split($0, f, "|")
		id = substr($0, 3, 5)
		known[id] = 1
		# A "|" inside of the text moves the column.
		for (i = 4; i <= n && f[i] !~ /^ *(MUST|SHOULD|MAY|-)/; i++)
			;
		if (f[i] ~ /MUST/)
			must[id] = 1
	}
	next
}
/^[ \t]*(#|$)/ { next }
{
	if ($1 !~ /^[CSBYD]-[0-9][0-9][0-9]$/ || NF < 2 || NF > 3) {
		print "rows.txt:" FNR ": not \"ROW program test\" or \"ROW file\": " $0
		bad = 1
		next
	}
	if (!($1 in known)) {
		print "rows.txt:" FNR ": no row " $1 " in tests/spec"
		bad = 1
	}
	tested[$1] = 1
}
END {
	n = split("C S B Y D", part, " ")
	line = "rows:"
	for (i = 1; i <= n; i++) {
		all = have = 0
		for (number = 0; number < 1000; number++) {
			id = sprintf("%s-%03d", part[i], number)
			if (!(id in must))
				continue
			all++
			if (id in tested)
				have++
			else
				missing[part[i]] = missing[part[i]] " " id
		}
		line = line " " part[i] " " have "/" all (i < n ? "," : " MUST")
		total += all
	}
	print line
	for (i = 1; i <= n; i++)
		if (missing[part[i]] != "")
			print "no test:" missing[part[i]]
	if (total < 100) {
		print "the specification could not be read"
		bad = 1
	}
	exit bad
}' spec/control-plane.md spec/data-plane.md rows.txt || bad=1

# What they name: a START_TEST of a program, a script, a replay case, or a fuzz target.
grep -Ev '^[[:space:]]*(#|$)' rows.txt | awk '{ print $2, $3 }' | sort -u | {
	missing=0
	while read -r program name; do
		case $program in
		check_*) grep -qsE "^START_TEST\($name\)" "$program.c" ;;
		fuzz_*) test -f "../fuzz/$program.c" ;;
		*) test -e "$program" ;;
		esac || { echo "rows.txt: there is no $program $name"; missing=1; }
	done
	exit $missing
} || bad=1
exit $bad
