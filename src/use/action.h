/* SPDX-License-Identifier: MIT
 *
 * use/action.h -- the options of an action, such as inpainting, as a table: the command line and
 * the routes of the studio fill the same struct by it, with the same checks and messages.
 *
 *	gm_inpaint_options o = {0};
 *	gm_action_reset(gm_inpaint_rows, &o);
 *	if (!gm_action_set(gm_inpaint_rows, &o, "window", "9", &err)) ...
 */
#ifndef GM_USE_ACTION_H
#define GM_USE_ACTION_H

#include <stddef.h>

#include "ganymede/model.h"

/* An option and the place of its value in the action's struct: int64_t for GM_INT, double for
 * GM_REAL, uint64_t for GM_OPTION_U64, int (the index of the word) for GM_CHOICE, bool for
 * GM_FLAG. Other types are not supported. */
typedef struct gm_action_row {
	gm_option option;
	size_t at;
} gm_action_row;

void gm_action_reset(const gm_action_row *rows, void *action); /* to the defaults */
/* GM_ERR_STATE if there is no such option, GM_ERR_VALUE with a message if the value is bad. */
bool gm_action_set(const gm_action_row *rows, void *action, const char *name, const char *value,
                   gm_error *err);

#endif
