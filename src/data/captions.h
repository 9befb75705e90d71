/* SPDX-License-Identifier: MIT
 *
 * captions.h -- files of captions, and the images that they are for, by their names. */
#ifndef GANYMEDE_DATA_CAPTIONS_H
#define GANYMEDE_DATA_CAPTIONS_H

#include "ganymede/base.h"

/* Bytes of a caption that are read without option caption-length: characters of the
 * char-CNN-RNN of Reed et al. 2016, arXiv:1605.05395. */
enum { GM_CAPTION_LENGTH = 201 };

typedef struct gm_caption_file {
	char *name, *line; /* line: its whole text */
	uint32_t order;    /* of the file in its folder or archive */
} gm_caption_file;

/* Sorts n files by their names without endings; sorted [n]: by the last parts of these. */
void gm_captions_sort(gm_caption_file *c, size_t n, const gm_caption_file **sorted);
/* The file of this name, with any ending; NULL if there is none. c is sorted. */
const gm_caption_file *gm_caption_beside(const gm_caption_file *c, size_t n, const char *name);
/* The file whose name ends in the last part of this name, in any folder; NULL if there is none, or
 * several. */
const gm_caption_file *gm_caption_apart(const gm_caption_file *const *sorted, size_t n,
                                        const char *name);

#endif
