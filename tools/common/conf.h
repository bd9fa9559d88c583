/*
 * The settings parser of all three tools: one `keyword value...` per line, `#` starts a comment.
 * A program describes its keywords in a table; an error names file, line and reason.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <lw4o6/base.h>
#include <talloc.h>

/** One line being read. argv[0] is the keyword; strings live as long as the settings. */
struct conf_line {
	const char *file;
	unsigned number;
	unsigned argc;
	char **argv;
	TALLOC_CTX *mem; /**< for what a setter allocates */
	char *error;     /**< where conf_fail() puts the reason */
	size_t error_room;
};

enum conf_type {
	CONF_UINT, /**< unsigned integer of `size` octets, min..max; k, M, G multiply by 1024 */
	CONF_BOOL, /**< on, off, yes, no */
	CONF_WORD, /**< one of `words`; stores its index in an int */
	CONF_TEXT, /**< a string: const char * */
	CONF_IPV4, /**< struct in_addr */
	CONF_IPV6, /**< struct in6_addr */
	CONF_CALL, /**< `set` does it */
};

struct conf_keyword {
	const char *name;
	enum conf_type type;
	bool repeat;               /**< may appear more than once */
	unsigned min_args, max_args; /**< CONF_CALL: how many values */
	size_t offset, size;       /**< where in the settings struct */
	uint64_t min, max;         /**< CONF_UINT */
	const char *const *words;  /**< CONF_WORD, ends with NULL */
	int (*set)(struct conf_line *line, void *settings); /**< CONF_CALL: 0, or conf_fail() */
};

#define CONF_FIELD_(s, m) .offset = offsetof(s, m), .size = sizeof(((s *)0)->m)
#define CONF_UINT_ROW(kw, s, m, lo, hi) { .name = kw, .type = CONF_UINT, CONF_FIELD_(s, m), .min = lo, .max = hi }
#define CONF_BOOL_ROW(kw, s, m) { .name = kw, .type = CONF_BOOL, CONF_FIELD_(s, m) }
#define CONF_WORD_ROW(kw, s, m, list) { .name = kw, .type = CONF_WORD, CONF_FIELD_(s, m), .words = list }
#define CONF_TEXT_ROW(kw, s, m) { .name = kw, .type = CONF_TEXT, CONF_FIELD_(s, m) }
#define CONF_IPV4_ROW(kw, s, m) { .name = kw, .type = CONF_IPV4, CONF_FIELD_(s, m) }
#define CONF_IPV6_ROW(kw, s, m) { .name = kw, .type = CONF_IPV6, CONF_FIELD_(s, m) }
#define CONF_CALL_ROW(kw, lo, hi, fn) { .name = kw, .type = CONF_CALL, .min_args = lo, .max_args = hi, .set = fn, .repeat = true }

/**
 * Parse a text. @p text is changed. @param keywords ends with a row without name.
 * @return 0; -1 with "file:line: reason" in error.
 */
int conf_parse(const char *file, char *text, const struct conf_keyword *keywords, void *settings, TALLOC_CTX *mem,
               char *error, size_t room);
/** The same for a file. "-" is standard input. */
int conf_load(const char *path, const struct conf_keyword *keywords, void *settings, TALLOC_CTX *mem, char *error,
              size_t room);

/** Say why a line is bad. @return -1. */
int conf_fail(struct conf_line *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Values: 0, or conf_fail(). */
int conf_uint(struct conf_line *line, const char *text, uint64_t min, uint64_t max, uint64_t *v);
int conf_bool(struct conf_line *line, const char *text, bool *v);
int conf_word(struct conf_line *line, const char *text, const char *const *words, int *v);
int conf_ipv4(struct conf_line *line, const char *text, struct in_addr *v);
int conf_ipv6(struct conf_line *line, const char *text, struct in6_addr *v);
/** "ADDR/LEN", or ADDR for a host. Bits behind the length must be zero. */
int conf_prefix4(struct conf_line *line, const char *text, struct in_addr *v, unsigned *len);
int conf_prefix6(struct conf_line *line, const char *text, struct in6_addr *v, unsigned *len);
/** An even number of hex digits, colons allowed between octets. *len is the room on entry. */
int conf_hex(struct conf_line *line, const char *text, uint8_t *v, size_t *len);
/** The value after `name` among argv[from...], for "keyword A name VALUE ..." lines; NULL when it is not there. */
const char *conf_named(const struct conf_line *line, unsigned from, const char *name);

#endif
