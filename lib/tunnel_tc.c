#include "config.h"

#include "cursor.h"

#include <lw4o6/cksum.h>
#include <lw4o6/tunnel.h>

enum { NOT_ECT, ECT1, ECT0, CE };
enum { MSS_MIN = 536, TCP_HLEN = 20, TCP_SYN = 0x02, OPT_END = 0, OPT_NOP = 1, OPT_MSS = 2 };

uint8_t lw4o6_tc_encap(const struct lw4o6_tc_config *cfg, uint8_t inner_tos)
{
	unsigned dscp = cfg->dscp_set ? cfg->dscp & 0x3fu : inner_tos / 4u;

	return (uint8_t)(dscp << 2 | (cfg->ecn_compat ? 0u : inner_tos & 3u));
}

/* RFC 6040 section 4.2, figure 4: [inner][outer]; -1 is the drop. */
static const int8_t ecn_decap[4][4] = {
	[NOT_ECT] = { [NOT_ECT] = NOT_ECT, [ECT0] = NOT_ECT, [ECT1] = NOT_ECT, [CE] = -1 },
	[ECT0] = { [NOT_ECT] = ECT0, [ECT0] = ECT0, [ECT1] = ECT1, [CE] = CE },
	[ECT1] = { [NOT_ECT] = ECT1, [ECT0] = ECT1, [ECT1] = ECT1, [CE] = CE },
	[CE] = { [NOT_ECT] = CE, [ECT0] = CE, [ECT1] = CE, [CE] = CE },
};

static enum lw4o6_counter ecn_anomaly(unsigned inner, unsigned outer)
{
	switch (inner << 2 | outer) {
	case NOT_ECT << 2 | ECT0:
		return LW4O6_CNT_ECN_ANOMALY_NOT_ECT_ECT0;
	case NOT_ECT << 2 | ECT1:
		return LW4O6_CNT_ECN_ANOMALY_NOT_ECT_ECT1;
	case NOT_ECT << 2 | CE:
		return LW4O6_CNT_ECN_ANOMALY_NOT_ECT_CE;
	case ECT1 << 2 | ECT0:
		return LW4O6_CNT_ECN_ANOMALY_ECT1_ECT0;
	case CE << 2 | ECT1:
		return LW4O6_CNT_ECN_ANOMALY_CE_ECT1;
	default:
		return LW4O6_CNT_COUNT;
	}
}

int lw4o6_tc_decap(const struct lw4o6_tc_config *cfg, uint8_t inner_tos, uint8_t outer_tc,
                   enum lw4o6_counter *anomaly)
{
	unsigned inner = inner_tos & 3u, outer = outer_tc & 3u;
	int ecn = ecn_decap[inner][outer];

	*anomaly = ecn_anomaly(inner, outer);
	if (ecn < 0)
		return -1;

	unsigned dscp = (cfg->dscp_pipe ? inner_tos : outer_tc) / 4u;

	if (cfg->remap)
		dscp = cfg->remap[dscp] & 0x3fu;
	return (int)(dscp << 2) | ecn;
}

/* @return where the MSS value stands in the TCP header, or 0 (D-200). */
static size_t find_mss(const uint8_t *tcp, size_t hlen)
{
	for (size_t i = TCP_HLEN; i < hlen;) {
		if (tcp[i] == OPT_END)
			break;
		if (tcp[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= hlen || tcp[i + 1] < 2 || tcp[i + 1] > hlen - i)
			break;
		if (tcp[i] == OPT_MSS)
			return tcp[i + 1] == 4 ? i + 2 : 0;
		i += tcp[i + 1];
	}
	return 0;
}

bool lw4o6_mss_clamp(uint8_t *pkt, const struct lw4o6_ip4 *h, uint16_t mss)
{
	uint8_t *tcp = pkt + h->hlen;
	size_t have = (size_t)h->total - h->hlen;

	if (h->protocol != LW4O6_IPPROTO_TCP || h->frag_off != 0 || have < TCP_HLEN || !(tcp[13] & TCP_SYN))
		return false;

	size_t hlen = (tcp[12] >> 4) * 4u;

	if (hlen < TCP_HLEN || hlen > have)
		return false;

	size_t at = find_mss(tcp, hlen);
	uint16_t to = mss < MSS_MIN ? MSS_MIN : mss;

	if (at == 0 || get_be16(tcp + at) <= to)
		return false;

	uint16_t from = get_be16(tcp + at), check = get_be16(tcp + 16);

	put_be16(tcp + at, to);
	put_be16(tcp + 16, at % 2 ? lw4o6_cksum_update16_odd(check, from, to) : lw4o6_cksum_update16(check, from, to));
	return true;
}
