/* SPDX-License-Identifier: MIT
 *
 * studio/guard.h -- decides which requests are answered, and takes their addresses apart. These
 * functions have no state and read nothing but their arguments.
 */
#ifndef GM_STUDIO_GUARD_H
#define GM_STUDIO_GUARD_H

#include "ganymede/base.h"
#include "studio/studio.h"

typedef struct gm_guard {
	char token[GM_STUDIO_TOKEN];
	char name[GM_STUDIO_NAMES][256]; /* host names of this server */
	int names, port;
} gm_guard;

/* True for NAME:PORT with a name of the server: anything else is a name that somebody else made
 * point here (DNS rebinding). */
bool gm_guard_host(const gm_guard *g, const char *host);
/* True for http://NAME:PORT, the page's own origin. */
bool gm_guard_origin(const gm_guard *g, const char *origin);
/* Compares in a time that does not depend on where they differ. NULL: false. */
bool gm_guard_token(const gm_guard *g, const char *token);

/* Names of run folders: five or more digits, "-" and 1 to 120 of A-Z a-z 0-9 . _ - */
bool gm_guard_id(const char *id);

enum { GM_PATH_ID = 160 };
/* Matches a path, not decoded, with a pattern such as /api/runs/ID/pictures/NUMBER: ID is the name
 * of a run, written to id[GM_PATH_ID]; NUMBER at most nine digits; other parts are equal. */
bool gm_guard_match(const char *path, const char *pattern, char *id, int64_t *number);

/* Decodes the value of a name in a query a=1&b=two%20words into text[room]. Returns 1; 0 if the
 * name is missing, which leaves text as it is; and -1, with text "", if the value is too long, not
 * UTF-8, or has invalid escapes or control characters. */
int gm_guard_query(const char *query, const char *name, char *text, size_t room);

#endif
