#!/bin/sh
# Each public header compiles alone, as C11 and as C++17.
set -u
top=${srcdir:-.}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
bad=0
n=0
for h in "$top"/include/lw4o6/*.h; do
	name=lw4o6/${h##*/}
	n=$((n + 1))
	echo "#include <$name>" >"$tmp/t.c"
	cp "$tmp/t.c" "$tmp/t.cc"
	${CC:-cc} -std=c11 -D_DEFAULT_SOURCE -Wall -Wextra -Wpedantic -Werror -I"$top/include" ${TALLOC_CFLAGS:-} \
		-fsyntax-only "$tmp/t.c" || { echo "$name: not C11"; bad=1; }
	command -v "${CXX:-c++}" >/dev/null || continue
	${CXX:-c++} -std=c++17 -Wall -Wextra -Werror -I"$top/include" ${TALLOC_CFLAGS:-} \
		-fsyntax-only "$tmp/t.cc" || { echo "$name: not C++17"; bad=1; }
	case " ${PUBLIC_HEADERS:-include/$name} " in
	*" include/$name "*) ;;
	*) echo "$name is not installed"; bad=1 ;;
	esac
done
[ "$n" -gt 5 ] || { echo "only $n headers found"; bad=1; }
exit $bad
