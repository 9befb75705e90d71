/* SPDX-License-Identifier: MIT
 *
 * scratch.h -- a folder for a test's files, and its removal. Include after cmocka.h. */
#ifndef GANYMEDE_TESTS_SCRATCH_H
#define GANYMEDE_TESTS_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[64] = "/tmp/ganymede-test-XXXXXX";

static int scratch_make(void **state)
{
	(void)state;
	return mkdtemp(scratch) ? 0 : -1;
}

/* A path in the scratch folder; good until the fourth next call. */
static const char *scratch_path(const char *name)
{
	static char path[4][256];
	static int turn;
	char *p = path[turn++ & 3];
	snprintf(p, sizeof path[0], "%s/%s", scratch, name);
	return p;
}

/* Entries in a folder, not counting . and .. */
static inline int scratch_count(const char *folder)
{
	int n = -2;
	DIR *d = opendir(folder);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* As scratch_path; makes the folders in name. */
static inline const char *scratch_place(const char *name)
{
	char path[120];
	snprintf(path, sizeof path, "%s", name);
	for (char *p = path; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(scratch_path(path), 0700);
	}
	return scratch_path(name);
}

static inline void scratch_write(const char *name, const void *bytes, size_t n)
{
	FILE *f = fopen(scratch_path(name), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int scratch_remove(void **state)
{
	char command[192];
	(void)state;
	snprintf(command, sizeof command, "chmod -R u+rwx %s && rm -rf %s", scratch, scratch);
	return system(command) == 0 ? 0 : -1;
}

#endif
