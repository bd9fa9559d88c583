/* What walk.c, fault.c and print.c share. */
#ifndef LW4O6_PRINT_INT_H
#define LW4O6_PRINT_INT_H

#include "opt_int.h"

#include <lw4o6/print.h>

/** Set what is wrong with an item; @p at counts from the start of its body. The first fault stays. */
void fault_set(struct lw4o6_item *item, int err, size_t at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/** Check the body of an option against its row. */
void fault_of_body(struct lw4o6_item *item, const struct opt_desc *d);
/** Check the fixed part of a DHCPv4 message. */
void fault_of_msg4(struct lw4o6_item *item);

/** Octets in front of the nested options of a body. @return false when it has none or is too short. */
bool nested_at(const struct opt_desc *d, struct lw4o6_span body, size_t *at);

static inline const struct opt_desc *item_desc(const struct lw4o6_item *item)
{
	return item->kind == LW4O6_ITEM_OPT6 ? opt6_desc(item->code) : opt4_desc((uint8_t)item->code);
}

#endif
