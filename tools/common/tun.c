#include "config.h"

#include "rtnl.h"
#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int tun_open(const char *name, char actual[IFNAMSIZ])
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	/* Without TUNSETOFFLOAD the kernel hands over single packets with finished checksums (D-047). */
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	memcpy(actual, ifr.ifr_name, IFNAMSIZ);
	return fd;
}

int tun_accept_local(const char *name)
{
	static const struct {
		const char *key, *value;
	} settings[] = { { "accept_local", "1" }, { "rp_filter", "0" } };
	char path[64];

	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "net/ipv4/conf/%.15s/%s", name, settings[i].key);
		int err = sysctl_write(path, settings[i].value);

		if (err < 0)
			return err;
	}
	return 0;
}
