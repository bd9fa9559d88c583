#include "config.h"

#include "conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 64, MAX_FILE = 64 << 20 };

int conf_fail(struct conf_line *line, const char *fmt, ...)
{
	int n = snprintf(line->error, line->error_room, "%s:%u: ", line->file, line->number);
	va_list ap;

	if (n < 0 || (size_t)n >= line->error_room)
		return -1;
	va_start(ap, fmt);
	vsnprintf(line->error + n, line->error_room - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

int conf_uint(struct conf_line *line, const char *text, uint64_t min, uint64_t max, uint64_t *v)
{
	char *end;
	unsigned shift = 0;

	errno = 0;
	unsigned long long n = strtoull(text, &end, 0);

	if (*end == 'k')
		shift = 10, end++;
	else if (*end == 'M')
		shift = 20, end++;
	else if (*end == 'G')
		shift = 30, end++;
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n > UINT64_MAX >> shift)
		return conf_fail(line, "'%s' is not a number", text);
	n <<= shift;
	if (n < min || n > max)
		return conf_fail(line, "%s is out of range %llu..%llu", text, (unsigned long long)min,
		                 (unsigned long long)max);
	*v = n;
	return 0;
}

int conf_bool(struct conf_line *line, const char *text, bool *v)
{
	if (strcmp(text, "on") == 0 || strcmp(text, "yes") == 0)
		*v = true;
	else if (strcmp(text, "off") == 0 || strcmp(text, "no") == 0)
		*v = false;
	else
		return conf_fail(line, "'%s' is neither on nor off", text);
	return 0;
}

int conf_word(struct conf_line *line, const char *text, const char *const *words, int *v)
{
	char list[256] = "";

	for (int i = 0; words[i]; i++) {
		size_t used = strlen(list);

		if (strcmp(text, words[i]) == 0) {
			*v = i;
			return 0;
		}
		snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", words[i]);
	}
	return conf_fail(line, "'%s' is none of %s", text, list);
}

int conf_ipv4(struct conf_line *line, const char *text, struct in_addr *v)
{
	return inet_pton(AF_INET, text, v) == 1 ? 0 : conf_fail(line, "'%s' is not an IPv4 address", text);
}

int conf_ipv6(struct conf_line *line, const char *text, struct in6_addr *v)
{
	return inet_pton(AF_INET6, text, v) == 1 ? 0 : conf_fail(line, "'%s' is not an IPv6 address", text);
}

/* Split ADDR/LEN and check that the bits behind the length are zero. */
static int prefix(struct conf_line *line, const char *text, int family, uint8_t *addr, unsigned bits, unsigned *len)
{
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	uint64_t plen = bits;

	if (n >= sizeof(host))
		return conf_fail(line, "'%s' is not a prefix", text);
	memcpy(host, text, n);
	host[n] = '\0';
	if (inet_pton(family, host, addr) != 1)
		return conf_fail(line, "'%s' is not an IPv%d prefix", text, family == AF_INET ? 4 : 6);
	if (slash && conf_uint(line, slash + 1, 0, bits, &plen) < 0)
		return -1;
	for (unsigned i = (unsigned)plen; i < bits; i++)
		if (addr[i / 8] & 0x80 >> i % 8)
			return conf_fail(line, "'%s' has bits set behind its length", text);
	*len = (unsigned)plen;
	return 0;
}

int conf_prefix4(struct conf_line *line, const char *text, struct in_addr *v, unsigned *len)
{
	return prefix(line, text, AF_INET, (uint8_t *)v, 32, len);
}

int conf_prefix6(struct conf_line *line, const char *text, struct in6_addr *v, unsigned *len)
{
	return prefix(line, text, AF_INET6, v->s6_addr, 128, len);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int conf_hex(struct conf_line *line, const char *text, uint8_t *v, size_t *len)
{
	size_t n = 0;

	for (const char *p = text; *p; p += 2) {
		if (*p == ':' && n > 0)
			p++;
		int hi = hex_digit(p[0]), lo = hi < 0 ? -1 : hex_digit(p[1]);

		if (lo < 0)
			return conf_fail(line, "'%s' is not a list of hex octets", text);
		if (n == *len)
			return conf_fail(line, "'%s' is longer than %zu octets", text, *len);
		v[n++] = (uint8_t)(hi << 4 | lo);
	}
	*len = n;
	return 0;
}

const char *conf_named(const struct conf_line *line, unsigned from, const char *name)
{
	for (unsigned i = from; i + 1 < line->argc; i += 2)
		if (strcmp(line->argv[i], name) == 0)
			return line->argv[i + 1];
	return NULL;
}

static void store_uint(void *at, size_t size, uint64_t v)
{
	uint8_t v8 = (uint8_t)v;
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;

	switch (size) {
	case 1: memcpy(at, &v8, 1); break;
	case 2: memcpy(at, &v16, 2); break;
	case 4: memcpy(at, &v32, 4); break;
	default: memcpy(at, &v, 8); break;
	}
}

static int set_value(struct conf_line *line, const struct conf_keyword *kw, void *settings)
{
	uint8_t *at = (uint8_t *)settings + kw->offset;
	const char *arg = line->argv[1];
	uint64_t n;
	bool b;
	int i;

	switch (kw->type) {
	case CONF_UINT:
		if (conf_uint(line, arg, kw->min, kw->max, &n) < 0)
			return -1;
		store_uint(at, kw->size, n);
		return 0;
	case CONF_BOOL:
		if (conf_bool(line, arg, &b) < 0)
			return -1;
		memcpy(at, &b, sizeof(b));
		return 0;
	case CONF_WORD:
		if (conf_word(line, arg, kw->words, &i) < 0)
			return -1;
		memcpy(at, &i, sizeof(i));
		return 0;
	case CONF_TEXT:
		memcpy(at, &arg, sizeof(arg));
		return 0;
	case CONF_IPV4:
		return conf_ipv4(line, arg, (struct in_addr *)(void *)at);
	case CONF_IPV6:
		return conf_ipv6(line, arg, (struct in6_addr *)(void *)at);
	case CONF_CALL:
		return kw->set(line, settings);
	}
	return -1;
}

static int split(struct conf_line *line, char *text)
{
	line->argc = 0;
	for (char *p = text;;) {
		p += strspn(p, " \t\r\f\v");
		if (*p == '\0' || *p == '#')
			return 0;
		if (line->argc == MAX_ARGS)
			return conf_fail(line, "more than %d values", MAX_ARGS - 1);
		line->argv[line->argc++] = p;
		p += strcspn(p, " \t\r\f\v");
		if (*p != '\0')
			*p++ = '\0';
	}
}

static int one_line(struct conf_line *line, const struct conf_keyword *keywords, unsigned *seen, void *settings)
{
	const struct conf_keyword *kw = keywords;

	while (kw->name && strcmp(kw->name, line->argv[0]) != 0)
		kw++;
	if (!kw->name)
		return conf_fail(line, "unknown keyword '%s'", line->argv[0]);

	unsigned values = line->argc - 1, min = kw->type == CONF_CALL ? kw->min_args : 1,
	         max = kw->type == CONF_CALL ? kw->max_args : 1;

	if (values < min || values > max) {
		if (min == max)
			return conf_fail(line, "'%s' takes %u value%s, not %u", kw->name, min, min == 1 ? "" : "s", values);
		return conf_fail(line, "'%s' takes %u to %u values, not %u", kw->name, min, max, values);
	}
	if (!kw->repeat && seen[kw - keywords] != 0)
		return conf_fail(line, "'%s' was set already in line %u", kw->name, seen[kw - keywords]);
	seen[kw - keywords] = line->number;
	return set_value(line, kw, settings);
}

int conf_parse(const char *file, char *text, const struct conf_keyword *keywords, void *settings, TALLOC_CTX *mem,
               char *error, size_t room)
{
	char *argv[MAX_ARGS];
	struct conf_line line = { .file = file, .argv = argv, .mem = mem, .error = error, .error_room = room };
	size_t n = 0;

	while (keywords[n].name)
		n++;

	unsigned *seen = talloc_zero_array(mem, unsigned, (unsigned)n + 1);
	int r = seen ? 0 : -1;

	if (!seen)
		snprintf(error, room, "%s: out of memory", file);
	for (char *p = text; r == 0 && p;) {
		char *end = strchr(p, '\n');

		if (end)
			*end++ = '\0';
		line.number++;
		r = split(&line, p);
		if (r == 0 && line.argc > 0)
			r = one_line(&line, keywords, seen, settings);
		p = end;
	}
	talloc_free(seen);
	return r;
}

/* The whole file as a string that lives as long as the settings, because they point into it. */
static char *slurp(FILE *f, TALLOC_CTX *mem)
{
	size_t len = 0, room = 4096;
	char *text = talloc_size(mem, room);

	while (text) {
		len += fread(text + len, 1, room - len - 1, f);
		if (ferror(f) || len >= MAX_FILE)
			break;
		if (feof(f)) {
			text[len] = '\0';
			return text;
		}
		if (len + 1 == room) {
			room *= 2;
			char *bigger = talloc_realloc_size(mem, text, room);

			if (!bigger)
				break;
			text = bigger;
		}
	}
	talloc_free(text);
	return NULL;
}

int conf_load(const char *path, const struct conf_keyword *keywords, void *settings, TALLOC_CTX *mem, char *error,
              size_t room)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");

	if (!f) {
		snprintf(error, room, "%s: %s", path, strerror(errno));
		return -1;
	}

	char *text = slurp(f, mem);

	if (f != stdin)
		fclose(f);
	if (!text) {
		snprintf(error, room, "%s: cannot be read", path);
		return -1;
	}
	return conf_parse(path, text, keywords, settings, mem, error, room);
}
