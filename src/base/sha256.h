/* SPDX-License-Identifier: MIT
 *
 * sha256.h -- the SHA-256 of a file, as 64 hexadecimal digits and a zero. */
#ifndef GANYMEDE_BASE_SHA256_H
#define GANYMEDE_BASE_SHA256_H

#include "ganymede/base.h"

#define GM_SHA256_HEX 65

void gm_sha256(const void *bytes, size_t n, char hex[GM_SHA256_HEX]);
/* All of an open file, from its beginning. name is what messages call it. GM_ERR_IO. */
bool gm_sha256_fd(int fd, const char *name, char hex[GM_SHA256_HEX], gm_error *err);
bool gm_sha256_file(const char *path, char hex[GM_SHA256_HEX], gm_error *err);

#endif
