/* SPDX-License-Identifier: MIT
 *
 * run/classes.c -- see classes.h.
 */
#include "run/classes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

bool gm_classes_agree(const gm_facts *a, const char *name_a, const gm_facts *b, const char *name_b,
                      gm_error *err)
{
	if (a->classes != b->classes)
		return gm_fail(err, GM_ERR_VALUE, "%.150s has %lld classes and %.150s has %lld",
		               name_a, (long long)a->classes, name_b, (long long)b->classes);
	for (int64_t i = 0; a->class_names && b->class_names && i < a->classes; i++)
		if (strcmp(a->class_names[i], b->class_names[i]) != 0)
			return gm_fail(
				err, GM_ERR_VALUE,
				"the classes differ: number %lld is %.60s in %.120s and %.60s in "
				"%.120s",
				(long long)i, a->class_names[i], name_a, b->class_names[i], name_b);
	return true;
}

bool gm_labels_fit(const gm_facts *run, const gm_facts *data, const char *name, gm_error *err)
{
	if ((!run->class_names || !data->class_names) && data->classes <= run->classes)
		return true;
	return gm_classes_agree(data, name, run, "this run", err);
}

static int64_t by_name(const gm_facts *f, const char *text,
                       int (*compare)(const char *, const char *))
{
	int64_t found = -1;
	for (int64_t i = 0; f->class_names && i < f->classes; i++)
		if (compare(f->class_names[i], text) == 0) {
			if (found >= 0)
				return -1;
			found = i;
		}
	return found;
}

bool gm_class_find(const gm_facts *f, const char *text, int64_t *number, gm_error *err)
{
	char all[240] = "";
	size_t n = 0;
	*number = by_name(f, text, strcmp);
	if (*number >= 0)
		return true;
	if (gm_text_i64(text, number) && *number >= 0 && *number < f->classes)
		return true;
	*number = by_name(f, text, strcasecmp);
	if (*number >= 0)
		return true;
	for (int64_t i = 0; f->class_names && i < f->classes && i < 12 && n < sizeof all - 60; i++)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%.40s", i ? ", " : "",
		                      f->class_names[i]);
	return gm_fail(
		err, GM_ERR_VALUE,
		"option class: there is no class %.60s; this run has the classes 0 to %lld%s%s%s",
		text, (long long)f->classes - 1, *all ? ": " : "", all,
		*all && f->classes > 12 ? ", ..." : "");
}
