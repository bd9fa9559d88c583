#include "config.h"

#include "opt_int.h"

#include <lw4o6/lqframe.h>

void lw4o6_lqframe_init(struct lw4o6_lqframe *f, uint8_t *buf, size_t room)
{
	*f = (struct lw4o6_lqframe){ .buf = buf, .room = room };
}

/* The size field, octet by octet if need be. @return false while it is not whole. */
static bool take_size(struct lw4o6_lqframe *f, struct lw4o6_span *in)
{
	while (f->have < LW4O6_LQFRAME_HLEN && in->len > 0) {
		f->size = (uint16_t)(f->size << 8 | in->p[0]);
		f->have++;
		in->p++;
		in->len--;
		if (f->have == LW4O6_LQFRAME_HLEN) {
			if (f->size < LW4O6_LQFRAME_MIN)
				f->err = LW4O6_EMALF;
			else if (f->size > f->room)
				f->err = LW4O6_ESPACE;
		}
	}
	return f->have >= LW4O6_LQFRAME_HLEN;
}

int lw4o6_lqframe_next(struct lw4o6_lqframe *f, struct lw4o6_span *in, struct lw4o6_span *msg)
{
	bool sized = f->err == LW4O6_OK && take_size(f, in);

	if (f->err != LW4O6_OK)
		return f->err;
	if (!sized)
		return 0;

	size_t had = f->have - LW4O6_LQFRAME_HLEN, need = f->size - had, n = in->len < need ? in->len : need;

	if (had == 0 && n == need) {
		*msg = (struct lw4o6_span){ in->p, need };
	} else {
		if (n > 0)
			memcpy(f->buf + had, in->p, n);
		*msg = (struct lw4o6_span){ f->buf, f->size };
	}
	in->p += n;
	in->len -= n;
	f->have += n;
	if (n < need)
		return 0;
	f->have = 0;
	return 1;
}

size_t lw4o6_lqframe_open(struct lw4o6_wr *w)
{
	lw4o6_wr_be16(w, 0);
	return w->len;
}

void lw4o6_lqframe_close(struct lw4o6_wr *w, size_t mark)
{
	if (w->err != LW4O6_OK)
		return;
	if (w->len - mark < LW4O6_LQFRAME_MIN || w->len - mark > LW4O6_LQFRAME_MAX)
		wr_fail(w, LW4O6_EINVAL);
	else if (w->buf)
		put_be16(w->buf + mark - LW4O6_LQFRAME_HLEN, (uint16_t)(w->len - mark));
}
