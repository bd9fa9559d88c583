/* Writes the vectors of tests/vectors/codec.h into fuzz/corpus/: seeds DIRECTORY. A development tool: make seeds. */
#include "../tests/vectors/codec.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX = 1024 };

static size_t octets(uint8_t *dst, const char *hex)
{
	size_t n = 0;

	for (const char *p = hex; n < MAX - 1; n++) {
		char *end;
		unsigned long v = strtoul(p, &end, 16);

		if (end == p)
			break;
		dst[n] = (uint8_t)v;
		p = end;
	}
	return n;
}

static void save(const char *dir, const char *target, const char *name, const uint8_t *data, size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, target);
	if (mkdir(path, 0777) != 0 && errno != EEXIST) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	snprintf(path, sizeof(path), "%s/%s/%s", dir, target, name);
	f = fopen(path, "wb");
	if (!f || fwrite(data, 1, len, f) != len || fclose(f) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

/* With an octet in front that tells the target what follows. */
static void save_selected(const char *dir, const char *target, const char *name, uint8_t selector,
                          const uint8_t *data, size_t len)
{
	uint8_t buf[MAX + 1] = { selector };

	memcpy(buf + 1, data, len);
	save(dir, target, name, buf, len + 1);
}

/* The message in option 87, which is the last but for options 90 and 137 of fixed length. */
static const uint8_t *inner_v4(const uint8_t *msg, size_t len, size_t *inner_len)
{
	for (size_t i = 4; i + 4 <= len;) {
		size_t n = (size_t)msg[i + 2] << 8 | msg[i + 3];

		if (msg[i] == 0 && msg[i + 1] == 87) {
			*inner_len = n;
			return msg + i + 4;
		}
		i += 4 + n;
	}
	return NULL;
}

/* Every option of a message, its selector octet in front, for the target of single bodies. */
static void save_bodies(const char *dir, const struct codec_vector *v, const uint8_t *msg, size_t len)
{
	for (size_t i = 4; i + 4 <= len;) {
		size_t n = (size_t)msg[i + 2] << 8 | msg[i + 3];
		char name[128];

		if (msg[i] == 0 && msg[i + 1] >= 88) {
			snprintf(name, sizeof(name), "%s-%u", v->name, msg[i + 1]);
			save_selected(dir, "fuzz_s46", name, msg[i + 1], msg + i + 4, n);
		}
		i += 4 + n;
	}
}

int main(int argc, char **argv)
{
	uint8_t buf[MAX];
	const char *dir = argc > 1 ? argv[1] : ".";

	for (size_t i = 0; i < sizeof(codec_messages) / sizeof(codec_messages[0]); i++) {
		const struct codec_vector *v = &codec_messages[i];
		size_t inner_len, len = octets(buf, v->hex);

		save_selected(dir, "fuzz_print", v->name, 0, buf, len);
		if (buf[0] == 12 || buf[0] == 13) {
			save(dir, "fuzz_relay", v->name, buf, len);
			continue;
		}

		const uint8_t *inner = inner_v4(buf, len, &inner_len);

		save(dir, "fuzz_dhcp6", v->name, buf, len);
		if (inner)
			save(dir, "fuzz_dhcp4", v->name, inner, inner_len);
		save_bodies(dir, v, buf, len);
	}
	for (size_t i = 0; i < sizeof(codec_leasequery) / sizeof(codec_leasequery[0]); i++) {
		const struct codec_vector *v = &codec_leasequery[i];
		size_t len = octets(buf, v->hex);

		save_selected(dir, "fuzz_lqframe", v->name, (uint8_t)i, buf, len);
		save_selected(dir, "fuzz_print", v->name, 1, buf + 2, len - 2);
		save(dir, "fuzz_dhcp4", v->name, buf + 2, len - 2);
	}
	return EXIT_SUCCESS;
}
