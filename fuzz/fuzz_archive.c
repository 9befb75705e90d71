/* SPDX-License-Identifier: MIT
 *
 * fuzz_archive.c -- archives as a set of pictures: zip and tar, packed in every way. */
#include "data/tree.h"
#include "ganymede/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	char path[64];
	const int fd = memfd_create("input.zip", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	gm_tree *t = gm_tree_open(path, &err);
	gm_tree_file f;
	for (int files = 0; t && files < 64 && gm_tree_next(t, &f, &err); files++) {
		uint8_t *file;
		size_t size;
		gm_error why = {0};
		if (f.name[0] == 0 && f.size)
			continue;
		if (gm_tree_read(t, 1 << 20, &file, &size, &why)) {
			if (size > 1 << 20)
				__builtin_trap();
			free(file);
		} else if (why.code == GM_OK || !why.message[0]) {
			__builtin_trap();
		}
	}
	if (!t && (err.code == GM_OK || !err.message[0]))
		__builtin_trap();
	gm_tree_close(t);
	close(fd);
	return 0;
}
