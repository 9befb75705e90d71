/* SPDX-License-Identifier: MIT
 *
 * use/photo.h -- photos of any size and the images of a run: fitted as in training, and edits and
 * morphs of a generator's images carried back to them (Zhu, Krähenbühl, Shechtman & Efros,
 * "Generative visual manipulation on the natural image manifold", ECCV 2016, arXiv:1609.03552,
 * section 4.3).
 *
 *	gm_image *photo = gm_image_read("photo.jpg", NULL, &err);
 *	gm_photo_fit(saved, photo, "photo.jpg", x, NULL, &err);
 *	.. gm_project, gm_edit ..
 *	gm_image *y = gm_photo_transfer(saved, z0, z1, 8, photo, &err);
 */
#ifndef GM_USE_PHOTO_H
#define GM_USE_PHOTO_H

#include "ganymede/data.h"
#include "ganymede/image.h"
#include "ganymede/saved.h"
#include "image/change.h"

/* The options of a run's data, without those of the set itself; size and channels are those of its
 * images. Texts belong to s. */
bool gm_photo_options(gm_saved *s, gm_data_options *o, gm_error *err);

/* A split of the run's data, as images of its size and without augmentation; range: the run's
 * option, or NULL for all. NULL on failure, also if it has images of another size; the caller
 * closes it. */
gm_dataset *gm_photo_set(gm_saved *s, const char *split, const char *range, gm_error *err);

/* x [C,H,W]: the photo at the size of the run's images, with values of 8 bits, by the run's options
 * fit and filter (auto: its middle, as for images of a folder). box: the part of the photo that x
 * shows, or NULL. GM_ERR_VALUE with the name if it has another size and the run's images are not
 * square. */
bool gm_photo_fit(gm_saved *s, const gm_image *photo, const char *name, float *x, gm_box *box,
                  gm_error *err);

/* The photo after the change from the image of latents z0 to that of z1 [gm_project_numbers(s)], at
 * its own size: motion and colours along `frames` images (at least 2) between both. NULL on
 * failure; the caller frees it. */
gm_image *gm_photo_transfer(gm_saved *s, const float *z0, const float *z1, int64_t frames,
                            const gm_image *photo, gm_error *err);

/* n images (at least 2) from one photo to another, along the images of the latents between theirs:
 * each is the first photo, moved and recoloured along the way so far, dissolved into the second one
 * coming from the other side. They show the part of the photos that the run's images show, and have
 * the side of the larger of both parts, at most `side`. frame [n]: the caller frees the images. */
bool gm_photo_morph(gm_saved *s, const float *const z[2], const gm_image *const photo[2], int64_t n,
                    int side, gm_image **frame, gm_error *err);

#endif
