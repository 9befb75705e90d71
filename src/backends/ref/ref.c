/* SPDX-License-Identifier: MIT
 *
 * ref.c -- the oracle: every operation by its scalar definition, in double, one instruction each.
 *
 * In a float graph values are rounded to float between operations; in a GM_F64 graph nothing is.
 */
#include "backends/backends.h"

static bool (*const planners[])(gm_plan *, gm_unit *) = {NULL};

const gm_backend gm_backend_ref = {.name = "ref", .planner = planners};
