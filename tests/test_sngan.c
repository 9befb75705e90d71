/* SPDX-License-Identifier: MIT
 *
 * test_sngan.c -- SN-GAN from outside: singular values of D's normalised weights, that their scale
 * has no effect, the sum over positions, the layers of both nets, and that classes have an effect
 * where they should.
 */
#include "runs.h"

#include "ganymede/data.h"

enum { M = 8, SIDE = 28, SIZE = SIDE * SIDE };
#define SMALL "batch=8", "width=8", "nz=8"

static void run(gm_saved *s, const char *endpoint, const void *const *in, float *y)
{
	gm_error err = {0};
	must(gm_saved_run(s, endpoint, in, 3, 0, y, &err), &err);
}

static void first_images(float *x)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open("glyphs", NULL, &err);
	must(d && gm_data_batch(d, 0, 0, M, x, NULL, &err), &err);
	gm_data_close(d);
}

/* The largest singular value of w [rows,cols], by many steps of the power method, and u' W v for
 * the saved u, v = W'u / |W'u|. */
static double largest(const float *w, const float *u, int64_t rows, int64_t cols, double *by_u)
{
	double *a = malloc(rows * sizeof *a), *b = malloc(cols * sizeof *b), sigma = 0;
	for (int64_t i = 0; i < rows; i++)
		a[i] = u[i];
	for (int turn = 0; turn < 2000; turn++) {
		double square = 0;
		for (int64_t j = 0; j < cols; j++) {
			b[j] = 0;
			for (int64_t i = 0; i < rows; i++)
				b[j] += w[i * cols + j] * a[i];
			square += b[j] * b[j];
		}
		for (int64_t j = 0; j < cols; j++)
			b[j] /= sqrt(square);
		square = 0;
		for (int64_t i = 0; i < rows; i++) {
			a[i] = 0;
			for (int64_t j = 0; j < cols; j++)
				a[i] += w[i * cols + j] * b[j];
			square += a[i] * a[i];
		}
		sigma = sqrt(square);
		*by_u = turn == 0 ? sigma : *by_u;
		for (int64_t i = 0; i < rows; i++)
			a[i] /= sigma;
	}
	free(a), free(b);
	return sigma;
}

/* Weights that hardly move: one step of the power method from the saved u finds the largest
 * singular value of every weight of D, within 5%. */
static void u_follows_the_weights(void **state)
{
	(void)state;
	gm_error err = {0};
	static const char *const net[] = {"net=resnet", "net=cnn"};
	for (int k = 0; k < 2; k++) {
		gm_saved *s = TRAINED("sngan", "batch=8", "width=4", "nz=8", net[k], "steps=150",
		                      "lr=1e-6", "size=16", "k=1");
		gm_st *st = gm_st_open(gm_saved_path(s), &err);
		int layers = 0;
		for (int64_t i = 0; i < gm_st_count(st); i++) {
			const gm_st_tensor *w = gm_st_at(st, i), *u;
			char name[128];
			const char *end = strstr(w->name, "/weight");
			if (strncmp(w->name, "D/", 2) || !end || end[7])
				continue;
			snprintf(name, sizeof name, "%.*s/u", (int)(end - w->name), w->name);
			assert_non_null(u = gm_st_find(st, name));
			int64_t cols = 1;
			for (int d = 1; d < w->rank; d++)
				cols *= w->dims[d];
			double by_u, sigma = largest((const float *)w->data, (const float *)u->data,
			                             w->dims[0], cols, &by_u);
			if (fabs(by_u / sigma - 1) > .05)
				fail_msg("%s: %g by u, %g", w->name, by_u, sigma);
			layers++;
		}
		/* 16 px, two halvings: three blocks of two convolutions, two shortcuts or one, the
		 * logit; or five convolutions and the logit */
		assert_int_equal(layers, k ? 6 : 8);
		gm_st_close(st);
		gm_saved_free(s);
	}
}

/* Writes a copy of the run's checkpoint with one tensor multiplied; opens it. */
static gm_saved *scaled(gm_saved *s, const char *name, double by)
{
	gm_error err = {0};
	static char path[PATH_MAX];
	gm_st *st = gm_st_open(gm_saved_path(s), &err);
	must(st != NULL, &err);
	int64_t n = gm_st_count(st), metas = gm_st_meta_count(st);
	gm_st_tensor *t = malloc(n * sizeof *t);
	gm_st_pair *meta = malloc(metas * sizeof *meta);
	float *copy = NULL;
	for (int64_t i = 0; i < n; i++) {
		t[i] = *gm_st_at(st, i);
		if (strcmp(t[i].name, name))
			continue;
		int64_t size = 1;
		for (int d = 0; d < t[i].rank; d++)
			size *= t[i].dims[d];
		copy = malloc(size * sizeof *copy);
		for (int64_t k = 0; k < size; k++)
			copy[k] = (float)(((const float *)t[i].data)[k] * by);
		t[i].data = copy;
	}
	assert_non_null(copy);
	for (int64_t i = 0; i < metas; i++)
		meta[i] = gm_st_meta_at(st, i);
	snprintf(path, sizeof path, "%s", scratch_path("scaled.safetensors"));
	must(gm_st_write(path, t, n, meta, metas, &err), &err);
	free(t), free(meta), free(copy);
	gm_st_close(st);
	gm_saved *y = gm_saved_open(path, NULL, &err);
	must(y != NULL, &err);
	return y;
}

/* A factor of a weight of D has no effect on logits; one of G's has. */
static void scale_of_a_weight_is_divided_away(void **state)
{
	(void)state;
	static float x[M * SIZE], y[2][M], g[2][M * SIZE];
	first_images(x);
	gm_saved *s = TRAINED("sngan", SMALL, "steps=2");
	run(s, "discriminate", (const void *[]){x}, y[0]);
	static const char *const name[] = {"D/down1/a/weight", "D/same2/b/weight",
	                                   "D/down1/shortcut/weight", "D/logit/weight"};
	for (int k = 0; k < 4; k++) {
		gm_saved *t = scaled(s, name[k], 10);
		run(t, "discriminate", (const void *[]){x}, y[1]);
		for (int i = 0; i < M; i++)
			assert_float_equal(y[0][i], y[1][i], 1e-4 * (1 + fabs(y[0][i])));
		gm_saved_free(t);
	}
	gm_saved *t = scaled(s, "G/last/weight", 10);
	run(s, "generate", NULL, g[0]);
	run(t, "generate", NULL, g[1]);
	double apart = 0;
	for (int i = 0; i < M * SIZE; i++)
		apart = fmax(apart, fabs(g[0][i] - g[1][i]));
	assert_true(apart > .1);
	gm_saved_free(t);
	gm_saved_free(s);
}

/* Uniform images of 8 and 16 pixels: with the second convolution of each block at 0 the last map is
 * uniform too, of 4 and 16 positions, so that the logit of their sum grows fourfold, and that of a
 * mean would stay. */
static void positions_are_summed(void **state)
{
	(void)state;
	gm_graph *g = gm_graph_new(NULL);
	gm_net *D = gm_net_create(g, "D", .seed = 5);
	gm_resgan p = {.levels = 2, .width = 4};
	gm_node *x = gm_full(g, .5, GM_SHAPE(1, 1, 8, 8)),
		*big = gm_full(g, .5, GM_SHAPE(1, 1, 16, 16));
	gm_node *y[2] = {gm_resgan_logit(&p, D, x, NULL), gm_resgan_logit(&p, D, big, NULL)};
	for (int i = 0; i < gm_net_count(D); i++) {
		const gm_net_entry e = gm_net_at(D, i);
		double zero[256] = {0};
		if (strstr(e.name, "/b/weight"))
			assert_true(gm_set_f64(e.node, zero, gm_node_size(e.node)));
	}
	gm_step *s = gm_compile_nodes(g, y, 2, NULL);
	assert_non_null(s);
	gm_step_run(s);
	const double a = gm_step_scalar(s, y[0]), b = gm_step_scalar(s, y[1]);
	assert_true(fabs(a) > 1e-4);
	assert_float_equal(b, 4 * a, 1e-4 * fabs(b));
	gm_step_free(s);
	gm_net_free(D);
	gm_graph_free(g);
}

/* Labels reach samples only by G's normalisers, and logits only by the projection. */
static void classes_have_an_effect(void **state)
{
	(void)state;
	static float x[M * SIZE], y[2][M], g[2][M * SIZE];
	int32_t label[2][M] = {{0}};
	for (int i = 0; i < M; i++)
		label[1][i] = 1;
	first_images(x);
	static const char *const steps[] = {"steps=0", "steps=3"};
	for (int k = 0; k < 2; k++) {
		gm_saved *s = TRAINED("sngan", SMALL, "conditional=yes", steps[k]);
		double apart[2] = {0};
		for (int i = 0; i < 2; i++) {
			run(s, "generate", (const void *[]){NULL, label[i]}, g[i]);
			run(s, "discriminate", (const void *[]){x, label[i]}, y[i]);
		}
		for (int i = 0; i < M; i++)
			apart[0] = fmax(apart[0], fabs(y[0][i] - y[1][i]));
		for (int i = 0; i < M * SIZE; i++)
			apart[1] = fmax(apart[1], fabs(g[0][i] - g[1][i]));
		assert_true(apart[0] > 1e-4);
		/* gains start at 1, biases at 0 for all classes, and steps move them */
		assert_true(k ? apart[1] > 1e-6 : apart[1] == 0);
		gm_saved_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(u_follows_the_weights),
		cmocka_unit_test(scale_of_a_weight_is_divided_away),
		cmocka_unit_test(positions_are_summed),
		cmocka_unit_test(classes_have_an_effect),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
