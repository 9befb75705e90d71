/* SPDX-License-Identifier: MIT
 *
 * studio/body.h -- JSON bodies of requests.
 */
#ifndef GM_STUDIO_BODY_H
#define GM_STUDIO_BODY_H

#include <jansson.h>

#include "ganymede/base.h"

enum { GM_BODY_BYTES = 64 << 10, GM_BODY_DEPTH = 16 };

/* An object; n 0 gives an empty one. GM_ERR_FORMAT: not UTF-8 JSON, not an object, deeper than
 * GM_BODY_DEPTH, a repeated name, or a number that is not finite. The caller releases it. */
json_t *gm_body_parse(const char *text, size_t n, gm_error *err);
/* GM_ERR_VALUE for a name that is not in names ("model|recipe|options"). */
bool gm_body_only(const json_t *o, const char *names, gm_error *err);

#endif
