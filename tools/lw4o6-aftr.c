/* lw4o6-aftr: the tunnel concentrator of lightweight 4over6. */
#include "config.h"

#include "aftr.h"
#include "tool.h"

static const char *replay_files[4], *seed[1];
static struct tool_option options[] = {
	{ "replay", 4, "replay IN4 IN6 OUT4 OUT6: captures through the data path, without network; - for none",
	  replay_files },
	{ "seed", 1, "seed N: repeatable random numbers in a replay", seed },
	{ .name = NULL },
};

int main(int argc, char **argv)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct settings s;
	struct tool tool = {
		.name = "lw4o6-aftr",
		.summary = "Forward IPv4 between the softwires of lightweight 4over6 and the Internet (RFC 7596).",
		.default_config = SYSCONFDIR "/lw4o6/aftr.conf",
		.keywords = settings_keywords,
		.settings = &s,
		.options = options,
		.check = settings_check,
	};

	settings_init(&s);

	int code = tool_start(&tool, argc, argv, mem);

	if (code < 0 && replay_files[0])
		code = replay(mem, &s, replay_files, seed[0]);
	else if (code < 0)
		code = live(mem, &s, &tool);
	talloc_free(mem);
	return code;
}
