/* SPDX-License-Identifier: MIT
 *
 * report/pictures.c -- the images in a run folder: samples, translations, real examples.
 */
#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "plot/figure.h"
#include "run/captions.h"
#include "run/stream.h"
#include "use/draw.h"

/* Not in the small library (libganymede). */
#pragma weak gm_term_picture
#pragma weak gm_image_spectrograms
#pragma weak gm_film_of_maps
#pragma weak gm_film_strip
#pragma weak gm_film_animate

enum { SCATTER = 2048 };                               /* points of each kind in a scatter plot */
enum { SHOWN = GM_DRAWS | GM_CHANGES | GM_FORETELLS }; /* endpoints of sample images */

static int64_t shown(const gm_run *r)
{
	return r->facts.points ? SCATTER : (int64_t)r->columns * r->rows;
}

static gm_image *grid_of(gm_run *r, const gm_facts *f, const float *x, int64_t n, int columns)
{
	if (f->rate && gm_image_spectrograms)
		return gm_image_spectrograms(x, &(gm_spectrograms){n, f->numel, columns}, &r->err);
	return gm_image_grid(x,
	                     &(gm_grid){.n = n,
	                                .channels = f->channels,
	                                .height = f->height,
	                                .width = f->width,
	                                .columns = columns},
	                     &r->err);
}

static bool put_picture(gm_run *r, const char *file, gm_image *im, bool show)
{
	char path[PATH_MAX];
	bool ok = im && snprintf(path, sizeof path, "%s/%s", r->folder, file) < PATH_MAX &&
	          gm_png_write(path, im, &r->err);
	if (ok && show && r->live && gm_term_picture) {
		gm_report_clear(r);
		gm_term_picture(r->out, im, 0);
	}
	gm_image_free(im);
	return ok;
}

static gm_image *picture_of(gm_run *r, const gm_facts *f, const float *fake, const float *real,
                            int64_t n)
{
	return r->facts.points
	               ? gm_image_scatter(
				 &(gm_scatter){
					 .real = real, .n_real = n, .fake = fake, .n_fake = n},
				 &r->err)
	               : grid_of(r, f, fake, n, r->columns);
}

enum { GAP = 12 }; /* pixels between two pictures */

/* a | b, of equal size and channels; frees both. */
static gm_image *side_by_side(gm_image *a, gm_image *b, gm_error *err)
{
	gm_image *both =
		a && b ? gm_image_new(2 * a->width + GAP, a->height, a->channels, err) : NULL;
	for (int y = 0; both && y < a->height; y++) {
		size_t row = (size_t)a->width * a->channels,
		       wide = (size_t)both->width * a->channels;
		memcpy(both->pixel + y * wide, a->pixel + y * row, row);
		memset(both->pixel + y * wide + row, 128, (size_t)GAP * a->channels);
		memcpy(both->pixel + (y + 1) * wide - row, b->pixel + y * row, row);
	}
	gm_image_free(a);
	gm_image_free(b);
	return both;
}

static gm_image *drawn(gm_run *r, gm_run_endpoint *e, int64_t n, bool raw, const float *real,
                       float *fake)
{
	const gm_facts f = gm_endpoint_facts(r, e);
	const int64_t length = gm_endpoint_caption_length(r, e);
	int32_t *label = malloc(n * sizeof *label),
		*caption = length ? malloc(n * length * sizeof *caption) : NULL;
	gm_image *im = NULL;
	gm_samples d = {.seed = r->seed, .n = n, .label = label, .caption = caption};
	if (!label || (length && !caption))
		gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	else
		gm_run_grid_labels(r, n, r->columns, label);
	/* each row has a caption */
	for (int64_t i = 0; caption && i < n; i++)
		gm_captions_row(r, gm_captions_field(r), i / r->columns, caption + i * length);
	if (label && (caption || !length) && gm_run_draw(r, e, &d, raw, fake))
		im = picture_of(r, &f, fake, real, n);
	free(label);
	free(caption);
	return im;
}

/* With moving averages: samples of the weights on the left, of the averages on the right. */
static gm_image *picture_of_samples(gm_run *r, gm_run_endpoint *e)
{
	int64_t n = shown(r), numel = gm_endpoint_facts(r, e).numel;
	float *fake = malloc(n * numel * sizeof *fake),
	      *real = malloc(n * r->facts.numel * sizeof *real);
	bool ok = (fake && real) || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	ok = ok && (!r->facts.points || gm_run_reals(r, n, real, NULL));
	gm_image *im = ok ? drawn(r, e, n, false, real, fake) : NULL;
	if (im && r->averages)
		im = side_by_side(drawn(r, e, n, true, real, fake), im, &r->err);
	free(fake);
	free(real);
	return im;
}

/* A column of images: a field of the data, or the output of an endpoint. */
typedef struct column {
	int64_t c, h, w;
	float *x; /* [n + batch, c, h, w] */
} column;

static bool column_new(gm_run *r, column *k, gm_shape s, int64_t n)
{
	*k = (column){s.dim[0], s.dim[1], s.dim[2], NULL};
	k->x = calloc((n + r->batch) * k->c * k->h * k->w, sizeof *k->x);
	return k->x || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
}

static bool read_field(gm_run *r, const char *field, int64_t n, void *x)
{
	return strcmp(field, "example") ? gm_run_real_field(r, gm_feed_find(r, field), n, x)
	                                : gm_run_reals(r, n, x, NULL);
}

/* Draws image i of a column, enlarged by repeating pixels, with grey copied to all channels. */
static void place(const column *k, int64_t i, const column *size, float *y)
{
	const float *x = k->x + i * k->c * k->h * k->w;
	for (int64_t c = 0; c < size->c; c++)
		for (int64_t v = 0; v < size->h; v++)
			for (int64_t u = 0; u < size->w; u++)
				*y++ = x[(c % k->c * k->h + v * k->h / size->h) * k->w +
				         u * k->w / size->w];
}

/* True if the run's data have the field; fields of further streams are not shown. */
static bool readable(gm_run *r, const char *field)
{
	return field && (!strcmp(field, "example") || gm_feed_find(r, field));
}

/* What "complete" is to fill in: the middle quarter. [n and a batch more, H, W]; of the examples it
 * becomes 0. */
static float *hide_middle(gm_run *r, int64_t n, column *in)
{
	float *hidden = calloc((n + r->batch) * in->h * in->w, sizeof *hidden);
	for (int64_t i = 0; hidden && i < (n + r->batch) * in->c; i++)
		for (int64_t v = in->h / 4; v < in->h - in->h / 4; v++)
			for (int64_t u = in->w / 4; u < in->w - in->w / 4; u++) {
				hidden[(i / in->c * in->h + v) * in->w + u] = 1;
				in->x[(i * in->h + v) * in->w + u] = 0;
			}
	return hidden;
}

/* Runs e on fixed examples: copies its first input (from the data) to in and its output to out.
 * Other fields are those of the same examples; labels are 0, 1, .. in turn. */
static bool change(gm_run *r, gm_run_endpoint *e, int64_t n, column *in, column *out)
{
	const int64_t m = r->batch;
	const void *use[GM_RUN_INPUTS] = {0};
	char *rows[GM_RUN_INPUTS] = {0};
	const gm_stream *stream = gm_stream_of(r, e->in[0]);
	bool ok = stream ? gm_run_stream_field(stream, e->in[0], n, in->x)
	                 : read_field(r, gm_endpoint_field(r, e->in[0]), n, in->x);
	for (int i = 1; ok && i < e->nin; i++) {
		const char *field = gm_endpoint_field(r, e->in[i]);
		if (e->in[i] == r->hidden) {
			rows[i] = (char *)hide_middle(r, n, in);
		} else if (readable(r, field) && !gm_endpoint_is_label(r, e->in[i])) {
			const size_t bytes = (size_t)((n + m) * (gm_node_size(e->in[i]) / m)) * 4;
			rows[i] = calloc(bytes, 1); /* of floats or int32_t */
		} else {
			continue;
		}
		ok = (rows[i] || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture")) &&
		     (e->in[i] == r->hidden || read_field(r, field, n, rows[i]));
	}
	for (int64_t done = 0, chunk = 0; ok && done < n; done += m, chunk++) {
		use[0] = in->x + done * in->c * in->h * in->w;
		for (int i = 1; i < e->nin; i++)
			if (rows[i])
				use[i] = rows[i] + done * (gm_node_size(e->in[i]) / m) *
				                           (int64_t)sizeof(float);
		ok = gm_endpoint_run(
			r, e,
			&(gm_use){.in = use, .seed = gm_run_latent_seed(r->seed), .chunk = chunk},
			out->x + done * out->c * out->h * out->w);
	}
	for (int i = 1; i < e->nin; i++)
		free(rows[i]);
	return ok;
}

/* The shape without its first axis. */
static gm_shape one_of(const gm_node *x)
{
	gm_shape s = gm_node_shape(x);
	s.rank--;
	memmove(s.dim, s.dim + 1, s.rank * sizeof *s.dim);
	return s;
}

/* The target field of e, and its shape; NULL if the data do not have it, or are unpaired. */
static const char *wanted(gm_run *r, const gm_run_endpoint *e, gm_shape *s)
{
	const gm_facts *f = &r->facts;
	const bool shown = e->kind->flags & (GM_PAIRS | GM_TAKES_HIDDEN);
	const char *target = shown ? gm_endpoint_target(r, e) : NULL;
	const char *from = gm_endpoint_field(r, e->in[0]);
	if (!readable(r, target) || gm_stream_of(r, e->in[0]) || !strcmp(target, from) ||
	    ((!strcmp(target, "a") || !strcmp(target, "b")) && !f->paired))
		return NULL;
	const gm_run_field *field = gm_feed_find(r, target);
	*s = field ? field->shape : GM_SHAPE(f->channels, f->height, f->width);
	return s->rank == 3 ? target : NULL;
}

/* An image of e on fixed examples: input | output | target, if there is a target other than the
 * input; or the output alone. */
static gm_image *picture_of_changes(gm_run *r, gm_run_endpoint *e)
{
	gm_shape shape = GM_RANK0;
	const char *want = wanted(r, e, &shape);
	const gm_shape x = one_of(e->in[0]), y = one_of(e->y);
	/* an output of other proportions, such as a row of several images, stands alone */
	const bool alone = x.dim[1] * y.dim[2] != x.dim[2] * y.dim[1];
	const int wide = alone ? 1 : want ? 3 : 2, first = alone;
	const int64_t each = r->columns / wide > 0 ? r->columns / wide : 1, n = each * r->rows;
	column k[3] = {0}, most = {0};
	bool ok =
		column_new(r, &k[0], one_of(e->in[0]), n) &&
		column_new(r, &k[1], one_of(e->y), n) &&
		(wide < 3 || (column_new(r, &k[2], shape, n) && read_field(r, want, n, k[2].x))) &&
		change(r, e, n, &k[0], &k[1]);
	for (int i = first; i < first + wide; i++) {
		most.c = k[i].c > most.c ? k[i].c : most.c;
		most.h = k[i].h > most.h ? k[i].h : most.h;
		most.w = k[i].w > most.w ? k[i].w : most.w;
	}
	const int64_t numel = most.c * most.h * most.w;
	float *all = ok ? malloc(n * wide * numel * sizeof *all) : NULL;
	for (int64_t i = 0; all && i < n * wide; i++)
		place(&k[first + i % wide], i / wide, &most, all + i * numel);
	gm_image *im = NULL;
	if (all) {
		const gm_facts f = {.rate = r->facts.rate,
		                    .channels = most.c,
		                    .height = most.h,
		                    .width = most.w,
		                    .numel = numel};
		im = grid_of(r, &f, all, n * wide, each * wide);
	} else if (ok)
		gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	for (int i = 0; i < 3; i++)
		free(k[i].x);
	free(all);
	return im;
}

/* predict-WHEN.png and predict-WHEN.webp, of fixed examples: videos, or label maps. */
static bool picture_of_films(gm_run *r, gm_run_endpoint *e, const char *file)
{
	const int64_t m = r->batch, n = r->rows < 16 ? r->rows : 16;
	const gm_shape s = one_of(e->y);
	const int64_t in = gm_node_size(e->in[0]) / m, out = gm_node_size(e->y) / m;
	float *x = calloc((n + m) * in, sizeof *x), *y = calloc((n + m) * out, sizeof *y),
	      *own = NULL;
	bool ok = (x && y) || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	ok = ok && read_field(r, gm_endpoint_field(r, e->in[0]), n, x);
	for (int64_t at = 0; ok && at < n; at += m)
		ok = gm_endpoint_run(r, e,
		                     &(gm_use){.in = (const void *[]){x + at * in},
		                               .seed = gm_run_latent_seed(r->seed),
		                               .chunk = (uint64_t)(at / m)},
		                     y + at * out);
	gm_film f = {n, s.dim[0], (int)s.dim[1], (int)s.dim[2], (int)s.dim[3], x, y};
	if (ok && gm_node_dtype(e->in[0]) == GM_I32)
		ok = gm_film_of_maps(&f, (const int32_t *)(void *)x, y, s.dim[1], &own, &r->err);
	char moving[PATH_MAX];
	ok = ok && put_picture(r, file, gm_film_strip(&f, &r->err), true) &&
	     (snprintf(moving, sizeof moving, "%s/%.*s.webp", r->folder, (int)strlen(file) - 4,
	               file) < PATH_MAX) &&
	     gm_film_animate(moving, &f, &r->err);
	free(x);
	free(y);
	free(own);
	return ok;
}

/* True if sample images show e: endpoints that generate samples, or map images to images. */
static bool is_shown(gm_run *r, const gm_run_endpoint *e)
{
	if (e->kind->flags & GM_FORETELLS)
		return gm_film_strip != NULL;
	if (e->kind->flags & GM_DRAWS)
		return true;
	return e->kind->flags & GM_CHANGES && !r->facts.points &&
	       readable(r, gm_endpoint_field(r, e->in[0])) && gm_node_shape(e->in[0]).rank == 4 &&
	       gm_node_shape(e->y).rank == 4;
}

bool gm_run_pictures_ready(gm_run *r)
{
	gm_run_endpoint *e = NULL;
	bool ok = gm_run_ok(r);
	while (ok && (e = gm_endpoint_next(r, SHOWN, e)))
		ok = !is_shown(r, e) || gm_endpoint_ready(r, e, false);
	return ok;
}

bool gm_run_picture(gm_run *r, const char *when)
{
	gm_run_endpoint *e = NULL, *first = gm_endpoint_first(r, SHOWN);
	bool ok = true;
	while (ok && (e = gm_endpoint_next(r, SHOWN, e))) {
		char file[128];
		if (!is_shown(r, e))
			continue;
		snprintf(file, sizeof file, "%.80s-%s.png", e == first ? "fakes" : e->name, when);
		for (char *c = file; *c; c++)
			*c = *c == '/' ? '-' : *c;
		if (e->kind->flags & GM_FORETELLS) {
			ok = picture_of_films(r, e, file);
		} else {
			gm_image *im = e->kind->flags & GM_DRAWS ? picture_of_samples(r, e)
			                                         : picture_of_changes(r, e);
			ok = put_picture(r, file, im, e == first);
		}
		if (ok)
			gm_report_png(r, e == first ? "samples" : e->name, file);
	}
	return ok;
}

bool gm_run_real_picture(gm_run *r, const char *file)
{
	int64_t n = shown(r);
	float *real = malloc(n * r->facts.numel * sizeof *real);
	bool ok = real || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for a picture");
	gm_image *im = NULL;
	if (ok && gm_run_reals(r, n, real, NULL))
		im = r->facts.points
		             ? gm_image_scatter(&(gm_scatter){.real = real, .n_real = n}, &r->err)
		             : grid_of(r, &r->facts, real, n, r->columns);
	free(real);
	return put_picture(r, file, im, false);
}
