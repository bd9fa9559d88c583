#!/bin/sh
# The library does no I/O, has no clock and no randomness: the shared object imports only what stands here.
set -u

allowed='
_talloc_free _talloc_realloc _talloc_zero talloc_total_size
__memcpy_chk __memmove_chk __memset_chk __snprintf_chk __stack_chk_fail __vsnprintf_chk
bcmp in6addr_any inet_ntop inet_pton memchr memcmp memcpy memmove memset qsort snprintf
strcasecmp strchr strcmp strcspn strlen strncasecmp strncmp strnlen strspn strtoul vsnprintf
_GLOBAL_OFFSET_TABLE_
'

so=$(ls "${builddir:-.}"/.libs/liblw4o6.so 2>/dev/null) || { echo "no shared library was built"; exit 77; }
imports=$(nm -D --undefined-only "$so" | awk '$(NF - 1) == "U" { sub(/@.*/, "", $NF); print $NF }' |
	grep -Ev '^__(asan|ubsan|tsan|lsan|msan|sanitizer|sancov|gcov|start___sancov|stop___sancov)_') || exit 99
bad=0
n=0
for name in $imports; do
	n=$((n + 1))
	case $allowed in
	*[[:space:]]"$name"[[:space:]]*) ;;
	*) echo "the library imports $name"; bad=1 ;;
	esac
done
[ "$n" -gt 3 ] || { echo "only $n imports seen: is this the library?"; exit 1; }
exit $bad
