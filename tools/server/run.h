/* The server at work. */
#ifndef SERVER_RUN_H
#define SERVER_RUN_H

#include "settings.h"
#include "tool.h"

/** Serve until a signal says stop. @return an exit code of tool.h. */
int run_server(TALLOC_CTX *mem, struct settings *set, const struct tool *t);
/** Print the store. @param csv comma-separated values with a heading. @return an exit code. */
int show_leases(TALLOC_CTX *mem, const struct settings *set, bool csv);

#endif
