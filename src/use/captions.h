/* SPDX-License-Identifier: MIT
 *
 * use/captions.h -- captions that a person writes, for models that read captions.
 */
#ifndef GM_USE_CAPTIONS_H
#define GM_USE_CAPTIONS_H

#include "ganymede/saved.h"

typedef struct gm_captions {
	int64_t n, length;
	int32_t *text;     /* [n, length]: bytes, zeros after the end */
	char unknown[160]; /* characters that its text encoder does not know */
} gm_captions;

/* Reads the captions of option caption, separated by " | ", or those of the lines of a file (option
 * captions); one of both is NULL. endpoint: as for gm_saved_draw. A text encoder reads nothing in
 * the place of unknown characters. GM_ERR_VALUE: the model reads no captions, or a caption is
 * empty, longer than the model reads, or not UTF-8. Free c in any case. */
bool gm_captions_read(gm_captions *c, gm_saved *s, const char *endpoint, const char *text,
                      const char *file, gm_error *err);
void gm_captions_free(gm_captions *c); /* allowed on a zeroed struct */

#endif
