/* SPDX-License-Identifier: MIT
 *
 * cli/captions.h -- captions of a command line or a file, for models that read captions.
 */
#ifndef GM_CLI_CAPTIONS_H
#define GM_CLI_CAPTIONS_H

#include "ganymede/saved.h"

typedef struct cli_captions {
	int64_t n, length;
	int32_t *text; /* [n, length]: bytes, zeros after the end */
} cli_captions;

/* Reads the captions of option caption, separated by " | ", or those of the lines of a file (option
 * captions); one of both is NULL. endpoint: as for gm_saved_draw. Characters that a text encoder
 * does not know are listed on standard error. GM_ERR_VALUE: the model reads no captions, or a
 * caption is empty, longer than the model reads, or not UTF-8. Free c in any case. */
bool cli_captions_read(cli_captions *c, gm_saved *s, const char *endpoint, const char *text,
                       const char *file, gm_error *err);
void cli_captions_free(cli_captions *c); /* allowed on a zeroed struct */

#endif
