/* SPDX-License-Identifier: MIT
 *
 * phases_run.c -- inner loops of tiles.h for phases. Compiled once for each instruction set, with
 * SIMD naming it.
 */
#include <stdbool.h>
#include <string.h>

#include "backends/cpu/tiles.h"
#include "backends/cpu/product.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
/* ---- products -------------------------------------------------------------------------------- */

static void product_rows(int64_t M, int64_t panels, int64_t K, const float *a, int64_t am,
                         const float *b, float *c, int64_t pitch)
{
	product(M, panels, K, a, am, 1, b, c, pitch, false);
}

static void product_columns(int64_t M, int64_t panels, int64_t K, const float *a, int64_t ak,
                            const float *b, float *c, int64_t pitch, bool add)
{
	product(M, panels, K, a, 1, ak, b, c, pitch, add);
}

/* ---- transforms, channels side by side ------------------------------------------------------- */

/* A 3x3 square of pixels to nine values, `plane` apart: differences to the middle along both axes.
 */
static void spread(const float *const p[9], int64_t n, float *v, int64_t plane)
{
	for (int64_t c = 0; c < n; c += VEC) {
		vec x[9], t[9];
		for (int i = 0; i < 9; i++)
			x[i] = load(p[i] + c);
		for (int j = 0; j < 3; j++) {
			t[j] = x[j] - x[3 + j];
			t[3 + j] = x[3 + j];
			t[6 + j] = x[6 + j] - x[3 + j];
		}
		for (int i = 0; i < 9; i += 3) {
			store(v + i * plane + c, t[i] - t[i + 1]);
			store(v + (i + 1) * plane + c, t[i + 1]);
			store(v + (i + 2) * plane + c, t[i + 2] - t[i + 1]);
		}
	}
}

/* 2x2 taps (or gradients in their place) to nine: each, and sums along both axes. */
INLINE void spread_taps(const vec g[4], vec u[9])
{
	vec a = g[0] + g[2], b = g[1] + g[3];
	u[0] = g[0], u[1] = g[0] + g[1], u[2] = g[1];
	u[3] = a, u[4] = a + b, u[5] = b;
	u[6] = g[2], u[7] = g[2] + g[3], u[8] = g[3];
}

/* Nine products to a 2x2 square. */
INLINE void gather_square(const float *m, int64_t plane, vec y[4])
{
	vec s[6];
#pragma GCC unroll 3
	for (int j = 0; j < 3; j++) {
		vec middle = load(m + (3 + j) * plane);
		s[j] = load(m + j * plane) + middle;
		s[3 + j] = middle + load(m + (6 + j) * plane);
	}
	y[0] = s[0] + s[1], y[1] = s[1] + s[2];
	y[2] = s[3] + s[4], y[3] = s[4] + s[5];
}

/* ---- weights --------------------------------------------------------------------------------- */

/* forward: u [9][panels of O][4 C][PANEL]; back: u [4 phases][9][panels of C][O][PANEL]. Panel k:
 * of the inner axis. */
static void phases_weights(const gm_tiles *s, bool back, const float *w, float *u, int64_t k)
{
	int64_t along = back ? s->C : s->O, across = back ? s->O : s->C;
	int64_t panels = tiles_up(along, PANEL) / PANEL, size = PANEL;
	if (size > along - k * PANEL)
		size = along - k * PANEL;
	for (int64_t c = 0; c < across; c++) {
		float tap[16][PANEL];
		memset(tap, 0, sizeof tap);
		for (int64_t i = 0; i < size; i++) {
			int64_t a = k * PANEL + i;
			const float *from = w + (back ? c * s->C + a : a * s->C + c) * 16;
			for (int t = 0; t < 16; t++)
				tap[t][i] = from[t];
		}
		for (int f = 0; f < 4; f++) {
			int r = f / 2, q = f % 2;
			int64_t K = back ? across : 4 * across, row = back ? c : f * across + c;
			float *to =
				u + (back ? f * 9 * panels * K * PANEL : 0) + (k * K + row) * PANEL;
			for (int j = 0; j < PANEL; j += VEC) {
				vec g[4], v[9];
				for (int a = 0; a < 2; a++)
					for (int b = 0; b < 2; b++) {
						int aa = back ? 1 - a : a, bb = back ? 1 - b : b;
						g[2 * a + b] = load(
							&tap[(2 * aa + r) * 4 + 2 * bb + q][j]);
					}
				spread_taps(g, v);
				for (int i = 0; i < 9; i++)
					store(to + i * panels * K * PANEL + j, v[i]);
			}
		}
	}
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* y's rows [from,to) as nine planes of differences of x's channels [c0,c1), phases side by side. */
static void take_x(const gm_tiles *s, const float *x, int64_t from, int64_t to, int64_t c0,
                   int64_t c1, const float *zeros, float *v, int64_t pitch)
{
	int64_t tp = (s->P + 1) / 2, tq = (s->Q + 1) / 2, plane = s->at_a_time * pitch, m = c1 - c0;
	place t = place_of(from, tp, tq);
	for (int64_t row = 0; row < to - from; row++, next_place(&t, tp, tq))
		for (int f = 0; f < 4; f++) {
			const float *p[9];
			square(x + c0, t.n, s->H, s->W, s->C, 4 * t.p + f / 2 - s->pad[0],
			       4 * t.q + f % 2 - s->pad[1], 2, 3, zeros, p);
			spread(p, m, v + row * pitch + f * m, plane);
		}
}

static void phases_forward(const gm_tiles *s, const float *x, const float *u, float *y,
                           int64_t from, int64_t to, float *scratch)
{
	int64_t K = 4 * s->C, panels = tiles_up(s->O, PANEL) / PANEL, rows = to - from;
	int64_t vp = tiles_pitch(K), mp = tiles_pitch(s->O);
	int64_t tp = (s->P + 1) / 2, tq = (s->Q + 1) / 2, mplane = s->at_a_time * mp;
	float *zeros = scratch, *v = zeros + tiles_pitch(s->C), *m = v + 9 * s->at_a_time * vp;
	memset(zeros, 0, s->C * sizeof *zeros);
	take_x(s, x, from, to, 0, s->C, zeros, v, vp);
	for (int i = 0; i < 9; i++)
		product_rows(rows, panels, K, v + i * s->at_a_time * vp, vp,
		             u + i * panels * K * PANEL, m + i * mplane, mp);
	place t = place_of(from, tp, tq);
	for (int64_t row = 0; row < rows; row++, next_place(&t, tp, tq)) {
		float *to_ = y + ((t.n * s->P + 2 * t.p) * s->Q + 2 * t.q) * s->O;
		bool right = 2 * t.q + 1 < s->Q, below = 2 * t.p + 1 < s->P;
		for (int64_t o = 0; o < s->O; o += VEC) {
			vec z[4];
			gather_square(m + row * mp + o, mplane, z);
			store(to_ + o, z[0]);
			if (right)
				store(to_ + s->O + o, z[1]);
			if (below)
				store(to_ + s->Q * s->O + o, z[2]);
			if (right && below)
				store(to_ + (s->Q + 1) * s->O + o, z[3]);
		}
	}
}

static void phases_back(const gm_tiles *s, const float *g, const float *u, float *x, int f,
                        int64_t from, int64_t to, float *scratch)
{
	int64_t K = s->O, panels = tiles_up(s->C, PANEL) / PANEL, rows = to - from;
	int64_t vp = tiles_pitch(K), mp = tiles_pitch(s->C);
	int64_t vplane = s->at_a_time * vp, mplane = s->at_a_time * mp;
	int64_t first[2] = {phases_first(s->pad[0], f / 2), phases_first(s->pad[1], f % 2)};
	int64_t size[2] = {phases_count(s->H, s->pad[0], f / 2),
	                   phases_count(s->W, s->pad[1], f % 2)};
	int64_t tp = (size[0] + 1) / 2, tq = (size[1] + 1) / 2;
	float *zeros = scratch, *v = zeros + tiles_pitch(s->O), *m = v + 9 * vplane;
	memset(zeros, 0, s->O * sizeof *zeros);
	place t = place_of(from, tp, tq);
	for (int64_t row = 0; row < rows; row++, next_place(&t, tp, tq)) {
		const float *p[9];
		square(g, t.n, s->P, s->Q, s->O, first[0] + 2 * t.p - 1, first[1] + 2 * t.q - 1, 1,
		       3, zeros, p);
		spread(p, s->O, v + row * vp, vplane);
	}
	u += (int64_t)f * 9 * panels * K * PANEL;
	for (int i = 0; i < 9; i++)
		product_rows(rows, panels, K, v + i * vplane, vp, u + i * panels * K * PANEL,
		             m + i * mplane, mp);
	t = place_of(from, tp, tq);
	for (int64_t row = 0; row < rows; row++, next_place(&t, tp, tq)) {
		int64_t h = 2 * (first[0] + 2 * t.p) + f / 2 - s->pad[0];
		int64_t w = 2 * (first[1] + 2 * t.q) + f % 2 - s->pad[1];
		float *to_ = x + ((t.n * s->H + h) * s->W + w) * s->C;
		bool right = w + 2 < s->W, below = h + 2 < s->H;
		for (int64_t c = 0; c < s->C; c += VEC) {
			vec z[4];
			gather_square(m + row * mp + c, mplane, z);
			store(to_ + c, z[0]);
			if (right)
				store(to_ + 2 * s->C + c, z[1]);
			if (below)
				store(to_ + 2 * s->W * s->C + c, z[2]);
			if (right && below)
				store(to_ + 2 * (s->W + 1) * s->C + c, z[3]);
		}
	}
}

/* y's gradient, rows [from,to), outputs [o0,o1), as nine planes in panels [rows, PANEL]. */
static void take_g(const gm_tiles *s, const float *g, int64_t from, int64_t to, int64_t o0,
                   int64_t o1, const float *zeros, float *v)
{
	int64_t tp = (s->P + 1) / 2, tq = (s->Q + 1) / 2, rows = to - from;
	int64_t plane = tiles_up(o1 - o0, PANEL) * rows;
	place t = place_of(from, tp, tq);
	for (int64_t row = 0; row < rows; row++, next_place(&t, tp, tq)) {
		const float *p = g + ((t.n * s->P + 2 * t.p) * s->Q + 2 * t.q) * s->O + o0;
		bool right = 2 * t.q + 1 < s->Q, below = 2 * t.p + 1 < s->P;
		const float *pr = right ? p + s->O : zeros, *pb = below ? p + s->Q * s->O : zeros,
			    *pd = right && below ? p + (s->Q + 1) * s->O : zeros;
		for (int64_t o = 0; o < o1 - o0; o += VEC) {
			vec a[4] = {load(p + o), load(pr + o), load(pb + o), load(pd + o)}, b[9];
			float *to_ = v + (o / PANEL * rows + row) * PANEL + o % PANEL;
			spread_taps(a, b);
			for (int i = 0; i < 9; i++)
				store(to_ + i * plane, b[i]);
		}
	}
}

static void phases_gradient(const gm_tiles *s, const float *x, const float *g, float *dw,
                            int64_t c0, int64_t c1, int64_t o0, int64_t o1, float *scratch)
{
	int64_t m = c1 - c0, vp = tiles_pitch(4 * m), mp = tiles_pitch(o1 - o0);
	int64_t panels = tiles_up(o1 - o0, PANEL) / PANEL, wide = s->C > s->O ? s->C : s->O;
	float *zeros = scratch, *v = zeros + tiles_pitch(wide), *h = v + 9 * s->at_a_time * vp,
	      *sum = h + 9 * s->at_a_time * panels * PANEL;
	memset(zeros, 0, wide * sizeof *zeros);
	/* columns past the last output are never read from sum, but products should not read odd
	 * bits */
	memset(h, 0, 9 * s->at_a_time * panels * PANEL * sizeof *h);
	for (int64_t from = 0; from < s->rows; from += s->at_a_time) {
		int64_t to = from + s->at_a_time < s->rows ? from + s->at_a_time : s->rows;
		int64_t rows = to - from;
		take_x(s, x, from, to, c0, c1, zeros, v, vp);
		take_g(s, g, from, to, o0, o1, zeros, h);
		for (int i = 0; i < 9; i++)
			product_columns(4 * m, panels, rows, v + i * s->at_a_time * vp, vp,
			                h + i * panels * PANEL * rows, sum + i * 4 * m * mp, mp,
			                from > 0);
	}
	for (int64_t o = o0; o < o1; o += VEC)
		for (int64_t c = 0; c < m; c++) {
			float w[16][VEC];
			for (int f = 0; f < 4; f++) {
				vec z[4];
				gather_square(sum + (f * m + c) * mp + o - o0, 4 * m * mp, z);
				for (int k = 0; k < 4; k++)
					store(w[(2 * (k / 2) + f / 2) * 4 + 2 * (k % 2) + f % 2],
					      z[k]);
			}
			for (int i = 0; i < VEC && o + i < o1; i++) {
				float *to = dw + ((o + i) * s->C + c0 + c) * 16;
				for (int k = 0; k < 16; k++)
					to[k] = w[k][i];
			}
		}
}

const gm_tile_loops PASTE(gm_phase_loops, SIMD) = {phases_weights, phases_forward, phases_back,
                                                   phases_gradient};
