/*
 * Replays inputs where libFuzzer is not linked: the files and directories named as arguments, or
 * without any the target's own, fuzz/corpus/NAME and fuzz/regress/NAME. Each input is copied into a
 * block of exactly its size, so that a sanitizer sees one octet past the end.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

static unsigned replayed;

static void fail(const char *what, const char *path)
{
	fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
	exit(EXIT_FAILURE);
}

static void replay_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(size > 0 ? size : 1);

	if (!f || !data)
		fail("cannot read", path);
	if (fread(data, 1, size, f) != size)
		fail("cannot read", path);
	fclose(f);
	uint8_t *exact = size > 0 ? data : data + 1;
	LLVMFuzzerTestOneInput(exact, size);
	free(data);
	replayed++;
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		fail("cannot find", path);
	if (S_ISREG(st.st_mode)) {
		replay_file(path, (size_t)st.st_size);
		return;
	}

	struct dirent **list;
	int n = scandir(path, &list, visible, alphasort);

	if (n < 0)
		fail("cannot list", path);
	for (int i = 0; i < n; i++) {
		char name[4096];

		if (snprintf(name, sizeof(name), "%s/%s", path, list[i]->d_name) < (int)sizeof(name))
			replay(name);
		free(list[i]);
	}
	free(list);
}

/* The target's own directories; a target without one, or without an input in it, fails. */
static void replay_own(const char *program)
{
	static const char *const kinds[] = { "corpus", "regress" };
	const char *srcdir = getenv("srcdir"), *slash = strrchr(program, '/');
	struct stat st;

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char dir[4096];

		if (snprintf(dir, sizeof(dir), "%s/fuzz/%s/%s", srcdir ? srcdir : ".", kinds[i],
		             slash ? slash + 1 : program) < (int)sizeof(dir) && stat(dir, &st) == 0)
			replay(dir);
	}
	if (replayed == 0) {
		fprintf(stderr, "%s: no input to replay\n", program);
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		replay_own(argv[0]);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%u inputs\n", replayed);
	return EXIT_SUCCESS;
}
