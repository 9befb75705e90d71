/* SPDX-License-Identifier: MIT
 *
 * sha256.c -- by nettle. See sha256.h. */
#include "base/sha256.h"

#include "base/file.h"
#include "base/progress.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)

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

static bool tell(const char *name, uint64_t done, uint64_t total, gm_error *err)
{
	char what[64];
	const char *slash = strrchr(name, '/');
	snprintf(what, sizeof what, "checking %.50s", slash ? slash + 1 : name);
	return gm_progress_tell(what, done, total, "bytes", err);
}

bool gm_sha256_fd(int fd, const char *name, char hex[GM_SHA256_HEX], gm_error *err)
{
	struct sha256_ctx sha;
	uint8_t buffer[1 << 16];
	ssize_t n;
	struct stat st = {0};
	uint64_t done = 0;
	sha256_init(&sha);
	fstat(fd, &st);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return gm_fail(err, GM_ERR_IO, "cannot read %s: %s", name, strerror(errno));
	while ((n = read(fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		sha256_update(&sha, (size_t)n, buffer);
		done += (uint64_t)n;
		if (!tell(name, done, (uint64_t)st.st_size, err))
			return false;
	}
	gm_progress_end();
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
	struct sha256_ctx sha;
	bool ok = true;
	sha256_init(&sha);
	for (size_t at = 0; ok && at < file.size; at += PIECE) {
		const size_t n = file.size - at < PIECE ? file.size - at : PIECE;
		sha256_update(&sha, n, file.data + at);
		ok = tell(path, at + n, file.size, err);
	}
	gm_progress_end();
	spell(&sha, hex);
	gm_file_close(&file);
	return ok;
}
