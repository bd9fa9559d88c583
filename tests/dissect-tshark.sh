#!/bin/sh
# Message types, option codes and a few values of the vectors as tshark and dissect see them. tshark does
# not look into option 87, so the DHCPv4 messages stand in the capture a second time, over UDP.
[ -x tests/dissect ] && command -v tshark >/dev/null || exit 77
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
tests/mkcapture ether "$dir/x.pcap" && tests/dissect "$dir/x.pcap" >"$dir/x.txt" || exit 1

# frame, message types and option codes of DHCPv6; what stands below option 87 is left out
awk '
	function flush() { if (v6) print frame "\t" types "\t" codes }
	{ match($0, /^ */); depth = RLENGTH }
	$1 == "frame" { flush(); frame = $2; types = codes = ""; v6 = 0; below = 99; next }
	depth > below { next }
	$1 == "msg" && depth == 2 && $0 !~ /op=/ { v6 = 1 }
	$1 == "msg" { types = types (types == "" ? "" : ",") $2; below = 99 }
	$1 == "option" { codes = codes (codes == "" ? "" : ",") $2; below = $2 == 87 ? depth : 99 }
	END { flush() }
' "$dir/x.txt" >"$dir/ours6"
tshark -r "$dir/x.pcap" -Y dhcpv6 -T fields -e frame.number -e dhcpv6.msgtype -e dhcpv6.option.type \
	2>/dev/null >"$dir/theirs6" || exit 77

# frame, type, xid, addresses and option codes of DHCPv4 over UDP; tshark lists the end as 0
awk '
	function value(key, i) { for (i = 1; i <= NF; i++) if (index($i, key "=") == 1) return substr($i, length(key) + 2) }
	function flush() { if (v4) print frame "\t" type "\t" xid "\t" client "\t" yours "\t" codes }
	{ match($0, /^ */); depth = RLENGTH }
	$1 == "frame" { flush(); frame = $2; v4 = 0; codes = ""; next }
	$1 == "msg" && depth == 2 && /op=/ { v4++; type = $2; xid = value("xid"); client = value("ciaddr"); yours = value("yiaddr") }
	$1 == "option" && v4 { codes = codes (codes == "" ? "" : ",") $2 }
	END { flush() }
' "$dir/x.txt" | awk '$1 < 33' >"$dir/ours4"
tshark -r "$dir/x.pcap" -Y dhcp -T fields -e frame.number -e dhcp.option.dhcp -e dhcp.id -e dhcp.ip.client -e dhcp.ip.your \
	-e dhcp.option.type 2>/dev/null | sed 's/,0$//; s/,255$//' >"$dir/theirs4"

[ -s "$dir/ours6" ] && [ -s "$dir/ours4" ] || { echo "dissect printed nothing" >&2; exit 1; }
diff "$dir/ours6" "$dir/theirs6" && diff "$dir/ours4" "$dir/theirs4"
