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

#endif
