/* Messages taken apart for people: a line per message and option, and what is wrong where. */
#ifndef LW4O6_PRINT_H
#define LW4O6_PRINT_H

#include <lw4o6/dhcp4.h>
#include <lw4o6/dhcp6.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	LW4O6_WALK_LEVELS = 40,   /**< 32 relays, and what can stand in each other inside */
	LW4O6_FAULT_REASON = 96,  /**< octets of a reason, terminating zero included */
	LW4O6_FAULT_PATH = 40,
	LW4O6_ITEM_STRLEN = 2048, /**< enough for the line of every option of a few hundred octets; longer ones are cut */
	LW4O6_FAULT_STRLEN = 512,
};

enum lw4o6_item_kind {
	LW4O6_ITEM_MSG6,
	LW4O6_ITEM_MSG4,
	LW4O6_ITEM_OPT6,
	LW4O6_ITEM_OPT4,
};

/** A message or an option. */
struct lw4o6_item {
	enum lw4o6_item_kind kind;
	unsigned depth;         /**< 0 for the outermost message */
	uint16_t code;          /**< message type or option code */
	bool misplaced;         /**< an option where it means nothing (C-008) */
	size_t offset;          /**< octets from the start of the outermost message */
	struct lw4o6_span body; /**< of an option, split DHCPv4 options joined; a message whole; p NULL: it is missing */
	int err;                /**< LW4O6_OK, or what is wrong with this very item */
	size_t err_at;          /**< octets from the start of the outermost message */
	char reason[LW4O6_FAULT_REASON]; /**< for people, empty when err is LW4O6_OK */
};

/** A message being taken apart; nothing in here is for the caller. */
struct lw4o6_walk {
	const uint8_t *base;
	unsigned n, relays;
	struct lw4o6_walk_level {
		const uint8_t *p, *end;
		unsigned depth;
		uint16_t code;  /* the option that is open, 0 for the options of a message */
		uint16_t place; /* where its options stand */
		uint8_t what;   /* a message to come, or options being walked */
		uint8_t type;   /* of the message whose options these are */
		uint8_t seen;   /* singletons whose repeat is fatal */
		bool part_addr; /* no whole IPv4 address in the rule around */
	} level[LW4O6_WALK_LEVELS];
	struct lw4o6_opt4_iter v4;
	uint8_t count[256], shown[256]; /* instances of DHCPv4 options, at most 255 counted */
	uint8_t scratch[LW4O6_DHCP4_SCRATCH];
};

/** Start on a DHCPv6 message, relayed or not; on a DHCPv4 message. The octets must stay while the walk goes on. */
LW4O6_API void lw4o6_walk_init6(struct lw4o6_walk *w, const uint8_t *buf, size_t len);
LW4O6_API void lw4o6_walk_init4(struct lw4o6_walk *w, const uint8_t *buf, size_t len);
/**
 * The next message or option, outermost first, options in the order of the wire. Something malformed
 * comes as an item with err set, and the walk goes on behind it.
 * @return false at the end. A body joined from split options is good until the next call.
 */
LW4O6_API bool lw4o6_walk_next(struct lw4o6_walk *w, struct lw4o6_item *item);

/**
 * The line of an item, without indentation or newline: "msg 20 DHCPV4-QUERY u=0",
 * "option 93 S46_PORTPARAMS offset=6 psid-len=8 psid=52 ports=252", "malformed 93: ...".
 * Always terminated; a line that does not fit ends in "...". Text from the wire is escaped. @return @p dst.
 */
LW4O6_API const char *lw4o6_item_str(const struct lw4o6_item *item, char *dst, size_t room);

/** The first fault of a message. */
struct lw4o6_fault {
	int err;              /**< enum lw4o6_err */
	size_t offset;        /**< octets from the start of the message */
	unsigned n;           /**< codes in path; 0: the message itself */
	uint16_t path[LW4O6_FAULT_PATH]; /**< option codes, outermost first */
	char reason[LW4O6_FAULT_REASON];
};

/**
 * Why and where a decoder would object, for the log line of a message it has refused or read in part only.
 * Slower than decoding, up to a millisecond for the worst of messages: ask at a limited rate.
 * @return LW4O6_OK: nothing is wrong, *f untouched; else f->err.
 */
LW4O6_API int lw4o6_fault_find6(struct lw4o6_fault *f, const uint8_t *buf, size_t len);
LW4O6_API int lw4o6_fault_find4(struct lw4o6_fault *f, const uint8_t *buf, size_t len);
/** "option 96 / 92 / 93 at octet 52: PSID has set padding bits (right-justified by the sender?)". @return @p dst. */
LW4O6_API const char *lw4o6_fault_str(const struct lw4o6_fault *f, char *dst, size_t room);

#ifdef __cplusplus
}
#endif
#endif
