/* SPDX-License-Identifier: MIT
 *
 * phases.c -- convolutions of phases.h as instructions of a step, shared among threads.
 */
#include <string.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/phases.h"
#include "base/machine.h"
#include "ops/conv.h"

typedef struct phases_ctx {
	gm_phases s;
	const gm_phase_loops *loops;
	bool bf16;
	bool back; /* weights for dx */
	int64_t panels, tasks, each;
	int threads;
	gm_val x, w, y; /* w: in panels, or dw */
	gm_buf *scratch;
	size_t stride; /* bytes between threads' scratch */
} phases_ctx;

int64_t gm_phases_weight_floats(const gm_phases *s, bool back)
{
	return back ? 36 * phases_up(s->C, PHASES_PANEL) * s->O
	            : 36 * phases_up(s->O, PHASES_PANEL) * s->C;
}

static float *f32(const gm_val *v)
{
	return gm_val_ptr(v);
}

/* ---- weights ---- */

static void run_weights(const gm_inst *in, gm_step *st)
{
	const phases_ctx *c = in->ctx;
	const gm_phase_loops *loops = c->loops;
	(void)st;
#pragma omp parallel for schedule(static) num_threads(c->threads)
	for (int64_t k = 0; k < c->panels; k++)
		loops->weights(&c->s, c->back, f32(&c->x), f32(&c->w), k);
}

/* w in panels, made once a step for all that want the same. */
static gm_val in_panels(gm_plan *p, const phases_ctx *conv, gm_node *w, bool back)
{
	struct {
		const char *what;
		const void *ptr, *buf;
		int64_t offset;
		int back;
	} key;
	static const char what[] = "phases";
	phases_ctx *c = gm_arena_copy(gm_plan_arena(p), conv, sizeof *c);
	c->x = gm_plan_value_as(p, w, NULL);
	memset(&key, 0, sizeof key);
	key.what = what;
	key.ptr = c->x.buf->ptr;
	key.buf = c->x.buf->ptr ? NULL : c->x.buf;
	key.offset = c->x.offset;
	key.back = back;
	gm_val *old = gm_plan_recall(p, &key, sizeof key);
	if (old)
		return *old;
	c->back = back;
	c->panels = phases_up(back ? c->s.C : c->s.O, PHASES_PANEL) / PHASES_PANEL;
	c->w = (gm_val){.buf = gm_plan_buffer(p, (size_t)gm_phases_weight_floats(&c->s, back) * 4),
	                .dtype = GM_F32};
	gm_plan_emit(p, (gm_inst){.kind = "weights in phases", .run = run_weights, .ctx = c},
	             (gm_buf *[]){c->x.buf, c->w.buf}, 2);
	gm_plan_remember(p, &key, sizeof key, gm_arena_copy(gm_plan_arena(p), &c->w, sizeof c->w));
	return c->w;
}

/* ---- passes ---- */

static float *scratch_of(const phases_ctx *c)
{
	return (float *)((char *)c->scratch->ptr + (size_t)gm_thread_index() * c->stride);
}

static void want_scratch(gm_plan *p, phases_ctx *c, int64_t floats)
{
	c->scratch =
		gm_plan_thread_scratch(p, (size_t)floats * sizeof(float), c->threads, &c->stride);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Thread t's part of so many rows: the same images in every pass and phase, so that what it has
 * written is in its cache. */
static int64_t part(const phases_ctx *c, int64_t rows, int64_t t)
{
	return rows * t / c->threads;
}

static void run_forward(const gm_inst *in, gm_step *st)
{
	const phases_ctx *c = in->ctx;
	const gm_phase_loops *loops = c->loops;
	(void)st;
#pragma omp parallel for schedule(static) num_threads(c->threads)
	for (int64_t t = 0; t < c->threads; t++) {
		int64_t end = part(c, c->s.rows, t + 1);
		for (int64_t k = part(c, c->s.rows, t); k < end; k += c->s.at_a_time)
			loops->forward(&c->s, f32(&c->x), f32(&c->w), f32(&c->y), k,
			               least(k + c->s.at_a_time, end), scratch_of(c));
	}
}

static void run_back(const gm_inst *in, gm_step *st)
{
	const phases_ctx *c = in->ctx;
	const gm_phase_loops *loops = c->loops;
	(void)st;
#pragma omp parallel for schedule(static) num_threads(c->threads)
	for (int64_t t = 0; t < c->threads; t++)
		for (int f = 0; f < 4; f++) {
			int64_t end = part(c, c->s.part[f], t + 1);
			for (int64_t k = part(c, c->s.part[f], t); k < end; k += c->s.at_a_time)
				loops->back(&c->s, f32(&c->y), f32(&c->w), f32(&c->x), f, k,
				            least(k + c->s.at_a_time, end), scratch_of(c));
		}
}

static void run_gradient(const gm_inst *in, gm_step *st)
{
	const phases_ctx *c = in->ctx;
	const gm_phase_loops *loops = c->loops;
	(void)st;
#pragma omp parallel for schedule(static) num_threads(c->threads)
	for (int64_t t = 0; t < c->tasks; t++)
		loops->gradient(&c->s, f32(&c->x), f32(&c->y), f32(&c->w), t * c->each,
		                least((t + 1) * c->each, c->s.C), 0, c->s.O, scratch_of(c));
}

/* Blocks of about this many bytes of one of the nine matrices stay in the second-level cache while
 * they are multiplied. */
enum { BLOCK_BYTES = 384 << 10, MOST_ROWS = 384, GRADIENT_ROWS = 128, ROWS_UNIT = 12 };
/* Of bf16 all nine. */
enum { MOST_ROWS_BF16 = 48, GRADIENT_ROWS_BF16 = 64, EACH_BF16 = 32 };

static void cut(phases_ctx *c, int64_t K, int64_t rows)
{
	int64_t r = BLOCK_BYTES / (K * 4), share;
	r = least(r, c->bf16 ? MOST_ROWS_BF16 : MOST_ROWS);
	share = (rows + c->threads - 1) / c->threads;
	r = r < share ? r : share;
	c->s.at_a_time = phases_up(r > 0 ? r : 1, ROWS_UNIT);
	/* blocks of nearly the same size */
	int64_t blocks = (share + c->s.at_a_time - 1) / c->s.at_a_time;
	c->s.at_a_time = phases_up((share + blocks - 1) / blocks, ROWS_UNIT);
}

static void plan_forward(gm_plan *p, gm_node *y, phases_ctx *c)
{
	int64_t K = 4 * c->s.C;
	c->w = in_panels(p, c, y->in[1], false);
	c->x = gm_plan_value_as(p, y->in[0], gm_nhwc);
	c->y = gm_plan_place(p, y, gm_nhwc);
	cut(c, K, c->s.rows);
	want_scratch(p, c,
	             phases_pitch(c->s.C) +
	                     9 * c->s.at_a_time * (phases_pitch(K) + phases_pitch(c->s.O)));
	gm_inst in = {.kind = c->bf16 ? "conv in phases bf16" : "conv in phases",
	              .rounding = c->bf16 ? 2 * GM_BF16_ROUNDING : 0,
	              .run = run_forward,
	              .ctx = c,
	              .node = &y,
	              .nnode = 1};
	gm_plan_emit(p, in, (gm_buf *[]){c->x.buf, c->w.buf, c->y.buf}, 3);
}

static void plan_back(gm_plan *p, gm_node *y, phases_ctx *c)
{
	c->w = in_panels(p, c, y->in[1], true);
	c->y = gm_plan_value_as(p, y->in[0], gm_nhwc);
	c->x = gm_plan_place(p, y, gm_nhwc);
	int64_t most = 0;
	for (int f = 0; f < 4; f++) {
		c->s.part[f] = c->s.n * ((phases_count(c->s.H, c->s.pad[0], f / 2) + 1) / 2) *
		               ((phases_count(c->s.W, c->s.pad[1], f % 2) + 1) / 2);
		most = c->s.part[f] > most ? c->s.part[f] : most;
	}
	cut(c, c->s.O, most);
	want_scratch(p, c,
	             phases_pitch(c->s.O) +
	                     9 * c->s.at_a_time * (phases_pitch(c->s.O) + phases_pitch(c->s.C)));
	gm_inst in = {.kind = c->bf16 ? "conv_dx in phases bf16" : "conv_dx in phases",
	              .rounding = c->bf16 ? 2 * GM_BF16_ROUNDING : 0,
	              .run = run_back,
	              .ctx = c,
	              .node = &y,
	              .nnode = 1};
	gm_plan_emit(p, in, (gm_buf *[]){c->x.buf, c->w.buf, c->y.buf}, 3);
}

static void plan_gradient(gm_plan *p, gm_node *y, phases_ctx *c)
{
	c->x = gm_plan_value_as(p, y->in[0], gm_nhwc);
	c->y = gm_plan_value_as(p, y->in[1], gm_nhwc);
	c->w = gm_plan_place(p, y, NULL);
	c->s.at_a_time = least(c->bf16 ? GRADIENT_ROWS_BF16 : GRADIENT_ROWS, c->s.rows);
	c->each = phases_up((c->s.C + c->threads - 1) / c->threads, PHASES_UNIT);
	if (c->bf16)
		c->each = least(c->each, EACH_BF16);
	c->tasks = (c->s.C + c->each - 1) / c->each;
	int64_t wide = c->s.C > c->s.O ? c->s.C : c->s.O;
	want_scratch(p, c,
	             phases_pitch(wide) +
	                     9 * c->s.at_a_time *
	                             (phases_pitch(4 * c->each) + phases_up(c->s.O, PHASES_PANEL)) +
	                     36 * c->each * phases_pitch(c->s.O));
	gm_inst in = {.kind = c->bf16 ? "conv_dw in phases bf16" : "conv_dw in phases",
	              .rounding = c->bf16 ? 2 * GM_BF16_ROUNDING : 0,
	              .run = run_gradient,
	              .ctx = c,
	              .node = &y,
	              .nnode = 1};
	gm_plan_emit(p, in, (gm_buf *[]){c->x.buf, c->y.buf, c->w.buf}, 3);
}

bool gm_phases_planner(gm_plan *p, gm_unit *u)
{
	gm_node *y = u->node[0];
	if (u->tape || y->dtype != GM_F32 ||
	    (y->opid != GM_OPID_conv && y->opid != GM_OPID_conv_dx && y->opid != GM_OPID_conv_dw))
		return false;
	const gm_conv_attr *a = y->attr;
	gm_conv_shapes s = gm_conv_shapes_of(y);
	for (int i = 0; i < 2; i++)
		if (a->stride[i] != 2 || a->dilation[i] != 1 || s.w.dim[2 + i] != 4)
			return false;
	if (a->groups > 1 || s.x.dim[1] % PHASES_UNIT || s.y.dim[1] % PHASES_UNIT)
		return false;
	phases_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	c->threads = gm_thread_count();
	c->bf16 = gm_plan_bf16(p);
	c->loops = c->bf16 ? gm_phases_bf16() : gm_simd_best()->phases;
	c->s = (gm_phases){.n = s.x.dim[0],
	                   .C = s.x.dim[1],
	                   .H = s.x.dim[2],
	                   .W = s.x.dim[3],
	                   .O = s.y.dim[1],
	                   .P = s.y.dim[2],
	                   .Q = s.y.dim[3],
	                   .pad = {a->pad[0], a->pad[1]}};
	c->s.rows = c->s.n * ((c->s.P + 1) / 2) * ((c->s.Q + 1) / 2);
	(y->opid == GM_OPID_conv      ? plan_forward
	 : y->opid == GM_OPID_conv_dx ? plan_back
	                              : plan_gradient)(p, y, c);
	return true;
}
