/* SPDX-License-Identifier: MIT
 *
 * simd.h -- float functions that a compiler can turn into vector code: no branches, no calls, no
 * tables.
 *
 * Errors against the exact function, in ulps over the whole range of floats: exp 2, log 2, tanh 4,
 * softplus 4. Sine and cosine are off by at most 1.5e-7 for |x| < 520. tests/test_simd.c measures
 * all of them.
 */
#ifndef GM_ONEDNN_SIMD_H
#define GM_ONEDNN_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float v_bits(int32_t i)
{
	float f;
	memcpy(&f, &i, 4);
	return f;
}

static inline int32_t v_int(float f)
{
	int32_t i;
	memcpy(&i, &f, 4);
	return i;
}

/* e^x = 2^n e^r with n the nearest integer to x/ln 2 and |r| <= ln(2)/2: Taylor's series to r^7 is
 * exact to 2^-26 there. 2^n is made in two halves, so that results below the normal range come out
 * right. */
static inline float v_exp(float x)
{
	float c = x < -104.f ? -104.f : x;
	c = c > 89.f ? 89.f : c;
	float n = (c * 1.44269504f + 12582912.f) -
	          12582912.f; /* rounds to nearest: 1.5 * 2^23 leaves no fraction bits */
	float r = c - n * .693359375f;
	r = r + n * 2.12194440e-4f; /* ln 2 in two pieces, the first exact in few bits */
	float p = 1.f / 5040;
	p = p * r + 1.f / 720;
	p = p * r + 1.f / 120;
	p = p * r + 1.f / 24;
	p = p * r + 1.f / 6;
	p = p * r + .5f;
	p = p * r * r + r + 1.f;
	int32_t k = (int32_t)n, h = k >> 1;
	float y = p * v_bits((h + 127) << 23) * v_bits((k - h + 127) << 23);
	return x != x ? x : y;
}

/* ln x = e ln 2 + ln m with m in [sqrt(1/2), sqrt 2): 2 atanh(s), s = (m-1)/(m+1), by its series to
 * s^11, |s| < .1716. */
static inline float v_log(float x)
{
	float scaled = x < 1.17549435e-38f ? x * 8388608.f : x; /* denormals */
	float bias = x < 1.17549435e-38f ? -23.f : 0.f;
	int32_t i = v_int(scaled), e = ((i - 0x3f3504f3) >> 23);
	float m = v_bits(i - e * (1 << 23)), f = m - 1.f, s = f / (2.f + f), z = s * s;
	float p = 1.f / 11;
	p = p * z + 1.f / 9;
	p = p * z + 1.f / 7;
	p = p * z + 1.f / 5;
	p = p * z + 1.f / 3;
	float n = (float)e + bias;
	/* ln(1+f) = f - s (f - 2 z p'): keeps the leading f exact */
	float r = f - s * (f - 2.f * z * p);
	float y = n * .693359375f + (r - n * 2.12194440e-4f);
	y = x > 3.4e38f ? x : y;
	y = x == 0 ? -INFINITY : y;
	return x < 0 || x != x ? NAN : y;
}

/* tanh x = 1 - 2/(e^2x + 1); near 0, where that cancels, the continued fraction's rational form,
 * exact to 2^-25 there. */
static inline float v_tanh(float x)
{
	float a = fabsf(x), z = x * x;
	float big = 1.f - 2.f / (v_exp(2.f * a) + 1.f);
	big = x < 0 ? -big : big;
	float num = ((z + 105.f) * z + 945.f), den = ((15.f * z + 420.f) * z + 945.f);
	float small = x * num / den;
	return a < .55f ? small : big;
}

static inline float v_softplus(float x)
{
	float t = v_exp(-fabsf(x)), u = 1.f + t;
	/* log1p: what rounding 1 + t lost is put back */
	float l = v_log(u) + (t - (u - 1.f)) / u;
	return (x > 0 ? x : 0) + l;
}

/* sin(x + k pi/2). pi/2 in three pieces (Cody & Waite), then Taylor on [-pi/4, pi/4]. */
static inline float v_sin(float x, int k)
{
	float n = (x * .636619772f + 12582912.f) - 12582912.f;
	float r = x - n * 1.5703125f;
	r = r - n * 4.837512969970703e-4f;
	r = r - n * 7.549789948768648e-8f;
	int32_t q = (int32_t)n + k;
	float z = r * r;
	float s = r + r * z * (-1.f / 6 + z * (1.f / 120 + z * (-1.f / 5040 + z * (1.f / 362880))));
	float c = 1.f - .5f * z + z * z * (1.f / 24 + z * (-1.f / 720 + z * (1.f / 40320)));
	float y = q & 1 ? c : s;
	return q & 2 ? -y : y;
}

#endif
