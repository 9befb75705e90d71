/* SPDX-License-Identifier: MIT
 *
 * use/photo.c -- photos and the images of a run. See photo.h.
 */
#include "use/photo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "data/fit.h"
#include "use/edit.h"

bool gm_photo_options(gm_saved *s, gm_data_options *o, gm_error *err)
{
	static const char *const names[] = {
		"fit",   "filter",     "pairs",        "bad-files",     "cache",
		"parts", "label-from", "label-column", "label-pattern", "caption-column"};
	const gm_facts *f = gm_saved_facts(s);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!gm_data_option(o, names[i], gm_saved_option(s, names[i]), err))
			return false;
	static const char *const of_videos[] = {"frames", "frame-step", "maps", "moving", NULL};
	for (int i = 0; gm_saved_must(s, GM_ENDPOINT_PREDICT, NULL) && of_videos[i]; i++)
		if (!gm_data_option(o, of_videos[i], gm_saved_option(s, of_videos[i]), err))
			return false;
	o->channels = (int)f->channels;
	o->size = f->height == f->width ? (int)f->height : 0;
	/* frames in which images move are larger than these */
	return !o->moving || gm_data_option(o, "size", gm_saved_option(s, "size"), err);
}

gm_dataset *gm_photo_set(gm_saved *s, const char *split, const char *range, gm_error *err)
{
	gm_data_options o = {0};
	const gm_facts *f = gm_saved_facts(s);
	gm_error why = {0};
	if (!gm_photo_options(s, &o, err) || (range && !gm_data_option(&o, "range", range, err)))
		return NULL;
	o.split = split, o.again = true;
	gm_dataset *d = gm_data_open(gm_saved_option(s, "data"), &o, &why);
	const gm_data_info *info = d ? gm_data_info_of(d) : NULL;
	if (!d)
		gm_fail(err, why.code, "the data of this run cannot be read: %.300s", why.message);
	if (!d || (info->rank == 3 && info->shape[0] == f->channels &&
	           info->shape[1] == f->height && info->shape[2] == f->width))
		return d;
	gm_fail(err, GM_ERR_STATE, "the run's data are not images of its size");
	gm_data_close(d);
	return NULL;
}

/* How a photo becomes an image of the run; free it with gm_fitter_free. */
static bool fitter(gm_saved *s, const gm_image *photo, gm_fitter *fit, gm_error *err)
{
	gm_data_options o = {0};
	if (!gm_photo_options(s, &o, err))
		return false;
	if (o.fit == GM_FIT_AUTO)
		o.fit = GM_FIT_CROP;
	return gm_fitter_init(fit, photo->channels, photo->height, photo->width, &o, err);
}

static gm_box box_of(const gm_fitter *fit)
{
	const double sx = (double)fit->cut_width / fit->inner_width,
		     sy = (double)fit->cut_height / fit->inner_height;
	return (gm_box){fit->cut_x - fit->left * sx, fit->cut_y - fit->top * sy, fit->to_width * sx,
	                fit->to_height * sy};
}

bool gm_photo_fit(gm_saved *s, const gm_image *photo, const char *name, float *x, gm_box *box,
                  gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	gm_fitter fit = {0};
	float *scratch = NULL;
	bool ok = fitter(s, photo, &fit, err);
	if (ok && (fit.to_height != f->height || fit.to_width != f->width))
		ok = gm_fail(err, GM_ERR_VALUE, "%s is %dx%d, and this run's images are %dx%d",
		             name, photo->width, photo->height, (int)f->width, (int)f->height);
	ok = ok && ((scratch = malloc((gm_fitter_scratch(&fit) + 1) * sizeof *scratch)) ||
	            gm_fail(err, GM_ERR_MEMORY, "no memory for a photo"));
	if (ok) {
		gm_fitter_run(&fit, photo->pixel, 1, (size_t)photo->width * (size_t)photo->channels,
		              (size_t)photo->channels, scratch, x);
		gm_resize_bytes(x, f->numel);
	}
	if (ok && box)
		*box = box_of(&fit);
	gm_fitter_free(&fit);
	free(scratch);
	return ok;
}

/* n images from z0 to z1; NULL on failure. */
static float *between(gm_saved *s, const float *z0, const float *z1, int64_t n, gm_error *err)
{
	float *x = malloc((size_t)(n * gm_saved_facts(s)->numel) * sizeof *x);
	if (!x)
		gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	if (x && gm_edit_between(s, z0, z1, n, x, err))
		return x;
	free(x);
	return NULL;
}

static gm_change change_of(const gm_facts *f)
{
	return (gm_change){{(int)f->channels, (int)f->height, (int)f->width}, NULL, NULL};
}

gm_image *gm_photo_transfer(gm_saved *s, const float *z0, const float *z1, int64_t frames,
                            const gm_image *photo, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	gm_fitter fit = {0};
	gm_change c = change_of(f);
	gm_image *to = NULL;
	float *x = between(s, z0, z1, frames, err);
	if (x && fitter(s, photo, &fit, err) && gm_change_begin(&c, err)) {
		const gm_box box = box_of(&fit);
		bool ok = true;
		for (int64_t k = 1; ok && k < frames; k++)
			ok = gm_progress_tell("transferring", (uint64_t)k, (uint64_t)frames,
			                      "frames", err) &&
			     gm_change_next(&c, x + (k - 1) * f->numel, x + k * f->numel, err);
		gm_progress_end();
		if (ok)
			to = gm_change_apply(&c, photo, &box, err);
	}
	gm_change_free(&c);
	gm_fitter_free(&fit);
	free(x);
	return to;
}

/* ---- morphs ---------------------------------------------------------------------------------- */

/* The part of a photo that the run's images show, with a side of its own; NULL on failure. */
static gm_image *part(gm_saved *s, const gm_image *photo, int side, gm_error *err)
{
	gm_data_options o = {0};
	gm_fitter fit = {0};
	if (!gm_photo_options(s, &o, err))
		return NULL;
	o.fit = o.fit == GM_FIT_AUTO ? GM_FIT_CROP : o.fit;
	o.size = side;
	gm_image *to = NULL;
	float *scratch = NULL, *x = NULL;
	if (gm_fitter_init(&fit, photo->channels, photo->height, photo->width, &o, err) &&
	    (to = gm_image_new(fit.to_width, fit.to_height, fit.to_channels, err))) {
		const size_t plane = (size_t)to->width * (size_t)to->height;
		scratch = malloc((gm_fitter_scratch(&fit) + 1) * sizeof *scratch);
		x = malloc(plane * (size_t)to->channels * sizeof *x);
		if (scratch && x) {
			gm_fitter_run(&fit, photo->pixel, 1,
			              (size_t)photo->width * (size_t)photo->channels,
			              (size_t)photo->channels, scratch, x);
			for (size_t i = 0; i < plane * (size_t)to->channels; i++)
				to->pixel[i % plane * (size_t)to->channels + i / plane] =
					(uint8_t)lrintf((fminf(fmaxf(x[i], -1), 1) + 1) * 127.5f);
		} else {
			gm_fail(err, GM_ERR_MEMORY, "no memory for a photo");
			gm_image_free(to);
			to = NULL;
		}
	}
	gm_fitter_free(&fit);
	free(scratch), free(x);
	return to;
}

/* Share t of `other` in im; both have one size. */
static void dissolve(gm_image *im, const gm_image *other, double t)
{
	const size_t n = (size_t)im->width * (size_t)im->height * (size_t)im->channels;
	for (size_t i = 0; i < n; i++)
		im->pixel[i] = (uint8_t)lrint((1 - t) * im->pixel[i] + t * other->pixel[i]);
}

/* frame[k]: the photo changed along x from its own end to image k; for end 1 they exist already,
 * and are dissolved. */
static bool from_end(const gm_facts *f, const float *x, int64_t n, int end, const gm_image *photo,
                     gm_image **frame, gm_error *err)
{
	const gm_box all = {0, 0, photo->width, photo->height};
	gm_change c = change_of(f);
	bool ok = gm_change_begin(&c, err);
	for (int64_t i = 0; ok && i < n; i++) {
		const int64_t k = end ? n - 1 - i : i, before = end ? k + 1 : k - 1;
		ok = gm_progress_tell("morphing", (uint64_t)(end * n + i), (uint64_t)(2 * n),
		                      "frames", err) &&
		     (!i || gm_change_next(&c, x + before * f->numel, x + k * f->numel, err));
		gm_image *im = ok ? gm_change_apply(&c, photo, &all, err) : NULL;
		ok = im != NULL;
		if (ok && end) {
			dissolve(frame[k], im, (double)k / (double)(n - 1));
			gm_image_free(im);
		} else if (ok) {
			frame[k] = im;
		}
	}
	gm_progress_end();
	gm_change_free(&c);
	return ok;
}

bool gm_photo_morph(gm_saved *s, const float *const z[2], const gm_image *const photo[2], int64_t n,
                    int side, gm_image **frame, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	float *x = between(s, z[0], z[1], n, err);
	gm_image *own[2] = {NULL, NULL};
	double larger = 1;
	bool ok = x != NULL;
	memset(frame, 0, (size_t)n * sizeof(gm_image *));
	for (int i = 0; ok && i < 2; i++) {
		gm_fitter fit = {0};
		ok = fitter(s, photo[i], &fit, err);
		larger = ok ? fmax(larger, fmax(box_of(&fit).width, box_of(&fit).height)) : larger;
		gm_fitter_free(&fit);
	}
	for (int i = 0; ok && i < 2; i++)
		ok = (own[i] = part(s, photo[i], (int)fmin(larger, side), err)) &&
		     from_end(f, x, n, i, own[i], frame, err);
	for (int64_t i = 0; !ok && i < n; i++)
		gm_image_free(frame[i]), frame[i] = NULL;
	gm_image_free(own[0]), gm_image_free(own[1]);
	free(x);
	return ok;
}
