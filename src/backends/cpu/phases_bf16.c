/* SPDX-License-Identifier: MIT
 *
 * phases_bf16.c -- the loops of tiles.h for phases with AVX512-BF16: sums and differences are
 * taken in float, then rounded for the nine products, whose results are float again. Layouts are
 * those of phases_run.c with two steps of a sum side by side.
 *
 * Rounding comes after the sums, so an error is that of operands up to twice as large: about twice
 * that of rounding pixels and taps themselves.
 */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "backends/cpu/tiles.h"

enum { VEC = 16, TALL = 12, PANEL = TILES_PANEL };

typedef uint16_t bf16;

#define INLINE static inline __attribute__((always_inline))

/* ---- products -------------------------------------------------------------------------------- */

/* c [tall, PANEL] (+)= a b over `pairs` steps of two; pair k of row m is at a + m am + k ak, b is
 * [pairs, PANEL, 2]. */
INLINE void tile(int tall, int64_t pairs, const bf16 *a, int64_t am, int64_t ak, const bf16 *b,
                 float *c, int64_t pitch, bool add)
{
	__m512 acc[TALL][2];
#pragma GCC unroll 12
	for (int m = 0; m < tall; m++) {
		acc[m][0] = add ? _mm512_loadu_ps(c + m * pitch) : _mm512_setzero_ps();
		acc[m][1] = add ? _mm512_loadu_ps(c + m * pitch + VEC) : _mm512_setzero_ps();
	}
	for (int64_t k = 0; k < pairs; k++, a += ak, b += 2 * PANEL) {
		__m512bh b0 = (__m512bh)_mm512_loadu_si512(b),
			 b1 = (__m512bh)_mm512_loadu_si512(b + PANEL);
#pragma GCC unroll 12
		for (int m = 0; m < tall; m++) {
			int32_t two;
			memcpy(&two, a + m * am, sizeof two);
			__m512bh x = (__m512bh)_mm512_set1_epi32(two);
			acc[m][0] = _mm512_dpbf16_ps(acc[m][0], x, b0);
			acc[m][1] = _mm512_dpbf16_ps(acc[m][1], x, b1);
		}
	}
#pragma GCC unroll 12
	for (int m = 0; m < tall; m++) {
		_mm512_storeu_ps(c + m * pitch, acc[m][0]);
		_mm512_storeu_ps(c + m * pitch + VEC, acc[m][1]);
	}
}

/* c [M, panels PANEL] (+)= a b, b in panels [pairs, PANEL, 2] */
INLINE void product(int64_t M, int64_t panels, int64_t pairs, const bf16 *a, int64_t am, int64_t ak,
                    const bf16 *b, float *c, int64_t pitch, bool add)
{
	for (int64_t p = 0; p < panels; p++, b += pairs * 2 * PANEL, c += PANEL) {
		int64_t m = 0;
		for (; m + TALL <= M; m += TALL)
			tile(TALL, pairs, a + m * am, am, ak, b, c + m * pitch, pitch, add);
		for (; m + 4 <= M; m += 4)
			tile(4, pairs, a + m * am, am, ak, b, c + m * pitch, pitch, add);
		for (; m < M; m++)
			tile(1, pairs, a + m * am, am, ak, b, c + m * pitch, pitch, add);
	}
}

static void product_rows(int64_t M, int64_t panels, int64_t pairs, const bf16 *a, int64_t am,
                         const bf16 *b, float *c, int64_t pitch)
{
	product(M, panels, pairs, a, am, 2, b, c, pitch, false);
}

static void product_columns(int64_t M, int64_t panels, int64_t pairs, const bf16 *a, int64_t ak,
                            const bf16 *b, float *c, int64_t pitch, bool add)
{
	product(M, panels, pairs, a, 2, ak, b, c, pitch, add);
}

/* ---- transforms, channels side by side ------------------------------------------------------- */

/* a0 b0 a1 b1 ... */
INLINE __m512i side_by_side(__m512 a, __m512 b)
{
	const __m512i order =
		_mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23,
	                         7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
	return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(b, a));
}

/* A 3x3 square of pixels to nine values: differences to the middle along both axes. */
INLINE void spread(const float *const p[9], int64_t c, __m512 v[9])
{
	__m512 x[9], t[9];
#pragma GCC unroll 9
	for (int i = 0; i < 9; i++)
		x[i] = _mm512_loadu_ps(p[i] + c);
#pragma GCC unroll 3
	for (int j = 0; j < 3; j++) {
		t[j] = x[j] - x[3 + j];
		t[3 + j] = x[3 + j];
		t[6 + j] = x[6 + j] - x[3 + j];
	}
#pragma GCC unroll 3
	for (int i = 0; i < 9; i += 3) {
		v[i] = t[i] - t[i + 1];
		v[i + 1] = t[i + 1];
		v[i + 2] = t[i + 2] - t[i + 1];
	}
}

/* 2x2 taps (or gradients in their place) to nine: each, and sums along both axes. */
INLINE void spread_taps(const __m512 g[4], __m512 u[9])
{
	__m512 a = g[0] + g[2], b = g[1] + g[3];
	u[0] = g[0], u[1] = g[0] + g[1], u[2] = g[1];
	u[3] = a, u[4] = a + b, u[5] = b;
	u[6] = g[2], u[7] = g[2] + g[3], u[8] = g[3];
}

/* Nine products to a 2x2 square. */
INLINE void gather_square(const float *m, int64_t plane, __m512 y[4])
{
	__m512 s[6];
#pragma GCC unroll 3
	for (int j = 0; j < 3; j++) {
		__m512 middle = _mm512_loadu_ps(m + (3 + j) * plane);
		s[j] = _mm512_loadu_ps(m + j * plane) + middle;
		s[3 + j] = middle + _mm512_loadu_ps(m + (6 + j) * plane);
	}
	y[0] = s[0] + s[1], y[1] = s[1] + s[2];
	y[2] = s[3] + s[4], y[3] = s[4] + s[5];
}

/* A row of nine planes of differences, n channels. */
INLINE void spread_row(const float *const p[9], int64_t n, bf16 *v, int64_t plane)
{
	for (int64_t c = 0; c < n; c += VEC) {
		__m512 d[9];
		spread(p, c, d);
#pragma GCC unroll 9
		for (int i = 0; i < 9; i++)
			_mm256_storeu_si256((__m256i *)(v + i * plane + c),
			                    (__m256i)_mm512_cvtneps_pbh(d[i]));
	}
}

/* ---- weights --------------------------------------------------------------------------------- */

/* 16 rows of 16 become 16 columns: pairs, fours, then the four pieces of each vector. */
INLINE void turn(__m512 r[16])
{
	__m512 t[16];
	for (int i = 0; i < 16; i += 4) {
		__m512 a = _mm512_unpacklo_ps(r[i], r[i + 1]),
		       b = _mm512_unpackhi_ps(r[i], r[i + 1]),
		       c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]),
		       d = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
		t[i] = (__m512)_mm512_unpacklo_pd((__m512d)a, (__m512d)c);
		t[i + 1] = (__m512)_mm512_unpackhi_pd((__m512d)a, (__m512d)c);
		t[i + 2] = (__m512)_mm512_unpacklo_pd((__m512d)b, (__m512d)d);
		t[i + 3] = (__m512)_mm512_unpackhi_pd((__m512d)b, (__m512d)d);
	}
	/* piece l of t[4k + j] is numbers 4k to 4k + 3 of column 4l + j */
	for (int j = 0; j < 4; j++) {
		__m512 a = _mm512_shuffle_f32x4(t[j], t[4 + j], 0x88),
		       b = _mm512_shuffle_f32x4(t[j], t[4 + j], 0xdd),
		       c = _mm512_shuffle_f32x4(t[8 + j], t[12 + j], 0x88),
		       d = _mm512_shuffle_f32x4(t[8 + j], t[12 + j], 0xdd);
		r[j] = _mm512_shuffle_f32x4(a, c, 0x88);
		r[8 + j] = _mm512_shuffle_f32x4(a, c, 0xdd);
		r[4 + j] = _mm512_shuffle_f32x4(b, d, 0x88);
		r[12 + j] = _mm512_shuffle_f32x4(b, d, 0xdd);
	}
}

/* forward: u [9][panels of O][2 C][PANEL][2]; back: u [4 phases][9][panels of C][O / 2][PANEL][2].
 */
static void weights(const gm_tiles *s, bool back, const float *w, float *u, int64_t k)
{
	int64_t along = back ? s->C : s->O, across = back ? s->O : s->C;
	int64_t panels = tiles_up(along, PANEL) / PANEL, size = PANEL;
	if (size > along - k * PANEL)
		size = along - k * PANEL;
	int64_t K = back ? across : 4 * across, plane = panels * K * PANEL;
	for (int64_t c = 0; c < across; c += 2)
		for (int j = 0; j < PANEL; j += VEC) {
			__m512 tap[2][16];
			for (int h = 0; h < 2; h++)
				for (int i = 0; i < VEC; i++) {
					int64_t a = k * PANEL + j + i, b = c + h;
					const float *from =
						w + (back ? b * s->C + a : a * s->C + b) * 16;
					tap[h][i] = j + i < size ? _mm512_loadu_ps(from)
					                         : _mm512_setzero_ps();
				}
			turn(tap[0]);
			turn(tap[1]);
			for (int f = 0; f < 4; f++) {
				int64_t row = back ? c : f * across + c;
				bf16 *to = (bf16 *)u + (back ? f * 9 * plane : 0) +
				           (k * K + row) * PANEL + 2 * j;
				__m512 v[2][9];
				for (int h = 0; h < 2; h++) {
					__m512 g[4];
					for (int t = 0; t < 4; t++) {
						int i = back ? 1 - t / 2 : t / 2,
						    l = back ? 1 - t % 2 : t % 2;
						g[t] = tap[h][(2 * i + f / 2) * 4 + 2 * l + f % 2];
					}
					spread_taps(g, v[h]);
				}
				for (int i = 0; i < 9; i++)
					_mm512_storeu_si512(to + i * plane,
					                    side_by_side(v[0][i], v[1][i]));
			}
		}
}

/* ---- passes ---------------------------------------------------------------------------------- */

static void forward(const gm_tiles *s, const float *x, const float *u_, float *y, int64_t from,
                    int64_t to, float *scratch)
{
	int64_t K = 4 * s->C, panels = tiles_up(s->O, PANEL) / PANEL, rows = to - from;
	int64_t vp = tiles_pitch(K), mp = tiles_pitch(s->O);
	int64_t tp = (s->P + 1) / 2, tq = (s->Q + 1) / 2;
	int64_t vplane = s->at_a_time * vp, mplane = s->at_a_time * mp;
	float *zeros = scratch, *m = zeros + tiles_pitch(s->C);
	bf16 *v = (bf16 *)(m + 9 * mplane);
	const bf16 *u = (const bf16 *)u_;
	memset(zeros, 0, s->C * sizeof *zeros);
	place t = place_of(from, tp, tq);
	for (int64_t row = 0; row < rows; row++, next_place(&t, tp, tq))
		for (int f = 0; f < 4; f++) {
			const float *p[9];
			square(x, t.n, s->H, s->W, s->C, 4 * t.p + f / 2 - s->pad[0],
			       4 * t.q + f % 2 - s->pad[1], 2, 3, zeros, p);
			spread_row(p, s->C, v + row * vp + f * s->C, vplane);
		}
	for (int i = 0; i < 9; i++)
		product_rows(rows, panels, K / 2, v + i * vplane, vp, u + i * panels * K * PANEL,
		             m + i * mplane, mp);
	t = place_of(from, tp, tq);
	for (int64_t row = 0; row < rows; row++, next_place(&t, tp, tq)) {
		float *at = y + ((t.n * s->P + 2 * t.p) * s->Q + 2 * t.q) * s->O;
		bool right = 2 * t.q + 1 < s->Q, below = 2 * t.p + 1 < s->P;
		for (int64_t o = 0; o < s->O; o += VEC) {
			__m512 z[4];
			gather_square(m + row * mp + o, mplane, z);
			_mm512_storeu_ps(at + o, z[0]);
			if (right)
				_mm512_storeu_ps(at + s->O + o, z[1]);
			if (below)
				_mm512_storeu_ps(at + s->Q * s->O + o, z[2]);
			if (right && below)
				_mm512_storeu_ps(at + (s->Q + 1) * s->O + o, z[3]);
		}
	}
}

static void back(const gm_tiles *s, const float *g, const float *u_, float *x, int f, int64_t from,
                 int64_t to, float *scratch)
{
	int64_t K = s->O, panels = tiles_up(s->C, PANEL) / PANEL, rows = to - from;
	int64_t vp = tiles_pitch(K), mp = tiles_pitch(s->C);
	int64_t vplane = s->at_a_time * vp, mplane = s->at_a_time * mp;
	int64_t first[2] = {phases_first(s->pad[0], f / 2), phases_first(s->pad[1], f % 2)};
	int64_t size[2] = {phases_count(s->H, s->pad[0], f / 2),
	                   phases_count(s->W, s->pad[1], f % 2)};
	int64_t tp = (size[0] + 1) / 2, tq = (size[1] + 1) / 2;
	float *zeros = scratch, *m = zeros + tiles_pitch(s->O);
	bf16 *v = (bf16 *)(m + 9 * mplane);
	const bf16 *u = (const bf16 *)u_ + (int64_t)f * 9 * panels * K * PANEL;
	memset(zeros, 0, s->O * sizeof *zeros);
	place t = place_of(from, tp, tq);
	for (int64_t row = 0; row < rows; row++, next_place(&t, tp, tq)) {
		const float *p[9];
		square(g, t.n, s->P, s->Q, s->O, first[0] + 2 * t.p - 1, first[1] + 2 * t.q - 1, 1,
		       3, zeros, p);
		spread_row(p, s->O, v + row * vp, vplane);
	}
	for (int i = 0; i < 9; i++)
		product_rows(rows, panels, K / 2, v + i * vplane, vp, u + i * panels * K * PANEL,
		             m + i * mplane, mp);
	t = place_of(from, tp, tq);
	for (int64_t row = 0; row < rows; row++, next_place(&t, tp, tq)) {
		int64_t h = 2 * (first[0] + 2 * t.p) + f / 2 - s->pad[0];
		int64_t w = 2 * (first[1] + 2 * t.q) + f % 2 - s->pad[1];
		float *at = x + ((t.n * s->H + h) * s->W + w) * s->C;
		bool right = w + 2 < s->W, below = h + 2 < s->H;
		for (int64_t c = 0; c < s->C; c += VEC) {
			__m512 z[4];
			gather_square(m + row * mp + c, mplane, z);
			_mm512_storeu_ps(at + c, z[0]);
			if (right)
				_mm512_storeu_ps(at + 2 * s->C + c, z[1]);
			if (below)
				_mm512_storeu_ps(at + 2 * s->W * s->C + c, z[2]);
			if (right && below)
				_mm512_storeu_ps(at + 2 * (s->W + 1) * s->C + c, z[3]);
		}
	}
}

/* x's squares of rows [from, to), channels [c0, c1), phases side by side: nine planes [rows / 2, 4
 * m, 2], an odd last row followed by zeros. */
static void take_x(const gm_tiles *s, const float *x, int64_t from, int64_t to, int64_t c0,
                   int64_t c1, const float *zeros, bf16 *v, int64_t pitch, int64_t plane)
{
	int64_t tp = (s->P + 1) / 2, tq = (s->Q + 1) / 2, m = c1 - c0;
	place t = place_of(from, tp, tq);
	for (int64_t row = 0; row < to - from; row += 2) {
		place next = t;
		next_place(&next, tp, tq);
		for (int f = 0; f < 4; f++) {
			const float *p[9], *q[9];
			square(x + c0, t.n, s->H, s->W, s->C, 4 * t.p + f / 2 - s->pad[0],
			       4 * t.q + f % 2 - s->pad[1], 2, 3, zeros, p);
			if (row + 1 < to - from)
				square(x + c0, next.n, s->H, s->W, s->C,
				       4 * next.p + f / 2 - s->pad[0],
				       4 * next.q + f % 2 - s->pad[1], 2, 3, zeros, q);
			else
				for (int i = 0; i < 9; i++)
					q[i] = zeros;
			bf16 *at = v + row / 2 * pitch + 2 * f * m;
			for (int64_t c = 0; c < m; c += VEC) {
				__m512 a[9], b[9];
				spread(p, c, a);
				spread(q, c, b);
#pragma GCC unroll 9
				for (int i = 0; i < 9; i++)
					_mm512_storeu_si512(at + i * plane + 2 * c,
					                    side_by_side(a[i], b[i]));
			}
		}
		t = next;
		next_place(&t, tp, tq);
	}
}

/* y's gradient in one square of outputs, VEC of them from o */
INLINE void spread_g(const gm_tiles *s, const float *g, place t, int64_t o, __m512 v[9])
{
	const float *p = g + ((t.n * s->P + 2 * t.p) * s->Q + 2 * t.q) * s->O + o;
	bool right = 2 * t.q + 1 < s->Q, below = 2 * t.p + 1 < s->P;
	const __m512 zero = _mm512_setzero_ps();
	const __m512 a[4] = {_mm512_loadu_ps(p), right ? _mm512_loadu_ps(p + s->O) : zero,
	                     below ? _mm512_loadu_ps(p + s->Q * s->O) : zero,
	                     right && below ? _mm512_loadu_ps(p + (s->Q + 1) * s->O) : zero};
	spread_taps(a, v);
}

/* y's gradient, rows [from, to), as nine planes in panels [rows / 2, PANEL, 2]. */
static void take_g(const gm_tiles *s, const float *g, int64_t from, int64_t to, bf16 *v)
{
	int64_t tp = (s->P + 1) / 2, tq = (s->Q + 1) / 2, pairs = (to - from + 1) / 2;
	int64_t plane = tiles_up(s->O, PANEL) * 2 * pairs;
	place t = place_of(from, tp, tq);
	for (int64_t k = 0; k < pairs; k++) {
		place next = t;
		next_place(&next, tp, tq);
		for (int64_t o = 0; o < s->O; o += VEC) {
			__m512 a[9], b[9];
			spread_g(s, g, t, o, a);
			if (from + 2 * k + 1 < to)
				spread_g(s, g, next, o, b);
			else
				memset(b, 0, sizeof b);
			bf16 *at = v + ((o / PANEL * pairs + k) * PANEL + o % PANEL) * 2;
#pragma GCC unroll 9
			for (int i = 0; i < 9; i++)
				_mm512_storeu_si512(at + i * plane, side_by_side(a[i], b[i]));
		}
		t = next;
		next_place(&t, tp, tq);
	}
}

static void gradient(const gm_tiles *s, const float *x, const float *g, float *dw, int64_t c0,
                     int64_t c1, int64_t o0, int64_t o1, float *scratch)
{
	int64_t m = c1 - c0, mp = tiles_pitch(s->O), panels = tiles_up(s->O, PANEL) / PANEL;
	int64_t pitch = 2 * tiles_pitch(4 * m), wide = s->C > s->O ? s->C : s->O;
	int64_t most = (s->at_a_time + 1) / 2, plane = most * pitch;
	float *zeros = scratch, *sum = zeros + tiles_pitch(wide);
	bf16 *v = (bf16 *)(sum + 36 * m * mp), *h = v + 9 * plane;
	memset(zeros, 0, wide * sizeof *zeros);
	/* columns past the last output are never read from sum, but products should not read odd
	 * bits */
	memset(h, 0, (size_t)(9 * most * panels * PANEL * 2) * sizeof *h);
	for (int64_t from = 0; from < s->rows; from += s->at_a_time) {
		int64_t to = from + s->at_a_time < s->rows ? from + s->at_a_time : s->rows;
		int64_t pairs = (to - from + 1) / 2;
		take_x(s, x, from, to, c0, c1, zeros, v, pitch, plane);
		take_g(s, g, from, to, h);
		for (int i = 0; i < 9; i++)
			product_columns(4 * m, panels, pairs, v + i * plane, pitch,
			                h + i * panels * PANEL * 2 * pairs, sum + i * 4 * m * mp,
			                mp, from > 0);
	}
	for (int64_t o = o0; o < o1; o += VEC)
		for (int64_t c = 0; c < m; c++) {
			float w[16][VEC];
			for (int f = 0; f < 4; f++) {
				__m512 z[4];
				gather_square(sum + (f * m + c) * mp + o, 4 * m * mp, z);
				for (int k = 0; k < 4; k++)
					_mm512_storeu_ps(
						w[(2 * (k / 2) + f / 2) * 4 + 2 * (k % 2) + f % 2],
						z[k]);
			}
			for (int i = 0; i < VEC && o + i < o1; i++) {
				float *to = dw + ((o + i) * s->C + c0 + c) * 16;
				for (int k = 0; k < 16; k++)
					to[k] = w[k][i];
			}
		}
}

const gm_tile_loops gm_phase_loops_bf16 = {weights, forward, back, gradient};
