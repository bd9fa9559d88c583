#!/bin/sh
# No file of the library includes a module of a higher layer than its own (lib/LAYERS).
set -u
cd "${srcdir:-.}" || exit 99

awk '
FNR == NR {
	if ($0 !~ /^#/ && NF == 2)
		layer[$2] = $1
	next
}
# "frag_hold" and "frag4" belong to the module "frag": the longest name that fits.
function module(name,    m) {
	sub(/^.*\//, "", name)
	sub(/\.[ch]$/, "", name)
	for (m = name; m != ""; ) {
		if (m in layer)
			return m
		if (m ~ /_/)
			sub(/_[^_]*$/, "", m)
		else if (!sub(/[0-9]+$/, "", m))
			break
	}
	return ""
}
FNR == 1 {
	own = module(FILENAME)
	if (own == "") {
		print FILENAME ": its module is not in lib/LAYERS"
		bad = 1
	}
	files++
}
/^[ \t]*#[ \t]*include[ \t]*("|<lw4o6\/)/ {
	name = $0
	sub(/^[^"<]*["<]/, "", name)
	sub(/[">].*$/, "", name)
	if (name == "config.h" || own == "")
		next
	other = module(name)
	if (other == "") {
		print FILENAME ":" FNR ": " name " belongs to no module of lib/LAYERS"
		bad = 1
	} else if (layer[other] + 0 > layer[own] + 0) {
		print FILENAME ":" FNR ": " own " (layer " layer[own] ") includes " other " (layer " layer[other] ")"
		bad = 1
	}
}
END {
	if (files < 10) {
		print "only " files + 0 " files looked at"
		bad = 1
	}
	exit bad
}' lib/LAYERS lib/*.c lib/*.h include/lw4o6/*.h
