/* SPDX-License-Identifier: MIT
 *
 * test_text.c -- models that read captions: characters and words as numbers, the embedding loss by
 * hand, text-encoder and gan-cls from outside, and the metrics of both.
 */
#include "scores.h"

#include "base/file.h"
#include "ganymede/data.h"
#include "ganymede/image.h"
#include "ganymede/text.h"
#include "tensorfile/safetensors.h"

enum { L = 60, SIDE = 8 };

static void put_text(int32_t *to, const char *text)
{
	for (int i = 0; i < L; i++)
		to[i] = i < (int)strlen(text) ? (unsigned char)text[i] : 0;
}

/* ---- nn -------------------------------------------------------------------------------------- */

static void read_node(gm_graph *g, gm_node *y, float *out)
{
	gm_step *s = gm_compile_nodes(g, &y, 1, &(gm_compile_options){.infer = true});
	assert_non_null(s);
	gm_step_run(s);
	gm_step_read(s, y, out, gm_node_size(y));
}

static void letters_and_words(void **state)
{
	(void)state;
	enum { LETTERS = 69 };
	static float y[4 * LETTERS * L], bag[4 * 32];
	int32_t text[4 * L];
	assert_int_equal(strlen(gm_alphabet), LETTERS);
	for (int i = 0; i < LETTERS; i++)
		for (int k = 0; k < i; k++)
			assert_true(gm_alphabet[i] != gm_alphabet[k]);
	put_text(text, "Ab-"), put_text(text + L, "ab-"), put_text(text + 2 * L, "a\xc3\xa9"),
		put_text(text + 3 * L, "red, RED blue!");
	gm_graph *g = gm_graph_new(NULL);
	gm_node *in = gm_input(g, "text", GM_SHAPE(4, L), GM_I32);
	gm_set_i32(in, text, 4 * L);
	read_node(g, gm_letters(in), y);
	assert_memory_equal(y, y + LETTERS * L, LETTERS * L * sizeof *y);
	for (int c = 0; c < LETTERS; c++)
		for (int i = 0; i < L; i++) {
			const float v = y[(LETTERS + c) * L + i], w = y[(2 * LETTERS + c) * L + i];
			assert_true(v == (i < 3 && gm_alphabet[c] == "ab-"[i]));
			assert_true(w == (i == 0 && c == 0)); /* no row for other characters */
		}
	read_node(g, gm_bag_of_words(in, 32), bag);
	float square = 0, most = 0, sum = 0;
	for (int k = 0; k < 32; k++)
		square += bag[96 + k] * bag[96 + k], most = fmaxf(most, bag[96 + k]),
						     sum += bag[96 + k];
	assert_true(fabsf(square / 32 - 1) < 1e-5);
	assert_true(fabsf(sum - 1.5f * most) < 1e-4); /* "red" twice, "blue" once */
	assert_memory_equal(bag, bag + 32, 32 * sizeof *bag);
	gm_graph_free(g);
}

static void losses_by_hand(void **state)
{
	(void)state;
	gm_graph *g = gm_graph_new(NULL);
	/* scores s = [[2, 1.5], [0, 1]]: the terms are 0, max(0, 1.5 - 2 + 1) = .5, 0, 0 for rows,
	 * and s_21 - s_11 + 1 < 0, s_12 - s_22 + 1 = 1.5 for columns */
	gm_node *a = gm_array(g, (double[]){1, 0, 0, 1}, GM_SHAPE(2, 2), GM_F32);
	gm_node *b = gm_array(g, (double[]){2, 0, 1.5, 1}, GM_SHAPE(2, 2), GM_F32);
	gm_node *label = gm_array(g, (double[]){3, 3}, GM_SHAPE(2), GM_I32);
	float loss;
	/* the diagonal costs 1 + 1 in both terms when no label excludes it */
	read_node(g, gm_joint_embedding_loss(a, b, NULL), &loss);
	assert_true(fabsf(loss - (.5f + 1.5f + 4) / 4) < 1e-6f);
	read_node(g, gm_joint_embedding_loss(a, b, label), &loss);
	assert_true(loss == 0);
	gm_graph_free(g);
}

/* Partners are of another class, all of them occur, and they change. */
static void partners_are_of_other_classes(void **state)
{
	(void)state;
	enum { M = 6, RUNS = 200 };
	static const double class[M] = {0, 0, 1, 2, 1, 0};
	gm_graph *g = gm_graph_new(NULL);
	gm_node *y[] = {
		gm_cast(gm_mismatched(g, gm_array(g, class, GM_SHAPE(M), GM_I32), M), GM_F32),
		gm_cast(gm_mismatched(g, NULL, M), GM_F32)};
	gm_step *s = gm_compile_nodes(g, y, 2, NULL);
	int seen[2][M][M] = {0};
	float v[M];
	for (int k = 0; k < RUNS; k++) {
		gm_step_run(s);
		for (int of = 0; of < 2; of++) {
			gm_step_read(s, y[of], v, M);
			for (int i = 0; i < M; i++)
				seen[of][i][(int)v[i]]++;
		}
	}
	for (int i = 0; i < M; i++)
		for (int j = 0; j < M; j++) {
			assert_true((seen[0][i][j] > RUNS / 20) == (class[i] != class[j]));
			assert_true((seen[0][i][j] == 0) == (class[i] == class[j]));
			assert_true((seen[1][i][j] == 0) == (i == j));
		}
	gm_graph_free(g);
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* Images of one colour with a caption that says which; classes are folders. */
static const char *colours(void)
{
	static const char *const names[] = {"red", "green", "blue"}, *const parts[] = {"train",
	                                                                               "test"};
	static const char *const said[] = {"it is %s\nthe %s one\n", "a %s square\nall %s\n"};
	gm_error err = {0};
	char path[80], text[80];
	for (int i = 0; i < 48; i++) {
		const int c = i % 3;
		snprintf(path, sizeof path, "colours/%s/%s", parts[i / 3 % 2], names[c]);
		must(gm_file_make_folder(scratch_path(path), &err), &err);
		gm_image *im = gm_image_new(SIDE, SIDE, 3, &err);
		for (int k = 0; k < 3 * SIDE * SIDE; k++)
			im->pixel[k] = (uint8_t)((k % 3 == c ? 220 : 20) + (i * 7 + k) % 23);
		snprintf(path, sizeof path, "colours/%s/%s/%d.png", parts[i / 3 % 2], names[c], i);
		must(gm_png_write(scratch_path(path), im, &err), &err);
		gm_image_free(im);
		snprintf(text, sizeof text, said[i / 6 % 2], names[c], names[c]);
		snprintf(path, sizeof path, "colours/%s/%s/%d.txt", parts[i / 3 % 2], names[c], i);
		scratch_write(path, text, strlen(text));
	}
	return strdup(scratch_path("colours"));
}

static const char *data_option(void)
{
	static char text[PATH_MAX + 8];
	if (!*text)
		snprintf(text, sizeof text, "data=%s", colours());
	return text;
}

#define SMALL data_option(), "caption-length=60", "batch=16"

static double score(gm_saved *s, const char *metric, const char *extractor, const char *name)
{
	const gm_scores all = scores_of(
		s, (gm_score_options){.metrics = metric, .extractor = extractor, .count = 480});
	return row(&all, name)->value;
}

/* Each encoder learns to find the images of a colour; untrained it does not. */
static void encoders_retrieve(void **state)
{
	(void)state;
	static const char *const encoder[] = {"encoder=char-cnn-rnn", "encoder=bag-of-words",
	                                      "encoder=one-hot"};
	for (int k = 0; k < 3; k++) {
		gm_saved *s = TRAINED("text-encoder", SMALL, encoder[k], "embed=8", "width-d=4",
		                      "steps=300", "metrics=", "lr=3e-3", "optimiser=adam",
		                      "rate=constant", k ? NULL : "width=48");
		/* all that are there: 8 of each of 3 classes, and 50 are asked for */
		const double right = score(s, "retrieval", NULL, "retrieval-accuracy");
		if (!(right > .95))
			fail_msg("%s: %g", encoder[k], right);
		assert_true(fabs(score(s, "retrieval", NULL, "ap-50") - 8. / 50) < 1e-9);
		gm_saved_free(s);
	}
	gm_saved *s = TRAINED("text-encoder", SMALL, "encoder=bag-of-words", "embed=8", "width-d=4",
	                      "steps=1", "metrics=", "lr=1e-9");
	assert_true(score(s, "retrieval", NULL, "retrieval-accuracy") < .8);
	gm_saved_free(s);
}

/* Mean of D's logits for images of class c with a caption. */
static double judged(gm_saved *s, int c, const char *caption)
{
	enum { M = 16 };
	gm_error err = {0};
	float x[M * 3 * SIDE * SIDE], y[M];
	int32_t text[M * L];
	for (int i = 0; i < M; i++) {
		put_text(text + i * L, caption);
		for (int k = 0; k < 3 * SIDE * SIDE; k++)
			x[i * 3 * SIDE * SIDE + k] = k / (SIDE * SIDE) == c ? .8f : -.8f;
	}
	must(gm_saved_apply(s, "discriminate", (const void *[]){x, text}, M, 0, y, &err), &err);
	double mean = 0;
	for (int i = 0; i < M; i++)
		mean += y[i] / M;
	return mean;
}

/* The colour that dominates samples of a caption: the share of them that are of class c. */
static double drawn(gm_saved *s, const char *caption, int c)
{
	enum { N = 16 };
	gm_error err = {0};
	float x[N * 3 * SIDE * SIDE];
	int32_t text[N * L];
	int right = 0;
	for (int i = 0; i < N; i++)
		put_text(text + i * L, caption);
	must(gm_saved_draw(s, &(gm_samples){.seed = 3, .n = N, .caption = text}, x, &err), &err);
	for (int i = 0; i < N; i++) {
		double sum[3] = {0};
		for (int k = 0; k < 3 * SIDE * SIDE; k++)
			sum[k / (SIDE * SIDE)] += x[i * 3 * SIDE * SIDE + k];
		right += sum[c] > sum[(c + 1) % 3] && sum[c] > sum[(c + 2) % 3];
	}
	return (double)right / N;
}

static gm_saved *cls_run(const char *int_too)
{
	return TRAINED("gan-cls", SMALL, "size=8", "width=8", "width-d=4", "nt=16", "nz=4",
	               "buckets=64", "steps=250", "lr=2e-3", "rate=constant", int_too);
}

/* D tells right captions from wrong ones, and samples are what their captions say. */
static void captions_decide(void **state)
{
	(void)state;
	static const char *const int_too[] = {"int=no", "int=yes", "captions=4"};
	for (int k = 0; k < 3; k++) {
		gm_saved *s = cls_run(int_too[k]);
		assert_true(judged(s, 0, "it is red") > judged(s, 0, "it is blue") + .5);
		assert_true(judged(s, 2, "all blue") > judged(s, 2, "all red") + .5);
		const double a = drawn(s, "it is red", 0), b = drawn(s, "it is blue", 2);
		if (a < .8 || b < .8)
			fail_msg("%s: %g of red, %g of blue", int_too[k], a, b);
		gm_saved_free(s);
	}
}

/* "decode" after "encode/text" is "generate"; the row of a caption does not depend on other rows;
 * without captions those of the checkpoint are used. */
static void endpoints_agree(void **state)
{
	(void)state;
	enum { M = 16, NZ = 4, NUMEL = 3 * SIDE * SIDE };
	gm_error err = {0};
	static float z[M * NZ], x[M * NUMEL], y[M * NUMEL], code[M * 64];
	int32_t text[M * L];
	gm_saved *s = TRAINED("gan-cls", SMALL, "size=8", "width=4", "width-d=4", "nt=8", "nz=4",
	                      "buckets=64", "steps=3");
	assert_int_equal(gm_saved_caption_length(s, NULL), L);
	for (int i = 0; i < M; i++)
		put_text(text + i * L, i % 2 ? "a red one" : "all blue");
	must(gm_saved_latents(s, "generate", 5, 0, (float *[]){z, NULL}, &err), &err);
	must(gm_saved_run(s, "generate", (const void *[]){z, text}, 5, 0, x, &err), &err);
	must(gm_saved_run(s, "encode/text", (const void *[]){text}, 0, 0, code, &err), &err);
	must(gm_saved_run(s, "decode", (const void *[]){code, z}, 5, 0, y, &err), &err);
	assert_memory_equal(x, y, sizeof x);
	for (int i = 0; i < M; i++)
		put_text(text + i * L, i % 2 ? "all blue" : "a red one");
	must(gm_saved_run(s, "generate", (const void *[]){z, text}, 5, 0, y, &err), &err);
	assert_memory_not_equal(x, y, sizeof x);
	put_text(text, "all blue");
	must(gm_saved_run(s, "generate", (const void *[]){z, text}, 5, 0, y, &err), &err);
	assert_memory_equal(x, y, NUMEL * sizeof *x);
	/* captions of the checkpoint differ, so samples of equal latents do */
	for (int i = 0; i < M * NZ; i++)
		z[i] = z[i % NZ];
	must(gm_saved_run(s, "generate", (const void *[]){z, NULL}, 5, 0, y, &err), &err);
	bool differ = false;
	for (int i = 1; i < M; i++)
		differ = differ || memcmp(y, y + i * NUMEL, NUMEL * sizeof *y);
	assert_true(differ);
	gm_saved_free(s);
}

/* A model that only embeds: the mean of three captions of each example, and one caption. */
static int train_means(gm_run *r)
{
	gm_net *n = gm_net_new(r, "N");
	gm_node *t = gm_batch(r, "caption"), *all = gm_batch(r, "captions");
	gm_node *one = gm_caption_embedding(r, "text", t), *mean = gm_captions_mean(r, "text", one);
	gm_node *y = gm_linear(n, "y", gm_add(one, mean), .out = 1);
	gm_endpoint(r, "encode/text", one, t);
	gm_endpoint(r, "encode/mean", mean, all);
	gm_node *loss = gm_mean_all(gm_square(y));
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, n, loss));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

static const gm_option means_options[] = {
	{"text", "", "a run of text-encoder", GM_PATH},
	{"buckets", "64", "of the bag of words", GM_INT(1, 65536)},
	{"captions", "3", "of an example", GM_INT(1, 4)},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", ".9", "constant"),
	{0},
};
static const gm_model means = {"means", "means of captions", "none", means_options, train_means};

static void captions_are_averaged(void **state)
{
	(void)state;
	enum { M = 16, N = 64, SEVERAL = GM_DATA_CAPTIONS };
	static const char *const said[] = {"it is red", "a blue one", "all green", "a square"};
	gm_error err = {0};
	must(gm_model_register(&means, &err), &err);
	static float one[M * N], mean[M * N], again[M * N];
	static int32_t all[M * SEVERAL * L];
	int32_t text[M * L];
	gm_saved *s = TRAINED("means", SMALL, "steps=1");
	for (int i = 0; i < M; i++) {
		put_text(text + i * L, said[i % 4]);
		for (int k = 0; k < SEVERAL; k++) /* example i has captions i, i + 1, .. */
			put_text(all + (i * SEVERAL + k) * L, said[(i + k) % 4]);
	}
	must(gm_saved_run(s, "encode/text", (const void *[]){text}, 0, 0, one, &err), &err);
	must(gm_saved_run(s, "encode/mean", (const void *[]){all}, 0, 0, mean, &err), &err);
	for (int i = 0; i < M; i++)
		for (int k = 0; k < N; k++)
			assert_float_equal(mean[i * N + k],
			                   (one[i % 4 * N + k] + one[(i + 1) % 4 * N + k] +
			                    one[(i + 2) % 4 * N + k]) /
			                           3,
			                   1e-6);
	for (int i = 0; i < M; i++) /* the fourth is not among the three */
		put_text(all + (i * SEVERAL + 3) * L, "something else");
	must(gm_saved_run(s, "encode/mean", (const void *[]){all}, 0, 0, again, &err), &err);
	assert_memory_equal(mean, again, sizeof mean);
	gm_saved_free(s);
}

/* The imported encoder is the trained one, stays as it is, and is not needed afterwards. */
static void encoder_is_frozen(void **state)
{
	(void)state;
	gm_error err = {0};
	char option[PATH_MAX + 8], gone[PATH_MAX + 8];
	int32_t text[16 * L];
	static float a[16 * 8], b[16 * 8];
	for (int i = 0; i < 16; i++)
		put_text(text + i * L, i % 2 ? "a red one" : "all blue!");
	gm_saved *t = TRAINED("text-encoder", SMALL, "width=8", "embed=8", "width-d=4", "steps=4",
	                      "metrics=");
	must(gm_saved_run(t, "encode/text", (const void *[]){text}, 0, 0, a, &err), &err);
	gm_saved_free(t);
	snprintf(option, sizeof option, "text=%s", last_run);
	snprintf(gone, sizeof gone, "%s-gone", last_run);
	gm_saved *s = TRAINED("gan-cls", SMALL, "size=8", "width=4", "width-d=4", "nt=8", "nz=4",
	                      "steps=4", option);
	assert_int_equal(rename(option + 5, gone), 0);
	gm_saved *again = gm_saved_open(last_run, NULL, &err);
	must(again != NULL, &err);
	must(gm_saved_run(again, "encode/text", (const void *[]){text}, 0, 0, b, &err), &err);
	assert_memory_equal(a, b, sizeof a);
	gm_saved_free(s), gm_saved_free(again);
}

/* ---- stackgan -------------------------------------------------------------------------------- */

/* Mean and log sigma of a dense layer of zeros are 0: no divergence, and c is the noise. */
static void code_by_hand(void **state)
{
	(void)state;
	gm_graph *g = gm_graph_new(NULL);
	gm_net *n = gm_net_create(g, "G");
	gm_node *phi = gm_array(g, (double[]){1, -2, 3}, GM_SHAPE(1, 3), GM_F32);
	gm_node *e = gm_array(g, (double[]){.5, -1.5}, GM_SHAPE(1, 2), GM_F32), *kl;
	gm_node *c = gm_caption_code(n, phi, 2, e, &kl);
	gm_node *w = gm_net_find(n, "G/code/weight"), *b = gm_net_find(n, "G/code/bias");
	float v[12] = {0}, got[2], divergence;
	gm_set_f32(w, v, 12), gm_set_f32(b, v, 4);
	read_node(g, kl, &divergence), read_node(g, c, got);
	assert_true(divergence == 0 && got[0] == .5f && got[1] == -1.5f);
	/* means of leaky relu: 1 and -.2; log sigma .5 and -.1 */
	gm_set_f32(b, (float[]){1, -1, .5f, -.5f}, 4);
	read_node(g, kl, &divergence), read_node(g, c, got);
	const double want = ((1 + exp(1) - 1) / 2 - .5 + (.04 + exp(-.2) - 1) / 2 + .1) / 2;
	assert_true(fabs(divergence - want) < 1e-6);
	assert_true(fabs(got[0] - (1 + exp(.5) * .5)) < 1e-6);
	assert_true(fabs(got[1] - (-.2 - exp(-.1) * 1.5)) < 1e-6);
	gm_net_free(n);
	gm_graph_free(g);
}

enum { NC = 6, NZ1 = 4 };
#define STAGE1 "nz=4", "buckets=64"
#define STACK SMALL, "width=8", "width-d=4", "nc=6", "lr=2e-3", "rate=constant", "metrics="

/* Samples follow their captions, but not when the divergence leaves nothing of them in the code. */
static void code_says_the_caption(void **state)
{
	(void)state;
	static const char *const kl[] = {"kl=.5", "kl=300"};
	double right[2];
	for (int k = 0; k < 2; k++) {
		gm_saved *s = TRAINED("stackgan", STACK, STAGE1, "steps=250", kl[k]);
		right[k] = (drawn(s, "it is red", 0) + drawn(s, "it is blue", 2)) / 2;
		gm_saved_free(s);
	}
	if (right[0] < .8 || right[1] > .7)
		fail_msg("%g of the samples have the colour of the caption; with kl 300 %g",
		         right[0], right[1]);
}

/* Images of two latents that differ in the noise of the code alone. */
static bool noise_shows(gm_saved *s, const char *endpoint, int nz, int from)
{
	enum { M = 16, NUMEL = 3 * 2 * SIDE * 2 * SIDE };
	gm_error err = {0};
	static float z[M * 32], x[M * NUMEL], y[M * NUMEL];
	static int32_t text[M * L];
	for (int i = 0; i < M; i++)
		put_text(text + i * L, "a red one");
	must(gm_saved_latents(s, "generate", 5, 0, (float *[]){z, NULL}, &err), &err);
	must(gm_saved_run(s, endpoint, (const void *[]){z, text}, 5, 0, x, &err), &err);
	for (int i = 0; i < M; i++)
		for (int k = from; k < from + NC; k++)
			z[i * nz + k] += 1;
	must(gm_saved_run(s, endpoint, (const void *[]){z, text}, 5, 0, y, &err), &err);
	return memcmp(x, y, sizeof x) != 0;
}

/* Half-pixel centres: in the even rows and columns 1/4 is of the pixel before. */
static void enlarged_is_bilinear(gm_saved *s)
{
	enum { M = 16, NUMEL = 3 * 2 * SIDE * 2 * SIDE };
	gm_error err = {0};
	static float z[M * 32], x[M * NUMEL];
	static int32_t text[M * L];
	for (int i = 0; i < M; i++)
		put_text(text + i * L, "a red one");
	must(gm_saved_latents(s, "generate/stage1", 5, 0, (float *[]){z, NULL}, &err), &err);
	must(gm_saved_run(s, "generate/stage1", (const void *[]){z, text}, 5, 0, x, &err), &err);
	for (int k = 0; k < M * NUMEL / (2 * SIDE); k++) {
		const float *row =
			x + k * 2 * SIDE; /* a, a + (b - a) / 4, a + 3 (b - a) / 4, b + .. */
		assert_true(fabsf(3 * (row[1] - row[0]) - (row[2] - row[0])) < 1e-4f);
	}
}

/* Stage II has stage I inside, bit for bit, and does not need its run; the noise of both codes
 * counts, and without conditioning augmentation that of its own does not. */
static void second_stage_holds_the_first(void **state)
{
	(void)state;
	gm_error err = {0};
	char option[PATH_MAX + 8], path[PATH_MAX + 8], name[128];
	gm_saved *first = TRAINED("stackgan", STACK, STAGE1, "steps=20");
	gm_st *a = gm_st_open(gm_saved_path(first), &err);
	must(a != NULL, &err);
	gm_saved_free(first);
	snprintf(option, sizeof option, "stage1=%s", last_run);
	static const char *const ca[] = {"ca=yes", "ca=no"};
	for (int k = 0; k < 2; k++) {
		gm_saved *s = TRAINED("stackgan", STACK, "size=16", "steps=3", ca[k], option);
		gm_st *b = gm_st_open(gm_saved_path(s), &err);
		must(b != NULL, &err);
		int same = 0;
		for (int i = 0; i < gm_st_count(a); i++) {
			const gm_st_tensor *t = gm_st_at(a, i);
			if (strncmp(t->name, "G/", 2))
				continue;
			snprintf(name, sizeof name, "stage1/%s", t->name);
			const gm_st_tensor *u = gm_st_find(b, name);
			if (!u)
				continue;
			assert_int_equal(t->bytes, u->bytes);
			assert_memory_equal(t->data, u->data, t->bytes);
			same++;
		}
		assert_true(same >= 10);
		gm_st_close(b);
		if (k == 1) { /* the first run may go */
			snprintf(path, sizeof path, "%s-gone", option + 7);
			assert_int_equal(rename(option + 7, path), 0);
			gm_saved_free(s);
			s = gm_saved_open(last_run, NULL, &err);
			must(s != NULL, &err);
		}
		assert_true(noise_shows(s, "generate", NZ1 + 2 * NC, NZ1)); /* of stage I */
		assert_true(noise_shows(s, "generate/stage1", NZ1 + 2 * NC, NZ1));
		assert_true(noise_shows(s, "generate", NZ1 + 2 * NC, NZ1 + NC) == (k == 0));
		assert_false(noise_shows(s, "generate/stage1", NZ1 + 2 * NC, NZ1 + NC));
		enlarged_is_bilinear(s);
		gm_saved_free(s);
	}
	gm_st_close(a);
}

/* Chains of ppgn that a text-encoder guides draw what the caption says; with the weight of the
 * condition 0 they do not. */
static void captions_guide_chains(void **state)
{
	(void)state;
	static const char *const weight[] = {"eps2=1", "eps2=0"};
	char e[PATH_MAX + 16], c[PATH_MAX + 16];
	double right[2];
	gm_saved_free(TRAINED("classifier", SMALL, "size=8", "width=8", "features=16", "steps=150",
	                      "lr=2e-3", "metrics="));
	snprintf(e, sizeof e, "features=%s", last_run);
	snprintf(c, sizeof c, "encoder=%s", last_run);
	gm_saved_free(TRAINED("text-encoder", SMALL, "size=8", "encoder=bag-of-words", e,
	                      "steps=300", "lr=2e-3", "rate=constant", "metrics="));
	snprintf(e, sizeof e, "condition=%s", last_run);
	for (int k = 0; k < 2; k++) {
		gm_saved *s = TRAINED("ppgn", SMALL, "size=8", "width=8", "steps=200", "chain=40",
		                      "lr=2e-3", "eps1=.01", "metrics=", weight[k], c, e);
		right[k] = (drawn(s, "it is red", 0) + drawn(s, "it is blue", 2)) / 2;
		gm_saved_free(s);
	}
	if (right[0] < .8 || right[1] > .7)
		fail_msg("%g of the samples have the colour of the caption; without it %g",
		         right[0], right[1]);
}

/* The style encoder learns to find z, leaves the generator as it is, and "translate" draws the
 * style of an image with the content of a caption. */
static void styles_are_found(void **state)
{
	(void)state;
	enum { M = 16, NZ = 4, NUMEL = 3 * SIDE * SIDE };
	gm_error err = {0};
	char option[PATH_MAX + 8];
	static float z[M * NZ], x[M * NUMEL], y[M * NUMEL], style[M * NZ], code[M * 64];
	int32_t text[M * L];
	gm_saved *g = cls_run("int=yes");
	snprintf(option, sizeof option, "of=%s", last_run);
	gm_saved *s = TRAINED("style-encoder", SMALL, "size=8", "width=8", "steps=600", "lr=2e-3",
	                      "metrics=", option);
	const double left = last_of("style_error");
	if (!(left < .95))
		fail_msg("%g of the variance of z is not found", left);
	for (int i = 0; i < M; i++)
		put_text(text + i * L, "it is blue");
	must(gm_saved_latents(g, "generate", 5, 0, (float *[]){z, NULL}, &err), &err);
	must(gm_saved_run(g, "generate", (const void *[]){z, text}, 5, 0, x, &err), &err);
	must(gm_saved_run(s, "encode/style", (const void *[]){x}, 0, 0, style, &err), &err);
	double right = 0, other = 0;
	for (int i = 0; i < M * NZ; i++) {
		right += pow(style[i] - z[i], 2);
		other += pow(style[i] - z[(i + NZ) % (M * NZ)], 2);
	}
	assert_true(right < .9 * other);
	for (int i = 0; i < M; i++)
		put_text(text + i * L, "it is red");
	must(gm_saved_run(s, "translate", (const void *[]){x, text}, 0, 0, y, &err), &err);
	must(gm_saved_run(g, "encode/text", (const void *[]){text}, 0, 0, code, &err), &err);
	must(gm_saved_run(g, "decode", (const void *[]){code, style}, 0, 0, x, &err), &err);
	for (int i = 0; i < M * NUMEL; i++)
		assert_true(fabsf(x[i] - y[i]) < 1e-5f);
	int red = 0;
	for (int i = 0; i < M; i++) {
		double sum[3] = {0};
		for (int k = 0; k < NUMEL; k++)
			sum[k / (SIDE * SIDE)] += y[i * NUMEL + k];
		red += sum[0] > sum[1] && sum[0] > sum[2];
	}
	assert_true(red >= M * 3 / 4);
	gm_saved_free(s), gm_saved_free(g);
}

/* A classifier reads in samples what their captions say; captions of others are at chance. */
static void samples_are_read(void **state)
{
	(void)state;
	char extractor[PATH_MAX + 16];
	gm_saved *c = TRAINED("classifier", SMALL, "width=4", "features=8", "steps=120",
	                      "dropout=0", "lr=5e-3", "ema=0", "metrics=");
	const double real = score(c, "accuracy", NULL, "accuracy");
	gm_saved_free(c);
	snprintf(extractor, sizeof extractor, "classifier:%s", last_run);
	gm_saved *s = cls_run("int=no");
	const double read = score(s, "caption-accuracy", extractor, "caption-accuracy"),
		     shuffled = score(s, "caption-accuracy", extractor, "caption-shuffled");
	if (read < .8 || shuffled > .6 || real < .95)
		fail_msg("read %g, shuffled %g, real %g", read, shuffled, real);
	gm_saved_free(s);
}

static void problems_are_errors(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_settings s;
	data_option();
	must(gm_file_make_folder(scratch_path("bare"), &err), &err);
	gm_image *im = gm_image_new(SIDE, SIDE, 3, &err);
	must(gm_png_write(scratch_path("bare/x.png"), im, &err) &&
	             gm_png_write(scratch_path("bare/y.png"), im, &err),
	     &err);
	gm_image_free(im);
	static const char *const message[] = {"needs the field \"caption\"", "1 of ", "y.png"};
	for (int k = 0; k < 3; k++) {
		if (k == 1)
			scratch_write("bare/x.txt", "one", 3);
		gm_settings_init(&s, gm_model_find(k < 2 ? "gan-cls" : "text-encoder"));
		must(gm_settings_set(&s, "data", scratch_path("bare"), &err) &&
		             gm_settings_set(&s, "outdir", scratch_path("runs"), &err),
		     &err);
		gm_train_call call = {.settings = &s};
		gm_error why = {0};
		assert_false(gm_train(&call, &why));
		if (!strstr(why.message, message[k]))
			fail_msg("\"%s\" does not say %s", why.message, message[k]);
		gm_settings_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_and_words),
		cmocka_unit_test(losses_by_hand),
		cmocka_unit_test(partners_are_of_other_classes),
		cmocka_unit_test(encoders_retrieve),
		cmocka_unit_test(captions_decide),
		cmocka_unit_test(endpoints_agree),
		cmocka_unit_test(captions_are_averaged),
		cmocka_unit_test(encoder_is_frozen),
		cmocka_unit_test(code_by_hand),
		cmocka_unit_test(code_says_the_caption),
		cmocka_unit_test(second_stage_holds_the_first),
		cmocka_unit_test(captions_guide_chains),
		cmocka_unit_test(styles_are_found),
		cmocka_unit_test(samples_are_read),
		cmocka_unit_test(problems_are_errors),
	};
	return cmocka_run_group_tests_name("text", tests, scratch_make, scratch_remove);
}
