/* SPDX-License-Identifier: MIT
 *
 * texture/quilt.c -- image quilting. Blocks are laid in raster order, each overlapping its left and
 * upper neighbours. The error of a candidate is the sum of squared differences over the overlap,
 * the corner counted once; in texture transfer alpha times that and the difference to what the pass
 * before has made of the block, plus 1 - alpha times the difference of luminances to the target's,
 * counted for each channel. Alpha goes from .1 to .9 over the passes; with one pass it is .5.
 *
 * All positions of a block in the texture are candidates. Where a seam goes, the pixel on the path
 * is the new one, and where both seams meet a pixel is old if one of them says so.
 */
#include "texture/quilt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"

enum { LARGEST = 100 }; /* a block's squared differences must fit into 32 bits */

/* Planes of pixels, one for each channel: [channels][height][width]. */
typedef struct planes {
	int width, height, channels;
	int16_t *v;
} planes;

static int16_t *at(const planes *p, int c, int y, int x)
{
	return p->v + ((size_t)c * p->height + y) * p->width + x;
}

static bool make(planes *p, int width, int height, int channels)
{
	*p = (planes){width, height, channels,
	              calloc((size_t)width * height * channels, sizeof(int16_t))};
	return p->v != NULL;
}

/* Channels 3 or 1, of an image with either; grey: the luminance instead (ITU-R BT.601). Pixels
 * beyond the image repeat its last ones. */
static void fill(planes *p, const gm_image *im, bool grey)
{
	for (int y = 0; y < p->height; y++)
		for (int x = 0; x < p->width; x++) {
			const int h = y < im->height ? y : im->height - 1,
				  w = x < im->width ? x : im->width - 1;
			const uint8_t *q = im->pixel + ((size_t)h * im->width + w) * im->channels;
			for (int c = 0; c < p->channels; c++)
				*at(p, c, y, x) =
					grey && im->channels == 3
						? (int16_t)lround(.299 * q[0] + .587 * q[1] +
				                                  .114 * q[2])
						: q[im->channels == 1 ? 0 : c];
		}
}

typedef struct quilt {
	planes texture, grey;          /* grey: the texture's luminance */
	planes canvas, before, wanted; /* before: the pass before; wanted: the target's luminance */
	int block, overlap, step;
	double alpha, tolerance;
	gm_quilt_mode mode;
	double *error;  /* of all positions */
	int32_t *seam;  /* [block, overlap] */
	double sums[2]; /* of seams as made, of straight ones */
	int64_t seams;  /* their pixels */
} quilt;

int64_t gm_quilt_seam(const int32_t *e, int rows, int columns, int *path)
{
	int64_t *sum = malloc((size_t)rows * columns * sizeof *sum), least = INT64_MAX;
	if (!sum)
		return -1;
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < columns; j++) {
			int64_t *s = sum + (ptrdiff_t)i * columns + j, above = 0;
			for (int k = -1; i && k <= 1; k++)
				if (j + k >= 0 && j + k < columns &&
				    (k == -1 || (k == 0 && j == 0) || s[k - columns] < above))
					above = s[k - columns];
			*s = e[(ptrdiff_t)i * columns + j] + above;
		}
	int column = 0;
	for (int i = rows - 1; i >= 0; i--) {
		const int from = i == rows - 1 ? 0
		                 : column > 0  ? column - 1
		                               : 0,
			  to = i == rows - 1          ? columns - 1
		               : column < columns - 1 ? column + 1
		                                      : column;
		const int64_t *row = sum + (ptrdiff_t)i * columns;
		int best = from;
		for (int j = from; j <= to; j++)
			best = row[j] < row[best] ? j : best;
		path[i] = column = best;
		least = i == rows - 1 ? row[best] : least;
	}
	free(sum);
	return least;
}

/* sum[x] += the squared difference of `value` and row[x], for n positions */
static void add_row(int32_t *sum, const int16_t *row, int value, int n)
{
	for (int x = 0; x < n; x++) {
		const int32_t d = row[x] - value;
		sum[x] += d * d;
	}
}

/* The squared differences of all positions in a row of the texture `from`, at height y, to the
 * rectangle of `to` at (top + i0.., left + j0..). */
static void add_block(int32_t *sum, const planes *from, int y, int n, const planes *to, int top,
                      int left, int i0, int i1, int j0, int j1)
{
	for (int c = 0; c < from->channels; c++)
		for (int i = i0; i < i1; i++)
			for (int j = j0; j < j1; j++)
				add_row(sum, at(from, c, y + i, j), *at(to, c, top + i, left + j),
				        n);
}

/* Errors of all positions for the block at (top, left), in q->error [rows, n]. */
static bool find_errors(quilt *q, int top, int left)
{
	const int b = q->block, o = q->overlap, n = q->texture.width - b + 1,
		  rows = q->texture.height - b + 1;
	const double weight = (1 - q->alpha) * q->texture.channels;
	bool ok = true;
#pragma omp parallel for
	for (int y = 0; y < rows; y++) {
		int32_t *sum = calloc((size_t)n * 2, sizeof *sum), *light = sum + n;
		if (!sum) {
			ok = false;
			continue;
		}
		if (left)
			add_block(sum, &q->texture, y, n, &q->canvas, top, left, 0, b, 0, o);
		if (top)
			add_block(sum, &q->texture, y, n, &q->canvas, top, left, 0, o, left ? o : 0,
			          b);
		if (q->before.v)
			add_block(sum, &q->texture, y, n, &q->before, top, left, 0, b, 0, b);
		if (q->wanted.v)
			add_block(light, &q->grey, y, n, &q->wanted, top, left, 0, b, 0, b);
		for (int x = 0; x < n; x++)
			q->error[(ptrdiff_t)y * n + x] =
				q->wanted.v ? q->alpha * sum[x] + weight * light[x] : sum[x];
		free(sum);
	}
	return ok;
}

/* One of the positions whose error is small enough. */
static int64_t choose(const quilt *q, gm_rng *rng)
{
	const int64_t n =
		(int64_t)(q->texture.width - q->block + 1) * (q->texture.height - q->block + 1);
	double least = INFINITY;
	int64_t candidates = 0, found = -1;
	for (int64_t i = 0; i < n; i++)
		least = q->error[i] < least ? q->error[i] : least;
	const double bound = least * (1 + q->tolerance);
	for (int64_t i = 0; i < n; i++)
		candidates += q->error[i] <= bound;
	int64_t skip = gm_rng_below(rng, (uint32_t)candidates);
	while (skip >= 0)
		skip -= q->error[++found] <= bound;
	return found;
}

/* Squared differences in the overlap with the left neighbour (or, flipped, the upper one), as rows
 * [block, overlap]; finds the path of the seam and counts its cost. */
static void find_seam(quilt *q, int top, int left, int y, int x, bool flipped, int *path)
{
	const int b = q->block, o = q->overlap;
	memset(q->seam, 0, (size_t)b * o * sizeof *q->seam);
	for (int c = 0; c < q->texture.channels; c++)
		for (int i = 0; i < b; i++)
			for (int j = 0; j < o; j++) {
				const int v = flipped ? j : i, h = flipped ? i : j;
				const int d = *at(&q->texture, c, y + v, x + h) -
				              *at(&q->canvas, c, top + v, left + h);
				q->seam[i * o + j] += d * d;
			}
	double straight = 0, made = 0;
	for (int i = 0; i < b; i++)
		straight += q->seam[i * o];
	memset(path, 0, (size_t)b * sizeof *path);
	if (q->mode == GM_QUILT_CUT)
		made = (double)gm_quilt_seam(q->seam, b, o, path);
	q->sums[0] += q->mode == GM_QUILT_CUT ? made : straight;
	q->sums[1] += straight;
	q->seams += b;
}

/* Puts the texture's block at (y, x) onto the canvas at (top, left). */
static void lay(quilt *q, int top, int left, int y, int x)
{
	int across[LARGEST] = {0}, down[LARGEST] = {0}; /* column by row, row by column */
	if (left)
		find_seam(q, top, left, y, x, false, across);
	if (top)
		find_seam(q, top, left, y, x, true, down);
	for (int c = 0; c < q->texture.channels; c++)
		for (int i = 0; i < q->block; i++)
			for (int j = 0; j < q->block; j++)
				if (j >= across[i] && i >= down[j])
					*at(&q->canvas, c, top + i, left + j) =
						*at(&q->texture, c, y + i, x + j);
}

/* All blocks of a pass. */
static bool lay_all(quilt *q, uint64_t seed, int pass, int passes, gm_error *err)
{
	const int across = (q->canvas.width - q->block) / q->step + 1,
		  down = (q->canvas.height - q->block) / q->step + 1,
		  n = q->texture.width - q->block + 1;
	const int64_t all = (int64_t)across * down,
		      positions = (int64_t)n * (q->texture.height - q->block + 1);
	memset(q->sums, 0, sizeof q->sums);
	q->seams = 0;
	for (int64_t i = 0; i < all; i++) {
		const int top = (int)(i / across) * q->step, left = (int)(i % across) * q->step;
		gm_rng rng = gm_rng_new(seed, ((uint64_t)pass << 32) + (uint64_t)i);
		int64_t p = 0;
		if (!gm_progress_tell("quilting", (uint64_t)i, (uint64_t)all,
		                      passes > 1 ? "blocks of a pass" : "blocks", err))
			return false;
		if (q->mode == GM_QUILT_RANDOM || (!i && !q->wanted.v))
			p = (int64_t)(gm_rng_uniform(&rng) * (double)positions);
		else if (find_errors(q, top, left))
			p = choose(q, &rng);
		else
			return gm_fail(err, GM_ERR_MEMORY, "no memory for the errors of blocks");
		lay(q, top, left, (int)(p / n), (int)(p % n));
	}
	gm_progress_end();
	return true;
}

/* The smallest canvas of whole blocks that covers `length` pixels. */
static int covered(const quilt *q, int length)
{
	const int more = length > q->block ? (length - q->block + q->step - 1) / q->step : 0;
	return q->block + more * q->step;
}

/* One pass of width x height pixels with blocks of this side. */
static bool run_pass(quilt *q, const gm_quilt_options *o, int pass, int passes, gm_error *err)
{
	q->overlap = o->overlap && !pass ? o->overlap : q->block / 6 > 2 ? q->block / 6 : 2;
	q->step = q->block - q->overlap;
	q->alpha = passes > 1 ? .1 + .8 * pass / (passes - 1) : .5;
	planes last = q->canvas;
	const int width = covered(q, o->width), height = covered(q, o->height);
	free(q->before.v), free(q->wanted.v), free(q->error), free(q->seam);
	q->before = q->wanted = (planes){0}, q->error = NULL, q->seam = NULL;
	const size_t positions = (size_t)(q->texture.width - q->block + 1) *
	                         (size_t)(q->texture.height - q->block + 1);
	bool ok = make(&q->canvas, width, height, q->texture.channels) &&
	          (q->error = malloc(positions * sizeof *q->error)) &&
	          (q->seam = malloc((size_t)q->block * q->overlap * sizeof *q->seam));
	if (ok && o->target) {
		ok = make(&q->wanted, width, height, 1);
		if (ok)
			fill(&q->wanted, o->target, true);
	}
	if (ok && pass) { /* beyond the canvas before, its last pixels */
		ok = make(&q->before, width, height, q->texture.channels);
		for (int c = 0; ok && c < q->before.channels; c++)
			for (int y = 0; y < height; y++)
				for (int x = 0; x < width; x++)
					*at(&q->before, c, y, x) =
						*at(&last, c, y < last.height ? y : last.height - 1,
					            x < last.width ? x : last.width - 1);
	}
	free(last.v);
	if (!ok)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for a quilt of %dx%d pixels", width,
		               height);
	return lay_all(q, o->seed, pass, passes, err);
}

static bool check(const gm_image *texture, const gm_quilt_options *o, gm_error *err)
{
	if (o->block < 4 || o->block > LARGEST)
		return gm_fail(err, GM_ERR_VALUE, "a block has 4 to %d pixels on a side, not %d",
		               LARGEST, o->block);
	if (o->overlap < 0 || o->overlap >= o->block)
		return gm_fail(err, GM_ERR_VALUE,
		               "an overlap of %d does not fit into blocks of %d pixels", o->overlap,
		               o->block);
	if (texture->width < o->block || texture->height < o->block)
		return gm_fail(err, GM_ERR_VALUE,
		               "the texture has %dx%d pixels, fewer than a block of %d",
		               texture->width, texture->height, o->block);
	if (o->width < 1 || o->height < 1 || !(o->tolerance >= 0) || o->passes < 1)
		return gm_fail(err, GM_ERR_VALUE,
		               "sizes, passes and the tolerance of a quilt are positive");
	int64_t area = (int64_t)(o->width + LARGEST) * (o->height + LARGEST);
	return area <= 1 << 28 ||
	       gm_fail(err, GM_ERR_VALUE, "%dx%d pixels are too many", o->width, o->height);
}

static gm_image *cropped(const quilt *q, const gm_quilt_options *o, gm_quilt_report *report,
                         gm_error *err)
{
	gm_image *im = gm_image_new(o->width, o->height, q->canvas.channels, err);
	double sum = 0;
	for (int y = 0; im && y < o->height; y++)
		for (int x = 0; x < o->width; x++) {
			uint8_t *p = im->pixel + ((size_t)y * im->width + x) * im->channels;
			for (int c = 0; c < im->channels; c++)
				p[c] = (uint8_t)*at(&q->canvas, c, y, x);
			const double light =
				im->channels == 1 ? p[0] : .299 * p[0] + .587 * p[1] + .114 * p[2];
			sum += q->wanted.v ? pow(light - *at(&q->wanted, 0, y, x), 2) : 0;
		}
	const double seams = q->seams ? (double)q->seams : 1;
	if (report)
		*report = (gm_quilt_report){q->sums[0] / seams, q->sums[1] / seams,
		                            sum / ((double)o->width * o->height)};
	return im;
}

gm_image *gm_quilt(const gm_image *texture, const gm_quilt_options *given, gm_quilt_report *report,
                   gm_error *err)
{
	gm_quilt_options o = *given;
	const gm_image *t = o.target;
	o.width = o.width ? o.width : t ? t->width : 2 * texture->width;
	o.height = o.height ? o.height : t ? t->height : 2 * texture->height;
	o.block = o.block ? o.block : 32;
	o.passes = !t ? 1 : o.passes ? o.passes : 3;
	if (!check(texture, &o, err))
		return NULL;
	quilt q = {.block = o.block, .tolerance = o.tolerance, .mode = o.mode};
	bool ok = make(&q.texture, texture->width, texture->height, texture->channels) &&
	          make(&q.grey, texture->width, texture->height, 1);
	if (ok)
		fill(&q.texture, texture, false), fill(&q.grey, texture, true);
	else
		gm_fail(err, GM_ERR_MEMORY, "no memory for the texture");
	for (int pass = 0; ok && pass < o.passes; pass++) {
		ok = run_pass(&q, &o, pass, o.passes, err);
		q.block = q.block * 2 / 3 > 4 ? q.block * 2 / 3 : 4;
	}
	gm_image *im = ok ? cropped(&q, &o, report, err) : NULL;
	free(q.texture.v), free(q.grey.v), free(q.canvas.v), free(q.before.v), free(q.wanted.v);
	free(q.error), free(q.seam);
	return im;
}
