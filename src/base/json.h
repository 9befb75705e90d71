/* SPDX-License-Identifier: MIT
 *
 * json.h -- any text as a JSON string, and back. JSON is Unicode, but file names may not be: text
 * that is not UTF-8 becomes "bytes:" followed by its bytes, non-ASCII ones as %XX. */
#ifndef GANYMEDE_BASE_JSON_H
#define GANYMEDE_BASE_JSON_H

#include <jansson.h>

json_t *gm_json_text(const char *text); /* NULL where memory is short */
/* The text that gm_json_text was given; the caller frees it. NULL where v is no string, or memory
 * is short. */
char *gm_json_text_of(const json_t *v);

#endif
