/* SPDX-License-Identifier: MIT
 *
 * content.h -- identifies a file format by its first bytes, not its name. */
#ifndef GANYMEDE_BASE_CONTENT_H
#define GANYMEDE_BASE_CONTENT_H

#include "ganymede/base.h"

typedef enum gm_content_kind {
	GM_CONTENT_UNKNOWN,
	GM_CONTENT_EMPTY,
	GM_CONTENT_PICTURE, /* supported by gm_image_read_memory */
	GM_CONTENT_UNREAD,  /* an unsupported image format */
	GM_CONTENT_ARCHIVE, /* possibly an archive: zip, tar, or compressed */
	GM_CONTENT_ARRAYS,  /* NumPy, MATLAB 5 */
	GM_CONTENT_TEXT,
	GM_CONTENT_OTHER /* another known, unsupported format */
} gm_content_kind;

typedef struct gm_content {
	gm_content_kind kind;
	const char *name;   /* "a PNG picture", "a Parquet table" */
	const char *advice; /* advice for an unsupported format, or NULL */
} gm_content;

enum { GM_CONTENT_HEAD = 512 }; /* bytes needed for identification */

/* Identifies a file by its first n bytes; if n is below GM_CONTENT_HEAD they are the whole file. */
gm_content gm_content_of(const void *bytes, size_t n);
/* Identifies the file at path; GM_CONTENT_UNKNOWN if it cannot be opened. */
gm_content gm_content_at(const char *path);

/* True if a name has an image extension: .png, .jpg, .tif, .heic, ... */
bool gm_content_named_picture(const char *name);

#endif
