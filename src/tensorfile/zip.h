/* SPDX-License-Identifier: MIT
 *
 * zip.h -- the members of a zip file, unpacked into memory; through libarchive.
 *
 * For container formats (.npz, .pth), where all members are needed. Memory is bounded: claimed
 * sizes are not trusted, and a file that unpacks to more than 64 times its length is an error. */
#ifndef GANYMEDE_BASE_ZIP_H
#define GANYMEDE_BASE_ZIP_H

#include "ganymede/base.h"

typedef struct gm_zip_member {
	const char *name;
	const uint8_t *data; /* never NULL */
	size_t size;
} gm_zip_member;

typedef struct gm_zip gm_zip;

bool gm_zip_is(const void *bytes, size_t n); /* by its first bytes */

/* name is what messages call the input; bytes are not needed afterwards. GM_ERR_FORMAT (also for
 * two members of one name) or GM_ERR_MEMORY. */
gm_zip *gm_zip_open(const char *name, const void *bytes, size_t n, gm_error *err);
void gm_zip_close(gm_zip *z); /* NULL is fine */

/* In the order of the file. */
int64_t gm_zip_count(const gm_zip *z);
const gm_zip_member *gm_zip_at(const gm_zip *z, int64_t i);
const gm_zip_member *gm_zip_find(const gm_zip *z, const char *name); /* NULL where there is none */

#endif
