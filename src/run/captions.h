/* SPDX-License-Identifier: MIT
 *
 * run/captions.h -- the captions of a run's data that its checkpoints keep. */
#ifndef GM_RUN_CAPTIONS_H
#define GM_RUN_CAPTIONS_H

#include "run/run.h"

enum { GM_RUN_CAPTIONS = 64 };

/* The field "caption" if the model reads it, or NULL. */
gm_run_field *gm_captions_field(gm_run *r);
/* True if this is the input of captions. */
bool gm_captions_is(gm_run *r, const gm_node *in);
/* Keeps captions of the data's examples; f: the field, when the model asks for its input. */
void gm_captions_keep(gm_run *r, const gm_run_field *f);
/* Caption i modulo GM_RUN_CAPTIONS, [length of f]. */
void gm_captions_row(const gm_run *r, const gm_run_field *f, int64_t i, int32_t *text);
/* Row i of the input becomes caption first + i. */
bool gm_captions_set(gm_run *r, int64_t first);

#endif
