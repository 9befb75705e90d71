/* SPDX-License-Identifier: MIT
 *
 * clips.h -- sequences of consecutive frames. The images of one folder whose names are equal up to
 * their last number are the frames of one sequence, in the order of the numbers in their names; an
 * animation is such a folder (album.h). An example is `frames` of them, each `step` after the one
 * before. */
#ifndef GANYMEDE_DATA_CLIPS_H
#define GANYMEDE_DATA_CLIPS_H

#include "data/pictures.h"

/* next[entries]: the entry of the next frame in the same sequence, GM_CLIPS_END for the last one.
 * To be freed by the caller; NULL if out of memory. */
#define GM_CLIPS_END UINT64_MAX
uint64_t *gm_clips_next(const gm_album *a);

/* The entries of the `frames` frames that begin at entry; false if the sequence is too short. out
 * may be NULL. */
bool gm_clips_at(const uint64_t *next, uint64_t entry, int frames, int step, uint64_t *out);

/* p->clip and p->clip_hash for the examples in p->entry, which all have enough successors. */
bool gm_clips_of_album(gm_pictures *p, const uint64_t *next, int frames, int step, gm_error *err);

/* The same for an array of p->count sequences of p->length images: p->count becomes the number of
 * examples, and p->label has their labels. name: for messages. */
bool gm_clips_of_array(gm_pictures *p, const gm_data_options *o, const char *name, gm_error *err);

#endif
