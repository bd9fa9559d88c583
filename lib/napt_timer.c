/*
 * The timer wheel. A packet only moves its session's deadline; the wheel finds out when the slot it
 * was put into comes up, and puts it further. So refreshing costs nothing and ending costs O(1).
 */
#include "config.h"

#include "napt_int.h"

static uint64_t tick_of(lw4o6_time deadline)
{
	return (deadline >> WHEEL_SHIFT) + 1;
}

void napt_wheel_insert(struct lw4o6_napt *n, uint32_t i)
{
	struct session *s = &n->sess[i];
	uint64_t tick = tick_of(s->deadline);

	if (tick < n->wheel_pos)
		tick = n->wheel_pos;
	if (tick - n->wheel_pos >= WHEEL_SLOTS)
		tick = n->wheel_pos + WHEEL_SLOTS - 1;
	s->slot = (uint16_t)(tick % WHEEL_SLOTS);
	s->wheel_prev = 0;
	s->wheel_next = n->wheel[s->slot];
	if (s->wheel_next != 0)
		n->sess[s->wheel_next].wheel_prev = i;
	n->wheel[s->slot] = i;
	n->wheel_busy[s->slot / 64] |= (uint64_t)1 << s->slot % 64;
}

void napt_wheel_remove(struct lw4o6_napt *n, uint32_t i)
{
	struct session *s = &n->sess[i];

	if (s->wheel_prev != 0)
		n->sess[s->wheel_prev].wheel_next = s->wheel_next;
	else
		n->wheel[s->slot] = s->wheel_next;
	if (s->wheel_next != 0)
		n->sess[s->wheel_next].wheel_prev = s->wheel_prev;
	if (n->wheel[s->slot] == 0)
		n->wheel_busy[s->slot / 64] &= ~((uint64_t)1 << s->slot % 64);
}

/* Only a deadline before the session's slot needs another slot now. */
void napt_set_deadline(struct lw4o6_napt *n, uint32_t i, lw4o6_time deadline)
{
	struct session *s = &n->sess[i];
	bool sooner = deadline < s->deadline;

	s->deadline = deadline;
	if (sooner && tick_of(deadline) < n->wheel_pos + ((s->slot - n->wheel_pos) % WHEEL_SLOTS)) {
		napt_wheel_remove(n, i);
		napt_wheel_insert(n, i);
	}
}

/* An idle connection gets the transitory time once more before it is over (D-289). */
bool napt_session_over(struct lw4o6_napt *n, uint32_t i, lw4o6_time now)
{
	struct session *s = &n->sess[i];

	if (now < s->deadline)
		return false;
	if (s->state < LW4O6_NAPT_TCP_ESTABLISHED || s->state > LW4O6_NAPT_TCP_S_FIN)
		return true;
	s->state = LW4O6_NAPT_TCP_TRANS;
	s->deadline = lw4o6_time_add(s->deadline, n->cfg.tcp_transitory_s * LW4O6_SEC);
	return now >= s->deadline;
}

/* Distance from wheel_pos to the next slot with something in it; WHEEL_SLOTS: none. */
static uint32_t next_busy(const struct lw4o6_napt *n)
{
	uint32_t start = (uint32_t)(n->wheel_pos % WHEEL_SLOTS);

	for (uint32_t k = 0; k <= WHEEL_SLOTS / 64; k++) {
		uint32_t w = (start / 64 + k) % (WHEEL_SLOTS / 64);
		uint64_t word = n->wheel_busy[w];

		if (k == 0)
			word &= UINT64_MAX << start % 64;
		if (word != 0)
			return (w * 64 + (uint32_t)__builtin_ctzll(word) - start) % WHEEL_SLOTS;
	}
	return WHEEL_SLOTS;
}

uint32_t lw4o6_napt_tick(struct lw4o6_napt *n, lw4o6_time now, uint32_t max)
{
	uint64_t last = now >> WHEEL_SHIFT;
	uint32_t ended = 0, seen = 0;

	napt_quarantine_age(n, now);
	while (n->wheel_pos <= last) {
		uint32_t d = next_busy(n);

		if (d == WHEEL_SLOTS || n->wheel_pos + d > last) {
			n->wheel_pos = last + 1;
			break;
		}
		n->wheel_pos += d;

		uint32_t slot = (uint32_t)(n->wheel_pos % WHEEL_SLOTS), i;
		while ((i = n->wheel[slot]) != 0) {
			if (seen++ >= max)
				return ended;
			if (napt_session_over(n, i, now)) {
				napt_session_end(n, i, now);
				ended++;
			} else {
				napt_wheel_remove(n, i);
				napt_wheel_insert(n, i);
			}
		}
	}
	return ended;
}

lw4o6_time lw4o6_napt_expiry(const struct lw4o6_napt *n)
{
	uint32_t d = next_busy(n);

	return d == WHEEL_SLOTS ? LW4O6_TIME_NONE : (n->wheel_pos + d) << WHEEL_SHIFT;
}
