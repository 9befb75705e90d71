/* SPDX-License-Identifier: MIT
 *
 * use/action.c -- options of actions. See action.h.
 */
#include "use/action.h"

#include <string.h>

#include "run/settings.h"

static gm_setting setting_of(const gm_action_row *row, const char *value)
{
	const gm_option *o = &row->option;
	return (gm_setting){.name = o->name,
	                    .help = o->help,
	                    .initial = o->value,
	                    .type = o->type,
	                    .value = value};
}

/* Stores a checked value. */
static void store(const gm_action_row *row, void *action, const char *value)
{
	void *to = (char *)action + row->at;
	gm_setting one = setting_of(row, value);
	const gm_settings s = {.row = &one, .count = 1};
	switch (row->option.type.kind) {
	case GM_OPTION_INT:
		*(int64_t *)to = gm_settings_int(&s, one.name);
		break;
	case GM_OPTION_REAL:
		*(double *)to = gm_settings_real(&s, one.name);
		break;
	case GM_OPTION_U64:
		*(uint64_t *)to = gm_settings_u64(&s, one.name);
		break;
	case GM_OPTION_FLAG:
		*(bool *)to = gm_settings_flag(&s, one.name);
		break;
	default:
		*(int *)to = gm_settings_choice(&s, one.name);
	}
}

void gm_action_reset(const gm_action_row *rows, void *action)
{
	for (; rows->option.name; rows++)
		store(rows, action, rows->option.value);
}

bool gm_action_set(const gm_action_row *rows, void *action, const char *name, const char *value,
                   gm_error *err)
{
	for (; rows->option.name; rows++)
		if (!strcmp(rows->option.name, name)) {
			const gm_setting one = setting_of(rows, value);
			if (!gm_setting_check(&one, err))
				return false;
			store(rows, action, value);
			return true;
		}
	return gm_fail(err, GM_ERR_STATE, "there is no option %.60s", name);
}
