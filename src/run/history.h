/* SPDX-License-Identifier: MIT
 *
 * run/history.h -- compatibility with older checkpoints: renamed and missing options and tensors. A
 * release that renames an option or a tensor, or adds a tensor to a model, raises GM_RECORD_VERSION
 * and adds a row to a table in history.c.
 */
#ifndef GM_RUN_HISTORY_H
#define GM_RUN_HISTORY_H

#include <stdbool.h>

enum { GM_RECORD_VERSION = 4 }; /* of the checkpoints that this program writes */

/* Replaces *name and *value of a record of that version by their present names. */
void gm_history_option(int version, const char *model, const char **name, const char **value);
/* The name in a record of that version of the tensor now called `name`. */
const char *gm_history_tensor(int version, const char *model, const char *name);
/* True if records of that version do not have the tensor, whose numbers then all are *value. */
bool gm_history_lacks(int version, const char *model, const char *name, double *value);

#endif
