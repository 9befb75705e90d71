/* SPDX-License-Identifier: MIT
 *
 * tiles.h -- convolutions with fewer multiplications: squares of outputs at once, from sums and
 * differences of inputs and taps (Winograd's minimal filtering; "Arithmetic complexity of
 * computations", 1980; for neural nets: Lavin & Gray, arXiv:1509.09308).
 *
 * A tile is a square of outputs. Its window of the input and the taps are both transformed to
 * `planes` numbers for each channel, multiplied, summed over the channels, and transformed back.
 * Over all channels each plane is one matrix product; tiles are taken as many at a time as fit in
 * the caches. Two kinds of convolution are computed so:
 *
 * Phases: 4x4 taps, stride 2, 2x2 outputs, 9 products instead of 16. Sorted by the parity of rows
 * and columns, a picture is four of half the side, its phases, and a 4x4 window at stride 2 is a
 * 2x2 window at stride 1 on each of them. Two neighbouring outputs of a filter of two taps w0, w1
 * over x0, x1, x2
 *
 *	y0 = x0 w0 + x1 w1 = (x0-x1) w0 + x1 (w0+w1)
 *	y1 = x1 w0 + x2 w1 =              x1 (w0+w1) + (x2-x1) w1
 *
 * take three products instead of four (F(2,2)). Only sums are added, so the rounding is that of
 * the plain way. The data gradient is the same with taps turned around, on each phase of its
 * result.
 *
 * Winograd: 3x3 taps, stride 1, 4x4 outputs, 36 products instead of 144 (F(4,3)). The filter of
 * three taps is the product of two polynomials, evaluated at 0, -3/4, 3/4, -3/2, 3/2 and infinity.
 * With these points the root of the mean squared error is 2 times that of the plain sum of floats;
 * with the usual 0, -1, 1, -2, 2 it is 3.5 times (256 channels, uniform numbers). The data gradient
 * is such a convolution of its own, with the taps turned around.
 *
 * The weight gradient is the transposed computation, with tiles of the gradient in the place of the
 * taps, summed over all tiles.
 *
 * Images are stored channels last; C and O are multiples of TILES_UNIT. Results do not depend on
 * the number of threads.
 */
#ifndef GM_ONEDNN_TILES_H
#define GM_ONEDNN_TILES_H

#include <stdbool.h>
#include <stdint.h>

enum { TILES_UNIT = 16, TILES_PANEL = 32 };

typedef struct gm_tiles {
	int64_t n;         /* pictures */
	int64_t C, H, W;   /* of x */
	int64_t O, P, Q;   /* of y */
	int64_t pad[2];    /* top, left */
	int planes;        /* products of a tile: 9, 36 */
	int phases;        /* pictures that x is sorted into: 4, 1 */
	int side;          /* outputs along a side of a tile: 2, 4 */
	int64_t part[4];   /* dx: tiles of each phase of x */
	int64_t rows;      /* tiles of y, all pictures: a row of a matrix each */
	int64_t at_a_time; /* of them, in a block */
} gm_tiles;

/* Weights are stored in panels of TILES_PANEL columns for one direction: floats. */
int64_t gm_tile_weight_floats(const gm_tiles *s, bool back);

/* A block or slice of each pass with a thread's scratch; one set for each instruction set. */
typedef struct gm_tile_loops {
	/* w [O,C,taps,taps] into panel `k` of all (tiles.c: in_panels) */
	void (*weights)(const gm_tiles *s, bool back, const float *w, float *u, int64_t k);
	/* y's tiles [from, to) */
	void (*forward)(const gm_tiles *s, const float *x, const float *u, float *y, int64_t from,
	                int64_t to, float *scratch);
	/* tiles [from, to) of phase f of x */
	void (*back)(const gm_tiles *s, const float *g, const float *u, float *x, int f,
	             int64_t from, int64_t to, float *scratch);
	/* dw [O,C,taps,taps] for channels [c0, c1) and outputs [o0, o1), multiples of TILES_UNIT
	 * and TILES_PANEL */
	void (*gradient)(const gm_tiles *s, const float *x, const float *g, float *dw, int64_t c0,
	                 int64_t c1, int64_t o0, int64_t o1, float *scratch);
} gm_tile_loops;

extern const gm_tile_loops gm_phase_loops_base, gm_phase_loops_avx2, gm_phase_loops_avx512,
	gm_phase_loops_bf16;
extern const gm_tile_loops gm_winograd_loops_base, gm_winograd_loops_avx2, gm_winograd_loops_avx512;

static inline int64_t tiles_up(int64_t n, int64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* Tiles of `side` outputs that cover an axis. */
static inline int64_t tiles_along(int64_t size, int side)
{
	return (size + side - 1) / side;
}

/* Rows of V and M are kept apart by a little more than their length: powers of two would fall on
 * the same cache lines. */
static inline int64_t tiles_pitch(int64_t n)
{
	return tiles_up(n, TILES_PANEL) + TILES_UNIT;
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

/* A tile of outputs. */
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

/* Pixels (h0 + step i, w0 + step j) of picture n, side x side, or zeros outside. */
static inline void square(const float *x, int64_t n, int64_t H, int64_t W, int64_t C, int64_t h0,
                          int64_t w0, int64_t step, int side, const float *zeros, const float *p[])
{
	for (int i = 0; i < side; i++)
		for (int j = 0; j < side; j++) {
			int64_t h = h0 + step * i, w = w0 + step * j;
			bool in = h >= 0 && h < H && w >= 0 && w < W;
			p[side * i + j] = in ? x + ((n * H + h) * W + w) * C : zeros;
		}
}

#endif
