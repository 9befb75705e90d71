/* SPDX-License-Identifier: MIT
 *
 * bf16_run.c -- the loops of bf16.h with AVX512-BF16.
 */
#include <immintrin.h>
#include <string.h>

#include "backends/cpu/bf16.h"

static inline __m512bh broadcast(const char *p)
{
	int32_t pair;
	memcpy(&pair, p, sizeof pair);
	return (__m512bh)_mm512_set1_epi32(pair);
}

static inline void store(float *c, __m512 v, __mmask16 m, bool add)
{
	if (add)
		v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(m, c));
	_mm512_mask_storeu_ps(c, m, v);
}

/* Sixteen accumulators: two loads of b and eight broadcasts feed sixteen products of 32 pairs each.
 */
static inline __attribute__((always_inline)) void tile_of(const gm_bf16_tile *t, int pairs)
{
	const char *p[BF16_ROWS];
	__m512 acc[BF16_ROWS][2];
#pragma GCC unroll 8
	for (int r = 0; r < BF16_ROWS; r++) {
		p[r] = (const char *)(t->a + t->row[r]);
		acc[r][0] = acc[r][1] = _mm512_setzero_ps();
	}
	const gm_bf16_sum *s = t->sum;
	const gm_bf16 *b = t->b;
	for (int i = 0; i < s->runs; i++) {
		int64_t at = s->run[i] * (int64_t)sizeof(gm_bf16), end = at + 4 * (int64_t)pairs;
#pragma GCC unroll 8
		for (; at < end; at += 4, b += 2 * BF16_COLUMNS) {
			__m512bh b0 = (__m512bh)_mm512_load_si512(b),
				 b1 = (__m512bh)_mm512_load_si512(b + BF16_COLUMNS);
#pragma GCC unroll 8
			for (int r = 0; r < BF16_ROWS; r++) {
				__m512bh a = broadcast(p[r] + at);
				acc[r][0] = _mm512_dpbf16_ps(acc[r][0], a, b0);
				acc[r][1] = _mm512_dpbf16_ps(acc[r][1], a, b1);
			}
		}
	}
	int n = t->columns;
	__mmask16 m0 = n >= 16 ? 0xffff : (__mmask16)((1 << n) - 1),
		  m1 = n >= 32   ? 0xffff
	               : n <= 16 ? 0
	                         : (__mmask16)((1 << (n - 16)) - 1);
#pragma GCC unroll 8
	for (int r = 0; r < BF16_ROWS; r++)
		if (r < t->rows) {
			store(t->c + t->place[r], acc[r][0], m0, t->add);
			store(t->c + t->place[r] + 16, acc[r][1], m1, t->add);
		}
}

/* Short runs unrolled: those of weight gradients on maps 4, 8 and 16 pixels wide. */
static void tile(const gm_bf16_tile *t)
{
	if (t->sum->pairs == 2)
		tile_of(t, 2);
	else if (t->sum->pairs == 4)
		tile_of(t, 4);
	else if (t->sum->pairs == 8)
		tile_of(t, 8);
	else
		tile_of(t, t->sum->pairs);
}

/* Numbers 0 to 15 are a's, 16 to 31 are b's. */
static inline __m512i rounded(__m512 a, __m512 b)
{
	return (__m512i)_mm512_cvtne2ps_pbh(b, a);
}

/* a0 b0 a1 b1 ... */
static inline __m512i side_by_side(__m512 a, __m512 b)
{
	const __m512i order =
		_mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23,
	                         7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
	return _mm512_permutexvar_epi16(order, rounded(a, b));
}

static inline __mmask16 first(int n)
{
	return n >= 16 ? 0xffff : n <= 0 ? 0 : (__mmask16)((1 << n) - 1);
}

static void round_all(const float *x, gm_bf16 *y, int64_t n)
{
	int64_t i = 0;
	for (; i + 32 <= n; i += 32)
		_mm512_storeu_si512(y + i,
		                    rounded(_mm512_loadu_ps(x + i), _mm512_loadu_ps(x + i + 16)));
	if (i < n) {
		int left = (int)(n - i);
		__m512i v = rounded(_mm512_maskz_loadu_ps(first(left), x + i),
		                    _mm512_maskz_loadu_ps(first(left - 16), x + i + 16));
		_mm512_mask_storeu_epi16(y + i, left >= 32 ? ~0u : (1u << left) - 1, v);
	}
}

/* Number k of each of 16 rows, given four vectors that hold numbers 0 to 3: y[k] + row * stride. */
static inline void store_turned(__m512i a, __m512i b, __m512i c, __m512i d, int n, void *y,
                                int64_t stride)
{
	__m512i ab0 = _mm512_unpacklo_epi32(a, b), ab1 = _mm512_unpackhi_epi32(a, b),
		cd0 = _mm512_unpacklo_epi32(c, d), cd1 = _mm512_unpackhi_epi32(c, d);
	__m512i q[4] = {_mm512_unpacklo_epi64(ab0, cd0), _mm512_unpackhi_epi64(ab0, cd0),
	                _mm512_unpacklo_epi64(ab1, cd1), _mm512_unpackhi_epi64(ab1, cd1)};
	/* Lane l of q[j] is row 4l + j. */
#define STORE(l)                                                                                   \
	_Pragma("GCC unroll 4") for (int j = 0; j < 4; j++) if (4 * l + j < n)                     \
		_mm_storeu_si128((__m128i *)((char *)y + (4 * l + j) * stride),                    \
	                         _mm512_extracti32x4_epi32(q[j], l));
	STORE(0) STORE(1) STORE(2) STORE(3)
#undef STORE
}

/* Pixels v and v+1 of the line, channels c to c+15; outside of the image: 0. */
static inline __m512i pixel_pair(const gm_bf16_turn *t, const float *x, int w, __mmask16 m)
{
	int next = w + t->stride;
	__m512 a = w >= 0 && w < t->columns ? _mm512_maskz_loadu_ps(m, x + (int64_t)w * t->channels)
	                                    : _mm512_setzero_ps();
	__m512 b = next >= 0 && next < t->columns
	                   ? _mm512_maskz_loadu_ps(m, x + (int64_t)next * t->channels)
	                   : _mm512_setzero_ps();
	return side_by_side(a, b);
}

static void turn(const gm_bf16_turn *t, const float *x, gm_bf16 *y)
{
	int64_t line = (int64_t)t->stride * t->room, plane = t->plane;
	for (int c = 0; c < t->channels; c++) {
		gm_bf16 *to = y + c * plane;
		int below = t->top + t->rows;
		memset(to, 0,
		       (size_t)(t->top < t->height ? t->top : t->height) * line * sizeof *to);
		if (below < t->height)
			memset(to + below * line, 0,
			       (size_t)(t->height - below) * line * sizeof *to);
	}
	for (int h = 0; h < t->rows && h + t->top < t->height; h++)
		for (int c = 0; c < t->channels; c += 16) {
			int left = t->channels - c < 16 ? t->channels - c : 16;
			__mmask16 m = first(left);
			const float *from = x + (int64_t)h * t->columns * t->channels + c;
			for (int piece = 0; piece < t->stride; piece++) {
				gm_bf16 *to = y + c * plane + (h + t->top) * line +
				              (int64_t)piece * t->room;
				for (int v = 0;;) {
					int w = v * t->stride + piece - t->left;
					__m512i p[4];
#pragma GCC unroll 4
					for (int k = 0; k < 4; k++)
						p[k] = pixel_pair(t, from, w + 2 * k * t->stride,
						                  m);
					store_turned(p[0], p[1], p[2], p[3], left, to + v,
					             plane * (int64_t)sizeof *y);
					if (v + 8 >= t->room)
						break;
					/* the last eight may overlap those before */
					v = v + 16 > t->room ? t->room - 8 : v + 8;
				}
			}
		}
}

static void pair(const float *g, int steps, int columns, gm_bf16 *y, int64_t panel)
{
	for (int i = 0; i < steps; i += 2, y += 2 * BF16_COLUMNS, g += 2 * (int64_t)columns) {
		gm_bf16 *to = y;
		for (int n = 0; n < columns; n += BF16_COLUMNS, to += panel)
			for (int h = 0; h < 2; h++) {
				const float *from = g + n + 16 * h;
				__mmask16 m = first(columns - n - 16 * h);
				__m512 a = _mm512_maskz_loadu_ps(m, from),
				       b = i + 1 < steps ? _mm512_maskz_loadu_ps(m, from + columns)
				                         : _mm512_setzero_ps();
				_mm512_store_si512(to + BF16_COLUMNS * h, side_by_side(a, b));
			}
	}
}

static void pack(const gm_bf16_pack *w, const float *x, gm_bf16 *y, int p, int i)
{
	const float *from = x + (int64_t)p * BF16_COLUMNS * w->n_stride + 2 * i * w->k_stride;
	bool odd = 2 * i + 1 >= w->k;
	int columns = w->columns - p * BF16_COLUMNS;
	for (int t = 0; t < w->taps; t += 16) {
		__mmask16 m = first(w->taps - t);
		uint32_t pairs[BF16_COLUMNS][16];
		for (int n = 0; n < BF16_COLUMNS; n++) {
			const float *a = from + n * w->n_stride + t;
			__m512 u = n < columns ? _mm512_maskz_loadu_ps(m, a) : _mm512_setzero_ps(),
			       v = n < columns && !odd ? _mm512_maskz_loadu_ps(m, a + w->k_stride)
			                               : _mm512_setzero_ps();
			_mm512_storeu_si512(pairs[n], side_by_side(u, v));
		}
		for (int k = 0; k < 16 && t + k < w->taps; k++) {
			uint32_t line[BF16_COLUMNS];
			for (int n = 0; n < BF16_COLUMNS; n++)
				line[n] = pairs[n][k];
			memcpy(y + w->at[t + k] + p * w->panel[t + k] +
			               (int64_t)i * 2 * BF16_COLUMNS,
			       line, sizeof line);
		}
	}
}

static void turn_back(const float *x, int rows, int columns, float *y, int64_t stride)
{
	int r = 0;
	for (; r + 4 <= rows; r += 4, x += 4 * BF16_COLUMNS)
		for (int h = 0; h < columns; h += 16) {
			const float *q = x + h;
			store_turned(_mm512_loadu_si512(q), _mm512_loadu_si512(q + BF16_COLUMNS),
			             _mm512_loadu_si512(q + 2 * BF16_COLUMNS),
			             _mm512_loadu_si512(q + 3 * BF16_COLUMNS),
			             columns - h < 16 ? columns - h : 16, y + h * stride + r,
			             stride * (int64_t)sizeof *y);
		}
	for (; r < rows; r++, x += BF16_COLUMNS)
		for (int n = 0; n < columns; n++)
			y[n * stride + r] = x[n];
}

const gm_bf16_loops gm_bf16_avx512 = {tile, round_all, turn, pair, pack, turn_back};
