/* SPDX-License-Identifier: MIT
 *
 * links.h -- the links of an archive, by their names alone: which other names a file has through
 * them. What a file system would do with the unpacked archive. */
#ifndef GANYMEDE_DATA_LINKS_H
#define GANYMEDE_DATA_LINKS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gm_links gm_links;

gm_links *gm_links_new(void);    /* NULL where memory is short, as false below */
void gm_links_free(gm_links *l); /* NULL is fine */

/* The link called name. target: from the top (hard), or as a symbolic link has it. */
bool gm_links_add(gm_links *l, const char *name, const char *target, bool hard);
/* After the last, before the first question. */
bool gm_links_ready(gm_links *l);
/* All names besides its own by which the file called name can be reached, *n of them; good until
 * the next call. */
const char *const *gm_links_to(gm_links *l, const char *name, size_t *n);
/* Link i of those that led to no file that was asked about; NULL beyond the last. *circle: it leads
 * to a folder that it lies in. */
const char *gm_links_lost(const gm_links *l, size_t i, bool *circle);

#endif
