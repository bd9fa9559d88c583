#include "config.h"

#include "drop.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int set_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	for (int i = 0; i < 2; i++)
		d[i].effective = d[i].permitted = (uint32_t)(keep >> 32 * i);
	return (int)syscall(SYS_capset, &h, d);
}

/* Capabilities that we do not hold cannot be kept. */
static uint64_t held_capabilities(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { 0 };

	if (syscall(SYS_capget, &h, d) < 0)
		return 0;
	return d[0].permitted | (uint64_t)d[1].permitted << 32;
}

static int fail(char *error, size_t room, const char *what)
{
	snprintf(error, room, "%s: %s", what, strerror(errno));
	return -1;
}

int drop_privileges(const char *user, uint64_t keep, char *error, size_t room)
{
	if (user) {
		const struct passwd *pw = getpwnam(user);

		if (!pw) {
			snprintf(error, room, "user '%s' does not exist", user);
			return -1;
		}
		if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
			return fail(error, room, "keep capabilities");
		if (setgroups(0, NULL) < 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
		    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
			return fail(error, room, user);
	}
	if (set_capabilities(keep & held_capabilities()) < 0)
		return fail(error, room, "set capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(error, room, "no new privileges");
	return 0;
}
