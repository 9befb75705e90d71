/* SPDX-License-Identifier: MIT
 *
 * maps.h -- label maps: an image whose values are the classes of another image's pixels. Option
 * maps names their folders: the map of FOLDER/x.jpg is the image x in FOLDERmaps or in a folder
 * called maps beside FOLDER. Maps are scaled by nearest neighbour. Values of grey maps are classes;
 * the colours of maps in colour are numbered in their order as hexadecimal numbers. */
#ifndef GANYMEDE_DATA_MAPS_H
#define GANYMEDE_DATA_MAPS_H

#include "data/pictures.h"

/* True if the image called name is a label map; maps: the option, may be NULL. */
bool gm_maps_is(const char *maps, const char *name);

/* Removes the maps from p->album.entry to p->map_entry. */
bool gm_maps_take(gm_pictures *p, const char *path, const char *maps, gm_error *err);

/* The map of the image called name; NULL if there is none. */
const gm_album_entry *gm_maps_find(const gm_pictures *p, const char *maps, const char *name);

/* True if all frames of a sequence, which are entries of the album, have a map. */
bool gm_maps_of_clip(const gm_pictures *p, const char *maps, const uint64_t *clip, int frames);

/* p->map, p->map_at and p->map_classes for the examples in p->entry, which all have maps. next:
 * clips.h, for sequences of o->frames; else NULL. */
bool gm_maps_read(gm_pictures *p, const char *path, const gm_data_options *o, const uint64_t *next,
                  gm_error *err);

#endif
