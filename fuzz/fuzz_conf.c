/* The settings parser: any text is either accepted or refused with file and line, and leaves no memory behind. */
#include "conf.h"
#include "fuzz.h"

struct settings {
	uint16_t number;
	bool flag;
	int word;
	const char *text;
	struct in_addr v4;
	struct in6_addr v6;
	unsigned calls;
};

static int prefixes(struct conf_line *line, void *settings)
{
	struct settings *s = settings;
	struct in6_addr p6;
	struct in_addr p4;
	unsigned len = 0;

	s->calls++;
	if (conf_prefix4(line, line->argv[1], &p4, &len) == 0)
		FUZZ_ASSERT(len <= 32);
	else if (conf_prefix6(line, line->argv[1], &p6, &len) == 0)
		FUZZ_ASSERT(len <= 128);
	else
		return -1;
	return 0;
}

static int octets(struct conf_line *line, void *settings)
{
	uint8_t hex[8];
	size_t n = sizeof(hex);
	const char *named = conf_named(line, 2, "name");

	(void)settings;
	FUZZ_ASSERT(!named || line->argc >= 4);
	if (conf_hex(line, line->argv[1], hex, &n) < 0)
		return -1;
	FUZZ_ASSERT(n <= sizeof(hex));
	return 0;
}

static const char *const words[] = { "copy", "uniform", NULL };
static const struct conf_keyword keywords[] = {
	CONF_UINT_ROW("number", struct settings, number, 3, 60000),
	CONF_BOOL_ROW("flag", struct settings, flag),
	CONF_WORD_ROW("word", struct settings, word, words),
	CONF_TEXT_ROW("text", struct settings, text),
	CONF_IPV4_ROW("v4", struct settings, v4),
	CONF_IPV6_ROW("v6", struct settings, v6),
	CONF_CALL_ROW("prefix", 1, 1, prefixes),
	CONF_CALL_ROW("octets", 1, 5, octets),
	{ 0 },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	char *text = malloc(size + 1), error[300] = "";
	struct settings s = { .number = 3 };

	memcpy(text, data, size);
	text[size] = '\0';
	if (conf_parse("f", text, keywords, &s, mem, error, sizeof(error)) == 0)
		FUZZ_ASSERT(s.number >= 3 && s.number <= 60000 && (s.word == 0 || s.word == 1));
	else
		FUZZ_ASSERT(strncmp(error, "f:", 2) == 0);
	FUZZ_ASSERT(talloc_total_blocks(mem) == 1);
	free(text);
	talloc_free(mem);
	return 0;
}
