/* A TUN device: layer 3 packets of both families without packet information header. */
#ifndef COMMON_TUN_H
#define COMMON_TUN_H

#include <net/if.h>

/**
 * Create the device, which goes when the descriptor is closed. Non-blocking, close on exec.
 * @param name wanted name; "%d" in it is a number the kernel picks. @param actual gets IFNAMSIZ octets.
 * @return descriptor or -errno.
 */
int tun_open(const char *name, char actual[IFNAMSIZ]);

/**
 * Let the host take packets from the device whose source is one of its own addresses: the data path
 * answers in the host's name (ICMP errors), which the kernel otherwise drops as martian.
 * @return 0 or -errno.
 */
int tun_accept_local(const char *name);

#endif
