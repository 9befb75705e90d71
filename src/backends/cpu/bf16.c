/* SPDX-License-Identifier: MIT
 *
 * bf16.c -- convolutions and their gradients with operands rounded to bf16, sums and results in
 * float.
 *
 * All three are sums over runs of adjacent numbers (bf16.h):
 *
 * - conv: a window of x is `kh` runs of kw C numbers in a padded image stored channels last.
 * - conv_dx: the pixels of x fall into stride^2 phases. In each, a pixel is the sum over a small
 *   window of g, so the transposed convolution is a few dense forward ones, and no result is
 *   accumulated twice.
 * - conv_dw: weight (c, i, j) is a dot product of g's pixels and a row of x, transposed to channels
 *   first and shifted by (i, j). Pixels are first sorted by phase of the stride, so that neighbours
 *   in g are neighbours in x.
 *
 * Pictures are rounded a few at a time, just before use, into memory that stays in the second-level
 * cache. Each result is one sum in a fixed order, whatever the number of threads.
 */
#include "backends/cpu/bf16.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/tiles.h"
#include "base/machine.h"
#include "ops/conv.h"

const gm_bf16_loops *gm_bf16_best(void)
{
#ifdef GM_BF16
	static int has = -1;
	if (has < 0)
		has = !strcmp(gm_simd_best()->name, "avx512") &&
		      __builtin_cpu_supports("avx512bf16");
	return has ? &gm_bf16_avx512 : NULL;
#else
	return NULL;
#endif
}

const gm_tile_loops *gm_phases_bf16(void)
{
#ifdef GM_BF16
	return gm_bf16_best() ? &gm_phase_loops_bf16 : NULL;
#else
	return NULL;
#endif
}

bool gm_bf16_here(void)
{
	return gm_bf16_best() != NULL;
}

/* Rows of results that share a sum: one for conv, one for each phase of conv_dx. */
typedef struct product {
	int rows; /* of a picture */
	/* of each: offsets of its operand and of its result. Padded to multiples of eight */
	int32_t *row, *place;
	gm_bf16_sum sum;
	int64_t weights, panel; /* where its weights begin; numbers in a panel */
} product;

typedef struct conv_ctx {
	gm_val x, w, y;
	int64_t n;                   /* pictures */
	int channels, height, width; /* of x */
	int top, left, padded_height, padded_width;
	int columns;         /* channels of y */
	int64_t y_size;      /* floats in a picture of y */
	int64_t slab, slabs; /* pictures rounded together */
	int nproduct;
	product *product;
	int threads;
	gm_buf *scratch; /* threads x slab pictures */
	int64_t room;    /* numbers of one thread's scratch */
} conv_ctx;

enum { SLAB_BYTES = 384 << 10, TURNED_BYTES = 6 << 20, SLACK = 64 };

static int64_t round_up(int64_t n, int64_t to)
{
	return (n + to - 1) / to * to;
}

static int64_t panels(int64_t columns)
{
	return (columns + BF16_COLUMNS - 1) / BF16_COLUMNS;
}

/* ---- conv and conv_dx ------------------------------------------------------------------------ */

static void round_picture(const conv_ctx *c, const gm_bf16_loops *l, const float *x, gm_bf16 *y)
{
	int64_t line = (int64_t)c->padded_width * c->channels,
		from = (int64_t)c->width * c->channels;
	int64_t left = (int64_t)c->left * c->channels;
	memset(y, 0, (size_t)(c->top * line) * sizeof *y);
	y += c->top * line;
	for (int h = 0; h < c->height; h++, x += from, y += line) {
		memset(y, 0, (size_t)left * sizeof *y);
		l->round(x, y + left, from);
		memset(y + left + from, 0, (size_t)(line - left - from) * sizeof *y);
	}
	int below = c->padded_height - c->top - c->height;
	memset(y, 0, (size_t)(below * line) * sizeof *y);
}

static void run_product(const conv_ctx *c, const gm_bf16_loops *l, const product *q,
                        const gm_bf16 *a, int64_t pictures, float *y)
{
	int64_t size = (int64_t)c->padded_height * c->padded_width * c->channels;
	const gm_bf16 *w = (const gm_bf16 *)c->w.buf->ptr + q->weights;
	for (int n = 0; n < c->columns; n += BF16_COLUMNS, w += q->panel)
		for (int64_t k = 0; k < pictures; k++)
			for (int r = 0; r < q->rows; r += BF16_ROWS) {
				int left = c->columns - n, rows = q->rows - r;
				l->tile(&(gm_bf16_tile){
					.a = a + k * size,
					.row = q->row + r,
					.sum = &q->sum,
					.b = w,
					.c = y + k * c->y_size + n,
					.place = q->place + r,
					.rows = rows < BF16_ROWS ? rows : BF16_ROWS,
					.columns = left < BF16_COLUMNS ? left : BF16_COLUMNS});
			}
}

static void run_conv(const gm_inst *in, gm_step *s)
{
	const conv_ctx *c = in->ctx;
	const gm_bf16_loops *l = gm_bf16_best();
	const float *x = gm_val_ptr(&c->x);
	float *y = gm_val_ptr(&c->y);
	int64_t from = (int64_t)c->height * c->width * c->channels;
	int64_t size = (int64_t)c->padded_height * c->padded_width * c->channels;
	(void)s;
#pragma omp parallel for schedule(dynamic) num_threads(c->threads)
	for (int64_t i = 0; i < c->slabs; i++) {
		gm_bf16 *a = (gm_bf16 *)c->scratch->ptr + gm_thread_index() * c->room;
		int64_t n = i * c->slab, end = n + c->slab < c->n ? n + c->slab : c->n;
		for (int64_t k = n; k < end; k++)
			round_picture(c, l, x + k * from, a + (k - n) * size);
		memset(a + (end - n) * size, 0, SLACK * sizeof *a); /* an odd run reads on */
		for (int k = 0; k < c->nproduct; k++)
			run_product(c, l, &c->product[k], a, end - n, y + n * c->y_size);
	}
}

/* ---- weights --------------------------------------------------------------------------------- */

typedef struct pack_ctx {
	gm_val w, out;
	gm_bf16_pack how;
	bool plain; /* steps come in pairs within a tap */
	/* else number by number: step e of run r, column n reads w[n_stride n + source[r, e]] (-1:
	 * nothing) */
	int64_t *source, steps;
	int64_t columns;
} pack_ctx;

static gm_bf16 round_one(float x)
{
	uint32_t u;
	memcpy(&u, &x, sizeof u);
	if ((u & 0x7fffffff) > 0x7f800000)
		return (gm_bf16)(u >> 16 | 0x40);
	return (gm_bf16)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static void run_pack(const gm_inst *in, gm_step *s)
{
	const pack_ctx *c = in->ctx;
	const gm_bf16_loops *l = gm_bf16_best();
	const float *w = gm_val_ptr(&c->w);
	gm_bf16 *out = c->out.buf->ptr;
	int np = (int)panels(c->columns), pairs = (c->how.k + 1) / 2;
	(void)s;
	if (c->plain) {
#pragma omp parallel for schedule(static) collapse(2)
		for (int p = 0; p < np; p++)
			for (int i = 0; i < pairs; i++)
				l->pack(&c->how, w, out, p, i);
		return;
	}
	for (int64_t p = 0; p < np; p++)
		for (int64_t e = 0; e < c->steps; e++)
			for (int64_t n = 0; n < BF16_COLUMNS; n++) {
				int64_t column = p * BF16_COLUMNS + n, from = c->source[e];
				out[(p * c->steps + e - e % 2) * BF16_COLUMNS + 2 * n + e % 2] =
					column < c->columns && from >= 0
						? round_one(w[column * c->how.n_stride + from])
						: 0;
			}
}

/* ---- planning -------------------------------------------------------------------------------- */

/* One axis of the windows that a product's rows see: its place in the picture and the taps of w,
 * first to last. */
typedef struct axis {
	/* number of rows, start of the first window (unpadded), distance between windows */
	int count, begin, step;
	int taps, tap, tap_step; /* numbers in a window, which one of w comes first, and the next */
	int place, place_step;   /* of results */
} axis;

/* Of conv: one window for each result. */
static axis forward_axis(const gm_conv_attr *a, const gm_conv_shapes *s, int d)
{
	return (axis){.count = (int)s->y.dim[2 + d],
	              .begin = -a->pad[d],
	              .step = a->stride[d],
	              .taps = (int)s->w.dim[2 + d],
	              .tap_step = 1,
	              .place_step = 1};
}

/* Of conv_dx: h = stride u + phase reads p = u + (phase + pad - i) / stride for the taps i that
 * divide. */
static axis phase_axis(const gm_conv_attr *a, const gm_conv_shapes *s, int d, int phase)
{
	int stride = a->stride[d], kernel = (int)s->w.dim[2 + d], size = (int)s->x.dim[2 + d];
	int first = (phase + a->pad[d]) % stride;
	int taps = first < kernel ? (kernel - first + stride - 1) / stride : 0;
	return (axis){.count = phase < size ? (size - phase + stride - 1) / stride : 0,
	              .begin = (phase + a->pad[d] - first) / stride - (taps - 1),
	              .step = 1,
	              .taps = taps,
	              .tap = first + (taps - 1) * stride,
	              .tap_step = -stride,
	              .place = phase,
	              .place_step = stride};
}

/* Rows that the windows reach before and after `size` of them. */
static void reach(axis x, int size, int *before, int *after)
{
	if (!x.count || !x.taps)
		return;
	int end = x.begin + (x.count - 1) * x.step + x.taps - size;
	if (-x.begin > *before)
		*before = -x.begin;
	if (end > *after)
		*after = end;
}

static void make_product(gm_plan *p, const conv_ctx *c, product *q, axis v, axis h, int width)
{
	gm_arena *arena = gm_plan_arena(p);
	int64_t line = (int64_t)c->padded_width * c->channels;
	q->rows = v.count * h.count;
	int room = (int)round_up(q->rows, BF16_ROWS);
	q->row = gm_arena_calloc(arena, room + 1, sizeof *q->row);
	q->place = gm_arena_calloc(arena, room + 1, sizeof *q->place);
	for (int i = 0; i < q->rows; i++) {
		int a = i / h.count, b = i % h.count;
		q->row[i] = (int32_t)((v.begin + a * v.step + c->top) * line +
		                      (int64_t)(h.begin + b * h.step + c->left) * c->channels);
		q->place[i] = (int32_t)(((int64_t)(v.place + a * v.place_step) * width + h.place +
		                         b * h.place_step) *
		                        c->columns);
	}
	int32_t *run = gm_arena_calloc(arena, v.taps + 1, sizeof *run);
	for (int i = 0; i < v.taps; i++)
		run[i] = (int32_t)(i * line);
	bool any = v.taps && h.taps;
	q->sum = (gm_bf16_sum){any ? v.taps : 0, any ? (h.taps * c->channels + 1) / 2 : 0, run};
	if (!any)
		memset(q->row, 0, room * sizeof *q->row);
	q->panel = (int64_t)q->sum.runs * q->sum.pairs * 2 * BF16_COLUMNS;
}

/* w's numbers in the panels that the products of y want; packed once a step for all that want the
 * same. */
static gm_val packed(gm_plan *p, gm_node *y, const gm_conv_shapes *s, conv_ctx *c,
                     const axis *vertical, const axis *horizontal, int64_t total)
{
	gm_arena *arena = gm_plan_arena(p);
	bool forward = y->opid == GM_OPID_conv;
	int taps = (int)(s->w.dim[2] * s->w.dim[3]), kw = (int)s->w.dim[3];
	struct {
		const void *ptr, *buf;
		int64_t offset;
		int opid, stride[2], pad[2];
	} key;
	memset(&key, 0, sizeof key);
	gm_val w = gm_plan_value_as(p, y->in[1], NULL);
	const gm_conv_attr *attr = y->attr;
	key.ptr = w.buf->ptr;
	key.buf = w.buf->ptr ? NULL : w.buf;
	key.offset = w.offset;
	key.opid = y->opid;
	for (int d = 0; d < 2 && !forward; d++) /* what the phases depend on */
		key.stride[d] = attr->stride[d], key.pad[d] = attr->pad[d] % attr->stride[d];
	gm_val *old = gm_plan_recall(p, &key, sizeof key);
	if (old)
		return *old;
	pack_ctx *k = gm_arena_calloc(arena, 1, sizeof *k);
	k->w = w;
	k->out = (gm_val){.buf = gm_plan_buffer(p, (size_t)total * sizeof(gm_bf16)),
	                  .dtype = GM_F32};
	int64_t O = s->w.dim[0], C = s->w.dim[1];
	k->how = (gm_bf16_pack){.n_stride = forward ? C * taps : taps,
	                        .k_stride = forward ? taps : C * taps,
	                        .columns = (int)(forward ? O : C),
	                        .k = (int)(forward ? C : O),
	                        .taps = taps};
	k->columns = k->how.columns;
	k->plain = k->how.k % 2 == 0;
	int64_t *at = gm_arena_calloc(arena, taps, sizeof *at),
		*panel = gm_arena_calloc(arena, taps, sizeof *panel);
	k->how.at = at;
	k->how.panel = panel;
	/* several products have several tables; conv needs only one, see gm_bf16_planner */
	if (!k->plain)
		k->source = gm_arena_calloc(arena, c->product[0].panel / BF16_COLUMNS + 1,
		                            sizeof *k->source);
	for (int q = 0; q < c->nproduct; q++) {
		const product *z = &c->product[q];
		axis v = vertical[q], h = horizontal[q];
		int64_t line = 2 * (int64_t)z->sum.pairs; /* steps of a run */
		for (int i = 0; i < v.taps; i++)
			for (int j = 0; j < h.taps; j++) {
				int t = (v.tap + i * v.tap_step) * kw + h.tap + j * h.tap_step;
				at[t] = z->weights +
				        (i * line + (int64_t)j * c->channels) * BF16_COLUMNS;
				panel[t] = z->panel;
				for (int e = 0; e < c->channels && !k->plain; e++)
					k->source[i * line + (int64_t)j * c->channels + e] =
						e * k->how.k_stride + t;
			}
		if (!k->plain) {
			k->steps = v.taps * line;
			for (int i = 0; i < v.taps; i++)
				for (int64_t e = (int64_t)h.taps * c->channels; e < line; e++)
					k->source[i * line + e] = -1;
		}
	}
	gm_inst in = {.kind = "pack weights bf16", .run = run_pack, .ctx = k};
	gm_plan_emit(p, in, (gm_buf *[]){w.buf, k->out.buf}, 2);
	gm_plan_remember(p, &key, sizeof key, gm_arena_copy(arena, &k->out, sizeof k->out));
	return k->out;
}

static bool plan_conv(gm_plan *p, gm_node *y, const gm_conv_shapes *s)
{
	const gm_conv_attr *a = y->attr;
	gm_arena *arena = gm_plan_arena(p);
	bool forward = y->opid == GM_OPID_conv;
	gm_shape x = forward ? s->x : s->y, out = forward ? s->y : s->x;
	conv_ctx *c = gm_arena_calloc(arena, 1, sizeof *c);
	int nv = forward ? 1 : a->stride[0], nh = forward ? 1 : a->stride[1], after[2] = {0};
	c->nproduct = nv * nh;
	c->product = gm_arena_calloc(arena, c->nproduct, sizeof *c->product);
	axis *vertical = gm_arena_calloc(arena, c->nproduct, sizeof *vertical),
	     *horizontal = gm_arena_calloc(arena, c->nproduct, sizeof *horizontal);
	c->n = x.dim[0];
	c->channels = (int)x.dim[1];
	c->height = (int)x.dim[2];
	c->width = (int)x.dim[3];
	c->columns = (int)out.dim[1];
	c->y_size = out.dim[1] * out.dim[2] * out.dim[3];
	for (int q = 0; q < c->nproduct; q++) {
		vertical[q] = forward ? forward_axis(a, s, 0) : phase_axis(a, s, 0, q / nh);
		horizontal[q] = forward ? forward_axis(a, s, 1) : phase_axis(a, s, 1, q % nh);
		reach(vertical[q], c->height, &c->top, &after[0]);
		reach(horizontal[q], c->width, &c->left, &after[1]);
	}
	c->padded_height = c->top + c->height + after[0];
	c->padded_width = c->left + c->width + after[1];
	int64_t size = (int64_t)c->padded_height * c->padded_width * c->channels, total = 0;
	if (size > INT32_MAX / 2 || c->y_size > INT32_MAX / 2)
		return false;
	for (int q = 0; q < c->nproduct; q++) {
		make_product(p, c, &c->product[q], vertical[q], horizontal[q], (int)out.dim[3]);
		c->product[q].weights = total;
		total += c->product[q].panel * panels(c->columns);
	}
	int threads = c->threads = gm_thread_count();
	int64_t cap = SLAB_BYTES / 2 / size + (size > SLAB_BYTES / 2);
	c->slabs = round_up((c->n + cap - 1) / cap, threads);
	c->slab = (c->n + c->slabs - 1) / c->slabs;
	c->slabs = (c->n + c->slab - 1) / c->slab;
	c->room = round_up(c->slab * size + SLACK, 32);
	c->x = gm_plan_value_as(p, y->in[0], gm_nhwc);
	c->w = packed(p, y, s, c, vertical, horizontal, total);
	c->scratch = gm_plan_scratch(p, (size_t)(threads * c->room) * sizeof(gm_bf16));
	c->y = gm_plan_place(p, y, gm_nhwc);
	gm_inst in = {.kind = forward ? "conv bf16" : "conv_dx bf16",
	              .run = run_conv,
	              .ctx = c,
	              .node = &y,
	              .nnode = 1,
	              .rounding = GM_BF16_ROUNDING};
	gm_plan_emit(p, in, (gm_buf *[]){c->x.buf, c->w.buf, c->y.buf}, 3);
	return true;
}

/* ---- conv_dw --------------------------------------------------------------------------------- */

typedef struct dw_ctx {
	gm_val x, g, w;
	int64_t n, block,
		piece; /* pictures: all, those turned together, those that a task sums in one go */
	gm_bf16_turn turn;
	int64_t x_size, picture;    /* floats of a picture; numbers of one channel of it, turned */
	int lines, pixels, pairs;   /* of g: lines, pixels in one, pairs in one */
	int columns;                /* channels of g */
	int rows;                   /* numbers of w for each of them */
	int32_t *row, *place, *run; /* of w's numbers; of a tile; of the lines of a piece */
	gm_buf *turned, *paired, *sums; /* of a block, of a block, [panels, rows, 32] */
	int group;                      /* rows that one task computes, a multiple of 8 */
} dw_ctx;

static void sum_group(const dw_ctx *c, const gm_bf16_loops *l, int64_t pictures, bool add,
                      int panel, int group)
{
	int64_t steps = (int64_t)c->lines * c->pairs * 2 * BF16_COLUMNS;
	int end = group + c->group < c->rows ? group + c->group : c->rows;
	float *sums = (float *)c->sums->ptr + (int64_t)panel * c->rows * BF16_COLUMNS;
	for (int64_t k = 0; k < pictures; k += c->piece) {
		int64_t n = pictures - k < c->piece ? pictures - k : c->piece;
		gm_bf16_sum sum = {(int)(n * c->lines), c->pairs, c->run};
		for (int r = group; r < end; r += BF16_ROWS)
			l->tile(&(gm_bf16_tile){.a = (const gm_bf16 *)c->turned->ptr +
			                             k * c->picture,
			                        .row = c->row + r,
			                        .sum = &sum,
			                        .b = (const gm_bf16 *)c->paired->ptr +
			                             (panel * c->block + k) * steps,
			                        .c = sums + (int64_t)r * BF16_COLUMNS,
			                        .place = c->place,
			                        .rows = end - r < BF16_ROWS ? end - r : BF16_ROWS,
			                        .columns = BF16_COLUMNS,
			                        .add = add || k > 0});
	}
}

static void run_dw(const gm_inst *in, gm_step *s)
{
	const dw_ctx *c = in->ctx;
	const gm_bf16_loops *l = gm_bf16_best();
	const float *x = gm_val_ptr(&c->x), *g = gm_val_ptr(&c->g);
	float *w = gm_val_ptr(&c->w);
	int np = (int)panels(c->columns), groups = (c->rows + c->group - 1) / c->group;
	int64_t line = (int64_t)c->pairs * 2 * BF16_COLUMNS, panel = c->block * c->lines * line;
	enum { PIECE = 64 };
	int pieces = (c->rows + PIECE - 1) / PIECE;
	(void)s;
#pragma omp parallel
	{
		for (int64_t n = 0; n < c->n; n += c->block) {
			int64_t pictures = n + c->block < c->n ? c->block : c->n - n;
#pragma omp for schedule(dynamic)
			for (int64_t k = 0; k < pictures; k++) {
				l->turn(&c->turn, x + (n + k) * c->x_size,
				        (gm_bf16 *)c->turned->ptr + k * c->picture);
				for (int h = 0; h < c->lines; h++)
					l->pair(g + ((n + k) * c->lines + h) * c->pixels *
					                        c->columns,
					        c->pixels, c->columns,
					        (gm_bf16 *)c->paired->ptr +
					                (k * c->lines + h) * line,
					        panel);
			}
#pragma omp for schedule(dynamic) collapse(2)
			for (int p = 0; p < np; p++)
				for (int k = 0; k < groups; k++)
					sum_group(c, l, pictures, n > 0, p, k * c->group);
		}
#pragma omp for schedule(dynamic, 16) collapse(2)
		for (int p = 0; p < np; p++)
			for (int k = 0; k < pieces; k++) {
				int left = c->columns - p * BF16_COLUMNS, r = k * PIECE;
				l->turn_back((const float *)c->sums->ptr +
				                     ((int64_t)p * c->rows + r) * BF16_COLUMNS,
				             c->rows - r < PIECE ? c->rows - r : PIECE,
				             left < BF16_COLUMNS ? left : BF16_COLUMNS,
				             w + (int64_t)p * BF16_COLUMNS * c->rows + r, c->rows);
			}
	}
}

static bool plan_dw(gm_plan *p, gm_node *y, const gm_conv_shapes *s)
{
	const gm_conv_attr *a = y->attr;
	gm_arena *arena = gm_plan_arena(p);
	dw_ctx *c = gm_arena_calloc(arena, 1, sizeof *c);
	int kh = (int)s->w.dim[2], kw = (int)s->w.dim[3];
	c->n = s->x.dim[0];
	c->lines = (int)s->y.dim[2];
	c->pixels = (int)s->y.dim[3];
	c->pairs = (c->pixels + 1) / 2;
	c->columns = (int)s->w.dim[0];
	c->rows = (int)(gm_shape_size(s->w) / s->w.dim[0]);
	c->x_size = gm_shape_size(s->x) / c->n;
	int room = 2 * c->pairs + (kw - 1) / a->stride[1];
	c->turn = (gm_bf16_turn){.channels = (int)s->x.dim[1],
	                         .rows = (int)s->x.dim[2],
	                         .columns = (int)s->x.dim[3],
	                         .top = a->pad[0],
	                         .left = a->pad[1],
	                         .height = (c->lines - 1) * a->stride[0] + kh,
	                         .stride = a->stride[1],
	                         .room = room < 8 ? 8 : room};
	int64_t line = (int64_t)c->turn.stride * c->turn.room;
	c->picture = line * c->turn.height;
	/* About a thousand steps at a time: the panel of g that a task reads again and again stays
	 * in the second-level cache. Turned together are as many pictures as stay in the third. */
	int64_t steps = (int64_t)c->lines * c->pairs * 2;
	c->piece = (1024 + steps - 1) / steps;
	c->block = TURNED_BYTES / 2 / (c->picture * c->turn.channels + steps * c->columns);
	c->block = c->block < c->piece ? c->piece : c->block / c->piece * c->piece;
	if (c->block > c->n)
		c->block = c->n;
	if (c->piece > c->block)
		c->piece = c->block;
	c->turn.plane = c->picture * c->block;
	if (c->turn.plane * c->turn.channels > INT32_MAX / 2)
		return false;
	int padded = (int)round_up(c->rows, BF16_ROWS);
	c->row = gm_arena_calloc(arena, padded, sizeof *c->row);
	c->place = gm_arena_calloc(arena, BF16_ROWS, sizeof *c->place);
	c->run = gm_arena_calloc(arena, c->piece * c->lines, sizeof *c->run);
	for (int r = 0; r < c->rows; r++) {
		int channel = r / (kh * kw), i = r / kw % kh, j = r % kw;
		c->row[r] =
			(int32_t)(channel * c->turn.plane + i * line +
		                  (int64_t)(j % a->stride[1]) * c->turn.room + j / a->stride[1]);
	}
	for (int r = 0; r < BF16_ROWS; r++)
		c->place[r] = r * BF16_COLUMNS;
	for (int64_t k = 0; k < c->piece * c->lines; k++)
		c->run[k] =
			(int32_t)(k / c->lines * c->picture + k % c->lines * a->stride[0] * line);
	c->group = 128;
	int64_t np = panels(c->columns);
	c->x = gm_plan_value_as(p, y->in[0], gm_nhwc);
	c->g = gm_plan_value_as(p, y->in[1], gm_nhwc);
	c->w = gm_plan_place(p, y, NULL);
	c->turned = gm_plan_scratch(p, (size_t)(c->turn.plane * c->turn.channels + SLACK) *
	                                       sizeof(gm_bf16));
	c->paired = gm_plan_scratch(p, (size_t)(np * c->block * steps * BF16_COLUMNS) *
	                                       sizeof(gm_bf16));
	c->sums = gm_plan_scratch(p, (size_t)(np * c->rows * BF16_COLUMNS) * sizeof(float));
	gm_inst in = {.kind = "conv_dw bf16",
	              .run = run_dw,
	              .ctx = c,
	              .node = &y,
	              .nnode = 1,
	              .rounding = GM_BF16_ROUNDING};
	gm_plan_emit(p, in, (gm_buf *[]){c->x.buf, c->g.buf, c->w.buf}, 3);
	return true;
}

/* ---- conv_dx into few channels --------------------------------------------------------------- */

/* A tile of 32 columns would be mostly idle for three channels. One product makes the patches of a
 * picture, all taps of all channels side by side, in memory that stays in the second-level cache;
 * then each is added at its position. */
typedef struct few_ctx {
	gm_val g, w, x;
	gm_buf *packed, *scratch;
	gm_patches size;
	int64_t n, pixels, x_size; /* pictures; of g's; floats of x's */
	int steps, columns;        /* channels of g; numbers in a patch */
	int64_t taps;
	int32_t *row, *place, run;
	int threads;
	int64_t rounded, room; /* bytes of one thread: of its pixels, and of all */
} few_ctx;

static void run_few(const gm_inst *in, gm_step *s)
{
	const few_ctx *c = in->ctx;
	const gm_bf16_loops *l = gm_bf16_best();
	const gm_simd *simd = gm_simd_best();
	const float *g = gm_val_ptr(&c->g), *w = gm_val_ptr(&c->w);
	float *x = gm_val_ptr(&c->x);
	gm_bf16 *packed = c->packed->ptr;
	const gm_bf16_sum sum = {1, (c->steps + 1) / 2, &c->run};
	int64_t panel = (int64_t)sum.pairs * 2 * BF16_COLUMNS;
	int C = c->size.channels;
	(void)s;
	for (int n = 0; n < panels(c->columns) * BF16_COLUMNS; n++)
		for (int k = 0; k < 2 * sum.pairs; k++) {
			bool there = n < c->columns && k < c->steps;
			packed[n / BF16_COLUMNS * panel + (int64_t)(k - k % 2) * BF16_COLUMNS +
			       n % BF16_COLUMNS * 2 + k % 2] =
				there ? round_one(w[((int64_t)k * C + n % C) * c->taps + n / C])
				      : 0;
		}
#pragma omp parallel for schedule(dynamic) num_threads(c->threads)
	for (int64_t i = 0; i < c->n; i++) {
		char *room = (char *)c->scratch->ptr + gm_thread_index() * c->room;
		gm_bf16 *a = (gm_bf16 *)room;
		float *patches = (float *)(room + c->rounded);
		l->round(g + i * c->pixels * c->steps, a, c->pixels * c->steps);
		memset(a + c->pixels * c->steps, 0, SLACK * sizeof *a);
		for (int n = 0; n < c->columns; n += BF16_COLUMNS)
			for (int64_t r = 0; r < c->pixels; r += BF16_ROWS) {
				int64_t rows = c->pixels - r;
				int left = c->columns - n;
				l->tile(&(gm_bf16_tile){
					.a = a,
					.row = c->row + r,
					.sum = &sum,
					.b = packed + n / BF16_COLUMNS * panel,
					.c = patches + n,
					.place = c->place + r,
					.rows = rows < BF16_ROWS ? (int)rows : BF16_ROWS,
					.columns = left < BF16_COLUMNS ? left : BF16_COLUMNS});
			}
		simd->add_patches(&c->size, patches, x + i * c->x_size);
	}
}

static bool plan_few(gm_plan *p, gm_node *y, const gm_conv_shapes *s)
{
	const gm_conv_attr *a = y->attr;
	gm_arena *arena = gm_plan_arena(p);
	few_ctx *c = gm_arena_calloc(arena, 1, sizeof *c);
	c->size = (gm_patches){.channels = (int)s->x.dim[1],
	                       .height = (int)s->x.dim[2],
	                       .width = (int)s->x.dim[3],
	                       .rows = (int)s->y.dim[2],
	                       .columns = (int)s->y.dim[3],
	                       .kernel = {(int)s->w.dim[2], (int)s->w.dim[3]},
	                       .stride = {a->stride[0], a->stride[1]},
	                       .pad = {a->pad[0], a->pad[1]}};
	c->n = s->x.dim[0];
	c->pixels = s->y.dim[2] * s->y.dim[3];
	c->x_size = gm_shape_size(s->x) / c->n;
	c->steps = (int)s->w.dim[0];
	c->taps = s->w.dim[2] * s->w.dim[3];
	c->columns = (int)(c->taps * s->x.dim[1]);
	c->threads = gm_thread_count();
	c->rounded = round_up((c->pixels * c->steps + SLACK) * (int64_t)sizeof(gm_bf16), 64);
	c->room = c->rounded + round_up(c->pixels * c->columns * (int64_t)sizeof(float), 64);
	if (c->pixels * (c->steps > c->columns ? c->steps : c->columns) > INT32_MAX / 2)
		return false;
	c->row = gm_arena_calloc(arena, round_up(c->pixels, BF16_ROWS), sizeof *c->row);
	c->place = gm_arena_calloc(arena, round_up(c->pixels, BF16_ROWS), sizeof *c->place);
	for (int64_t r = 0; r < c->pixels; r++) {
		c->row[r] = (int32_t)(r * c->steps);
		c->place[r] = (int32_t)(r * c->columns);
	}
	c->g = gm_plan_value_as(p, y->in[0], gm_nhwc);
	c->w = gm_plan_value_as(p, y->in[1], NULL);
	c->packed = gm_plan_scratch(
		p, (size_t)(panels(c->columns) * (c->steps + 1) * BF16_COLUMNS) * sizeof(gm_bf16));
	c->scratch = gm_plan_scratch(p, (size_t)(c->threads * c->room));
	c->x = gm_plan_place(p, y, gm_nhwc);
	gm_inst in = {.kind = "conv_dx by patches bf16",
	              .run = run_few,
	              .ctx = c,
	              .node = &y,
	              .nnode = 1,
	              .rounding = GM_BF16_ROUNDING};
	gm_plan_emit(p, in, (gm_buf *[]){c->g.buf, c->w.buf, c->x.buf}, 3);
	return true;
}

bool gm_bf16_planner(gm_plan *p, gm_unit *u)
{
	gm_node *y = u->node[0];
	if (!gm_plan_bf16(p) || u->tape || y->dtype != GM_F32 ||
	    (y->opid != GM_OPID_conv && y->opid != GM_OPID_conv_dx && y->opid != GM_OPID_conv_dw))
		return false;
	const gm_conv_attr *a = y->attr;
	gm_conv_shapes s = gm_conv_shapes_of(y);
	if (a->groups > 1 || a->dilation[0] > 1 || a->dilation[1] > 1)
		return false;
	if (y->opid == GM_OPID_conv_dw)
		return plan_dw(p, y, &s);
	/* Odd channels would pair across taps of different phases. */
	if (y->opid == GM_OPID_conv_dx && (s.x.dim[1] < 16 || s.w.dim[0] % 2))
		return plan_few(p, y, &s);
	return plan_conv(p, y, &s);
}
