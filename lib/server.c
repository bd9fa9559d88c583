#include "config.h"

#include "server_int.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name, *help;
} counters[] = {
#define ROW(id, name, help) { name, help },
	LW4O6_SERVER_COUNTER_LIST(ROW)
#undef ROW
};

const char *lw4o6_server_counter_name(enum lw4o6_server_counter c)
{
	return counters[c].name;
}

const char *lw4o6_server_counter_help(enum lw4o6_server_counter c)
{
	return counters[c].help;
}

uint64_t lw4o6_server_counter(const struct lw4o6_server *s, enum lw4o6_server_counter c)
{
	return s->counter[c];
}

/* At most one line a second from what clients cause. */
void server_log(struct lw4o6_server *s, enum lw4o6_log_level level, const char *id, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!s->host.log || !bucket_take(&s->log_bucket, 1, 10, s->q.t))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->host.log(s->host.arg, level, id, text);
}

static int make_queues(struct lw4o6_server *s)
{
	/* Undoing makes changes of its own: at most one for each that is under way. */
	s->tx_size = 2 * s->cfg.queue + 8;
	s->tx = mem_new_array(s, struct tx, s->tx_size);
	s->reply_size = s->cfg.queue;
	s->reply = mem_new_array(s, struct reply, s->reply_size);
	s->bucket = mem_new_array(s, struct bucket, BUCKETS);

	uint8_t *data = mem_new_array(s, uint8_t, (size_t)s->reply_size * 2 * REPLY_ROOM);

	if (!s->tx || !s->reply || !s->bucket || !data)
		return LW4O6_ENOMEM;
	for (uint32_t i = 0; i < s->reply_size; i++)
		s->reply[i].data = data + (size_t)i * 2 * REPLY_ROOM;
	return LW4O6_OK;
}

int lw4o6_server_new(struct lw4o6_server **out, TALLOC_CTX *mem, const struct lw4o6_server_config *cfg,
                     const struct lw4o6_host *host, lw4o6_time now, uint64_t wall, char *reason)
{
	struct lw4o6_server *s = mem_new(mem, struct lw4o6_server);
	uint64_t tuples = 0;
	int r;

	reason[0] = '\0';
	if (!s)
		return LW4O6_ENOMEM;
	s->host = *host;
	s->wall = wall - now;
	s->free_record = NONE;
	s->next_id = 1;
	host->random(host->arg, s->key, sizeof(s->key));
	host->random(host->arg, &s->seed, sizeof(s->seed));
	r = server_load(s, cfg, reason);
	if (r == LW4O6_OK)
		r = make_queues(s);
	if (r == LW4O6_OK)
		r = index_reserve(s, 1);
	if (r == LW4O6_OK)
		r = prefix_reserve(s, 1);
	if (r != LW4O6_OK) {
		talloc_free(s);
		return r;
	}
	for (size_t i = 0; i < s->cfg.n_pools; i++)
		tuples += s->pools[i].tuples;
	s->max_records = tuples > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)tuples;
	if (s->cfg.max_leases && s->cfg.max_leases < s->max_records)
		s->max_records = s->cfg.max_leases;
	*out = s;
	return LW4O6_OK;
}

/* ---- records from and for the outside ---- */

static int refuse_client(struct lw4o6_server *s, const struct lw4o6_lease *x)
{
	uint32_t no = index_client(s, IX_CLIENT, x->by_hardware, x->client_id, x->client_id_len);

	if (no == NONE)
		return LW4O6_OK;
	/* A former lease of the client is of no use beside its present one, or a later one. */
	if (lease_at(s, no)->state == LW4O6_LEASE_ACTIVE || (x->state != LW4O6_LEASE_ACTIVE && x->last <= lease_at(s, no)->last))
		return LW4O6_ECONFLICT;
	lease_unlink(s, no);
	lease_free(s, no);
	return LW4O6_OK;
}

static bool valid_record(const struct lw4o6_lease *x)
{
	bool client = x->state == LW4O6_LEASE_ACTIVE || x->state == LW4O6_LEASE_EXPIRED || x->state == LW4O6_LEASE_RELEASED;

	return (client ? x->client_id_len > 0 : x->state == LW4O6_LEASE_ABANDONED) && x->hlen <= 16 && lw4o6_psid_valid(&x->ps);
}

static struct lw4o6_span relay_tag(const struct lw4o6_lease *x, uint8_t tag)
{
	for (size_t i = 0; i + 2 <= x->relay_len && i + 2 + x->relay[i + 1] <= x->relay_len; i += 2u + x->relay[i + 1])
		if (x->relay[i] == tag)
			return (struct lw4o6_span){ x->relay + i + 2, x->relay[i + 1] };
	return (struct lw4o6_span){ NULL, 0 };
}

static struct in6_addr restored_subscriber(const struct lw4o6_server *s, const struct lw4o6_lease *x)
{
	struct lw4o6_span tag = relay_tag(x, LW4O6_LEASE_TAG_LINK);
	struct in6_addr link;

	if (tag.len == sizeof(link))
		memcpy(&link, tag.p, sizeof(link));
	return subscriber_of(s, &x->where, tag.len == sizeof(link) ? &link : NULL, relay_tag(x, LW4O6_LEASE_TAG_INTERFACE_ID));
}

static void restore_fields(struct lease *l, const struct lw4o6_lease *x)
{
	l->state = x->state;
	l->by_hardware = x->by_hardware;
	l->saddr = x->saddr;
	l->br = x->br;
	l->where = x->where;
	l->start = x->start;
	l->expires = x->expires;
	l->last = x->last;
	l->since = x->since;
	l->saddr_changed = x->saddr_changed;
	l->htype = x->htype;
	l->hlen = x->hlen;
	memcpy(l->chaddr, x->chaddr, sizeof(l->chaddr));
	memcpy(l->blob, x->client_id, x->client_id_len);
	memcpy(l->blob + x->client_id_len, x->relay, x->relay_len);
	l->client_id_len = x->client_id_len;
	l->relay_len = x->relay_len;
}

/* The record to fill; LW4O6_OK with *no set. */
static int place(struct lw4o6_server *s, const struct lw4o6_lease *x, uint32_t *no)
{
	/* The limit is for what may be forgotten: a lease or a quarantine is not. */
	bool in_force = x->state == LW4O6_LEASE_ACTIVE || x->state == LW4O6_LEASE_ABANDONED, conflict = false;
	unsigned pool;
	uint32_t tuple;

	if (!pool_find(s, x->ipv4, &x->ps, &pool, &tuple)) {
		if (!in_force)
			return LW4O6_ENOENT;
		*no = lease_take_orphan(s, x->ipv4, &x->ps, &conflict);
		if (conflict)
			return LW4O6_ECONFLICT;
	} else if (pool_is_blocked(s, pool, tuple)) {
		return LW4O6_ECONFLICT;
	} else if (!in_force && s->records >= s->max_records) {
		return LW4O6_ENOSPC;
	} else {
		*no = lease_take(s, pool, tuple, in_force);
	}
	return *no == NONE ? LW4O6_ENOMEM : LW4O6_OK;
}

int lw4o6_server_restore(struct lw4o6_server *s, const struct lw4o6_lease *x)
{
	uint32_t no;
	int r;

	if (!valid_record(x))
		return LW4O6_EINVAL;
	if (index_tuple(s, x->ipv4, &x->ps) != NONE)
		return LW4O6_ECONFLICT;
	if (x->state == LW4O6_LEASE_ACTIVE && !IN6_IS_ADDR_UNSPECIFIED(&x->saddr) && index_saddr(s, &x->saddr) != NONE)
		return LW4O6_ECONFLICT;
	r = x->state == LW4O6_LEASE_ABANDONED ? LW4O6_OK : refuse_client(s, x);
	if (r == LW4O6_OK)
		r = place(s, x, &no);
	if (r != LW4O6_OK)
		return r;

	uint8_t *blob = blob_new(s, (size_t)x->client_id_len + x->relay_len);

	if (!blob) {
		lease_free(s, no);
		return LW4O6_ENOMEM;
	}
	lease_at(s, no)->blob = blob;
	restore_fields(lease_at(s, no), x);
	lease_at(s, no)->subscriber = restored_subscriber(s, x);
	lease_link(s, no);
	return LW4O6_OK;
}

bool lw4o6_server_next(const struct lw4o6_server *s, uint32_t *cursor, struct lw4o6_lease *out)
{
	while (*cursor < s->made) {
		const struct lease *l = lease_at(s, (*cursor)++);

		if (!l->linked || l->state == STATE_HELD || l->state == LW4O6_LEASE_FREE || l->state == LW4O6_LEASE_RESET)
			continue;
		lease_export(l, out);
		return true;
	}
	return false;
}

bool lw4o6_server_binding(const struct lw4o6_server *s, const struct lw4o6_lease *lease, struct lw4o6_binding *out)
{
	if (lease->state != LW4O6_LEASE_ACTIVE || IN6_IS_ADDR_UNSPECIFIED(&lease->saddr))
		return false;
	*out = (struct lw4o6_binding){
		.ipv4 = lease->ipv4, .ps = lease->ps, .b4 = lease->saddr, .br = lease->br, .owner = s->cfg.owner,
		.expires = LW4O6_TIME_NONE,
	};
	if (lease->expires != LW4O6_TIME_NONE)
		out->expires = lease->expires > s->wall ? lease->expires - s->wall : 0;
	return true;
}

bool lw4o6_server_find(const struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps, struct lw4o6_lease *out)
{
	uint32_t no = index_tuple(s, ipv4, ps);

	if (no == NONE || lease_at(s, no)->state == STATE_HELD || lease_at(s, no)->state == LW4O6_LEASE_FREE)
		return false;
	lease_export(lease_at(s, no), out);
	return true;
}

int lw4o6_server_reset(struct lw4o6_server *s, struct in_addr ipv4, const struct lw4o6_psid *ps, lw4o6_time now)
{
	uint32_t no = index_tuple(s, ipv4, ps);

	if (no == NONE)
		return LW4O6_ENOENT;
	if (!tx_room(s, 1))
		return LW4O6_ENOSPC;
	if (lease_at(s, no)->state == STATE_HELD) {
		hold_end(s, no);
		return LW4O6_OK;
	}
	count(s, LW4O6_SRV_LEASE_RESET);
	lease_end(s, no, LW4O6_LEASE_RESET, now + s->wall, false);
	return LW4O6_OK;
}

void lw4o6_server_usage(const struct lw4o6_server *s, struct lw4o6_server_usage *u)
{
	*u = (struct lw4o6_server_usage){ .active = s->active, .records = s->records, .orphans = s->orphans };
	for (size_t i = 0; i < s->cfg.n_pools; i++) {
		u->tuples += s->pools[i].tuples;
		u->free += s->pools[i].free.count;
	}
}
