#include "config.h"

#include "server_int.h"

/*
 * A change is made at once in memory, so that the next query sees it (S-122), and noted here with
 * the record as it was. What rests on a change that could not be stored is undone with it, newest first.
 */

static struct tx *tx_at(const struct lw4o6_server *s, uint32_t i)
{
	return &s->tx[(s->tx_head + i) % s->tx_size];
}

bool tx_room(const struct lw4o6_server *s, uint32_t n)
{
	return s->tx_n + n <= s->cfg.queue;
}

struct tx *tx_begin(struct lw4o6_server *s)
{
	struct tx *tx = tx_at(s, s->tx_n++);

	tx->n = tx->given = tx->committed = 0;
	tx->final = false;
	tx->fate = TX_STANDS;
	tx->result = LW4O6_COMMIT_OK;
	return tx;
}

struct change *tx_change(struct lw4o6_server *s, struct tx *tx, uint32_t no, bool created, bool light)
{
	struct change *c = &tx->c[tx->n++];

	if (light)
		lease_pause(s, no);
	else
		lease_unlink(s, no);
	c->no = no;
	c->created = created;
	c->light = light;
	c->before = *lease_at(s, no);
	lease_at(s, no)->pending++;
	return c;
}

static void fill_event(struct lw4o6_server *s, struct lw4o6_server_event *ev, const struct lease *l,
                       enum lw4o6_server_event_kind kind)
{
	lease_export(l, &ev->lease);
	ev->id = s->next_id++;
	ev->kind = kind;
	ev->binding = (struct lw4o6_binding){
		.ipv4 = l->ipv4, .ps = l->ps, .b4 = l->saddr, .br = l->br, .owner = s->cfg.owner,
		.expires = l->expires == LW4O6_TIME_NONE ? LW4O6_TIME_NONE : l->expires - s->wall,
	};
}

void tx_changed(struct lw4o6_server *s, struct change *c, enum lw4o6_server_event_kind kind)
{
	struct lease *l = lease_at(s, c->no);

	c->blob = l->blob;
	if (c->light)
		lease_resume(s, c->no);
	else
		lease_link(s, c->no);
	fill_event(s, &c->ev, l, kind);
}

uint64_t tx_last_id(const struct lw4o6_server *s)
{
	return s->next_id - 1;
}

uint64_t tx_of_lease(const struct lw4o6_server *s, uint32_t no)
{
	for (uint32_t i = s->tx_n; i-- > 0;) {
		const struct tx *tx = tx_at(s, i);

		for (unsigned k = 0; k < tx->n; k++)
			if (tx->c[k].no == no)
				return tx->c[tx->n - 1].ev.id;
	}
	return 0;
}

void lease_end(struct lw4o6_server *s, uint32_t no, uint8_t state, uint64_t t, bool final)
{
	struct lease *l = lease_at(s, no);
	bool bound = l->state == LW4O6_LEASE_ACTIVE && !IN6_IS_ADDR_UNSPECIFIED(&l->saddr);
	struct tx *tx = tx_begin(s);
	struct change *c = tx_change(s, tx, no, false, false);

	/* Nobody will be given the tuple again as it was. */
	if (l->pool == NO_POOL && (state == LW4O6_LEASE_EXPIRED || state == LW4O6_LEASE_RELEASED))
		state = LW4O6_LEASE_FREE;
	tx->final = final;
	l->state = state;
	l->since = t;
	if (!final)
		l->last = t;
	l->hold = 0;
	if (state == LW4O6_LEASE_ABANDONED)
		l->expires = s->cfg.quarantine_s ? t + s->cfg.quarantine_s * LW4O6_SEC : LW4O6_TIME_NONE;
	tx_changed(s, c, bound ? LW4O6_SERVER_DELETE : LW4O6_SERVER_RECORD);
}

int lw4o6_server_event(struct lw4o6_server *s, struct lw4o6_server_event *ev)
{
	if (s->tx_given == s->tx_n)
		return 0;

	struct tx *tx = tx_at(s, s->tx_given);

	*ev = tx->c[tx->given++].ev;
	if (tx->given == tx->n)
		s->tx_given++;
	return 1;
}

static void undo(struct lw4o6_server *s, struct change *c)
{
	struct lease *l = lease_at(s, c->no);
	uint16_t pending = l->pending;

	lease_unlink(s, c->no);
	if (l->blob != c->before.blob)
		blob_free(s, l->blob, blob_len(l));
	*l = c->before;
	l->pending = pending;
	if (c->created)
		l->state = LW4O6_LEASE_FREE;
	lease_link(s, c->no);
}

/* Store what the record is after all, and make the table agree. Its own fate does not matter: there is nothing better to do. */
static void compensate(struct lw4o6_server *s, uint32_t no)
{
	struct tx *tx = tx_begin(s);
	struct change *c = tx_change(s, tx, no, false, false);
	const struct lease *l = lease_at(s, no);
	bool bound = l->state == LW4O6_LEASE_ACTIVE && !IN6_IS_ADDR_UNSPECIFIED(&l->saddr);

	tx->final = true;
	tx_changed(s, c, bound ? LW4O6_SERVER_MODIFY : LW4O6_SERVER_DELETE);
}

static bool shares_record(const struct tx *x, const struct tx *y)
{
	for (unsigned i = 0; i < x->n; i++)
		for (unsigned k = 0; k < y->n; k++)
			if (x->c[i].no == y->c[k].no)
				return true;
	return false;
}

/* Undo the oldest change and all that rest on it, newest first. A table's refusal leaves the first part of a move done. */
static void undo_head(struct lw4o6_server *s, unsigned from)
{
	struct tx *head = tx_at(s, 0);

	for (uint32_t i = 1; i < s->tx_n; i++) {
		struct tx *tx = tx_at(s, i);

		for (uint32_t k = 0; k < i && tx->fate == TX_STANDS; k++)
			if ((k == 0 || tx_at(s, k)->fate == TX_FALLS) && shares_record(tx, tx_at(s, k)))
				tx->fate = TX_FALLS;
	}
	for (uint32_t i = s->tx_n; i-- > 1;) {
		struct tx *tx = tx_at(s, i);

		if (tx->fate != TX_FALLS)
			continue;
		for (unsigned k = tx->n; k-- > 0;)
			undo(s, &tx->c[k]);
		tx->fate = TX_FELL;
	}
	for (unsigned k = head->n; k-- > from;)
		undo(s, &head->c[k]);
	count(s, LW4O6_SRV_UNDONE);
}

static void finish(struct lw4o6_server *s)
{
	struct tx *tx = tx_at(s, 0);
	enum lw4o6_commit result = tx->result;
	uint64_t first = tx->c[0].ev.id, last = tx->c[tx->n - 1].ev.id;
	uint32_t redo[2];
	unsigned n_redo = 0, parts = tx->n;
	bool undone = tx->fate == TX_FELL, refused = tx->result == LW4O6_COMMIT_REFUSED && !tx->final;

	if (undone)
		result = LW4O6_COMMIT_NOT_STORED;
	else if (result == LW4O6_COMMIT_NOT_STORED && !tx->final)
		undo_head(s, 0);
	else if (result == LW4O6_COMMIT_REFUSED && !tx->final)
		undo_head(s, parts - 1);

	/* Stored, yet not to be: the store must hear of it. */
	if (tx->result != LW4O6_COMMIT_NOT_STORED && (undone || refused))
		for (unsigned k = undone ? 0 : parts - 1; k < parts; k++)
			redo[n_redo++] = tx->c[k].no;

	for (unsigned k = 0; k < parts; k++) {
		struct change *c = &tx->c[k];

		if (!undone && (result == LW4O6_COMMIT_OK || tx->final) && c->before.blob != c->blob)
			blob_free(s, c->before.blob, blob_len(&c->before));
	}
	s->tx_head = (s->tx_head + 1) % s->tx_size;
	s->tx_n--;
	s->tx_given--;
	reply_release(s, first, last, result);

	struct change settled[2] = { tx->c[0], tx->c[parts - 1] };

	for (unsigned k = 0; k < n_redo; k++)
		compensate(s, redo[k]);
	for (unsigned k = 0; k < parts; k++)
		lease_settle(s, settled[k].no);
}

int lw4o6_server_commit(struct lw4o6_server *s, uint64_t id, enum lw4o6_commit result)
{
	struct tx *tx = tx_at(s, 0);

	if (s->tx_n == 0 || tx->committed >= tx->given || tx->c[tx->committed].ev.id != id)
		return LW4O6_ENOENT;
	tx->committed++;
	if (result == LW4O6_COMMIT_NOT_STORED || tx->result == LW4O6_COMMIT_OK)
		tx->result = result;
	if (tx->committed == tx->n)
		finish(s);
	return LW4O6_OK;
}
