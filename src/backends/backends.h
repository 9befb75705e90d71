/* SPDX-License-Identifier: MIT
 *
 * backends.h -- the list of backends.
 */
#ifndef GM_BACKENDS_H
#define GM_BACKENDS_H

#include "graph/plan.h"

extern const gm_backend gm_backend_ref;
extern const gm_backend gm_backend_cpu;

#endif
