/* SPDX-License-Identifier: MIT
 *
 * simd_run.c -- inner loops: of tapes, of random numbers, of patches. Compiled once for each
 * instruction set, with SIMD naming it.
 */
#include <math.h>
#include <string.h>

#include "backends/cpu/simd.h"
#include "backends/cpu/cpu.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)

/* The tiles of one operation overlap exactly or not at all, so iterations are independent. */
#define EACH _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++)

/* x as a vector, y as a vector or a single number, and the other way round. */
#define TAPE1(name, expression)                                                                    \
	static void run_##name(float *d, const float *a, int64_t n)                                \
	{                                                                                          \
		EACH                                                                               \
		{                                                                                  \
			float x = a[i];                                                            \
			d[i] = expression;                                                         \
		}                                                                                  \
	}
#define TAPE2(name, expression)                                                                    \
	static void run_##name(float *d, const float *a, const float *b, int64_t n)                \
	{                                                                                          \
		EACH                                                                               \
		{                                                                                  \
			float x = a[i], y = b[i];                                                  \
			d[i] = expression;                                                         \
		}                                                                                  \
	}                                                                                          \
	static void run_##name##_vs(float *d, const float *a, float y, int64_t n)                  \
	{                                                                                          \
		EACH                                                                               \
		{                                                                                  \
			float x = a[i];                                                            \
			d[i] = expression;                                                         \
		}                                                                                  \
	}                                                                                          \
	static void run_##name##_sv(float *d, float x, const float *b, int64_t n)                  \
	{                                                                                          \
		EACH                                                                               \
		{                                                                                  \
			float y = b[i];                                                            \
			d[i] = expression;                                                         \
		}                                                                                  \
	}
#include "backends/cpu/tape.def"
#undef TAPE1
#undef TAPE2

static void run_select(float *d, const float *c, const float *a, const float *b, int64_t n)
{
	EACH d[i] = c[i] != 0 ? a[i] : b[i];
}

static void run_leaky(float *d, const float *a, float slope, int64_t n)
{
	EACH d[i] = a[i] > 0 ? a[i] : slope * a[i];
}

static void run_trunc(float *d, const float *a, int64_t n)
{
	EACH d[i] = truncf(a[i]);
}

static void run_mul_add(float *d, const float *a, const float *b, const float *c, int64_t n)
{
	EACH d[i] = a[i] * b[i] + c[i];
}

static void run_mix(float *d, const float *a, const float *b, float x, float y, int64_t n)
{
	EACH d[i] = x * a[i] + y * b[i];
}

static void run_mix_square(float *d, const float *a, const float *b, float x, float y, int64_t n)
{
	EACH d[i] = x * a[i] + y * (b[i] * b[i]);
}

static void run_descend(float *d, const float *a, const float *b, const float *c, float x, float y,
                        int64_t n)
{
	EACH d[i] = a[i] - x * b[i] / (sqrtf(c[i]) + y);
}

static void fill(float *d, float v, int64_t n)
{
	EACH d[i] = v;
}

static float get(const gm_val *v, int64_t at)
{
	return v->dtype == GM_I32 ? (float)((const int32_t *)gm_val_ptr(v))[at]
	                          : ((const float *)gm_val_ptr(v))[at];
}

/* The position of element i of the domain in a walk, and the index of every dimension. */
static int64_t seek(const tape_walk *w, int64_t i, int64_t *index)
{
	int64_t at = 0;
	for (int d = w->nd - 1; d >= 0; d--) {
		index[d] = i % w->size[d];
		i /= w->size[d];
		at += index[d] * w->stride[d];
	}
	return at;
}

/* After a run that ended the innermost dimension. */
static int64_t carry(const tape_walk *w, int64_t at, int64_t *index)
{
	int d = w->nd - 1;
	at -= w->stride[d] * index[d];
	index[d] = 0;
	for (d--; d >= 0; d--) {
		at += w->stride[d];
		if (++index[d] < w->size[d])
			return at;
		at -= w->stride[d] * index[d];
		index[d] = 0;
	}
	return at;
}

/* for each run of the innermost dimension inside [start, start+n): RUN sees k (tile offset), at,
 * len, step */
#define RUNS(walk_, start, n, RUN)                                                                 \
	do {                                                                                       \
		const tape_walk *w_ = (walk_);                                                     \
		int64_t index_[TAPE_MAX_DIMS], at = seek(w_, start, index_);                       \
		const int64_t step = w_->stride[w_->nd - 1], size_ = w_->size[w_->nd - 1];         \
		for (int64_t k = 0; k < (n);) {                                                    \
			int64_t len = size_ - index_[w_->nd - 1];                                  \
			if (len > (n)-k)                                                           \
				len = (n)-k;                                                       \
			RUN;                                                                       \
			k += len;                                                                  \
			at += len * step;                                                          \
			index_[w_->nd - 1] += len;                                                 \
			if (index_[w_->nd - 1] == size_)                                           \
				at = carry(w_, at, index_);                                        \
		}                                                                                  \
	} while (0)

/* A walk over rows of a few elements that do not move: runs of their own would cost more than the
 * work. */
static bool short_rows(const tape_walk *w)
{
	return w->nd == 2 && w->stride[1] == 0 && w->size[1] <= 16;
}

/* Each element of p as a row of len; the first row may lack its head, the last its tail. */
static void gather_rows(const tape_walk *w, const float *p, float *d, int64_t start, int64_t n)
{
	int64_t len = w->size[1], row = start / len, k = 0, head = start % len;
	for (; k < n; row++, head = 0) {
		float v = p[row * w->stride[0]];
		int64_t end = k + len - head < n ? k + len - head : n;
		for (; k < end; k++)
			d[k] = v;
	}
}

static void gather(const tape_reg *r, float *d, int64_t start, int64_t n)
{
	if (r->val.dtype == GM_F32 && short_rows(&r->walk)) {
		gather_rows(&r->walk, gm_val_ptr(&r->val), d, start, n);
		return;
	}
	if (r->val.dtype == GM_I32) {
		const int32_t *p = gm_val_ptr(&r->val);
		RUNS(&r->walk, start, n,
		     for (int64_t i = 0; i < len; i++) d[k + i] = (float)p[at + i * step]);
		return;
	}
	const float *p = gm_val_ptr(&r->val);
	RUNS(&r->walk, start, n, {
		float *q = d + k;
		const float *s = p + at;
		if (step == 1)
			for (int64_t i = 0; i < len; i++)
				q[i] = s[i];
		else if (step == 0)
			fill(q, *s, len);
		else
			for (int64_t i = 0; i < len; i++)
				q[i] = s[i * step];
	});
}

static void scatter(const tape_store *t, const float *x, int64_t start, int64_t n)
{
	if (t->val.dtype == GM_I32) {
		int32_t *p = gm_val_ptr(&t->val);
		RUNS(&t->walk, start, n,
		     for (int64_t i = 0; i < len; i++) p[at + i * step] = (int32_t)x[k + i]);
		return;
	}
	float *p = gm_val_ptr(&t->val);
	RUNS(&t->walk, start, n, {
		if (step == 1)
			memcpy(p + at, x + k, len * sizeof *x);
		else
			for (int64_t i = 0; i < len; i++)
				p[at + i * step] = x[k + i];
	});
}

static void accumulate(float *acc, const float *x, bool max, int64_t n)
{
	if (max)
		EACH acc[i] = x[i] > acc[i] ? x[i] : acc[i];
	else
		EACH acc[i] += x[i];
}

/* One number from a run, through sixteen lanes. */
static float total(const float *x, bool max, int64_t n)
{
	float lane[16];
	int64_t i = 0;
	for (int j = 0; j < 16; j++)
		lane[j] = max ? -INFINITY : 0;
	for (; i + 16 <= n; i += 16)
		for (int j = 0; j < 16; j++)
			lane[j] = max ? (x[i + j] > lane[j] ? x[i + j] : lane[j])
			              : lane[j] + x[i + j];
	for (; i < n; i++)
		lane[i & 15] =
			max ? (x[i] > lane[i & 15] ? x[i] : lane[i & 15]) : lane[i & 15] + x[i];
	for (int h = 8; h; h /= 2)
		for (int j = 0; j < h; j++)
			lane[j] = max ? (lane[j + h] > lane[j] ? lane[j + h] : lane[j])
			              : lane[j] + lane[j + h];
	return lane[0];
}

/* Rows of len, each to one number of acc, which are packed. */
static inline __attribute__((always_inline)) void
reduce_rows_of(int64_t len, float *acc, const float *x, bool max, int64_t rows)
{
	if (max)
		for (int64_t i = 0; i < rows; i++, x += len) {
			float v = acc[i];
			for (int64_t j = 0; j < len; j++)
				v = x[j] > v ? x[j] : v;
			acc[i] = v;
		}
	else
		for (int64_t i = 0; i < rows; i++, x += len) {
			float v = x[0];
			for (int64_t j = 1; j < len; j++)
				v += x[j];
			acc[i] += v;
		}
}

static void reduce_rows(int64_t len, float *acc, const float *x, bool max, int64_t rows)
{
	switch (len) {
	case 2:
		reduce_rows_of(2, acc, x, max, rows);
		break;
	case 4:
		reduce_rows_of(4, acc, x, max, rows);
		break;
	case 5: /* the pieces of a maxout unit, as usual */
		reduce_rows_of(5, acc, x, max, rows);
		break;
	default:
		reduce_rows_of(len, acc, x, max, rows);
		break;
	}
}

static void reduce(const tape_reduce *r, float *acc, const float *x, int64_t start, int64_t n)
{
	if (r->fold == TAPE_PERIODIC) {
		accumulate(acc, x, r->max, n);
		return;
	}
	if (short_rows(&r->walk)) {
		int64_t len = r->walk.size[1], row = start / len, head = start % len;
		acc += row;
		if (head) { /* the rest of a row that began in the tile before */
			int64_t rest = len - head < n ? len - head : n;
			reduce_rows_of(rest, acc++, x, r->max, 1);
			x += rest, n -= rest;
		}
		reduce_rows(len, acc, x, r->max, n / len);
		if (n % len)
			reduce_rows_of(n % len, acc + n / len, x + n / len * len, r->max, 1);
		return;
	}
	RUNS(&r->walk, start, n, {
		if (step == 0) {
			float v = total(x + k, r->max, len);
			acc[at] = r->max ? (v > acc[at] ? v : acc[at]) : acc[at] + v;
		} else {
			accumulate(acc + at, x + k, r->max, len); /* kept ones are packed: step 1 */
		}
	});
}

static void operate(const tape_op *o, float *const *ptr, const tape *t, int64_t n)
{
	const tape_reg *reg = t->reg;
	float *d = ptr[o->dst], *a = ptr[o->a], *b = o->b >= 0 ? ptr[o->b] : NULL;
	bool sa = reg[o->a].kind == TAPE_SCALAR, sb = o->b >= 0 && reg[o->b].kind == TAPE_SCALAR;
	switch (o->code) {
#define TAPE1(name, expression)                                                                    \
	case TAPE_##name:                                                                          \
		run_##name(d, a, n);                                                               \
		break;
#define TAPE2(name, expression)                                                                    \
	case TAPE_##name:                                                                          \
		if (sb)                                                                            \
			run_##name##_vs(d, a, *b, n);                                              \
		else if (sa)                                                                       \
			run_##name##_sv(d, *a, b, n);                                              \
		else                                                                               \
			run_##name(d, a, b, n);                                                    \
		break;
#include "backends/cpu/tape.def"
#undef TAPE1
#undef TAPE2
	case TAPE_select:
		run_select(d, a, b, ptr[o->c], n);
		break;
	case TAPE_leaky_relu:
		run_leaky(d, a, o->imm, n);
		break;
	case TAPE_trunc:
		run_trunc(d, a, n);
		break;
	case TAPE_mul_add:
		run_mul_add(d, a, b, ptr[o->c], n);
		break;
	case TAPE_mix:
		run_mix(d, a, b, *ptr[o->x], *ptr[o->y], n);
		break;
	case TAPE_mix_square:
		run_mix_square(d, a, b, *ptr[o->x], *ptr[o->y], n);
		break;
	case TAPE_descend:
		run_descend(d, a, b, ptr[o->c], *ptr[o->x], *ptr[o->y], n);
		break;
	case TAPE_copy:
		memcpy(d, a, n * sizeof *d);
		break;
	case TAPE_CODES:
		break;
	}
}

void PASTE(gm_tape_chunk, SIMD)(const tape *t, int chunk, float *scratch)
{
	float *ptr[TAPE_MAX_REGS], *acc[TAPE_MAX_REGS];
	int64_t units = t->n / t->unit; /* cut at whole units */
	int64_t begin = units * chunk / t->chunks * t->unit;
	int64_t end = chunk + 1 == t->chunks ? t->n : units * (chunk + 1) / t->chunks * t->unit;
	for (int r = 0; r < t->nreg; r++) {
		const tape_reg *q = &t->reg[r];
		ptr[r] = scratch + q->slot * t->tile;
		if (q->kind == TAPE_SCALAR) {
			*ptr[r] = get(&q->val, 0);
			fill(ptr[r], *ptr[r], t->tile < t->n ? t->tile : t->n);
		} else if (q->kind == TAPE_HELD) {
			gather(q, ptr[r], 0, t->tile < t->n ? t->tile : t->n);
		}
	}
	for (int k = 0; k < t->nreduce; k++) {
		const tape_reduce *r = &t->reduce[k];
		int64_t size = r->fold == TAPE_PERIODIC ? t->tile : r->kept;
		acc[k] = (float *)r->partial->ptr + (r->fold == TAPE_OUTER ? 0 : chunk * size);
		if (r->fold != TAPE_OUTER)
			fill(acc[k], r->max ? -INFINITY : 0, size);
	}
	for (int64_t at = begin; at < end; at += t->tile) {
		int64_t n = end - at < t->tile ? end - at : t->tile;
		for (int r = 0; r < t->nreg; r++) {
			const tape_reg *q = &t->reg[r];
			if (q->kind == TAPE_DENSE)
				ptr[r] = (float *)gm_val_ptr(&q->val) + at;
			else if (q->kind == TAPE_GATHER)
				gather(q, ptr[r], at, n);
		}
		for (int k = 0; k < t->nop; k++)
			operate(&t->op[k], ptr, t, n);
		for (int k = 0; k < t->nreduce; k++)
			reduce(&t->reduce[k], acc[k], ptr[t->reduce[k].reg], at, n);
		for (int k = 0; k < t->nstore; k++) {
			const tape_store *o = &t->store[k];
			float *d = o->dense ? (float *)gm_val_ptr(&o->val) + at : NULL;
			if (!o->dense)
				scatter(o, ptr[o->reg], at, n);
			else if (d != ptr[o->reg])
				memcpy(d, ptr[o->reg], n * sizeof *d);
		}
	}
}

void PASTE(gm_box_muller, SIMD)(const float *u1, const float *u2, float *a, float *b, int n)
{
	for (int i = 0; i < n; i++) {
		float r = sqrtf(-2.f * v_log(u1[i])), w = 6.28318531f * u2[i];
		a[i] = r * v_sin(w, 1);
		b[i] = r * v_sin(w, 0);
	}
}

void PASTE(gm_add_patches, SIMD)(const gm_patches *s, const float *patch, float *x)
{
	const int C = s->channels, run = s->kernel[1] * C, size = s->kernel[0] * run;
	/* Patches `spacing` columns from each other do not overlap: adding to an address that was
	 * just stored to would wait for that store. */
	const int spacing = (s->kernel[1] + s->stride[1] - 1) / s->stride[1];
	memset(x, 0, (size_t)s->height * s->width * C * sizeof *x);
	for (int p = 0; p < s->rows; p++)
		for (int i = 0; i < s->kernel[0]; i++) {
			int h = p * s->stride[0] - s->pad[0] + i;
			if (h < 0 || h >= s->height)
				continue;
			for (int first = 0; first < spacing; first++)
				for (int q = first; q < s->columns; q += spacing) {
					int w0 = q * s->stride[1] - s->pad[1];
					int skip = w0 < 0 ? -w0 * C : 0;
					int end = w0 + s->kernel[1] > s->width ? (s->width - w0) * C
					                                       : run;
					const float *from = patch +
					                    ((int64_t)p * s->columns + q) * size +
					                    i * run;
					float *to = x + ((int64_t)h * s->width + w0) * C;
					/* the usual image: four pixels of three channels */
					if (skip == 0 && end == 12)
						_Pragma("GCC ivdep") for (int k = 0; k < 12; k++)
							to[k] += from[k];
					else
						_Pragma("GCC ivdep") for (int k = skip; k < end;
						                          k++) to[k] += from[k];
				}
		}
}
