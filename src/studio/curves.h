/* SPDX-License-Identifier: MIT
 *
 * studio/curves.h -- the series of a run, summarised for drawing.
 */
#ifndef GM_STUDIO_CURVES_H
#define GM_STUDIO_CURVES_H

#include "studio/internal.h"

/* GET /api/runs/ID/stats?names=a,b&from=&to=&buckets=500&half=STEPS */
void gm_curves(gm_studio *s, gm_call *c);
void gm_curves_free(gm_studio *s);

#endif
