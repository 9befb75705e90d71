/* SPDX-License-Identifier: MIT
 *
 * decode.h -- one decoder of pictures from memory for each format; gm_image_read chooses. name is
 * what messages call the input. The caller frees the picture. */
#ifndef GANYMEDE_BASE_DECODE_H
#define GANYMEDE_BASE_DECODE_H

#include "ganymede/image.h"

/* Each fills *facts, and leaves the picture as it is stored: facts->orientation is not applied. */
gm_image *gm_png_decode(const char *name, const void *bytes, size_t n, gm_image_facts *facts,
                        gm_error *err);
gm_image *gm_jpeg_decode(const char *name, const void *bytes, size_t n, gm_image_facts *facts,
                         gm_error *err);
gm_image *gm_webp_decode(const char *name, const void *bytes, size_t n, gm_image_facts *facts,
                         gm_error *err);

/* The orientation, 1 to 8, that EXIF data asks for (a TIFF header and its first directory, with or
 * without "Exif\0\0" in front); 1 where it says nothing, or nothing that makes sense. */
int gm_exif_orientation(const void *bytes, size_t n);

/* im turned and mirrored as orientation 2 to 8 says. Frees im; NULL where memory is short. */
gm_image *gm_image_turn(gm_image *im, int orientation, gm_error *err);

#endif
