/* SPDX-License-Identifier: MIT
 *
 * test_glo.c -- codes of examples: the pyramid by hand, the ball, rows that no batch has touched,
 * and codes that belong to their examples.
 */
#include "runs.h"

#include "ganymede/data.h"
#include "ganymede/nn.h"
#include "tensorfile/safetensors.h"

static const double *value(gm_graph *g, gm_node *y, double *v)
{
	gm_step *s = gm_compile(g, y);
	assert_non_null(s);
	gm_step_run(s);
	gm_step_read_f64(s, y, v, gm_node_size(y));
	return v;
}

/* 5x5 Gaussian of sigma 1, edges reflected. */
static double blur(const double *x, int side, int row, int column)
{
	double sum = 0, all = 0;
	for (int u = -2; u <= 2; u++)
		for (int v = -2; v <= 2; v++) {
			int i = abs(row + u), j = abs(column + v);
			i = i >= side ? 2 * side - 2 - i : i, j = j >= side ? 2 * side - 2 - j : j;
			double w = exp(-(u * u + v * v) / 2.);
			sum += w * x[i * side + j], all += w;
		}
	return sum / all;
}

static void a_pyramid_by_hand(void **state)
{
	(void)state;
	enum { SIDE = 8, CHANNELS = 2, PLANE = SIDE * SIDE };
	double x[CHANNELS * PLANE], got[CHANNELS * PLANE], low[PLANE];
	gm_rng r = gm_rng_new(3, 0);
	for (int i = 0; i < CHANNELS * PLANE; i++)
		x[i] = gm_rng_normal(&r);
	gm_graph *g = gm_graph_new(&(gm_graph_options){.real = GM_F64});
	gm_node *level[2];
	gm_laplacian(gm_array(g, x, GM_SHAPE(1, CHANNELS, SIDE, SIDE), GM_F64), 1, level);
	value(g, level[0], got);
	for (int c = 0; c < CHANNELS; c++)
		for (int i = 0; i < PLANE; i++)
			assert_float_equal(got[c * PLANE + i],
			                   x[c * PLANE + i] -
			                           blur(x + c * PLANE, SIDE, i / SIDE, i % SIDE),
			                   1e-6);
	value(g, level[1], got);
	for (int i = 0; i < PLANE; i++)
		low[i] = blur(x + PLANE, SIDE, i / SIDE, i % SIDE);
	for (int i = 0; i < PLANE / 4; i++) {
		const double *at = low + i / 4 * 2 * SIDE + i % 4 * 2;
		assert_float_equal(got[PLANE / 4 + i],
		                   (at[0] + at[1] + at[SIDE] + at[SIDE + 1]) / 4, 1e-6);
	}
	gm_graph_free(g);
}

/* The table of codes [n,nz] in a run's newest checkpoint. */
static float *codes_of(int64_t *n, int64_t *nz)
{
	char path[PATH_MAX];
	gm_error err = {0};
	must(gm_folder_checkpoint(last_run, "", path, NULL, &err), &err);
	gm_st *st = gm_st_open(path, &err);
	must(st != NULL, &err);
	const gm_st_tensor *t = gm_st_find(st, "Z/codes");
	*n = t->dims[0], *nz = t->dims[1];
	float *v = malloc((size_t)(*n * *nz) * sizeof *v);
	memcpy(v, t->data, (size_t)(*n * *nz) * sizeof *v);
	gm_st_close(st);
	return v;
}

#define SMALL                                                                                      \
	"data=glyphs", "size=16", "per-class=4", "width=8", "nz=6", "batch=8", "levels=2",         \
		"monitors=no", "search=2", "grid=1x1"

static double norm_of(const float *z, int64_t nz)
{
	double sum = 0;
	for (int64_t i = 0; i < nz; i++)
		sum += (double)z[i] * z[i];
	return sqrt(sum);
}

/* Codes stay in the ball, and only those of the batch move. */
static void codes_of_the_batch_move(void **state)
{
	(void)state;
	int64_t n, nz;
	gm_saved_free(TRAINED("glo", SMALL, "steps=0"));
	float *was = codes_of(&n, &nz);
	gm_saved_free(TRAINED("glo", SMALL, "steps=2", "lr-z=1000"));
	float *is = codes_of(&n, &nz);
	int moved = 0;
	assert_true(n == 40 && nz == 6);
	for (int64_t i = 0; i < n; i++) {
		assert_true(norm_of(is + i * nz, nz) <= 1 + 1e-6 &&
		            norm_of(was + i * nz, nz) <= 1 + 1e-6);
		moved += memcmp(is + i * nz, was + i * nz, (size_t)nz * sizeof *is) != 0;
	}
	assert_int_equal(moved, 16);
	free(was), free(is);
}

/* Principal components start close to what an image is: after training each example's code decodes
 * to it rather than to another. */
static void a_code_belongs_to_its_example(void **state)
{
	(void)state;
	enum { N = 40, NUMEL = 256 };
	static float x[N * NUMEL], y[N * NUMEL];
	int64_t n, nz;
	gm_error err = {0};
	gm_saved *s = TRAINED("glo", SMALL, "steps=400", "width=16");
	float *z = codes_of(&n, &nz);
	gm_dataset *d =
		gm_data_open("glyphs", &(gm_data_options){.size = 16, .per_class = 4}, &err);
	must(d != NULL, &err);
	for (int i = 0; i < N; i++)
		must(gm_data_get(d, (uint64_t)i, x + i * NUMEL, NULL, &err), &err);
	must(gm_saved_apply(s, "decode", (const void *[]){z}, N, 0, y, &err), &err);
	double own = 0, other = 0;
	int nearest = 0;
	for (int i = 0; i < N; i++) {
		double best = INFINITY;
		int at = -1;
		for (int k = 0; k < N; k++) {
			double sum = 0;
			for (int j = 0; j < NUMEL; j++)
				sum += pow(y[i * NUMEL + j] - x[k * NUMEL + j], 2) / NUMEL;
			*(k == i ? &own : &other) += k == i ? sum / N : sum / N / (N - 1);
			if (sum < best)
				best = sum, at = k;
		}
		nearest += at == i;
	}
	print_message("squared error %.3f, to others %.3f, nearest to their own: %d of %d\n", own,
	              other, nearest, N);
	assert_true(own < .5 * other && nearest > N * 3 / 4);

	/* an image that has no code: the search brings its reconstruction nearer than where it
	 * began */
	double error[2] = {0};
	gm_saved_free(s);
	static const char *const turns[] = {"search=1", "search=60"};
	for (int k = 0; k < 2; k++) {
		s = TRAINED("glo", SMALL, "steps=400", "width=16", turns[k]);
		must(gm_saved_apply(s, "reconstruct", (const void *[]){x}, 8, 0, y, &err), &err);
		for (int j = 0; j < 8 * NUMEL; j++)
			error[k] += pow(y[j] - x[j], 2) / (8 * NUMEL);
		gm_saved_free(s);
	}
	print_message("search: %.3f after 1 turn, %.3f after 60\n", error[0], error[1]);
	assert_true(error[1] < .8 * error[0]);
	gm_data_close(d);
	free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pyramid_by_hand),
		cmocka_unit_test(codes_of_the_batch_move),
		cmocka_unit_test(a_code_belongs_to_its_example),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
