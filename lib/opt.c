#include "config.h"

#include "opt_int.h"

int lw4o6_opt6_next(struct lw4o6_opt6_iter *it, struct lw4o6_opt6 *o)
{
	return opt6_step(it, o);
}

bool lw4o6_opt6_find(const uint8_t *options, size_t len, uint16_t code, struct lw4o6_opt6 *o)
{
	struct lw4o6_opt6_iter it = lw4o6_opt6_walk(options, len);
	struct lw4o6_opt6 x;

	while (opt6_step(&it, &x) == 1) {
		if (x.code == code) {
			*o = x;
			return true;
		}
	}
	return false;
}

void lw4o6_wr_u8(struct lw4o6_wr *w, uint8_t v)
{
	uint8_t *p;

	if (wr_reserve(w, 1, &p))
		p[0] = v;
}

void lw4o6_wr_be16(struct lw4o6_wr *w, uint16_t v)
{
	uint8_t *p;

	if (wr_reserve(w, 2, &p))
		put_be16(p, v);
}

void lw4o6_wr_be32(struct lw4o6_wr *w, uint32_t v)
{
	uint8_t *p;

	if (wr_reserve(w, 4, &p))
		put_be32(p, v);
}

void lw4o6_wr_put(struct lw4o6_wr *w, const void *data, size_t len)
{
	uint8_t *p;

	if (wr_reserve(w, len, &p) && len > 0)
		memcpy(p, data, len);
}

ssize_t lw4o6_wr_done(const struct lw4o6_wr *w)
{
	return w->err != LW4O6_OK ? w->err : (ssize_t)w->len;
}

void lw4o6_opt6_put(struct lw4o6_wr *w, uint16_t code, const void *data, size_t len)
{
	uint8_t *p;

	if (len > UINT16_MAX) {
		wr_fail(w, LW4O6_EINVAL);
		return;
	}
	if (!wr_reserve(w, OPT6_HLEN + len, &p))
		return;
	put_be16(p, code);
	put_be16(p + 2, (uint16_t)len);
	if (len > 0)
		memcpy(p + OPT6_HLEN, data, len);
}

void lw4o6_opt6_put_be16(struct lw4o6_wr *w, uint16_t code, uint16_t v)
{
	uint8_t body[2];

	put_be16(body, v);
	lw4o6_opt6_put(w, code, body, sizeof(body));
}

void lw4o6_opt6_put_be32(struct lw4o6_wr *w, uint16_t code, uint32_t v)
{
	uint8_t body[4];

	put_be32(body, v);
	lw4o6_opt6_put(w, code, body, sizeof(body));
}

size_t lw4o6_opt6_open(struct lw4o6_wr *w, uint16_t code)
{
	lw4o6_opt6_put(w, code, NULL, 0);
	return w->len;
}

void lw4o6_opt6_close(struct lw4o6_wr *w, size_t mark)
{
	if (w->err != LW4O6_OK)
		return;
	if (w->len - mark > UINT16_MAX)
		w->err = LW4O6_EINVAL;
	else if (w->buf)
		put_be16(w->buf + mark - 2, (uint16_t)(w->len - mark));
}

void lw4o6_opt4_put(struct lw4o6_wr *w, uint8_t code, const void *data, size_t len)
{
	const uint8_t *src = data;

	if (code == LW4O6_OPT4_PAD || code == LW4O6_OPT4_END) {
		wr_fail(w, LW4O6_EINVAL);
		return;
	}
	do {
		size_t n = len < OPT4_MAX ? len : OPT4_MAX;
		uint8_t *p;

		if (wr_reserve(w, OPT4_HLEN + n, &p)) {
			p[0] = code;
			p[1] = (uint8_t)n;
			if (n > 0)
				memcpy(p + OPT4_HLEN, src, n);
		} else if (w->err != LW4O6_OK) {
			return;
		}
		if (src)
			src += n;
		len -= n;
	} while (len > 0);
}

void lw4o6_opt4_put_u8(struct lw4o6_wr *w, uint8_t code, uint8_t v)
{
	uint8_t *p = opt4_reserve(w, code, 1);

	if (p)
		*p = v;
}

void lw4o6_opt4_put_be16(struct lw4o6_wr *w, uint8_t code, uint16_t v)
{
	uint8_t *p = opt4_reserve(w, code, 2);

	if (p)
		put_be16(p, v);
}

void lw4o6_opt4_put_be32(struct lw4o6_wr *w, uint8_t code, uint32_t v)
{
	uint8_t *p = opt4_reserve(w, code, 4);

	if (p)
		put_be32(p, v);
}

void lw4o6_opt4_put_addr(struct lw4o6_wr *w, uint8_t code, struct in_addr a)
{
	uint8_t *p = opt4_reserve(w, code, 4);

	if (p)
		memcpy(p, &a, 4);
}
