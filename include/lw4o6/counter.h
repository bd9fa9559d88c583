/* The counters of the data paths: one list for the enum, the names and the manual (data-plane section 5). */
#ifndef LW4O6_COUNTER_H
#define LW4O6_COUNTER_H

#include <lw4o6/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** X(enumerator, name of the packet count, name of the octet count or NULL, help) */
#define LW4O6_COUNTER_LIST(X) \
	X(RCVD_IPV4, "rcvd-ipv4-packets", "rcvd-ipv4-bytes", "IPv4 packets that arrived on the IPv4 side") \
	X(SENT_IPV4, "sent-ipv4-packets", "sent-ipv4-bytes", "decapsulated packets emitted on the IPv4 side, their fragments included") \
	X(RCVD_IPV6, "rcvd-ipv6-packets", "rcvd-ipv6-bytes", "tunnel packets and fragments addressed to the softwire address") \
	X(SENT_IPV6, "sent-ipv6-packets", "sent-ipv6-bytes", "encapsulated packets emitted, fragments counted one by one") \
	X(DROPPED_IPV4, "dropped-ipv4-packets", "dropped-ipv4-bytes", "all drops of packets from the IPv4 side") \
	X(DROPPED_IPV6, "dropped-ipv6-packets", "dropped-ipv6-bytes", "all drops of packets from the tunnel side") \
	X(DROPPED_IPV4_FRAGMENT, "dropped-ipv4-fragments", "dropped-ipv4-fragment-bytes", "all IPv4 fragment drops") \
	X(IPV6_FRAGMENTS_REASSEMBLED, "ipv6-fragments-reassembled", "ipv6-fragments-bytes-reassembled", "fragments that became part of a completed packet") \
	X(OUT_ICMPV4_ERROR, "out-icmpv4-error-packets", "out-icmpv4-error-bytes", "ICMPv4 errors generated, relayed tunnel errors included") \
	X(OUT_ICMPV6_ERROR, "out-icmpv6-error-packets", "out-icmpv6-error-bytes", "ICMPv6 errors generated") \
	X(DROPPED_ICMPV4, "dropped-icmpv4-packets", "dropped-icmpv4-bytes", "inbound ICMPv4 refused by policy or rate") \
	X(HAIRPIN_IPV4, "hairpin-ipv4-packets", "hairpin-ipv4-bytes", "inner packets encapsulated again towards another softwire") \
	X(DROP_V6_NOT_IPV6, "drop-v6-not-ipv6-packets", "drop-v6-not-ipv6-bytes", "version is not 6") \
	X(DROP_V6_TRUNCATED, "drop-v6-truncated-packets", "drop-v6-truncated-bytes", "IPv6 length checks failed, jumbogram") \
	X(DROP_V6_NOT_LOCAL, "drop-v6-not-local-packets", "drop-v6-not-local-bytes", "destination is not a softwire address") \
	X(DROP_V6_BAD_SOURCE, "drop-v6-bad-source-packets", "drop-v6-bad-source-bytes", "outer source class invalid, or one of ours") \
	X(DROP_V6_SOURCE_ACL, "drop-v6-source-acl-packets", "drop-v6-source-acl-bytes", "outer source outside the access prefixes") \
	X(DROP_V6_EXT_HEADER, "drop-v6-ext-header-packets", "drop-v6-ext-header-bytes", "too many or malformed extension headers, or an option demands the drop") \
	X(DROP_V6_UNKNOWN_NEXT_HEADER, "drop-v6-unknown-next-header-packets", "drop-v6-unknown-next-header-bytes", "next header neither 4 nor 58") \
	X(DROP_V6_INNER_MALFORMED, "drop-v6-inner-malformed-packets", "drop-v6-inner-malformed-bytes", "inner IPv4 header checks") \
	X(DROP_V6_INNER_CHECKSUM, "drop-v6-inner-checksum-packets", "drop-v6-inner-checksum-bytes", "inner IPv4 header checksum") \
	X(DROP_V6_INNER_MARTIAN, "drop-v6-inner-martian-packets", "drop-v6-inner-martian-bytes", "inner source or destination class") \
	X(DROP_V6_ADDRESS_UNBOUND, "drop-v6-address-unbound-packets", "drop-v6-address-unbound-bytes", "inner source address not managed") \
	X(DROP_V6_PORT_UNBOUND, "drop-v6-port-unbound-packets", "drop-v6-port-unbound-bytes", "address managed, no entry owns the port") \
	X(DROP_V6_SPOOFED, "drop-v6-spoofed-packets", "drop-v6-spoofed-bytes", "entry exists, another B4 sent the packet") \
	X(DROP_V6_BR_MISMATCH, "drop-v6-br-mismatch-packets", "drop-v6-br-mismatch-bytes", "sent to another AFTR address than the entry's") \
	X(DROP_V6_NO_PORT_PROTOCOL, "drop-v6-no-port-protocol-packets", "drop-v6-no-port-protocol-bytes", "protocol without ports on a shared address") \
	X(DROP_V6_ICMP_UNCLASSIFIABLE, "drop-v6-icmp-unclassifiable-packets", "drop-v6-icmp-unclassifiable-bytes", "ICMP without usable identifier or quote") \
	X(DROP_V6_TTL, "drop-v6-ttl-packets", "drop-v6-ttl-bytes", "TTL expired on the way out") \
	X(DROP_V6_ECN, "drop-v6-ecn-packets", "drop-v6-ecn-bytes", "Not-ECT inside, CE outside") \
	X(DROP_V6_MTU_DF, "drop-v6-mtu-df-packets", "drop-v6-mtu-df-bytes", "too big for the IPv4 side, DF set") \
	X(DROP_V6_LOCAL, "drop-v6-local-packets", "drop-v6-local-bytes", "to one of our IPv4 addresses, not answered") \
	X(DROP_HAIRPIN_UNBOUND, "drop-hairpin-unbound-packets", "drop-hairpin-unbound-bytes", "hairpin destination has no entry for the port") \
	X(DROP_HAIRPIN_POLICY, "drop-hairpin-policy-packets", "drop-hairpin-policy-bytes", "hairpinning is off") \
	X(DROP_V4_NOT_IPV4, "drop-v4-not-ipv4-packets", "drop-v4-not-ipv4-bytes", "version is not 4") \
	X(DROP_V4_TRUNCATED, "drop-v4-truncated-packets", "drop-v4-truncated-bytes", "fewer octets than the lengths say") \
	X(DROP_V4_HEADER_MALFORMED, "drop-v4-header-malformed-packets", "drop-v4-header-malformed-bytes", "IHL or total length impossible") \
	X(DROP_V4_HEADER_CHECKSUM, "drop-v4-header-checksum-packets", "drop-v4-header-checksum-bytes", "IPv4 header checksum") \
	X(DROP_V4_MARTIAN_SOURCE, "drop-v4-martian-source-packets", "drop-v4-martian-source-bytes", "source address class") \
	X(DROP_V4_MARTIAN_DEST, "drop-v4-martian-dest-packets", "drop-v4-martian-dest-bytes", "destination address class") \
	X(DROP_V4_SPOOFED_SOURCE, "drop-v4-spoofed-source-packets", "drop-v4-spoofed-source-bytes", "a managed address as source from outside") \
	X(DROP_V4_ADDRESS_UNBOUND, "drop-v4-address-unbound-packets", "drop-v4-address-unbound-bytes", "destination address not managed") \
	X(DROP_V4_PORT_UNBOUND, "drop-v4-port-unbound-packets", "drop-v4-port-unbound-bytes", "address managed, no entry for the port") \
	X(DROP_V4_NO_PORT_PROTOCOL, "drop-v4-no-port-protocol-packets", "drop-v4-no-port-protocol-bytes", "protocol without ports on a shared address") \
	X(DROP_V4_TTL, "drop-v4-ttl-packets", "drop-v4-ttl-bytes", "TTL expired") \
	X(DROP_V4_MTU_DF, "drop-v4-mtu-df-packets", "drop-v4-mtu-df-bytes", "too big for the tunnel, DF set") \
	X(DROP_V4_SOURCE_ROUTE, "drop-v4-source-route-packets", "drop-v4-source-route-bytes", "source routed, and the knob says drop") \
	X(DROP_V4_LOCAL, "drop-v4-local-packets", "drop-v4-local-bytes", "to one of our IPv4 addresses, not answered") \
	X(DROP_ICMP4_POLICY, "drop-icmp4-policy-packets", "drop-icmp4-policy-bytes", "inbound ICMP is off") \
	X(DROP_ICMP4_RATE, "drop-icmp4-rate-packets", "drop-icmp4-rate-bytes", "inbound error rate exceeded") \
	X(DROP_ICMP4_CHECKSUM, "drop-icmp4-checksum-packets", "drop-icmp4-checksum-bytes", "ICMP checksum") \
	X(DROP_ICMP4_TRUNCATED, "drop-icmp4-truncated-packets", "drop-icmp4-truncated-bytes", "quote too short") \
	X(DROP_ICMP4_EMBEDDED_BAD, "drop-icmp4-embedded-bad-packets", "drop-icmp4-embedded-bad-bytes", "quoted packet malformed or without a port") \
	X(DROP_ICMP4_EMBEDDED_MISMATCH, "drop-icmp4-embedded-mismatch-packets", "drop-icmp4-embedded-mismatch-bytes", "quoted source is not the destination of the error") \
	X(DROP_ICMP4_TYPE, "drop-icmp4-type-packets", "drop-icmp4-type-bytes", "type is not forwarded") \
	X(DROP_ICMP4_UNBOUND, "drop-icmp4-unbound-packets", "drop-icmp4-unbound-bytes", "no entry for identifier or quoted port") \
	X(DROP_ICMP6_POLICY, "drop-icmp6-policy-packets", "drop-icmp6-policy-bytes", "ICMPv6 errors are ignored by policy") \
	X(DROP_ICMP6_CHECKSUM, "drop-icmp6-checksum-packets", "drop-icmp6-checksum-bytes", "ICMPv6 checksum") \
	X(DROP_ICMP6_TRUNCATED, "drop-icmp6-truncated-packets", "drop-icmp6-truncated-bytes", "ICMPv6 too short") \
	X(DROP_ICMP6_TYPE, "drop-icmp6-type-packets", "drop-icmp6-type-bytes", "type or code not used") \
	X(DROP_ICMP6_EMBEDDED_MISMATCH, "drop-icmp6-embedded-mismatch-packets", "drop-icmp6-embedded-mismatch-bytes", "quote is not a tunnel packet of ours") \
	X(DROP_ICMP6_PTB_SMALL, "drop-icmp6-ptb-small-packets", "drop-icmp6-ptb-small-bytes", "packet too big with MTU below 1280") \
	X(DROP_ICMP6_RATE, "drop-icmp6-rate-packets", "drop-icmp6-rate-bytes", "input rate exceeded") \
	X(DROP_ICMP6_NOT_AFTR, "drop-icmp6-not-aftr-packets", "drop-icmp6-not-aftr-bytes", "1/5 from another address than the AFTR's") \
	X(ICMP4_SUPPRESSED_POLICY, "icmp4-suppressed-policy", NULL, "ICMPv4 errors switched off") \
	X(ICMP6_SUPPRESSED_POLICY, "icmp6-suppressed-policy", NULL, "ICMPv6 errors switched off") \
	X(ICMP4_SUPPRESSED_RATE, "icmp4-suppressed-rate", NULL, "ICMPv4 errors over the rate") \
	X(ICMP6_SUPPRESSED_RATE, "icmp6-suppressed-rate", NULL, "ICMPv6 errors over the rate") \
	X(ICMP4_SUPPRESSED_FORBIDDEN, "icmp4-suppressed-forbidden", NULL, "ICMPv4 errors that RFC 1812 forbids") \
	X(ICMP6_SUPPRESSED_FORBIDDEN, "icmp6-suppressed-forbidden", NULL, "ICMPv6 errors that RFC 4443 forbids") \
	X(ICMP4_OUT_3_1, "icmp4-out-3-1", NULL, "host unreachable sent") \
	X(ICMP4_OUT_3_3, "icmp4-out-3-3", NULL, "port unreachable sent") \
	X(ICMP4_OUT_3_4, "icmp4-out-3-4", NULL, "fragmentation needed sent") \
	X(ICMP4_OUT_3_13, "icmp4-out-3-13", NULL, "administratively prohibited sent") \
	X(ICMP4_OUT_11_0, "icmp4-out-11-0", NULL, "time exceeded sent") \
	X(ICMP4_OUT_11_1, "icmp4-out-11-1", NULL, "reassembly time exceeded sent") \
	X(ICMP6_OUT_1_5, "icmp6-out-1-5", NULL, "source address failed policy sent") \
	X(ICMP6_OUT_3_1, "icmp6-out-3-1", NULL, "reassembly time exceeded sent") \
	X(ICMP6_OUT_4_0, "icmp6-out-4-0", NULL, "erroneous header field sent") \
	X(ICMP6_OUT_4_1, "icmp6-out-4-1", NULL, "unrecognized next header sent") \
	X(ICMP6_OUT_4_2, "icmp6-out-4-2", NULL, "unrecognized option sent") \
	X(ICMP6_OUT_4_3, "icmp6-out-4-3", NULL, "incomplete header chain sent") \
	X(ICMP_RELAY_UNREACHABLE, "icmp-relay-unreachable", NULL, "tunnel errors relayed as unreachable") \
	X(ICMP_RELAY_TOO_BIG, "icmp-relay-too-big", NULL, "tunnel errors relayed as fragmentation needed") \
	X(ICMP_RELAY_UNUSABLE, "icmp-relay-unusable", NULL, "tunnel errors with nothing to relay") \
	X(FRAG6_IN, "frag6-in", NULL, "IPv6 fragments received") \
	X(FRAG6_ATOMIC, "frag6-atomic", NULL, "atomic IPv6 fragments received") \
	X(FRAG6_OUT_PACKETS, "frag6-out-packets", NULL, "packets sent as IPv6 fragments") \
	X(FRAG6_OUT_FRAGMENTS, "frag6-out-fragments", NULL, "IPv6 fragments sent") \
	X(DROP_FRAG6_OVERLAP, "drop-frag6-overlap-packets", "drop-frag6-overlap-bytes", "IPv6 fragments: overlapping") \
	X(DROP_FRAG6_TIMEOUT, "drop-frag6-timeout-packets", "drop-frag6-timeout-bytes", "IPv6 fragments: incomplete after 60 s") \
	X(DROP_FRAG6_BAD_LENGTH, "drop-frag6-bad-length-packets", "drop-frag6-bad-length-bytes", "IPv6 fragments: length or offset impossible") \
	X(DROP_FRAG6_TOO_BIG, "drop-frag6-too-big-packets", "drop-frag6-too-big-bytes", "IPv6 fragments: larger than the limit") \
	X(DROP_FRAG6_TOO_MANY, "drop-frag6-too-many-packets", "drop-frag6-too-many-bytes", "IPv6 fragments: too many pieces") \
	X(DROP_FRAG6_HEADER_CHAIN, "drop-frag6-header-chain-packets", "drop-frag6-header-chain-bytes", "IPv6 fragments: first fragment lacks the inner header") \
	X(DROP_FRAG6_QUOTA_SOURCE, "drop-frag6-quota-source-packets", "drop-frag6-quota-source-bytes", "IPv6 fragments: the source holds too much") \
	X(DROP_FRAG6_QUOTA_GLOBAL, "drop-frag6-quota-global-packets", "drop-frag6-quota-global-bytes", "IPv6 fragments: the table is full") \
	X(DROP_FRAG6_NO_BINDING, "drop-frag6-no-binding-packets", "drop-frag6-no-binding-bytes", "IPv6 fragments: source is no B4 of ours") \
	X(DROP_FRAG6_ECN, "drop-frag6-ecn-packets", "drop-frag6-ecn-bytes", "IPv6 fragments: forbidden ECN mix") \
	X(FRAG6_DUPLICATE, "frag6-duplicate", NULL, "exact duplicates ignored") \
	X(FRAG4_IN, "frag4-in", NULL, "IPv4 fragments received") \
	X(FRAG4_VIRTUAL_DONE, "frag4-virtual-done", NULL, "datagrams passed fragment by fragment") \
	X(FRAG4_FULL_DONE, "frag4-full-done", NULL, "datagrams reassembled") \
	X(FRAG4_OUT_PACKETS, "frag4-out-packets", NULL, "packets sent as IPv4 fragments") \
	X(FRAG4_OUT_FRAGMENTS, "frag4-out-fragments", NULL, "IPv4 fragments sent") \
	X(DROP_FRAG4_OVERLAP, "drop-frag4-overlap-packets", "drop-frag4-overlap-bytes", "IPv4 fragments: overlapping") \
	X(DROP_FRAG4_TIMEOUT, "drop-frag4-timeout-packets", "drop-frag4-timeout-bytes", "IPv4 fragments: incomplete in time") \
	X(DROP_FRAG4_BAD_LENGTH, "drop-frag4-bad-length-packets", "drop-frag4-bad-length-bytes", "IPv4 fragments: length or offset impossible") \
	X(DROP_FRAG4_TOO_BIG, "drop-frag4-too-big-packets", "drop-frag4-too-big-bytes", "IPv4 fragments: larger than the limit") \
	X(DROP_FRAG4_TOO_MANY, "drop-frag4-too-many-packets", "drop-frag4-too-many-bytes", "IPv4 fragments: too many pieces") \
	X(DROP_FRAG4_TINY, "drop-frag4-tiny-packets", "drop-frag4-tiny-bytes", "IPv4 fragments: first fragment too small for its ports") \
	X(DROP_FRAG4_QUOTA_SOURCE, "drop-frag4-quota-source-packets", "drop-frag4-quota-source-bytes", "IPv4 fragments: the source network holds too much") \
	X(DROP_FRAG4_QUOTA_SOFTWIRE, "drop-frag4-quota-softwire-packets", "drop-frag4-quota-softwire-bytes", "IPv4 fragments: the softwire holds too much") \
	X(DROP_FRAG4_QUOTA_GLOBAL, "drop-frag4-quota-global-packets", "drop-frag4-quota-global-bytes", "IPv4 fragments: the table is full") \
	X(DROP_FRAG4_UNBOUND, "drop-frag4-unbound-packets", "drop-frag4-unbound-bytes", "IPv4 fragments: first fragment was refused") \
	X(DROP_FRAG4_DISABLED, "drop-frag4-disabled-packets", "drop-frag4-disabled-bytes", "IPv4 fragments: fragments are forbidden") \
	X(DROP_FRAG4_ECN, "drop-frag4-ecn-packets", "drop-frag4-ecn-bytes", "IPv4 fragments: forbidden ECN mix") \
	X(FRAG4_DUPLICATE, "frag4-duplicate", NULL, "exact duplicates ignored") \
	X(ECN_ANOMALY_NOT_ECT_ECT0, "ecn-anomaly-not-ect-ect0", NULL, "inner not-ect, outer ect0") \
	X(ECN_ANOMALY_NOT_ECT_ECT1, "ecn-anomaly-not-ect-ect1", NULL, "inner not-ect, outer ect1") \
	X(ECN_ANOMALY_NOT_ECT_CE, "ecn-anomaly-not-ect-ce", NULL, "inner not-ect, outer ce") \
	X(ECN_ANOMALY_ECT1_ECT0, "ecn-anomaly-ect1-ect0", NULL, "inner ect1, outer ect0") \
	X(ECN_ANOMALY_CE_ECT1, "ecn-anomaly-ce-ect1", NULL, "inner ce, outer ect1") \
	X(MSS_CLAMPED, "mss-clamped", NULL, "MSS options lowered") \
	X(PMTU_DECREASED, "pmtu-decreased", NULL, "path MTU decreases") \
	X(B4_DROP_NOT_AFTR, "b4-drop-not-aftr-packets", "b4-drop-not-aftr-bytes", "tunnel packet from another source than the AFTR") \
	X(B4_DROP_DST_ADDRESS, "b4-drop-dst-address-packets", "b4-drop-dst-address-bytes", "inner destination is not our address") \
	X(B4_DROP_DST_PORT, "b4-drop-dst-port-packets", "b4-drop-dst-port-bytes", "inner destination port outside our set") \
	X(B4_DROP_LAN_SOURCE, "b4-drop-lan-source-packets", "b4-drop-lan-source-bytes", "LAN source not internal") \
	X(B4_DROP_LAN_DEST, "b4-drop-lan-dest-packets", "b4-drop-lan-dest-bytes", "LAN destination never enters the tunnel") \
	X(B4_DROP_TTL, "b4-drop-ttl-packets", "b4-drop-ttl-bytes", "TTL expired") \
	X(B4_DROP_MTU_DF, "b4-drop-mtu-df-packets", "b4-drop-mtu-df-bytes", "too big, DF set") \
	X(NAT_DROP_NO_CONFIG, "nat-drop-no-config-packets", "nat-drop-no-config-bytes", "no valid configuration record") \
	X(NAT_DROP_NO_MAPPING, "nat-drop-no-mapping-packets", "nat-drop-no-mapping-bytes", "no mapping for the port") \
	X(NAT_DROP_FILTERED, "nat-drop-filtered-packets", "nat-drop-filtered-bytes", "filter refused the remote") \
	X(NAT_DROP_PORT_EXHAUSTED, "nat-drop-port-exhausted-packets", "nat-drop-port-exhausted-bytes", "no free port") \
	X(NAT_DROP_SESSION_LIMIT, "nat-drop-session-limit-packets", "nat-drop-session-limit-bytes", "session table full") \
	X(NAT_DROP_HOST_LIMIT, "nat-drop-host-limit-packets", "nat-drop-host-limit-bytes", "LAN host over its limit") \
	X(NAT_DROP_RATE, "nat-drop-rate-packets", "nat-drop-rate-bytes", "LAN host over its rate") \
	X(NAT_DROP_TCP_NO_SYN, "nat-drop-tcp-no-syn-packets", "nat-drop-tcp-no-syn-bytes", "TCP without SYN and mapping") \
	X(NAT_DROP_UNSUPPORTED_PROTO, "nat-drop-unsupported-proto-packets", "nat-drop-unsupported-proto-bytes", "protocol without ports on a shared address") \
	X(NAT_DROP_ICMP_NO_SESSION, "nat-drop-icmp-no-session-packets", "nat-drop-icmp-no-session-bytes", "ICMP without a session") \
	X(NAT_INTERNAL_ERROR, "nat-internal-error-packets", "nat-internal-error-bytes", "a packet with a port outside the set was stopped") \
	X(NAT_MAPPING_CREATED, "nat-mapping-created", NULL, "mappings made") \
	X(NAT_MAPPING_EXPIRED, "nat-mapping-expired", NULL, "mappings ended") \
	X(NAT_SESSION_CREATED, "nat-session-created", NULL, "sessions made") \
	X(NAT_SESSION_EXPIRED, "nat-session-expired", NULL, "sessions ended") \
	X(NAT_FLUSHES, "nat-flushes", NULL, "times everything was dropped") \
	X(NAT_HAIRPIN, "nat-hairpin", NULL, "packets between two LAN hosts by the public address") \
	X(NAT_ID_REWRITTEN, "nat-id-rewritten", NULL, "IPv4 identifications replaced") \
	X(ICMP6_1_5_RECEIVED, "icmp6-1-5-received", NULL, "valid source address failed policy from the AFTR") \
	X(REPROVISION_REQUESTED, "reprovision-requested", NULL, "provisioning asked to start again") \
	X(CONFIG_CHANGES, "config-changes", NULL, "configuration records taken")

enum lw4o6_counter {
#define LW4O6_COUNTER_ENUM(id, packets, octets, help) LW4O6_CNT_##id,
	LW4O6_COUNTER_LIST(LW4O6_COUNTER_ENUM)
#undef LW4O6_COUNTER_ENUM
	LW4O6_CNT_COUNT
};

/** 64-bit, monotonic, zero at creation. Octets are layer 3 octets where the packet was counted. */
struct lw4o6_counters {
	uint64_t packets[LW4O6_CNT_COUNT];
	uint64_t octets[LW4O6_CNT_COUNT];
};

/** @return the name, for example "drop-v6-spoofed-packets". @p c < LW4O6_CNT_COUNT. Static storage. */
LW4O6_API const char *lw4o6_counter_name(enum lw4o6_counter c);
/** @return the name of the octet count, or NULL for a counter without one. */
LW4O6_API const char *lw4o6_counter_octets_name(enum lw4o6_counter c);
/** @return one line that says what is counted. */
LW4O6_API const char *lw4o6_counter_help(enum lw4o6_counter c);

#ifdef __cplusplus
}
#endif
#endif
