/*
 * The client machine under a script: each step is an octet and its arguments. Replies may be raw, or
 * fit the last query, so that the input needs to find only what is odd about them.
 */
#include "fuzz.h"

#include <lw4o6/client.h>
#include <lw4o6/ip.h>
#include <lw4o6/v4o6.h>
#include <talloc.h>

enum { OWN_MAX = 16, STEPS_MAX = 400, TURNS_MAX = 64 };

struct input {
	const uint8_t *p, *end;
};

struct world {
	struct lw4o6_client *c;
	lw4o6_time now;
	uint64_t seed;
	struct lw4o6_client_addr addr[3];
	struct lw4o6_client_link link;
	struct in6_addr own[OWN_MAX]; /* what events asked for */
	unsigned n_own;
	uint32_t info_xid, v4_xid, inform_xid;
	uint8_t client_id[255];
	size_t client_id_len;
	uint64_t sent;
	lw4o6_time since;
	bool valid;
};

static uint8_t octet(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static size_t octets(struct input *in, const uint8_t **p, size_t want)
{
	size_t left = (size_t)(in->end - in->p), n = want < left ? want : left;

	*p = in->p;
	in->p += n;
	return n;
}

static void next_random(void *arg, void *dst, size_t len)
{
	struct world *w = arg;

	for (uint8_t *p = dst; len > 0; len--) {
		w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
		*p++ = (uint8_t)(w->seed >> 56);
	}
}

/* ---- what must hold ---- */

static unsigned find_own(const struct world *w, const struct in6_addr *a)
{
	unsigned i = 0;

	while (i < w->n_own && !lw4o6_ip6_equal(&w->own[i], a))
		i++;
	return i;
}

static bool on_link(const struct world *w, const struct in6_addr *a)
{
	for (size_t i = 0; i < w->link.n; i++)
		if (!w->addr[i].prefix_only && lw4o6_ip6_equal(&w->addr[i].addr, a))
			return true;
	return find_own(w, a) < w->n_own;
}

static void check_record(struct world *w, const struct lw4o6_client_record *r)
{
	w->valid = r->valid;
	if (!r->valid)
		return;
	FUZZ_ASSERT(lw4o6_psid_valid(&r->ports));
	FUZZ_ASSERT(!lw4o6_ip4_is_martian(r->ipv4));
	FUZZ_ASSERT(r->br.n >= 1 && r->br.n <= LW4O6_S46_BR_MAX);
	for (unsigned i = 0; i < r->br.n; i++)
		FUZZ_ASSERT(lw4o6_ip6_is_usable(&r->br.addr[i]));
	FUZZ_ASSERT(lw4o6_ip6_is_usable(&r->source));
	FUZZ_ASSERT(on_link(w, &r->source));
	FUZZ_ASSERT(r->lease_end > w->now);
	FUZZ_ASSERT(lw4o6_client_state(w->c) != LW4O6_CLIENT_STOPPED);
}

static void check_event(struct world *w, const struct lw4o6_client_event *ev)
{
	unsigned i = find_own(w, &ev->addr);

	switch (ev->kind) {
	case LW4O6_CLIENT_EV_ADDR_ADD:
		if (i == w->n_own) {
			FUZZ_ASSERT(w->n_own < OWN_MAX);
			w->own[w->n_own++] = ev->addr;
		}
		break;
	case LW4O6_CLIENT_EV_ADDR_REMOVE:
		FUZZ_ASSERT(i < w->n_own);
		w->own[i] = w->own[--w->n_own];
		break;
	case LW4O6_CLIENT_EV_RECORD:
		FUZZ_ASSERT(ev->record.valid != w->valid || ev->record.valid || ev->record.n_dns <= LW4O6_CLIENT_DNS_MAX);
		check_record(w, &ev->record);
		break;
	case LW4O6_CLIENT_EV_SAVE:
		FUZZ_ASSERT(!ev->saved.valid || lw4o6_psid_valid(&ev->saved.ports));
		break;
	default:
		break;
	}
}

/* B-005, B-030, B-040, B-042: only two types, well formed, always with our identity, and never too many. */
static void check_sent(struct world *w, const struct lw4o6_dgram *d)
{
	struct lw4o6_dhcp6_msg m;
	struct lw4o6_dhcp4_msg m4;

	w->sent++;
	FUZZ_ASSERT(w->sent <= 21 + (w->now - w->since) / LW4O6_SEC);
	FUZZ_ASSERT(lw4o6_dhcp6_decode(&m, d->data, d->len) == LW4O6_OK);
	FUZZ_ASSERT(m.type == LW4O6_DHCP6_INFORMATION_REQUEST || m.type == LW4O6_DHCP6_DHCPV4_QUERY);
	if (m.type == LW4O6_DHCP6_INFORMATION_REQUEST) {
		w->info_xid = m.xid;
		return;
	}
	FUZZ_ASSERT(!m.client_id.p && !m.server_id.p);
	FUZZ_ASSERT(lw4o6_dhcp4_decode(&m4, m.dhcpv4.p, m.dhcpv4.len) == LW4O6_OK);
	FUZZ_ASSERT(m4.hdr.op == LW4O6_DHCP4_BOOTREQUEST && m4.hdr.giaddr.s_addr == 0);
	FUZZ_ASSERT(m4.client_id.p && m4.bad == 0);
	FUZZ_ASSERT(m4.type != LW4O6_DHCP4_REQUEST || ((m4.has & LW4O6_DHCP4_HAS_SADDR) && lw4o6_ip6_is_usable(&m4.saddr)));
	memcpy(w->client_id, m4.client_id.p, m4.client_id.len);
	w->client_id_len = m4.client_id.len;
	if (m4.type == LW4O6_DHCP4_INFORM)
		w->inform_xid = m4.hdr.xid;
	else
		w->v4_xid = m4.hdr.xid;
}

static void drain(struct world *w)
{
	uint8_t buf[LW4O6_CLIENT_MSG_MAX];
	struct lw4o6_dgram d = { .data = buf, .room = sizeof(buf) };
	struct lw4o6_client_event ev;
	unsigned n = 0;

	while (lw4o6_client_event(w->c, &ev) == 1) {
		FUZZ_ASSERT(n++ < 64);
		check_event(w, &ev);
	}
	for (ssize_t len; (len = lw4o6_client_send(w->c, &d, w->now)) > 0;) {
		FUZZ_ASSERT((size_t)len == d.len);
		check_sent(w, &d);
	}
	FUZZ_ASSERT(lw4o6_client_event(w->c, &ev) == 0);
}

/* ---- steps ---- */

static void pass(struct world *w, lw4o6_time until)
{
	lw4o6_time t;

	for (unsigned n = 0; n < TURNS_MAX && (t = lw4o6_client_expiry(w->c)) <= until; n++) {
		w->now = t > w->now ? t : w->now; /* an ACK may come after its T1 */
		lw4o6_client_tick(w->c, w->now);
		drain(w);
		FUZZ_ASSERT(lw4o6_client_expiry(w->c) > w->now);
	}
	if (lw4o6_client_expiry(w->c) > until && until > w->now)
		w->now = until;
	lw4o6_client_tick(w->c, w->now);
}

static void recv_octets(struct world *w, const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct lw4o6_dgram d = { .data = copy, .len = len, .room = len };

	if (!copy)
		return;
	memcpy(copy, p, len);
	FUZZ_ASSERT(lw4o6_client_recv(w->c, &d, w->now) == LW4O6_OK);
	free(copy);
}

/* A REPLY that fits, with options from the input; bit 0 of how: option 88 empty, bit 1: one server, bit 2: container. */
static void reply(struct world *w, struct input *in, const uint8_t *duid, size_t duid_len)
{
	uint8_t buf[700], how = octet(in);
	const uint8_t *raw;
	size_t n = octets(in, &raw, octet(in));
	struct lw4o6_wr wr = lw4o6_wr_init(buf, sizeof(buf));
	struct lw4o6_s46_lw lw = { .br = { 1, { w->addr[1].addr } }, .has_bind = true, .ipv4 = { 0x120200c0 },
		                   .bind = { .len = 0 }, .ports = { 0, 8, how } };

	lw4o6_dhcp6_begin(&wr, LW4O6_DHCP6_REPLY, w->info_xid);
	lw4o6_opt6_put(&wr, LW4O6_OPT6_SERVERID, "\0\1abc", 5);
	lw4o6_opt6_put(&wr, LW4O6_OPT6_CLIENTID, duid, duid_len);
	if (how & 3)
		lw4o6_opt6_put(&wr, LW4O6_OPT6_4O6_SERVER, &w->addr[2].addr, how & 2 ? 16 : 0);
	if (how & 4)
		lw4o6_s46_lw_put(&wr, &lw);
	lw4o6_wr_put(&wr, raw, n);
	if (lw4o6_wr_done(&wr) > 0)
		recv_octets(w, buf, wr.len);
}

/* A DHCPV4-RESPONSE that fits; how: which options; a raw tail from the input for both levels. */
static void response(struct world *w, struct input *in)
{
	static const struct in6_addr br = { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0xff, 0xff, [15] = 1 } };
	uint8_t buf[1000], how = octet(in), type = octet(in), psid = octet(in);
	const uint8_t *raw4, *raw6;
	size_t n4 = octets(in, &raw4, octet(in)), n6 = octets(in, &raw6, octet(in));
	struct lw4o6_wr wr = lw4o6_wr_init(buf, sizeof(buf));
	struct lw4o6_dhcp4_hdr h = { .op = 2, .xid = how & 128 ? w->inform_xid : w->v4_xid,
		                     .yiaddr = { 0x120200c0 + (uint32_t)(psid >> 6 << 24) } };
	size_t mark = lw4o6_v4o6_open_response(&wr);

	lw4o6_dhcp4_begin(&wr, &h, (uint8_t)(1 + type % 18));
	lw4o6_opt4_put(&wr, LW4O6_OPT4_SERVER_ID, how & 64 ? "\1\2\3\5" : "\1\2\3\4", 4);
	lw4o6_opt4_put_be32(&wr, LW4O6_OPT4_LEASE_TIME, how & 1 ? 3600 : octet(in));
	if (how & 2)
		lw4o6_opt4_put(&wr, LW4O6_OPT4_PORTPARAMS, (const uint8_t[]){ 0, 8, psid, 0 }, 4);
	if (how & 4)
		lw4o6_opt4_put(&wr, LW4O6_OPT4_S46_SADDR, w->n_own ? &w->own[w->n_own - 1] : &w->addr[0].addr, 16);
	if (how & 8)
		lw4o6_opt4_put(&wr, LW4O6_OPT4_CLIENT_ID, w->client_id, w->client_id_len);
	lw4o6_wr_put(&wr, raw4, n4);
	lw4o6_dhcp4_end(&wr);
	lw4o6_v4o6_close(&wr, mark);
	if (how & 16)
		lw4o6_opt6_put(&wr, LW4O6_OPT6_S46_BR, &br, 16);
	lw4o6_wr_put(&wr, raw6, n6);
	if (lw4o6_wr_done(&wr) > 0)
		recv_octets(w, buf, wr.len);
}

static void change_link(struct world *w, uint8_t how)
{
	w->link.up = (how & 1) == 0;
	w->link.has_linklocal = (how & 2) == 0;
	w->link.n = (how >> 2) % 4;
	w->addr[0].deprecated = how & 16;
	w->addr[1].prefix_only = how & 32;
	w->addr[0].prefix_len = how & 64 ? 128 : 64;
	w->addr[2].addr.s6_addr[5] = how & 128 ? 7 : 3;
	lw4o6_client_link(w->c, &w->link, w->now);
}

static void command(struct world *w, struct input *in)
{
	uint8_t what = octet(in), codes[2] = { 6, 15 };

	switch (what % 7) {
	case 0: lw4o6_client_icmp_1_5(w->c, w->now); break;
	case 1: lw4o6_client_refresh(w->c, w->now); break;
	case 2: (void)!lw4o6_client_renew(w->c, w->now); break;
	case 3: (void)!lw4o6_client_decline(w->c, w->now); break;
	case 4: (void)!lw4o6_client_inform(w->c, codes, 1 + (what > 128), w->now); break;
	case 5: lw4o6_client_stop(w->c, what & 64, w->now); break;
	default: break;
	}
}

static void step(struct world *w, struct input *in, const struct lw4o6_client_config *cfg)
{
	const uint8_t *raw;
	uint8_t what = octet(in), arg;
	size_t n;

	switch (what % 8) {
	case 0:
		pass(w, w->now + octet(in) * (lw4o6_time)LW4O6_SEC * (what & 8 ? 60 : 1));
		break;
	case 1:
		if (lw4o6_client_expiry(w->c) != LW4O6_TIME_NONE)
			pass(w, lw4o6_client_expiry(w->c));
		break;
	case 2:
		n = octets(in, &raw, octet(in));
		recv_octets(w, raw, n);
		break;
	case 3:
		reply(w, in, cfg->duid, cfg->duid_len);
		break;
	case 4:
		response(w, in);
		break;
	case 5:
		change_link(w, octet(in));
		break;
	case 6:
		arg = octet(in);
		if (w->n_own > 0)
			lw4o6_client_addr_ready(w->c, &w->own[(arg >> 1) % w->n_own], arg & 1, w->now);
		break;
	default:
		command(w, in);
		break;
	}
	drain(w);
}

static void configure(struct lw4o6_client_config *cfg, uint8_t how)
{
	lw4o6_client_config_init(cfg);
	cfg->duid_len = 18;
	cfg->start_delay_ms = how & 1 ? 0 : LW4O6_CLIENT_NO_DELAY;
	cfg->psid_len_hint = how & 2 ? 6 : 0;
	cfg->prefer_lw = how & 4;
	cfg->release_on_mismatch = how & 8;
	cfg->static_servers = (how & 0x30) == 0x30;
	cfg->saddr_mode = how & 64 ? LW4O6_CLIENT_SADDR_EXISTING : LW4O6_CLIENT_SADDR_NEW;
	cfg->whole_address_only = how & 128;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct in6_addr a[3] = {
		{ .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 1 } }, { .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 2, [15] = 1 } },
		{ .s6_addr = { 0xfd, 0, 0, 0, 0, 3, [15] = 1 } },
	};
	TALLOC_CTX *mem = talloc_new(NULL);
	struct input in = { data, data + size };
	struct world w = { .now = 1000 * LW4O6_SEC, .since = 1000 * LW4O6_SEC };
	struct lw4o6_host host = { .arg = &w, .random = next_random };
	struct lw4o6_client_config cfg;

	configure(&cfg, octet(&in));
	for (unsigned i = 0; i < 3; i++)
		w.addr[i] = (struct lw4o6_client_addr){ .addr = a[i], .prefix_len = 64, .preferred_until = LW4O6_TIME_NONE };
	w.link = (struct lw4o6_client_link){ .up = true, .has_linklocal = true, .addr = w.addr, .n = 1,
		                             .linklocal = { .s6_addr = { 0xfe, 0x80, [15] = 1 } } };
	w.c = lw4o6_client_new(mem, &cfg, &host);
	FUZZ_ASSERT(w.c);
	lw4o6_client_link(w.c, &w.link, w.now);
	drain(&w);
	for (unsigned i = 0; i < STEPS_MAX && in.p < in.end; i++)
		step(&w, &in, &cfg);
	talloc_free(mem);
	return 0;
}
