/* SPDX-License-Identifier: MIT
 *
 * studio/below.c -- see below.h.
 */
#include "studio/below.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool one_part(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

int gm_below_folder(int folder, const char *name)
{
	return one_part(name)
	               ? openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
	               : -1;
}

int gm_below_open(int folder, const char *name, struct stat *st)
{
	struct stat own;
	st = st ? st : &own;
	/* Before opening, because opening a device can have effects; and after it, because the
	 * name may have changed in between. */
	if (!one_part(name) || fstatat(folder, name, st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISREG(st->st_mode))
		return -1;
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, st) || !S_ISREG(st->st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

char *gm_below_read(int folder, const char *name, int64_t from, size_t most, size_t *n,
                    int64_t *start)
{
	struct stat st;
	int fd = gm_below_open(folder, name, &st);
	if (fd < 0)
		return NULL;
	int64_t at = from < 0 ? st.st_size - (int64_t)most : from;
	at = at < 0 ? 0 : at > st.st_size ? st.st_size : at;
	size_t room = st.st_size - at < (int64_t)most ? (size_t)(st.st_size - at) : most, k = 0;
	char *text = malloc(room + 1);
	ssize_t got = 0;
	while (text && k < room &&
	       (got = pread(fd, text + k, room - k, (off_t)(at + (int64_t)k))) > 0)
		k += (size_t)got;
	close(fd);
	if (!text)
		return NULL;
	text[k] = 0;
	*n = k;
	if (start)
		*start = at;
	return text;
}

DIR *gm_below_list(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	if (!d && copy >= 0)
		close(copy);
	return d;
}

uint64_t gm_below_bytes(int folder)
{
	uint64_t sum = 0;
	struct stat st;
	DIR *d = gm_below_list(folder);
	for (struct dirent *e; d && (e = readdir(d));)
		if (!fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	if (d)
		closedir(d);
	return sum;
}

bool gm_below_remove(int folder, const char *name)
{
	if (!one_part(name))
		return false;
	if (!unlinkat(folder, name, 0))
		return true;
	int fd = gm_below_folder(folder, name);
	DIR *d = fd < 0 ? NULL : gm_below_list(fd);
	bool ok = d != NULL;
	for (struct dirent *e; d && (e = readdir(d));)
		if (one_part(e->d_name))
			ok = gm_below_remove(fd, e->d_name) && ok;
	if (d)
		closedir(d);
	if (fd >= 0)
		close(fd);
	return ok && !unlinkat(folder, name, AT_REMOVEDIR);
}
