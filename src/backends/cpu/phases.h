/* SPDX-License-Identifier: MIT
 *
 * phases.h -- 4x4 convolutions of stride 2 with 9 multiplications for every 16.
 *
 * Sorted by the parity of rows and columns, a picture is four of half the side, its phases, and a
 * 4x4 window at stride 2 is a 2x2 window at stride 1 on each of them. Two neighbouring outputs of a
 * filter of two taps w0, w1 over x0, x1, x2
 *
 *	y0 = x0 w0 + x1 w1 = (x0-x1) w0 + x1 (w0+w1)
 *	y1 = x1 w0 + x2 w1 =              x1 (w0+w1) + (x2-x1) w1
 *
 * take three products instead of four (Winograd's F(2,2); "Arithmetic complexity of computations",
 * 1980; for neural nets: Lavin & Gray, arXiv:1509.09308), and a 2x2 square of outputs takes 9
 * instead of 16. Only sums are added, so the rounding is that of the plain way. Over all channels
 * each of the nine is one matrix product, and all of them fit in the caches: tiles are taken a few
 * hundred at a time.
 *
 * The data gradient is the same with taps turned around, on each phase of its result; the weight
 * gradient is the same with the gradient's 2x2 squares in the place of the taps, summed over all
 * tiles.
 *
 * Images are stored channels last; C and O are multiples of PHASES_UNIT. Results do not depend on
 * the number of threads.
 */
#ifndef GM_ONEDNN_PHASES_H
#define GM_ONEDNN_PHASES_H

#include <stdbool.h>
#include <stdint.h>

enum { PHASES_UNIT = 16, PHASES_PANEL = 32 };

typedef struct gm_phases {
	int64_t n;         /* pictures */
	int64_t C, H, W;   /* of x */
	int64_t O, P, Q;   /* of y */
	int64_t pad[2];    /* top, left */
	int64_t part[4];   /* dx: tiles of each phase of x; filled in by gm_phases_tiles */
	int64_t rows;      /* tiles of y, all pictures: a row of a matrix each */
	int64_t at_a_time; /* of them, in a block */
} gm_phases;

/* Weights are stored in panels of PHASES_PANEL columns for one direction: floats. */
int64_t gm_phases_weight_floats(const gm_phases *s, bool back);

/* A block or slice of each pass with a thread's scratch; one set for each instruction set. */
typedef struct gm_phase_loops {
	/* w [O,C,4,4] into panel `k` of all (gm_phases_panels) */
	void (*weights)(const gm_phases *s, bool back, const float *w, float *u, int64_t k);
	/* y's tiles [from, to) */
	void (*forward)(const gm_phases *s, const float *x, const float *u, float *y, int64_t from,
	                int64_t to, float *scratch);
	/* tiles [from, to) of phase f of x */
	void (*back)(const gm_phases *s, const float *g, const float *u, float *x, int f,
	             int64_t from, int64_t to, float *scratch);
	/* dw [O,C,4,4] for channels [c0, c1) and outputs [o0, o1), multiples of PHASES_UNIT and
	 * PHASES_PANEL */
	void (*gradient)(const gm_phases *s, const float *x, const float *g, float *dw, int64_t c0,
	                 int64_t c1, int64_t o0, int64_t o1, float *scratch);
} gm_phase_loops;

extern const gm_phase_loops gm_phase_loops_base, gm_phase_loops_avx2, gm_phase_loops_avx512,
	gm_phase_loops_bf16;

static inline int64_t phases_up(int64_t n, int64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* Rows of V and M are kept apart by a little more than their length: powers of two would fall on
 * the same cache lines. */
static inline int64_t phases_pitch(int64_t n)
{
	return phases_up(n, PHASES_PANEL) + PHASES_UNIT;
}

/* Phase r of an axis of x: index u of the phase is pixel 2u + r - pad; the first u inside, and how
 * many. */
static inline int64_t phases_first(int64_t pad, int r)
{
	return pad > r ? (pad - r + 1) / 2 : 0;
}

static inline int64_t phases_count(int64_t size, int64_t pad, int r)
{
	int64_t first = 2 * phases_first(pad, r) + r - pad;
	return first < size ? (size - first + 1) / 2 : 0;
}

/* A tile of 2x2 outputs. */
typedef struct place {
	int64_t n, p, q; /* picture, tile row and column */
} place;

static inline place place_of(int64_t row, int64_t tp, int64_t tq)
{
	return (place){row / (tp * tq), row / tq % tp, row % tq};
}

static inline void next_place(place *t, int64_t tp, int64_t tq)
{
	if (++t->q < tq)
		return;
	t->q = 0;
	if (++t->p < tp)
		return;
	t->p = 0, t->n++;
}

/* Pixels (h0 + step i, w0 + step j) of picture n, 3x3, or zeros outside. */
static inline void square(const float *x, int64_t n, int64_t H, int64_t W, int64_t C, int64_t h0,
                          int64_t w0, int64_t step, const float *zeros, const float *p[9])
{
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++) {
			int64_t h = h0 + step * i, w = w0 + step * j;
			bool in = h >= 0 && h < H && w >= 0 && w < W;
			p[3 * i + j] = in ? x + ((n * H + h) * W + w) * C : zeros;
		}
}

#endif
