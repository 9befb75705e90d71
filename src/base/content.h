/* SPDX-License-Identifier: MIT
 *
 * content.h -- what a file is, by its first bytes and never by its name. */
#ifndef GANYMEDE_BASE_CONTENT_H
#define GANYMEDE_BASE_CONTENT_H

#include "ganymede/base.h"

typedef enum gm_content_kind {
	GM_CONTENT_UNKNOWN,
	GM_CONTENT_EMPTY,
	GM_CONTENT_PICTURE, /* one that gm_image_read_memory reads */
	GM_CONTENT_UNREAD,  /* a picture that it does not read */
	GM_CONTENT_ARCHIVE, /* may be one: zip, tar, or packed */
	GM_CONTENT_ARRAYS,  /* NumPy, MATLAB 5 */
	GM_CONTENT_TEXT,
	GM_CONTENT_OTHER /* something with a name, which is not read */
} gm_content_kind;

typedef struct gm_content {
	gm_content_kind kind;
	const char *name;   /* "a PNG picture", "a Parquet table" */
	const char *advice; /* what to do where it is not read, or NULL */
} gm_content;

enum { GM_CONTENT_HEAD = 512 }; /* bytes that are enough to say */

/* Of the file that begins with these n bytes; fewer than GM_CONTENT_HEAD are all of it. */
gm_content gm_content_of(const void *bytes, size_t n);
/* Of the file at path, which is read; GM_CONTENT_UNKNOWN where it cannot be opened. */
gm_content gm_content_at(const char *path);

/* Whether a name ends as those of pictures do: .png, .jpg, .tif, .heic, ... */
bool gm_content_named_picture(const char *name);

#endif
