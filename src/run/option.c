/* SPDX-License-Identifier: MIT
 *
 * run/option.c -- the option functions of model files. Types of values were already checked.
 */
#include "run/run.h"

#include <stdlib.h>
#include <string.h>

/* Returns the row; a missing row or another kind is an error of the run. */
static const gm_setting *row_of(gm_run *r, const char *name, gm_option_kind kind)
{
	const gm_setting *row = gm_settings_find(r->settings, name);
	if (!row)
		gm_run_fail(r, GM_ERR_STATE, "%s has no option %.60s", r->model->name, name);
	else if (row->type.kind != kind)
		gm_run_fail(r, GM_ERR_STATE,
		            "%s reads its option %.60s with another type than in its table",
		            r->model->name, name);
	return row;
}

bool gm_opt_has(gm_run *r, const char *name)
{
	return gm_settings_find(r->settings, name) != NULL;
}

int64_t gm_opt_int(gm_run *r, const char *name)
{
	if (!strcmp(name, "batch"))
		return r->batch; /* sampling may use another batch size than training */
	row_of(r, name, GM_OPTION_INT);
	return gm_settings_int(r->settings, name);
}

double gm_opt_real(gm_run *r, const char *name)
{
	row_of(r, name, GM_OPTION_REAL);
	return gm_settings_real(r->settings, name);
}

const char *gm_opt_str(gm_run *r, const char *name)
{
	const gm_setting *row = gm_settings_find(r->settings, name);
	return !row                                            ? ""
	       : row->automatic && !strcmp(row->value, "auto") ? row->automatic
	                                                       : row->value;
}

bool gm_opt_flag(gm_run *r, const char *name)
{
	row_of(r, name, GM_OPTION_FLAG);
	return gm_settings_flag(r->settings, name);
}

int gm_opt_choice(gm_run *r, const char *name)
{
	row_of(r, name, GM_OPTION_CHOICE);
	return gm_settings_choice(r->settings, name);
}

void gm_opt_auto(gm_run *r, const char *name, const char *fmt, ...)
{
	char text[256];
	gm_setting *row = gm_settings_find(r->settings, name);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (row && !strcmp(row->value, "auto"))
		row->automatic = gm_arena_strdup(r->settings->arena, text);
}

void gm_opt_autos(gm_run *r, const char *settings)
{
	char text[512], *rest = text, *one;
	snprintf(text, sizeof text, "%s", settings);
	while ((one = strsep(&rest, " "))) {
		const char *name = strsep(&one, "=");
		if (one)
			gm_opt_auto(r, name, "%s", one);
	}
}

void gm_opt_rate(gm_run *r, const char *schedule, const char *first, const char *second)
{
	const char *const option[] = {first, second};
	const char *text = schedule;
	for (int i = 0; i < 2 && option[i]; i++)
		text = gm_name(r, "%s:%s", text, gm_opt_str(r, option[i]));
	if (!strcmp(gm_settings_get(r->settings, "rate"), "auto"))
		r->length_name = second ? second : first;
	gm_opt_auto(r, "rate", "%s", text);
}
