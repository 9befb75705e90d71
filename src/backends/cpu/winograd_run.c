/* SPDX-License-Identifier: MIT
 *
 * winograd_run.c -- inner loops of tiles.h for 3x3 taps of stride 1. Compiled once for each
 * instruction set, with SIMD naming it.
 *
 * With the points p = 3/4 and q = 3/2 the transforms of an axis are (Toom and Cook's algorithm;
 * rows for 0, -+p, -+q and infinity)
 *
 *	input x0..x5	p2 q2 x0 - (p2+q2) x2 + x4,
 *			(x4 - q2 x2) +- p (x3 - q2 x1),  (x4 - p2 x2) +- q (x3 - p2 x1),
 *			p2 q2 x1 - (p2+q2) x3 + x5
 *	taps w0..w2	w0 / (p2 q2),  a (w0 +- p w1 + p2 w2),  b (w0 +- q w1 + q2 w2),  w2
 *	output		sums over the six of their points' powers 0..3
 *
 * with a = 1 / (2 p2 (p2 - q2)) and b = 1 / (2 q2 (q2 - p2)). All factors but those of the taps
 * are floats exactly.
 */
#include <stdbool.h>
#include <string.h>

#include "backends/cpu/product.h"
#include "backends/cpu/tiles.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)

enum { SIDE = 4, TAPS = 3, POINTS = 6, PLANES = POINTS * POINTS };

#define P1 .75f
#define Q1 1.5f
#define P2 (P1 * P1)
#define Q2 (Q1 * Q1)

static const float at_zero = (float)(1 / (.5625 * 2.25)), at_p = (float)(1 / (1.125 * -1.6875)),
		   at_q = (float)(1 / (4.5 * 1.6875));

/* ---- transforms of one axis ------------------------------------------------------------------ */

/* Six inputs, in place. */
INLINE void axis_of_input(vec x[6], int step)
{
	vec x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step],
	    x5 = x[5 * step];
	vec ep = x4 - Q2 * x2, op = P1 * (x3 - Q2 * x1);
	vec eq = x4 - P2 * x2, oq = Q1 * (x3 - P2 * x1);
	x[0] = (P2 * Q2) * x0 - (P2 + Q2) * x2 + x4;
	x[step] = ep - op, x[2 * step] = ep + op;
	x[3 * step] = eq - oq, x[4 * step] = eq + oq;
	x[5 * step] = (P2 * Q2) * x1 - (P2 + Q2) * x3 + x5;
}

/* Three taps. */
INLINE void axis_of_taps(const vec *w, int step, vec *u, int to)
{
	vec w0 = w[0], w1 = w[step], w2 = w[2 * step];
	vec ep = at_p * (w0 + P2 * w2), op = (at_p * P1) * w1;
	vec eq = at_q * (w0 + Q2 * w2), oq = (at_q * Q1) * w1;
	u[0] = at_zero * w0;
	u[to] = ep - op, u[2 * to] = ep + op;
	u[3 * to] = eq - oq, u[4 * to] = eq + oq;
	u[5 * to] = w2;
}

/* Six products to four outputs. */
INLINE void axis_of_output(const vec *m, int step, vec *y, int to)
{
	vec ep = m[step] + m[2 * step], op = m[2 * step] - m[step];
	vec eq = m[3 * step] + m[4 * step], oq = m[4 * step] - m[3 * step];
	y[0] = m[0] + ep + eq;
	y[to] = P1 * op + Q1 * oq;
	y[2 * to] = P2 * ep + Q2 * eq;
	y[3 * to] = (P1 * P2) * op + (Q1 * Q2) * oq + m[5 * step];
}

/* The last transposed: four gradients of outputs to six. */
INLINE void axis_of_gradient(const vec *g, int step, vec *v, int to)
{
	vec g0 = g[0], g1 = g[step], g2 = g[2 * step], g3 = g[3 * step];
	vec ep = g0 + P2 * g2, op = P1 * (g1 + P2 * g3);
	vec eq = g0 + Q2 * g2, oq = Q1 * (g1 + Q2 * g3);
	v[0] = g0;
	v[to] = ep - op, v[2 * to] = ep + op;
	v[3 * to] = eq - oq, v[4 * to] = eq + oq;
	v[5 * to] = g3;
}

/* The taps' transposed: six sums to three gradients of taps. */
INLINE void axis_of_sums(const vec *s, int step, vec *w, int to)
{
	vec ep = at_p * (s[step] + s[2 * step]), op = at_p * (s[2 * step] - s[step]);
	vec eq = at_q * (s[3 * step] + s[4 * step]), oq = at_q * (s[4 * step] - s[3 * step]);
	w[0] = at_zero * s[0] + (ep + eq);
	w[to] = P1 * op + Q1 * oq;
	w[2 * to] = P2 * ep + Q2 * eq + s[5 * step];
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* Where a convolution reads and writes: x or y and back. */
typedef struct sides {
	int64_t H, W, C;   /* read */
	int64_t P, Q, O;   /* written */
	int64_t top, left; /* padding */
} sides;

static sides sides_of(const gm_tiles *s, bool back)
{
	return back ? (sides){s->P, s->Q, s->O, s->H, s->W, s->C, 2 - s->pad[0], 2 - s->pad[1]}
	            : (sides){s->H, s->W, s->C, s->P, s->Q, s->O, s->pad[0], s->pad[1]};
}

/* Windows of tiles [from, to), channels [c0, c1), as 36 planes [tiles, pitch]. */
static void take_windows(const sides *s, const float *x, int64_t from, int64_t to, int64_t c0,
                         int64_t c1, const float *zeros, float *v, int64_t pitch, int64_t plane)
{
	int64_t tp = tiles_along(s->P, SIDE), tq = tiles_along(s->Q, SIDE);
	place t = place_of(from, tp, tq);
	for (int64_t row = 0; row < to - from; row++, v += pitch, next_place(&t, tp, tq)) {
		const float *p[PLANES];
		square(x + c0, t.n, s->H, s->W, s->C, SIDE * t.p - s->top, SIDE * t.q - s->left, 1,
		       POINTS, zeros, p);
		for (int64_t c = 0; c < c1 - c0; c += VEC) {
			vec a[PLANES];
#pragma GCC unroll 6
			for (int i = 0; i < POINTS; i++) {
#pragma GCC unroll 6
				for (int j = 0; j < POINTS; j++)
					a[POINTS * i + j] = load(p[POINTS * i + j] + c);
				axis_of_input(a + POINTS * i, 1);
			}
#pragma GCC unroll 6
			for (int j = 0; j < POINTS; j++) {
				axis_of_input(a + j, POINTS);
#pragma GCC unroll 6
				for (int i = 0; i < POINTS; i++)
					store(v + (POINTS * i + j) * plane + c, a[POINTS * i + j]);
			}
		}
	}
}

/* 36 planes of products [tiles, pitch] to squares of outputs. */
static void give_outputs(const sides *s, const float *m, int64_t from, int64_t to, float *y,
                         int64_t pitch, int64_t plane)
{
	int64_t tp = tiles_along(s->P, SIDE), tq = tiles_along(s->Q, SIDE);
	place t = place_of(from, tp, tq);
	for (int64_t row = 0; row < to - from; row++, m += pitch, next_place(&t, tp, tq)) {
		float *to_ = y + ((t.n * s->P + SIDE * t.p) * s->Q + SIDE * t.q) * s->O;
		int64_t high = s->P - SIDE * t.p, wide = s->Q - SIDE * t.q;
		for (int64_t o = 0; o < s->O; o += VEC) {
			vec a[SIDE * POINTS], b[SIDE * SIDE];
#pragma GCC unroll 6
			for (int j = 0; j < POINTS; j++) {
				vec column[POINTS];
#pragma GCC unroll 6
				for (int i = 0; i < POINTS; i++)
					column[i] = load(m + (POINTS * i + j) * plane + o);
				axis_of_output(column, 1, a + j, POINTS);
			}
#pragma GCC unroll 4
			for (int i = 0; i < SIDE; i++)
				axis_of_output(a + POINTS * i, 1, b + SIDE * i, 1);
			for (int i = 0; i < SIDE && i < high; i++)
				for (int j = 0; j < SIDE && j < wide; j++)
					store(to_ + (i * s->Q + j) * s->O + o, b[SIDE * i + j]);
		}
	}
}

/* ---- weights --------------------------------------------------------------------------------- */

/* u [36][panels][across][PANEL]: panel k of the outputs, or back, with the taps turned around, of
 * the channels. */
static void winograd_weights(const gm_tiles *s, bool back, const float *w, float *u, int64_t k)
{
	int64_t along = back ? s->C : s->O, across = back ? s->O : s->C;
	int64_t plane = tiles_up(along, PANEL) * across, size = along - k * PANEL;
	size = size < PANEL ? size : PANEL;
	for (int64_t c = 0; c < across; c++) {
		float tap[TAPS * TAPS][PANEL];
		memset(tap, 0, sizeof tap);
		for (int64_t i = 0; i < size; i++) {
			int64_t a = k * PANEL + i;
			const float *from = w + (back ? c * s->C + a : a * s->C + c) * TAPS * TAPS;
			for (int t = 0; t < TAPS * TAPS; t++)
				tap[back ? TAPS * TAPS - 1 - t : t][i] = from[t];
		}
		float *to = u + (k * across + c) * PANEL;
		for (int j = 0; j < PANEL; j += VEC) {
			vec g[TAPS * TAPS], a[POINTS * TAPS], v[PLANES];
			for (int t = 0; t < TAPS * TAPS; t++)
				g[t] = load(&tap[t][j]);
			for (int t = 0; t < TAPS; t++)
				axis_of_taps(g + t, TAPS, a + t, TAPS);
			for (int i = 0; i < POINTS; i++)
				axis_of_taps(a + TAPS * i, 1, v + POINTS * i, 1);
			for (int i = 0; i < PLANES; i++)
				store(to + i * plane + j, v[i]);
		}
	}
}

/* ---- passes ---------------------------------------------------------------------------------- */

static void convolve(const gm_tiles *s, bool back, const float *x, const float *u, float *y,
                     int64_t from, int64_t to, float *scratch)
{
	sides d = sides_of(s, back);
	int64_t panels = tiles_up(d.O, PANEL) / PANEL, rows = to - from;
	int64_t vp = tiles_pitch(d.C), mp = tiles_pitch(d.O);
	int64_t vplane = s->at_a_time * vp, mplane = s->at_a_time * mp;
	float *zeros = scratch, *v = zeros + vp, *m = v + PLANES * vplane;
	memset(zeros, 0, d.C * sizeof *zeros);
	take_windows(&d, x, from, to, 0, d.C, zeros, v, vp, vplane);
	for (int i = 0; i < PLANES; i++)
		product(rows, panels, d.C, v + i * vplane, vp, 1, u + i * panels * d.C * PANEL,
		        m + i * mplane, mp, false);
	give_outputs(&d, m, from, to, y, mp, mplane);
}

static void winograd_forward(const gm_tiles *s, const float *x, const float *u, float *y,
                             int64_t from, int64_t to, float *scratch)
{
	convolve(s, false, x, u, y, from, to, scratch);
}

static void winograd_back(const gm_tiles *s, const float *g, const float *u, float *x, int f,
                          int64_t from, int64_t to, float *scratch)
{
	(void)f; /* one phase */
	convolve(s, true, g, u, x, from, to, scratch);
}

/* y's gradient, tiles [from, to), outputs [o0, o1), as 36 planes in panels [tiles, PANEL]. */
static void take_gradients(const gm_tiles *s, const float *g, int64_t from, int64_t to, int64_t o0,
                           int64_t o1, const float *zeros, float *v)
{
	int64_t tp = tiles_along(s->P, SIDE), tq = tiles_along(s->Q, SIDE), rows = to - from;
	int64_t plane = tiles_up(o1 - o0, PANEL) * rows;
	place t = place_of(from, tp, tq);
	for (int64_t row = 0; row < rows; row++, next_place(&t, tp, tq)) {
		const float *p[SIDE * SIDE];
		square(g + o0, t.n, s->P, s->Q, s->O, SIDE * t.p, SIDE * t.q, 1, SIDE, zeros, p);
		for (int64_t o = 0; o < o1 - o0; o += VEC) {
			vec a[SIDE * SIDE], b[POINTS * SIDE], c[POINTS];
			float *to_ = v + (o / PANEL * rows + row) * PANEL + o % PANEL;
#pragma GCC unroll 16
			for (int i = 0; i < SIDE * SIDE; i++)
				a[i] = load(p[i] + o);
#pragma GCC unroll 4
			for (int j = 0; j < SIDE; j++)
				axis_of_gradient(a + j, SIDE, b + j, SIDE);
#pragma GCC unroll 6
			for (int i = 0; i < POINTS; i++) {
				axis_of_gradient(b + SIDE * i, 1, c, 1);
#pragma GCC unroll 6
				for (int j = 0; j < POINTS; j++)
					store(to_ + (POINTS * i + j) * plane, c[j]);
			}
		}
	}
}

static void winograd_gradient(const gm_tiles *s, const float *x, const float *g, float *dw,
                              int64_t c0, int64_t c1, int64_t o0, int64_t o1, float *scratch)
{
	sides d = sides_of(s, false);
	int64_t m = c1 - c0, vp = tiles_pitch(m), mp = tiles_pitch(o1 - o0);
	int64_t vplane = s->at_a_time * vp, sum_plane = m * mp;
	int64_t panels = tiles_up(o1 - o0, PANEL) / PANEL, wide = s->C > s->O ? s->C : s->O;
	float *zeros = scratch, *v = zeros + tiles_pitch(wide), *h = v + PLANES * vplane,
	      *sum = h + PLANES * s->at_a_time * panels * PANEL;
	memset(zeros, 0, wide * sizeof *zeros);
	/* columns past the last output are never read from sum, but products should not read odd
	 * bits */
	memset(h, 0, PLANES * s->at_a_time * panels * PANEL * sizeof *h);
	for (int64_t from = 0; from < s->rows; from += s->at_a_time) {
		int64_t to = from + s->at_a_time < s->rows ? from + s->at_a_time : s->rows;
		int64_t rows = to - from;
		take_windows(&d, x, from, to, c0, c1, zeros, v, vp, vplane);
		take_gradients(s, g, from, to, o0, o1, zeros, h);
		for (int i = 0; i < PLANES; i++)
			product(m, panels, rows, v + i * vplane, 1, vp,
			        h + i * panels * PANEL * rows, sum + i * sum_plane, mp, from > 0);
	}
	for (int64_t o = o0; o < o1; o += VEC)
		for (int64_t c = 0; c < m; c++) {
			const float *from = sum + c * mp + o - o0;
			vec a[TAPS * POINTS], b[TAPS * TAPS];
			float w[TAPS * TAPS][VEC];
			for (int j = 0; j < POINTS; j++) {
				vec column[POINTS];
				for (int i = 0; i < POINTS; i++)
					column[i] = load(from + (POINTS * i + j) * sum_plane);
				axis_of_sums(column, 1, a + j, POINTS);
			}
			for (int i = 0; i < TAPS; i++)
				axis_of_sums(a + POINTS * i, 1, b + TAPS * i, 1);
			for (int k = 0; k < TAPS * TAPS; k++)
				store(w[k], b[k]);
			for (int i = 0; i < VEC && o + i < o1; i++) {
				float *to = dw + ((o + i) * s->C + c0 + c) * TAPS * TAPS;
				for (int k = 0; k < TAPS * TAPS; k++)
					to[k] = w[k][i];
			}
		}
}

const gm_tile_loops PASTE(gm_winograd_loops, SIMD) = {winograd_weights, winograd_forward,
                                                      winograd_back, winograd_gradient};
