/* What the three programs share: flags, settings file, log, pid file. */
#ifndef COMMON_TOOL_H
#define COMMON_TOOL_H

#include "conf.h"
#include "logsink.h"

/** Exit codes, documented in the manual pages. */
enum { EXIT_OK = 0, EXIT_CONFIG = 1, EXIT_NETWORK = 2, EXIT_FILE = 3, EXIT_MEMORY = 4, EXIT_OTHER = 5 };

/** A long option of one program, with its values taken from the command line. */
struct tool_option {
	const char *name; /**< without dashes; NULL ends the list */
	unsigned values;
	const char *help;
	const char **value; /**< out: array of `values`; for an option without values one pointer, set to "" */
};

struct tool {
	const char *name;    /**< "lw4o6-aftr" */
	const char *summary;
	const char *default_config;
	const struct conf_keyword *keywords;
	void *settings;
	struct tool_option *options; /**< may be NULL */
	/** After the settings were read: what no single line can tell. @return 0, or -1 with a reason. */
	int (*check)(void *settings, char *error, size_t room);

	/* out */
	const char *config, *instance, *pidfile, *socket;
	bool foreground;
};

/**
 * Read flags and settings. Handles -h, -V and -t itself.
 * @param mem  keeps the settings' strings
 * @return -1 to go on, else the exit code.
 */
int tool_start(struct tool *t, int argc, char **argv, TALLOC_CTX *mem);
/** Go to the background unless in the foreground, write the pid file. @return -1 to go on, else the exit code. */
int tool_detach(const struct tool *t);
/** Remove the pid file, if it is that of this process. */
void tool_end(const struct tool *t);

#endif
