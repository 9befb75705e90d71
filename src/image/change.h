/* SPDX-License-Identifier: MIT
 *
 * image/change.h -- a change of an image as motion and affine colour maps, estimated between small
 * images and applied to a photo of any size: the transfer of edits of Zhu, Krähenbühl, Shechtman &
 * Efros, "Generative visual manipulation on the natural image manifold", ECCV 2016,
 * arXiv:1609.03552, section 4.3.
 *
 *	gm_change c = {{3, 64, 64}};
 *	gm_change_begin(&c, &err);
 *	gm_change_next(&c, before, after, &err);
 *	gm_image *y = gm_change_apply(&c, photo, &box, &err);
 *	gm_change_free(&c);
 */
#ifndef GM_IMAGE_CHANGE_H
#define GM_IMAGE_CHANGE_H

#include "ganymede/image.h"

/* Flow and colours jointly: minimises over w and A, by turns and from coarse to fine,
 *
 *	sum |a(p) - A(p) (b(p + w(p)), 1)|^2 + alpha^2 |grad w|^2 + sigma_c |grad A|^2
 *
 * flow [2,H,W]: w, in pixels; map [C,C+1,H,W]: A, an affine map of the colours of b to those of a.
 * Images are [C,H,W] with C 1 or 3. a = b gives exactly no flow and the identity. */
bool gm_flow_colours(const float *a, const float *b, const gm_flow_size *s, float *flow, float *map,
                     gm_error *err);

/* Pixel p after the change is map(p) of the pixel at p + flow(p) before it. */
typedef struct gm_change {
	gm_flow_size size;
	float *flow, *map; /* [2,H,W]; [C,C+1,H,W] */
} gm_change;

/* No change, of the size that c has; its other fields are replaced. Free it with gm_change_free. */
bool gm_change_begin(gm_change *c, gm_error *err);
/* c is followed by the change from one image to the next, both [C,H,W]. */
bool gm_change_next(gm_change *c, const float *from, const float *to, gm_error *err);
void gm_change_free(gm_change *c);

/* The rectangle of a photo that the small images show, in pixels of the photo; it may reach beyond
 * the photo. */
typedef struct gm_box {
	double x, y, width, height;
} gm_box;

/* The photo after the change, at its own size. Flow and map are enlarged by a guided filter (He &
 * Sun, "Fast guided filter", arXiv:1505.00996, 2015) with the moved photo as guide. Pixels that
 * come from beyond the photo are mirrored at its edges. Outside the box flow and map of its border
 * fade out over a quarter of its side. A change of three channels makes a grey photo RGB; one of
 * grey images is applied to each channel. No change returns the same pixels. */
gm_image *gm_change_apply(const gm_change *c, const gm_image *photo, const gm_box *box,
                          gm_error *err);

#endif
