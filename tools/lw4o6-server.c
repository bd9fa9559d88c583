/* lw4o6-server: DHCPv4 over DHCPv6 server for lightweight 4over6. */
#include "config.h"

#include "run.h"
#include "tool.h"

#define DEFAULT_CONFIG SYSCONFDIR "/lw4o6/server.conf"

int main(int argc, char **argv)
{
	TALLOC_CTX *mem = talloc_named_const(NULL, 0, "lw4o6-server");
	const char *leases = NULL, *csv = NULL;
	struct settings settings;
	struct tool_option options[] = {
		{ "leases", 0, "print the stored leases and exit", &leases },
		{ "csv", 0, "with --leases: as comma-separated values", &csv },
		{ .name = NULL },
	};
	struct tool t = {
		.name = "lw4o6-server",
		.summary = "DHCPv6 and DHCPv4-over-DHCPv6 server for lightweight 4over6 (RFC 7341, 7618, 8539)",
		.default_config = DEFAULT_CONFIG,
		.keywords = settings_keywords,
		.settings = &settings,
		.options = options,
		.check = settings_check,
	};
	int code = EXIT_MEMORY;

	if (mem && settings_init(&settings, mem) == 0) {
		code = tool_start(&t, argc, argv, mem);
		if (code < 0)
			code = leases ? show_leases(mem, &settings, csv != NULL) : run_server(mem, &settings, &t);
	}
	talloc_free(mem);
	return code;
}
