/* SPDX-License-Identifier: MIT
 *
 * test_data.c -- the embedded sets and the stream: purity, permutations, statistics. test_idx.c
 * has the files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "data/resize.h"
#include "data/source.h"
#include "ganymede/data.h"
#include "ganymede/env.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gm_dataset *open_set(const char *spec, int size)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(spec, &(gm_data_options){.size = size}, &err);
	if (!d)
		fail_msg("%s: %s", spec, err.message);
	return d;
}

static void every_set_opens(void **state)
{
	(void)state;
	const char *about;
	int n = 0;
	for (const char *name; (name = gm_data_names(n, &about)); n++) {
		gm_dataset *d = open_set(name, 0);
		const gm_data_info *info = gm_data_info_of(d);
		assert_string_equal(info->name, name);
		assert_true(strlen(about) > 10 && strlen(info->resize) > 0);
		assert_int_equal(info->count, 0);
		assert_true(info->numel > 0 && info->hash != 0);
		assert_true(info->rank == 3 ? info->low == -1 && info->high == 1
		                            : info->numel == 2 || gm_env_find(name));
		gm_data_close(d);
	}
	assert_int_equal(n, 19);
	assert_null(gm_data_names(-1, NULL));
	gm_data_close(NULL);
}

/* However the stream is cut into batches, and however many threads, its examples are the same;
 * get and batch agree. */
static void stream_is_pure(void **state)
{
	(void)state;
	enum { N = 60 };
	const char *name;
	for (int s = 0; (name = gm_data_names(s, NULL)); s++) {
		gm_dataset *d = open_set(name, 0);
		const size_t numel = (size_t)gm_data_info_of(d)->numel;
		float *a = malloc(N * numel * sizeof *a), *b = malloc(N * numel * sizeof *b);
		int32_t la[N], lb[N], alone;
		const uint64_t from = 1000003;
		assert_true(gm_data_batch(d, 7, from, N, a, la, NULL));
		static const int cut[] = {0, 1, 2, 7, 7, 30, 59, 60};
		for (int i = 0; i < 7; i++)
			assert_true(gm_data_batch(d, 7, from + (uint64_t)cut[i],
			                          cut[i + 1] - cut[i], b + (size_t)cut[i] * numel,
			                          lb + cut[i], NULL));
		assert_memory_equal(a, b, N * numel * sizeof *a);
		assert_memory_equal(la, lb, sizeof la);
		/* labels alone */
		assert_true(gm_data_batch(d, 7, from + 5, 1, NULL, &alone, NULL));
		assert_int_equal(alone, la[5]);
		/* another seed, another stream */
		assert_true(gm_data_batch(d, 8, from, N, b, lb, NULL));
		assert_memory_not_equal(a, b, N * numel * sizeof *a);
		assert_true(gm_data_batch(d, 7, from + 1, N, b, lb, NULL));
		assert_memory_not_equal(a, b, N * numel * sizeof *a);
		assert_false(gm_data_batch(d, 7, 0, -1, b, lb, NULL));
		gm_data_close(d);

		gm_dataset *test =
			gm_data_open(name, &(gm_data_options){.split = "test", .seed = 7}, NULL);
		assert_true(gm_data_batch(test, 7, from, N, b, lb, NULL));
		assert_memory_not_equal(a, b, N * numel * sizeof *a);
		assert_true(gm_data_get(test, from + 3, a, &alone, NULL));
		assert_memory_equal(a, b + 3 * numel, numel * sizeof *a);
		assert_int_equal(alone, lb[3]);
		gm_data_close(test);
		free(a), free(b);
	}
}

static void permutations_permute(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {1, 2, 3, 4, 5, 16, 17, 100, 1000, 60000};
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		const uint64_t n = sizes[s];
		uint8_t *seen = calloc(n, 1);
		uint64_t same = 0;
		for (uint64_t i = 0; i < n; i++) {
			const uint64_t p = gm_data_permute(3, 0, n, i);
			assert_true(p < n);
			assert_int_equal(seen[p]++, 0);
			same += p == gm_data_permute(3, 1, n, i);
			assert_true(p == gm_data_permute(3, 0, n, i));
		}
		/* Two random permutations agree in one place on average. */
		if (n >= 100)
			assert_true(same < 8);
		free(seen);
	}
	/* Every value is as likely in every place: chi-squared with 16 degrees of freedom, six
	 * sigma. */
	enum { EPOCHS = 20000 };
	int count[5][5] = {{0}};
	for (uint64_t e = 0; e < EPOCHS; e++)
		for (uint64_t i = 0; i < 5; i++)
			count[i][gm_data_permute(1, e, 5, i)]++;
	double chi = 0;
	for (int i = 0; i < 25; i++) {
		const double d = count[i / 5][i % 5] - EPOCHS / 5.;
		chi += d * d / (EPOCHS / 5.);
	}
	assert_true(chi < 16 + 6 * sqrt(2 * 16));
	/* The largest domains must neither overflow nor loop. */
	assert_true(gm_data_permute(1, 1, UINT64_MAX, 5) < UINT64_MAX);
	assert_true(gm_data_permute(1, 1, ((uint64_t)1 << 62) + 1, 5) <= (uint64_t)1 << 62);
}

/* PacGAN's protocol: the modes' places, and their sigma. */
static void points_have_known_modes(void **state)
{
	(void)state;
	enum { N = 50000 };
	static const struct {
		const char *name;
		int modes;
		double sigma;
	} sets[] = {{"ring8", 8, .01}, {"grid25", 25, .05}};
	float *x = malloc(2 * N * sizeof *x);
	int32_t *label = malloc(N * sizeof *label);
	for (int s = 0; s < 2; s++) {
		gm_dataset *d = open_set(sets[s].name, 0);
		assert_int_equal(gm_data_info_of(d)->classes, sets[s].modes);
		assert_true(gm_data_batch(d, 1, 0, N, x, label, NULL));
		double sum[25][2] = {{0}}, square = 0;
		int count[25] = {0};
		for (int i = 0; i < N; i++) {
			const int k = label[i];
			assert_true(k >= 0 && k < sets[s].modes);
			const double mx = s ? 2 * (k % 5) - 4 : cos(M_PI * k / 4);
			const double my = s ? 2 * (k / 5) - 4 : sin(M_PI * k / 4);
			const double dx = x[2 * i] - mx, dy = x[2 * i + 1] - my;
			sum[k][0] += dx, sum[k][1] += dy, square += dx * dx + dy * dy;
			count[k]++;
		}
		/* five standard errors: of a variance over 2N draws, of a mean over `count` */
		const double v = square / (2 * N) / (sets[s].sigma * sets[s].sigma);
		assert_true(fabs(v - 1) < 5 * sqrt(2. / (2 * N)));
		const double each = (double)N / sets[s].modes;
		for (int k = 0; k < sets[s].modes; k++) {
			assert_true(fabs(count[k] - each) < 5 * sqrt(each));
			for (int c = 0; c < 2; c++)
				assert_true(fabs(sum[k][c] / count[k]) <
				            5 * sets[s].sigma / sqrt(count[k]));
		}
		gm_data_close(d);
	}
	gm_dataset *d = open_set("circles", 0);
	assert_true(gm_data_batch(d, 1, 0, N, x, label, NULL));
	for (int i = 0; i < N; i++)
		assert_true(fabs(hypot(x[2 * i], x[2 * i + 1]) - (label[i] ? 1 : .5)) < .2);
	gm_data_close(d);
	d = open_set("swissroll", 0);
	assert_int_equal(gm_data_info_of(d)->classes, 0);
	assert_true(gm_data_batch(d, 1, 0, N, x, label, NULL));
	for (int i = 0; i < N; i++) {
		/* on the spiral, radius and angle go together */
		const double r = hypot(x[2 * i], x[2 * i + 1]) * 4.5 * M_PI,
			     a = atan2(x[2 * i + 1], x[2 * i]);
		assert_true(fabs(remainder(r - a, 2 * M_PI)) < .9);
		assert_int_equal(label[i], 0);
	}
	gm_data_close(d);
	free(x), free(label);
}

/* Mean, variance and the share of pixels that touch the border, of one picture. */
static void check_picture(const float *x, int channels, int size, double *mean, double *deviation)
{
	double sum = 0, square = 0;
	const int n = channels * size * size;
	for (int i = 0; i < n; i++) {
		assert_true(x[i] >= -1 && x[i] <= 1);
		sum += x[i], square += (double)x[i] * x[i];
	}
	*mean = sum / n;
	*deviation = sqrt(fmax(0, square / n - *mean * *mean));
}

static void glyphs_look_like_digits(void **state)
{
	(void)state;
	enum { N = 3000 };
	static const int sizes[] = {28, 32, 64};
	float *x = malloc((size_t)N * 64 * 64 * sizeof *x);
	int32_t label[N];
	for (int s = 0; s < 3; s++) {
		const int size = sizes[s], n = s ? 200 : N;
		gm_dataset *d = open_set("glyphs", size);
		assert_true(gm_data_batch(d, 1, 0, n, x, label, NULL));
		int count[10] = {0};
		double total = 0;
		for (int i = 0; i < n; i++) {
			const float *p = x + (size_t)i * (size_t)(size * size);
			double mean, deviation, border = 0;
			check_picture(p, 1, size, &mean, &deviation);
			/* ink, but not too much of it; no ink on the border */
			assert_true(deviation > .25);
			assert_true(mean > -.98 && mean < -.3);
			for (int k = 0; k < size; k++)
				border += p[k] + p[k * size] + p[(size - 1) * size + k] +
				          p[k * size + size - 1] + 4;
			assert_true(border < .05 * 4 * size);
			total += mean;
			count[label[i]]++;
		}
		/* MNIST's mean is -.739; ours should be near */
		assert_true(fabs(total / n + .75) < .08);
		for (int k = 0; s == 0 && k < 10; k++)
			assert_true(fabs(count[k] - N / 10.) < 5 * sqrt(N / 10.));
		gm_data_close(d);
	}
	free(x);
}

/* The classes are distinguishable: a nearest-class-mean classifier is far better than chance. */
static void glyphs_carry_their_label(void **state)
{
	(void)state;
	enum { N = 2000, M = 500, P = 784 };
	float *x = malloc(N * P * sizeof *x), (*mean)[P] = calloc(10, sizeof *mean);
	int32_t label[N];
	int count[10] = {0}, right = 0;
	gm_dataset *d = open_set("glyphs", 28);
	assert_true(gm_data_batch(d, 1, 0, N, x, label, NULL));
	for (int i = 0; i < N; i++) {
		count[label[i]]++;
		for (int k = 0; k < P; k++)
			mean[label[i]][k] += x[i * P + k];
	}
	assert_true(gm_data_batch(d, 1, N, M, x, label, NULL));
	for (int i = 0; i < M; i++) {
		int best = -1;
		double least = 1e30;
		for (int c = 0; c < 10; c++) {
			double e = 0;
			for (int k = 0; k < P; k++)
				e += pow(x[i * P + k] - mean[c][k] / count[c], 2);
			if (e < least)
				least = e, best = c;
		}
		right += best == label[i];
	}
	assert_true(right > M * 6 / 10);
	gm_data_close(d);
	free(x), free(mean);
}

/* A digit keeps its form at any size: shrunk, the large drawing is close to the small one. */
static void glyphs_scale(void **state)
{
	(void)state;
	gm_dataset *small = open_set("glyphs", 32), *large = open_set("glyphs", 128);
	static float a[32 * 32], b[128 * 128], c[32 * 32];
	gm_resize *r = gm_resize_new(128, 128, 32, 32, GM_FILTER_TRIANGLE);
	float *scratch = malloc(gm_resize_scratch(r) * sizeof *scratch);
	for (uint64_t i = 0; i < 20; i++) {
		int32_t la, lb;
		gm_data_batch(small, 1, i, 1, a, &la, NULL);
		gm_data_batch(large, 1, i, 1, b, &lb, NULL);
		assert_int_equal(la, lb);
		gm_resize_plane(r, b, c, 32, scratch);
		double e = 0;
		for (int k = 0; k < 32 * 32; k++)
			e += pow(a[k] - c[k], 2);
		assert_true(sqrt(e / (32 * 32)) < .2);
	}
	free(scratch);
	gm_resize_free(r);
	gm_data_close(small), gm_data_close(large);
}

/* MATLAB's imresize by hand: the cubic kernel of a = -1/2 at eighths, in units of 1/1024, and
 * images that continue mirrored. An output of 8 to 2 has 16 taps: weights n/4096. */
static void bicubic_is_matlabs(void **state)
{
	(void)state;
	static const struct {
		int from, to, pixel; /* where the impulse is */
		int out;
		double want;
	} rows[] = {
		/* taps 3/8 and, mirrored, 5/8; far from it -(11/8) and -(13/8) */
		{8, 2, 0, 0, (745 + 399) / 4096.},
		{8, 2, 0, 1, (-75 - 45) / 4096.},
		{8, 2, 3, 0, (745 - 75) / 4096.},
		{8, 2, 3, 1, (399 - 45) / 4096.},
		{16, 4, 7, 1, 745 / 4096.},
		{16, 4, 5, 1, 987 / 4096.},
		{2, 8, 0, 0, (745 + 399) / 1024.},
		{2, 8, 1, 0, (-75 - 45) / 1024.},
		/* longer than the image: every pixel many times */
		{1, 4, 0, 2, 1},
	};
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		float x[16] = {0}, y[8], scratch[16];
		gm_resize *r = gm_resize_new(1, rows[k].from, 1, rows[k].to, GM_FILTER_IMRESIZE);
		x[rows[k].pixel] = 1;
		gm_resize_plane(r, x, y, (size_t)rows[k].to, scratch);
		if (fabs(y[rows[k].out] - rows[k].want) > 1e-6)
			fail_msg("row %d: %.9g, not %.9g", (int)k, y[rows[k].out], rows[k].want);
		gm_resize_free(r);
	}
}

/* Field "low" is the image reduced, clamped and rounded to bytes. */
static void low_is_reduced(void **state)
{
	(void)state;
	enum { M = 3, PLANE = 32 * 32 };
	static float x[M * 3 * PLANE], low[M * 3 * 64], y[64], scratch[32 * 8];
	gm_error err = {0};
	gm_dataset *d = gm_data_open("shapes", &(gm_data_options){.reduce = 4}, &err);
	assert_non_null(d);
	const gm_field *f = gm_data_field(d, "low");
	assert_true(f && f->rank == 3 && f->shape[1] == 8 && f->shape[2] == 8);
	assert_true(gm_data_batch(d, 7, 11, M, x, NULL, &err));
	assert_true(gm_data_read(d, f, 7, 11, M, low, &err));
	gm_resize *r = gm_resize_new(32, 32, 8, 8, GM_FILTER_IMRESIZE);
	for (int c = 0; c < M * 3; c++) {
		gm_resize_plane(r, x + c * PLANE, y, 8, scratch);
		for (int i = 0; i < 64; i++) {
			const double byte = (low[c * 64 + i] + 1) * 127.5;
			assert_true(fabs(byte - round(byte)) < 1e-4 && byte > -.1 && byte < 255.1);
			assert_true(fabs(low[c * 64 + i] - y[i]) < .5 / 127.5 + 1e-5 ||
			            fabsf(y[i]) > 1);
		}
	}
	gm_resize_free(r);
	gm_data_close(d);
	assert_null(gm_data_open("shapes", &(gm_data_options){.reduce = 5}, &err));
	assert_non_null(strstr(err.message, "multiple"));
	err = (gm_error){0};
	assert_null(gm_data_open("ring8", &(gm_data_options){.reduce = 2}, &err));
	err = (gm_error){0};
	assert_null(gm_data_open("shapes", &(gm_data_options){.patches = 2, .size = 8}, &err));
	/* a set's own field gives way */
	d = gm_data_open("small2shapes", &(gm_data_options){.reduce = 2}, &err);
	assert_true(d && gm_data_field(d, "low")->shape[1] == 16);
	gm_data_close(d);
}

static void shapes_are_what_they_say(void **state)
{
	(void)state;
	enum { N = 1600 };
	gm_dataset *d = open_set("shapes", 32), *large = open_set("shapes", 64);
	const gm_data_info *info = gm_data_info_of(d);
	assert_int_equal(info->factors, 7);
	assert_string_equal(info->factor_names[0], "shape");
	float *x = malloc((size_t)N * 3 * 32 * 32 * sizeof *x);
	int32_t label[N], l64;
	int count[8] = {0};
	assert_true(gm_data_batch(d, 1, 0, N, x, label, NULL));
	for (int i = 0; i < N; i++) {
		float f[7], f64[7];
		char text[160], text64[160];
		double mean, deviation;
		assert_true(gm_data_factors(d, 1, (uint64_t)i, f, NULL));
		assert_true(gm_data_factors(large, 1, (uint64_t)i, f64, NULL));
		assert_memory_equal(f, f64, sizeof f);
		assert_int_equal((int)f[0], label[i]);
		assert_true(f[1] != f[2]);
		assert_true(gm_data_caption(d, 1, (uint64_t)i, text, sizeof text, NULL));
		assert_true(gm_data_caption(large, 1, (uint64_t)i, text64, sizeof text64, NULL));
		assert_string_equal(text, text64);
		assert_non_null(strstr(text, info->class_names[label[i]]));
		if (f[3] < .19f)
			assert_non_null(strstr(text, "a small "));
		if (f[4] < .42f)
			assert_non_null(strstr(text, "left"));
		if (f[5] > .58f)
			assert_non_null(strstr(text, "bottom"));
		const float *p = x + (size_t)i * 3 * 32 * 32;
		check_picture(p, 3, 32, &mean, &deviation);
		/* The object's middle differs from the corner, except through a ring's hole. */
		const int at = (int)(f[5] * 32) * 32 + (int)(f[4] * 32), corner = 31 * 32;
		double contrast = 0;
		for (int c = 0; c < 3; c++)
			contrast += fabs(p[c * 1024 + at] - p[c * 1024 + corner]);
		if (label[i] != 4)
			assert_true(contrast > .12);
		count[label[i]]++;
	}
	for (int k = 0; k < 8; k++)
		assert_true(fabs(count[k] - N / 8.) < 5 * sqrt(N / 8.));
	assert_true(gm_data_batch(large, 1, 3, 1, NULL, &l64, NULL));
	assert_int_equal(l64, label[3]);

	char tiny[8];
	assert_true(gm_data_caption(d, 1, 0, tiny, sizeof tiny, NULL));
	assert_int_equal(strlen(tiny), 7);
	gm_data_close(large);

	/* grey is the luma of the colours */
	gm_dataset *grey = gm_data_open("shapes", &(gm_data_options){.channels = 1}, NULL);
	static float g[1024];
	assert_true(gm_data_batch(grey, 1, 9, 1, g, NULL, NULL));
	for (int k = 0; k < 1024; k++) {
		const float *p = x + (size_t)9 * 3 * 1024 + k;
		assert_true(fabs(g[k] - (.299 * p[0] + .587 * p[1024] + .114 * p[2048])) < 1e-5);
	}
	gm_data_close(grey);
	gm_data_close(d);
	free(x);

	gm_dataset *ring = open_set("ring8", 0);
	gm_error err = {0};
	float f[1];
	assert_false(gm_data_factors(ring, 1, 1, f, &err));
	assert_int_equal(err.code, GM_ERR_STATE);
	assert_false(gm_data_caption(ring, 1, 1, tiny, sizeof tiny, NULL));
	gm_data_close(ring);
}

/* Captions say what is there; splits divide the combinations of colour and shape. */
static void captioned(void **state)
{
	(void)state;
	enum { EACH = 600 };
	static const char *const names[] = {"captioned", "captioned2"};
	for (int two = 0; two < 2; two++) {
		bool seen[3][64] = {0};
		static const char *const splits[] = {"train", "test", "val"};
		for (int k = 0; k < 3; k++) {
			gm_dataset *d = gm_data_open(names[two],
			                             &(gm_data_options){.split = splits[k]}, NULL);
			assert_non_null(d);
			const gm_data_info *info = gm_data_info_of(d);
			int32_t label;
			char text[201], first[40];
			float f[16];
			int placed = 0;
			for (uint64_t i = 0; i < EACH; i++) {
				assert_true(gm_data_batch(d, 3, i, 1, NULL, &label, NULL));
				assert_true(gm_data_factors(d, 3, i, f, NULL));
				assert_true(gm_data_caption(d, 3, i, text, sizeof text, NULL));
				assert_true(strlen(text) < 200);
				seen[k][label] = true;
				assert_int_equal(label % 8, (int)f[0]);
				snprintf(first, sizeof first, "%s", info->class_names[label]);
				char *shape = strchr(first, ' ');
				*shape++ = 0;
				assert_non_null(strstr(text, shape));
				assert_non_null(strstr(text, first)); /* the colour */
				assert_true(strncmp(text, "a o", 3) && !strstr(text, " a o"));
				if (!two) {
					placed += strstr(text, "left") != NULL;
					if (strstr(text, "left"))
						assert_true(f[4] <= .42f);
					if (strstr(text, "small") || strstr(text, "tiny"))
						assert_true(f[3] < .19f);
				} else if (strncmp(text, "there", 5) && strstr(text, " above ")) {
					placed++;
					/* the one named before it, by its shape, is higher */
					const bool order =
						strstr(text, shape) < strstr(text, " above ");
					if ((int)f[0] != (int)f[7])
						assert_true(order == (f[5] < f[11]));
				}
			}
			assert_true(placed > EACH / 20);
			gm_data_close(d);
		}
		int held = 0;
		for (int c = 0; c < 64; c++) {
			assert_true(seen[0][c] != seen[1][c]);
			assert_true(seen[2][c]);
			held += seen[1][c];
		}
		assert_int_equal(held, 8);
	}
	assert_null(gm_data_open("shapes", &(gm_data_options){.split = "val"}, NULL));
}

static void resize_keeps_the_mean(void **state)
{
	(void)state;
	static const int sizes[][4] = {
		{28, 28, 64, 64}, {64, 64, 32, 32}, {9, 31, 17, 5}, {1, 1, 8, 8}, {50, 7, 1, 1}};
	static float in[64 * 64], out[64 * 64];
	for (int s = 0; s < 5; s++) {
		const int *z = sizes[s];
		gm_resize *r = gm_resize_new(z[0], z[1], z[2], z[3],
		                             s % 2 ? GM_FILTER_LANCZOS : GM_FILTER_TRIANGLE);
		float *scratch = malloc(gm_resize_scratch(r) * sizeof *scratch);
		/* a constant stays, to rounding of a sum of a few tens of weights */
		for (int i = 0; i < z[0] * z[1]; i++)
			in[i] = .7f;
		gm_resize_plane(r, in, out, (size_t)z[3], scratch);
		for (int i = 0; i < z[2] * z[3]; i++)
			assert_true(fabsf(out[i] - .7f) < 1e-6f * 8);
		gm_resize_free(r);
		free(scratch);
	}
	/* halving: weights 1 3 3 1 over 8, as the triangle of half-width two gives */
	static const float ramp[8] = {0, 0, 7, 8, 0, 0, 0, 0};
	float half[4], scratch[4];
	gm_resize *r = gm_resize_new(1, 8, 1, 4, GM_FILTER_TRIANGLE);
	gm_resize_plane(r, ramp, half, 4, scratch);
	assert_true(fabsf(half[0] - 1) < 1e-5f); /* at the border a 1 is left out: 3 3 1 over 7 */
	assert_true(fabsf(half[1] - 45.f / 8) < 1e-5f);
	assert_true(fabsf(half[2] - 1) < 1e-5f);
	assert_true(fabsf(half[3]) < 1e-5f);
	gm_resize_free(r);
	/* doubling interpolates: quarters between neighbours */
	static const float two[2] = {0, 4};
	float four[4];
	r = gm_resize_new(1, 2, 1, 4, GM_FILTER_TRIANGLE);
	gm_resize_plane(r, two, four, 4, scratch);
	assert_true(fabsf(four[0]) < 1e-6f && fabsf(four[1] - 1) < 1e-6f &&
	            fabsf(four[2] - 3) < 1e-6f && fabsf(four[3] - 4) < 1e-6f);
	gm_resize_free(r);
}

static void options_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *spec;
		gm_data_options o;
		const char *message;
	} bad[] = {
		{"glyphs", {.size = 7}, "not 7"},
		{"glyphs", {.size = -1}, "not -1"},
		{"glyphs", {.size = 2000}, "not 2000"},
		{"glyphs", {.channels = 2}, "1 or 3 channels, not 2"},
		{"glyphs", {.split = "dev"}, "train, test or val, not \"dev\""},
		{"glyphs", {.classes = 9}, "label 9 is outside the 9 requested classes"},
		{"glyphs", {.classes = 11}, "11 classes requested, but the labels are only 0 to 9"},
		{"swissroll", {.classes = 2}, "no labels"},
		{"ring8", {.size = 32}, "points have no size"},
		{"shpaes", {0}, "did you mean shapes?"},
		{"elephants", {0}, "no data set or file is called \"elephants\""},
		{"celeba", {0}, "ganymede data fetch celeba"},
		{"./missing", {0}, "cannot open ./missing: No such file or directory"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		gm_error err = {0};
		assert_null(gm_data_open(bad[i].spec, &bad[i].o, &err));
		if (!strstr(err.message, bad[i].message))
			fail_msg("\"%s\", wanted \"%s\"", err.message, bad[i].message);
	}
	gm_dataset *d =
		gm_data_open("glyphs", &(gm_data_options){.classes = 10, .channels = 3}, NULL);
	assert_non_null(d);
	assert_int_equal(gm_data_info_of(d)->shape[0], 3);
	gm_dataset *e = gm_data_open("glyphs", &(gm_data_options){.size = 32}, NULL);
	assert_true(gm_data_info_of(d)->hash != gm_data_info_of(e)->hash);
	gm_data_close(d), gm_data_close(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captioned),
		cmocka_unit_test(every_set_opens),
		cmocka_unit_test(stream_is_pure),
		cmocka_unit_test(permutations_permute),
		cmocka_unit_test(points_have_known_modes),
		cmocka_unit_test(glyphs_look_like_digits),
		cmocka_unit_test(glyphs_carry_their_label),
		cmocka_unit_test(glyphs_scale),
		cmocka_unit_test(bicubic_is_matlabs),
		cmocka_unit_test(low_is_reduced),
		cmocka_unit_test(shapes_are_what_they_say),
		cmocka_unit_test(resize_keeps_the_mean),
		cmocka_unit_test(options_are_checked),
	};
	return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
