/* SPDX-License-Identifier: MIT
 *
 * test_features.c -- extractors: their names, what they refuse, and what they compute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/machine.h"
#include "tensorfile/safetensors.h"
#include "ganymede/features.h"
#include "metrics/extractor.h"
#include "scratch.h"
#include "ganymede/image.h"
#include "score/sample_source.h"

#include <math.h>

static void refused(const char *name, const char *weights, gm_code code, const char *part)
{
	gm_error err = {0};
	assert_null(gm_extractor_open(name, weights, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.message, part))
		fail_msg("\"%s\" says nothing of \"%s\"", err.message, part);
}

static void names(void **state)
{
	const char *about = NULL;
	bool pixels = false;
	(void)state;
	for (int i = 0; gm_extractor_names(i, &about); i++) {
		pixels |= !strcmp(gm_extractor_names(i, NULL), "pixels");
		assert_true(strlen(about) > 0);
	}
	assert_true(pixels);
	assert_null(gm_extractor_names(-1, NULL));
	refused("pixel", NULL, GM_ERR_VALUE, "did you mean pixels");
	refused("zzz", NULL, GM_ERR_VALUE, "known are inception, ");
	refused("pixels", "weights.pth", GM_ERR_VALUE, "no weights");
}

static void pixels_are_themselves(void **state)
{
	gm_error err = {0};
	float x[2 * 3 * 2 * 4], f[2 * 24], logits[2];
	gm_extractor_input in = {x, 2, 3, 2, 4};
	(void)state;
	for (int i = 0; i < 48; i++)
		x[i] = (float)i / 48;
	gm_extractor *e = gm_extractor_open("pixels", NULL, &err);
	assert_non_null(e);
	const gm_extractor_info *info = gm_extractor_info_of(e);
	assert_string_equal(info->name, "pixels");
	assert_string_equal(info->sha256, "");
	assert_int_equal(gm_extractor_width(e, &in), 24);
	assert_true(gm_extractor_run(e, &in, f, NULL, &err));
	assert_memory_equal(x, f, sizeof x);
	assert_false(gm_extractor_run(e, &in, f, logits, &err));
	assert_non_null(strstr(err.message, "no classes"));
	err = (gm_error){0};
	x[24 + 3] = NAN;
	assert_false(gm_extractor_run(e, &in, f, NULL, &err));
	assert_non_null(strstr(err.message, "picture 1"));
	err = (gm_error){0};
	in.channels = 2;
	assert_false(gm_extractor_run(e, &in, f, NULL, &err));
	assert_int_equal(err.code, GM_ERR_VALUE);
	gm_extractor_free(e);
	gm_extractor_free(NULL);
}

static bool sum(void *self, const gm_extractor_input *in, float *features, float *logits,
                gm_error *err)
{
	(void)err;
	for (int64_t i = 0; i < in->n; i++) {
		float s = 0;
		for (int k = 0; k < in->channels * in->height * in->width; k++)
			s += in->x[i * in->channels * in->height * in->width + k];
		if (features)
			features[i] = s;
		if (logits)
			logits[2 * i] = s, logits[2 * i + 1] = -s;
	}
	++*(int *)self;
	return true;
}

static void one_of_your_own(void **state)
{
	static const gm_extractor_kind kind = {.run = sum};
	int calls = 0;
	char name[8] = "mine";
	gm_error err = {0};
	const float x[4] = {1, 2, 3, 4};
	float f[2], logits[4];
	(void)state;
	gm_extractor *e = gm_extractor_wrap(
		&kind, &calls,
		&(gm_extractor_info){.name = name, .resize = "none", .features = 1, .classes = 2},
		&err);
	assert_non_null(e);
	strcpy(name, "gone");
	assert_string_equal(gm_extractor_info_of(e)->name, "mine");
	gm_extractor_input in = {x, 2, 1, 1, 2};
	assert_true(gm_extractor_run(e, &in, f, logits, &err));
	assert_int_equal(calls, 1);
	assert_true(f[0] == 3 && f[1] == 7 && logits[3] == -7);
	gm_extractor_free(e);
}

/* ---- networks, against results of pytorch-fid and torchvision (parity/features.py) -------- */

#define GOLDEN(name, ...) static const float golden_##name[] = {__VA_ARGS__};
#include "parity/features_golden.h"
#undef GOLDEN
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

/* Bytes as pictures: the upper eight bits of words of (2, stream). The caller frees x. */
static gm_extractor_input pictures(uint64_t stream, int64_t n, int channels, int height, int width)
{
	const int64_t size = n * channels * height * width;
	float *x = malloc((size_t)size * sizeof *x);
	gm_rng rng = gm_rng_new(2, stream);
	for (int64_t i = 0; i < size; i++)
		x[i] = (float)(gm_rng_u32(&rng) >> 24) / 127.5f - 1;
	return (gm_extractor_input){x, n, channels, height, width};
}

/* Both sum some 1e3 products in floats, layer after layer: measured 1e-6, allowed 1e-4 of the
 * largest. */
static void golden(gm_extractor *e, gm_extractor_input in, const float *want, int count)
{
	const int64_t d = gm_extractor_width(e, &in), step = d / count;
	float *f = malloc((size_t)(in.n * d) * sizeof *f), most = 0;
	gm_error err = {0};
	if (!gm_extractor_run(e, &in, f, NULL, &err))
		fail_msg("%s", err.message);
	for (int i = 0; i < count; i++)
		most = fmaxf(most, fabsf(want[i]));
	assert_true(most > 0);
	for (int i = 0; i < count; i++) {
		const float got = f[(in.n - 1) * d + i * step];
		if (!(fabsf(got - want[i]) <= 1e-4f * most))
			fail_msg("%s: feature %d is %.9g, want %.9g", gm_extractor_info_of(e)->name,
			         (int)(i * step), got, want[i]);
	}
	free(f);
}

static gm_extractor *drawn(const char *name)
{
	gm_error err = {0};
	gm_extractor *e = gm_extractor_drawn(name, &err);
	if (!e)
		fail_msg("%s", err.message);
	return e;
}

static void inception_as_pytorch_fid(void **state)
{
	(void)state;
	gm_extractor *e = drawn("inception");
	assert_int_equal(gm_extractor_info_of(e)->features, 2048);
	assert_int_equal(gm_extractor_info_of(e)->classes, 1008);
	gm_extractor_input in = pictures(0, 3, 3, 40, 56);
	golden(e, in, golden_inception_colour, COUNT(golden_inception_colour));
	free((void *)in.x);
	in = pictures(1, 2, 1, 28, 28);
	golden(e, in, golden_inception_grey, COUNT(golden_inception_grey));
	free((void *)in.x);
	gm_extractor_free(e);
}

static void inception_as_tensorflow(void **state)
{
	(void)state;
	gm_extractor *e = drawn("inception-tf");
	gm_extractor_input in = pictures(2, 1, 3, 320, 310);
	golden(e, in, golden_inception_tf_large, COUNT(golden_inception_tf_large));
	free((void *)in.x);
	gm_extractor_free(e);
}

static gm_extractor *narrow(const char *weights, gm_error *err)
{
	return gm_extractor_of(&gm_extractor_vgg16_narrow, weights, err);
}

static void vgg16_as_torchvision(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_extractor *e = narrow(NULL, &err);
	assert_non_null(e);
	gm_extractor_input in = pictures(0, 3, 3, 40, 56);
	golden(e, in, golden_vgg16_narrow_colour, COUNT(golden_vgg16_narrow_colour));
	free((void *)in.x);
	in = pictures(1, 2, 1, 28, 28);
	golden(e, in, golden_vgg16_narrow_grey, COUNT(golden_vgg16_narrow_grey));
	free((void *)in.x);
	gm_extractor_free(e);
}

/* Alone, in company, in other portions, on one thread: the same bits. */
static void company_does_not_matter(gm_extractor *e, gm_extractor *single)
{
	enum { N = 11 };
	gm_extractor_input in = pictures(7, N, 3, 20, 20), part;
	const int64_t d = gm_extractor_width(e, &in), k = gm_extractor_info_of(e)->classes;
	const size_t bytes = (size_t)d * sizeof(float), logit_bytes = (size_t)k * sizeof(float);
	float *all = malloc(N * bytes), *some = malloc(N * bytes);
	float *logits = malloc(N * logit_bytes), *others = malloc(N * logit_bytes);
	gm_error err = {0};
	assert_true(gm_extractor_run(e, &in, all, logits, &err));
	static const int cuts[][2] = {{0, 1}, {9, 2}, {3, 7}};
	for (int c = 0; c < COUNT(cuts); c++) {
		part = in;
		part.x += (int64_t)cuts[c][0] * 3 * 20 * 20;
		part.n = cuts[c][1];
		assert_true(gm_extractor_run(e, &part, some, others, &err));
		assert_memory_equal(some, all + cuts[c][0] * d, (size_t)part.n * bytes);
		assert_memory_equal(others, logits + cuts[c][0] * k, (size_t)part.n * logit_bytes);
	}
	part = in, part.n = 8;
	assert_true(gm_extractor_run(single, &part, some, others, &err));
	assert_memory_equal(some, all, 8 * bytes);
	assert_memory_equal(others, logits, 8 * logit_bytes);
	free((void *)in.x), free(all), free(some), free(logits), free(others);
}

static void features_do_not_depend_on_company_or_threads(void **state)
{
	(void)state;
	gm_error err = {0};
	const int threads = gm_thread_limit(1);
	gm_extractor *single = drawn("inception"), *thin = narrow(NULL, &err);
	gm_thread_limit(threads > 1 ? threads : 2);
	gm_extractor *e = drawn("inception"), *wide = narrow(NULL, &err);
	company_does_not_matter(e, single);
	company_does_not_matter(wide, thin);
	gm_extractor_free(e), gm_extractor_free(single);
	gm_extractor_free(wide), gm_extractor_free(thin);
	gm_thread_limit(threads);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* The narrow VGG-16's tensors, all zero but for the last bias, which is 1, 2, 3, ... */
static gm_st_tensor *zeros(int64_t *n)
{
	static const int conv[][3] = {{0, 3, 8},    {2, 8, 8},    {5, 8, 16},   {7, 16, 16},
	                              {10, 16, 32}, {12, 32, 32}, {14, 32, 32}, {17, 32, 64},
	                              {19, 64, 64}, {21, 64, 64}, {24, 64, 64}, {26, 64, 64},
	                              {28, 64, 64}};
	static const int linear[][3] = {{0, 3136, 512}, {3, 512, 512}, {6, 512, 1000}};
	static float nothing[3136 * 512], bias[1000];
	static char name[32][32];
	static gm_st_tensor t[33];
	*n = 0;
	for (int i = 0; i < 1000; i++)
		bias[i] = (float)(i + 1);
	for (int i = 0; i < COUNT(conv) + COUNT(linear); i++) {
		const bool c = i < COUNT(conv);
		const int *s = c ? conv[i] : linear[i - COUNT(conv)];
		for (int b = 0; b < 2; b++) {
			snprintf(name[*n], sizeof name[0], "%s.%d.%s",
			         c ? "features" : "classifier", s[0], b ? "bias" : "weight");
			t[*n] = (gm_st_tensor){.name = name[*n],
			                       .type = GM_ST_F32,
			                       .rank = b   ? 1
			                               : c ? 4
			                                   : 2,
			                       .dims = {s[2], s[1], 3, 3},
			                       .data = b && i == 15 ? bias : nothing};
			++*n;
		}
	}
	return t;
}

static void not_the_file(const char *path, const char *part)
{
	gm_error err = {0};
	assert_null(narrow(path, &err));
	assert_int_equal(err.code, GM_ERR_FORMAT);
	if (!strstr(err.message, part) || !strstr(err.message, path))
		fail_msg("\"%s\" says nothing of \"%s\"", err.message, part);
}

static void weights_are_checked_tensor_by_tensor(void **state)
{
	(void)state;
	gm_error err = {0};
	int64_t n;
	gm_st_tensor *t = zeros(&n), kept;
	const char *path = scratch_path("vgg.safetensors");
	assert_int_equal(n, 32);
	assert_true(gm_st_write(path, t, n, NULL, 0, &err));
	gm_extractor *e = narrow(path, &err);
	if (!e)
		fail_msg("%s", err.message);
	assert_string_equal(gm_extractor_info_of(e)->weights, path);
	assert_int_equal(strlen(gm_extractor_info_of(e)->sha256), 64);
	gm_extractor_input in = pictures(0, 1, 1, 8, 8);
	float f[512], logits[1000];
	assert_true(gm_extractor_run(e, &in, f, logits, &err));
	assert_true(f[0] == 0 && logits[0] == 1 && logits[999] == 1000);
	free((void *)in.x);
	gm_extractor_free(e);

	assert_true(gm_st_write(path, t, n - 1, NULL, 0, &err));
	not_the_file(path, "there is no tensor classifier.6.bias");
	kept = t[0];
	t[0].dims[3] = 5;
	assert_true(gm_st_write(path, t, n, NULL, 0, &err));
	not_the_file(path, "features.0.weight is [8, 3, 3, 5], and should be [8, 3, 3, 3]");
	t[0] = kept;
	t[n] = (gm_st_tensor){"classifier.7.bias", GM_ST_F32, 1, {2}, kept.data, 0};
	assert_true(gm_st_write(path, t, n + 1, NULL, 0, &err));
	not_the_file(path, "the network has no place for tensor classifier.7.bias");
	scratch_write("vgg.pth", "PK", 2);
	not_the_file(scratch_path("vgg.pth"), "neither safetensors nor");
	refused("inception", NULL, GM_ERR_VALUE, "ganymede data fetch inception");
}

/* A folder of images of several sizes: the extractor gets each image in its original size, as in
 * pytorch-fid, in the order of names. One file is not an image. */
static void pictures_of_their_own_sizes(void **state)
{
	(void)state;
	enum { N = 5 };
	gm_error err = {0};
	gm_extractor *e = narrow(NULL, &err);
	assert_non_null(e);
	int64_t d = gm_extractor_width(
		e, &(gm_extractor_input){.channels = 3, .height = 9, .width = 9});
	float *want = malloc(N * d * sizeof *want);
	assert_true(gm_file_make_folder(scratch_path("sizes"), &err));
	scratch_write("sizes/readme.txt", "no picture", 10);
	for (int i = 0; i < N; i++) {
		int w = 20 + 7 * i, h = 33 - 3 * i, plane = w * h;
		char name[64];
		gm_image *im = gm_image_new(w, h, i == 2 ? 1 : 3, &err); /* one of them is grey */
		float *x = malloc(3 * plane * sizeof *x);
		for (int k = 0; k < plane * im->channels; k++)
			im->pixel[k] = (uint8_t)((k * (31 + i) + k / 7) & 255);
		for (int k = 0; k < plane; k++)
			for (int c = 0; c < 3; c++)
				x[c * plane + k] =
					im->pixel[k * im->channels + (im->channels == 3 ? c : 0)] /
						127.5f -
					1;
		snprintf(name, sizeof name, "sizes/%d.png", i);
		assert_true(gm_png_write(scratch_path(name), im, &err));
		assert_true(gm_extractor_run(
			e,
			&(gm_extractor_input){
				.x = x, .n = 1, .channels = 3, .height = h, .width = w},
			want + i * d, NULL, &err));
		free(x);
		gm_image_free(im);
	}
	gm_sample_source_options o = {.own_sizes = true};
	gm_sample_source *p = gm_sample_source_open(scratch_path("sizes"), &o, &err);
	if (!p)
		fail_msg("%s", err.message);
	assert_int_equal(p->count, N);
	gm_extracted s = {0};
	assert_true(gm_extract(p, e, N, GM_EXTRACT_FEATURES | GM_EXTRACT_MOMENTS, &s, &err));
	assert_int_equal(s.width, d);
	assert_memory_equal(s.features, want, N * d * sizeof *want);
	double *mean = malloc(d * sizeof *mean), *sigma = malloc(d * d * sizeof *sigma);
	assert_true(gm_moments_get(s.moments, mean, sigma, &err));
	for (int64_t k = 0; k < d; k++) {
		double sum = 0;
		for (int i = 0; i < N; i++)
			sum += want[i * d + k] / (double)N;
		assert_true(fabs(mean[k] - sum) <=
		            1e-9 * (1 + fabs(sum))); /* double sums of five floats */
	}
	gm_extracted_free(&s);
	gm_extractor *pixels = gm_extractor_open("pixels", NULL, &err);
	assert_false(gm_extract(p, pixels, N, GM_EXTRACT_FEATURES, &s, &err));
	assert_non_null(strstr(err.message, "--size"));
	gm_extractor_free(pixels);
	gm_sample_source_free(p);
	free(want), free(mean), free(sigma);
	gm_extractor_free(e);
}

/* ---- a network inside another graph ---------------------------------------------------------- */

/* SqueezeNet's file with words of a generator, conv1 to conv_final. */
static void write_squeezenet(const char *path)
{
	static const int squeeze[] = {16, 16, 32, 32, 48, 48, 64, 64},
			 expand[] = {64, 64, 128, 128, 192, 192, 256, 256};
	static char name[52][40];
	static gm_st_tensor t[52];
	int n = 0, in = 96;
	gm_rng rng = gm_rng_new(8, 0);
	for (int i = -1; i < 9; i++)
		for (int part = 0; part < (i >= 0 && i < 8 ? 3 : 1); part++) {
			static const char *const parts[] = {"conv1x1_1", "conv1x1_2", "conv3x3_2"};
			const bool fire = i >= 0 && i < 8;
			const int k = i < 0 ? 7 : fire && part == 2 ? 3 : 1;
			const int from = i < 0 ? 3 : !fire ? 512 : part ? squeeze[i] : in;
			const int to = i < 0 ? 96 : !fire ? 1000 : part ? expand[i] : squeeze[i];
			for (int bias = 0; bias < 2; bias++, n++) {
				if (fire)
					snprintf(name[n], sizeof name[n], "fire%d/%s.%s", i + 2,
					         parts[part], bias ? "bias" : "weight");
				else
					snprintf(name[n], sizeof name[n], "%s.%s",
					         i < 0 ? "conv1" : "conv_final",
					         bias ? "bias" : "weight");
				const int64_t size = bias ? to : (int64_t)to * from * k * k;
				float *v = malloc((size_t)size * sizeof *v);
				const double reach =
					bias ? .2 : sqrt(6. / (from * k * k)) / (i < 0 ? 60 : 1);
				for (int64_t c = 0; c < size; c++)
					v[c] = (float)(reach * (2 * gm_rng_uniform(&rng) - 1));
				t[n] = (gm_st_tensor){.name = name[n],
				                      .type = GM_ST_F32,
				                      .rank = bias ? 1 : 4,
				                      .dims = {to, from, k, k},
				                      .data = v};
			}
			in = fire && part == 2 ? 2 * expand[i] : in;
		}
	gm_error err = {0};
	if (!gm_st_write(path, t, n, NULL, 0, &err))
		fail_msg("%s", err.message);
	for (int i = 0; i < n; i++)
		free((void *)t[i].data);
}

typedef struct map { /* [c,h,w] */
	int c, h, w;
	float *v;
} map;

/* relu(conv + bias) by its definition */
static map convolved(const gm_st *st, const char *name, map x, int stride, int pad)
{
	char full[64];
	snprintf(full, sizeof full, "%s.weight", name);
	const gm_st_tensor *w = gm_st_find(st, full);
	snprintf(full, sizeof full, "%s.bias", name);
	const float *bias = gm_st_find(st, full)->data, *weight = w->data;
	const int k = (int)w->dims[2];
	map y = {(int)w->dims[0], (x.h + 2 * pad - k) / stride + 1,
	         (x.w + 2 * pad - k) / stride + 1, NULL};
	y.v = malloc((size_t)y.c * y.h * y.w * sizeof *y.v);
	for (int o = 0; o < y.c; o++)
		for (int i = 0; i < y.h * y.w; i++) {
			double sum = bias[o];
			for (int c = 0; c < x.c; c++)
				for (int u = 0; u < k * k; u++) {
					const int row = i / y.w * stride + u / k - pad,
						  column = i % y.w * stride + u % k - pad;
					if (row >= 0 && row < x.h && column >= 0 && column < x.w)
						sum += (double)weight[(o * x.c + c) * k * k + u] *
						       x.v[(c * x.h + row) * x.w + column];
				}
			y.v[o * y.h * y.w + i] = sum > 0 ? (float)sum : 0;
		}
	return y;
}

static map fire_by_hand(const gm_st *st, int number, map x)
{
	char name[40];
	snprintf(name, sizeof name, "fire%d/conv1x1_1", number);
	map s = convolved(st, name, x, 1, 0);
	snprintf(name, sizeof name, "fire%d/conv1x1_2", number);
	map one = convolved(st, name, s, 1, 0);
	snprintf(name, sizeof name, "fire%d/conv3x3_2", number);
	map three = convolved(st, name, s, 1, 1), y = {2 * one.c, one.h, one.w, NULL};
	const size_t half = (size_t)one.c * one.h * one.w;
	y.v = malloc(2 * half * sizeof *y.v);
	memcpy(y.v, one.v, half * sizeof *y.v), memcpy(y.v + half, three.v, half * sizeof *y.v);
	free(s.v), free(one.v), free(three.v), free(x.v);
	return y;
}

/* fire3 of one picture in colour, as the definitions say: BGR, means, 7 x 7 / 2, pool 3 x 3 / 2,
 * two fires. */
static map squeezenet_by_hand(const gm_st *st, const float *rgb, int h, int w)
{
	static const float mean[] = {104, 117, 123};
	map x = {3, h, w, malloc(3 * (size_t)h * w * sizeof *x.v)};
	for (int c = 0; c < 3; c++)
		for (int i = 0; i < h * w; i++)
			x.v[c * h * w + i] = (rgb[(2 - c) * h * w + i] + 1) * 127.5f - mean[c];
	map y = convolved(st, "conv1", x, 2, 0);
	map p = {y.c, (y.h - 3) / 2 + 1, (y.w - 3) / 2 + 1, NULL};
	p.v = malloc((size_t)p.c * p.h * p.w * sizeof *p.v);
	for (int c = 0; c < p.c; c++)
		for (int i = 0; i < p.h * p.w; i++) {
			float most = 0;
			for (int u = 0; u < 9; u++)
				most = fmaxf(most, y.v[(c * y.h + i / p.w * 2 + u / 3) * y.w +
				                       i % p.w * 2 + u % 3]);
			p.v[c * p.h * p.w + i] = most;
		}
	free(x.v), free(y.v);
	return fire_by_hand(st, 3, fire_by_hand(st, 2, p));
}

static void a_network_is_a_part_of_a_loss(void **state)
{
	(void)state;
	enum { N = 2, H = 40, W = 56 };
	const char *path = scratch_path("squeezenet.safetensors");
	gm_error err = {0};
	write_squeezenet(path);
	gm_extractor_input in = pictures(3, N, 3, H, W);
	gm_graph *g = gm_graph_new(NULL);
	gm_extractor_nodes *e = gm_extractor_on(g, "squeezenet", path, &err);
	assert_non_null(e);
	assert_int_equal(strlen(gm_extractor_nodes_sha256(e)), 64);
	gm_node *x = gm_input(g, "x", GM_SHAPE(N, 3, H, W), GM_F32),
		*grey = gm_input(g, "grey", GM_SHAPE(N, 1, H, W), GM_F32);
	gm_node *y = gm_extractor_layer(e, "fire3", x, &err),
		*low = gm_extractor_layer(e, "conv1", grey, &err);
	assert_true(y && low);
	gm_node *loss = gm_add(gm_mean_all(gm_square(y)), gm_mean_all(gm_square(low))), *dx;
	gm_grad(loss, &x, 1, &dx);
	gm_step *s = gm_compile(g, y, loss, dx);
	assert_non_null(s);
	gm_set_f32(x, in.x, N * 3 * H * W);
	gm_set_f32(grey, in.x, N * H * W);
	gm_step_run(s);
	gm_st *st = gm_st_open(path, &err);
	map want = squeezenet_by_hand(st, in.x + 3 * H * W, H, W);
	const gm_shape shape = gm_node_shape(y);
	assert_true(shape.dim[1] == want.c && shape.dim[2] == want.h && shape.dim[3] == want.w);
	const int64_t each = (int64_t)want.c * want.h * want.w;
	float *got = malloc((size_t)(N * each) * sizeof *got), most = 0, slope[3 * H * W * N];
	gm_step_read(s, y, got, N * each);
	for (int64_t i = 0; i < each; i++)
		most = fmaxf(most, want.v[i]);
	assert_true(most > .1f);
	for (int64_t i = 0; i < each; i++)
		assert_true(fabsf(got[each + i] - want.v[i]) < 1e-4f * most);
	/* the slope along itself is what the loss does */
	double norm = 0, before = gm_step_scalar(s, loss);
	gm_step_read(s, dx, slope, N * 3 * H * W);
	for (int i = 0; i < N * 3 * H * W; i++)
		norm += (double)slope[i] * slope[i];
	float *moved = malloc(sizeof slope);
	const double step = 1e-4 / sqrt(norm);
	for (int i = 0; i < N * 3 * H * W; i++)
		moved[i] = (float)(in.x[i] + step * slope[i]);
	gm_set_f32(x, moved, N * 3 * H * W);
	gm_step_run(s);
	assert_true(fabs((gm_step_scalar(s, loss) - before) / (1e-4 * sqrt(norm)) - 1) < .05);
	assert_null(gm_extractor_layer(e, "fire33", x, &err));
	assert_non_null(strstr(err.message, "fire2, fire3"));
	err = (gm_error){0};
	assert_null(gm_extractor_on(g, "pixels", NULL, &err));
	err = (gm_error){0};
	assert_null(gm_extractor_on(g, "inception", path, &err));
	assert_non_null(strstr(err.message, "squeezenet and vgg16"));
	gm_extractor_nodes_free(e);
	gm_graph_free(g);
	gm_st_close(st);
	free(got), free(moved), free(want.v), free((void *)in.x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(pixels_are_themselves),
		cmocka_unit_test(one_of_your_own),
		cmocka_unit_test(inception_as_pytorch_fid),
		cmocka_unit_test(inception_as_tensorflow),
		cmocka_unit_test(vgg16_as_torchvision),
		cmocka_unit_test(a_network_is_a_part_of_a_loss),
		cmocka_unit_test(features_do_not_depend_on_company_or_threads),
		cmocka_unit_test(weights_are_checked_tensor_by_tensor),
		cmocka_unit_test(pictures_of_their_own_sizes),
	};
	setenv("XDG_CACHE_HOME", "/nonexistent", 1); /* nothing was fetched */
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
