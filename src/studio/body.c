/* SPDX-License-Identifier: MIT
 *
 * studio/body.c -- see body.h.
 */
#include "studio/body.h"

#include <string.h>

/* The greatest number of brackets around any byte, outside of strings. */
static int depth_of(const char *text, size_t n)
{
	int depth = 0, most = 0;
	bool inside = false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		if (inside && c == '\\')
			i++;
		else if (c == '"')
			inside = !inside;
		else if (!inside && (c == '{' || c == '['))
			depth++;
		else if (!inside && (c == '}' || c == ']'))
			depth--;
		most = depth > most ? depth : most;
	}
	return most;
}

json_t *gm_body_parse(const char *text, size_t n, gm_error *err)
{
	json_error_t where = {0};
	if (!n)
		return json_object();
	if (depth_of(text, n) > GM_BODY_DEPTH) {
		gm_fail(err, GM_ERR_FORMAT, "the body has more than %d levels", GM_BODY_DEPTH);
		return NULL;
	}
	json_t *o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &where);
	if (json_is_object(o))
		return o;
	gm_fail(err, GM_ERR_FORMAT, "the body is not a JSON object: %.200s",
	        o ? "it is another value" : where.text);
	json_decref(o);
	return NULL;
}

bool gm_body_only(const json_t *o, const char *names, gm_error *err)
{
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)o, name, value) {
		const char *at = names;
		size_t n = strlen(name);
		while (at && (strncmp(at, name, n) != 0 || (at[n] != '|' && at[n])))
			at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL;
		if (!at || !n)
			return gm_fail(err, GM_ERR_VALUE,
			               "the body has an unknown field \"%.60s\"; known are %s",
			               name, names);
	}
	return true;
}
