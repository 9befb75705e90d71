/* SPDX-License-Identifier: MIT
 *
 * sound.h -- recordings in folders and archives: WAVE, FLAC, Ogg and what else libsndfile reads, as
 * one channel (the mean of all) of 16-bit samples, at one rate (libsamplerate). */
#ifndef GANYMEDE_DATA_SOUND_H
#define GANYMEDE_DATA_SOUND_H

#include "data/pictures.h"

/* Decodes a recording to *sample [*n], to be freed by the caller. *rate: in Hz; 0 on entry: the
 * recording's own, which it becomes. GM_ERR_FORMAT: not a recording, corrupt, empty, too long. */
bool gm_sound_decode(const char *name, const uint8_t *bytes, size_t size, int *rate,
                     int16_t **sample, int64_t *n, gm_error *err);

/* The format of a sound file by its ending, "WAVE" or "FLAC"; NULL: another file. */
const char *gm_sound_format(const char *path);
/* Encodes n samples x in [-1,1], clipped, as a file of 16 bits in the format of this name; the
 * caller frees *bytes. */
bool gm_sound_encode(const char *name, const float *x, int64_t n, int rate, uint8_t **bytes,
                     size_t *size, gm_error *err);

/* The number of recordings among the files of an album that are no images. */
uint64_t gm_sounds_among(const gm_album *a);

/* Turns an album without images into one of its recordings, if it has any: entry.slot is then the
 * first sample in p->sound, entry.width the number of samples. *found: whether it did. */
bool gm_sounds_take(gm_pictures *p, const char *path, const gm_data_options *o, bool *found,
                    gm_error *err);

/* After the examples are chosen: their length, and the field of their durations. */
bool gm_sounds_fit(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err);

#endif
