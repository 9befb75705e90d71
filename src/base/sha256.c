/* SPDX-License-Identifier: MIT
 *
 * sha256.c -- by nettle. See sha256.h. */
#include "base/sha256.h"

#include "base/file.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void spell(struct sha256_ctx *sha, char hex[GM_SHA256_HEX])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	sha256_digest(sha, sizeof digest, digest);
	for (int i = 0; i < SHA256_DIGEST_SIZE; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
}

void gm_sha256(const void *bytes, size_t n, char hex[GM_SHA256_HEX])
{
	struct sha256_ctx sha;
	sha256_init(&sha);
	sha256_update(&sha, n, bytes);
	spell(&sha, hex);
}

bool gm_sha256_fd(int fd, const char *name, char hex[GM_SHA256_HEX], gm_error *err)
{
	struct sha256_ctx sha;
	uint8_t buffer[1 << 16];
	ssize_t n;
	sha256_init(&sha);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return gm_fail(err, GM_ERR_IO, "cannot read %s: %s", name, strerror(errno));
	while ((n = read(fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			sha256_update(&sha, (size_t)n, buffer);
	if (n < 0)
		return gm_fail(err, GM_ERR_IO, "cannot read %s: %s", name, strerror(errno));
	spell(&sha, hex);
	return true;
}

bool gm_sha256_file(const char *path, char hex[GM_SHA256_HEX], gm_error *err)
{
	gm_bytes file;
	if (!gm_file_open(path, &file, err))
		return false;
	gm_sha256(file.data, file.size, hex);
	gm_file_close(&file);
	return true;
}
