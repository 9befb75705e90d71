/* SPDX-License-Identifier: MIT
 *
 * run/history.h -- what older checkpoints call differently, or lack. A release that renames an option or a tensor, or adds a
 * tensor to a model, raises GM_RECORD_VERSION and adds a row to a table in history.c.
 */
#ifndef GM_RUN_HISTORY_H
#define GM_RUN_HISTORY_H

#include <stdbool.h>

enum { GM_RECORD_VERSION = 3 }; /* of the checkpoints that this program writes */

/* Replaces *name and *value, of a record of that version, by what they are called now. */
void gm_history_option(int version, const char *model, const char **name, const char **value);
/* What a record of that version calls the tensor that is called name now. */
const char *gm_history_tensor(int version, const char *model, const char *name);
/* Whether records of that version lack the tensor, which then keeps its initial value of zeros. */
bool gm_history_lacks(int version, const char *model, const char *name);

#endif
