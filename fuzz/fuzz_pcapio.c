/* Captures for a replay: any octets are either refused with a reason or read as packets that lie inside of them. */
#include "config.h"

#include "fuzz.h"
#include "pcapio.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	TALLOC_CTX *mem = talloc_new(NULL);
	char path[32], error[512] = "";
	struct pcapio_in *in;
	lw4o6_time when;
	const uint8_t *p;
	size_t len, octets = 0, packets = 0;
	int got = 1;

	if (fd < 0)
		fd = memfd_create("capture", MFD_CLOEXEC);
	FUZZ_ASSERT(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	in = pcapio_open(mem, path, error, sizeof(error));
	FUZZ_ASSERT(in || error[0] != '\0');
	while (in && (got = pcapio_next(in, &when, &p, &len, error, sizeof(error))) == 1) {
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, p, len);
		free(copy);
		octets += len;
		packets++;
	}
	FUZZ_ASSERT(octets <= size && packets <= size && (got != -1 || error[0] != '\0'));
	talloc_free(mem);
	return 0;
}
