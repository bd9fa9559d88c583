#include "config.h"

#include "b4.h"

int main(int argc, char **argv)
{
	static struct b4_settings settings;
	TALLOC_CTX *mem = talloc_new(NULL);
	struct tool tool = {
		.name = "lw4o6-b4",
		.summary = "Provision and run the customer end of a lightweight 4over6 softwire.",
		.default_config = SYSCONFDIR "/lw4o6/b4.conf",
		.keywords = b4_keywords,
		.settings = &settings,
		.check = b4_settings_check,
	};
	int code = EXIT_MEMORY;

	if (mem) {
		b4_settings_init(&settings);
		code = tool_start(&tool, argc, argv, mem);
		if (code < 0)
			code = b4_run(&tool, &settings, mem);
	}
	talloc_free(mem);
	return code;
}
