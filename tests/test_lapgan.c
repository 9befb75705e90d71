/* SPDX-License-Identifier: MIT
 *
 * test_lapgan.c -- the Laplacian pyramid is exact, detail is added and not subtracted, each level
 * reads its own real images, samples are made from the coarsest level to the finest, labels have an
 * effect at every level, levels train together or one after the other.
 */
#include "runs.h"

#include "graphs.h"
#include "score/score.h"
#include "use/saved_run.h"
#include "ganymede/data.h"
#include "ganymede/nn.h"

enum { M = 8, SIDE = 28, SIZE = SIDE * SIDE, NZ = 6 };
#define SMALL "batch=8", "width=4", "units=12", "units-d=12", "nz=6"

static void run(gm_saved *s, const char *endpoint, const void *const *in, float *y)
{
	gm_error err = {0};
	must(gm_saved_run(s, endpoint, in, 3, 0, y, &err), &err);
}

static void first_images(float *x, int32_t *label)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open("glyphs", NULL, &err);
	must(d && gm_data_batch(d, 0, 0, M, x, label, &err), &err);
	gm_data_close(d);
}

static double largest(const float *a, const float *b, int64_t n)
{
	double most = 0;
	for (int64_t i = 0; i < n; i++)
		most = fmax(most, fabs(a[i] - b[i]));
	return most;
}

/* The 2x2 means of images of this side. */
static void halved(const float *x, int side, float *y)
{
	for (int i = 0; i < M; i++)
		for (int r = 0; r < side / 2; r++)
			for (int c = 0; c < side / 2; c++) {
				const float *p = x + (i * side + 2 * r) * side + 2 * c;
				y[(i * side / 2 + r) * (side / 2) + c] =
					(p[0] + p[1] + p[side] + p[side + 1]) / 4;
			}
}

/* Bilinear with half-pixel centres: 3/4 of the nearest pixel and 1/4 of the next along an axis. */
static void doubled(const float *x, int side, float *y)
{
	for (int i = 0; i < M; i++)
		for (int r = 0; r < 2 * side; r++)
			for (int c = 0; c < 2 * side; c++) {
				double sum = 0;
				for (int e = 0; e < 4; e++) {
					int a = r / 2 + (e & 1) * (r % 2 ? 1 : -1),
					    b = c / 2 + (e >> 1) * (c % 2 ? 1 : -1);
					a = a < 0 ? 0 : a >= side ? side - 1 : a;
					b = b < 0 ? 0 : b >= side ? side - 1 : b;
					sum += (e & 1 ? .25 : .75) * (e >> 1 ? .25 : .75) *
					       x[(i * side + a) * side + b];
				}
				y[(i * 2 * side + r) * 2 * side + c] = (float)sum;
			}
}

/* The sum of all bands is the image; each band is small where the image is smooth: of an image
 * that is linear along both axes it is 0 but at the edges. */
static void round_trip(void **state)
{
	(void)state;
	enum { N = 16, LEVELS = 2 };
	gm_graph *g = graph(GM_F64);
	gm_node *x = gm_input(g, "x", GM_SHAPE(1, 2, N, N), GM_F64), *image[LEVELS + 1];
	double v[2 * N * N], got[2 * N * N], band[2 * N * N];
	waves(v, N * N, .3);
	for (int i = 0; i < N * N; i++)
		v[N * N + i] = .1 * (i / N) - .05 * (i % N);
	gm_set_f64(x, v, 2 * N * N);
	gm_pyramid(x, LEVELS, image);
	gm_node *sum = image[0], *out[2];
	for (int k = 1; k <= LEVELS; k++)
		sum = gm_add(gm_pyramid_up(sum),
		             out[1] = gm_sub(image[k], gm_pyramid_up(image[k - 1])));
	out[0] = sum;
	gm_step *s = compiled(g, gm_compile_nodes(g, out, 2, NULL));
	gm_step_run(s);
	gm_step_read_f64(s, sum, got, 2 * N * N);
	gm_step_read_f64(s, out[1], band, 2 * N * N);
	double detail = 0;
	for (int i = 0; i < 2 * N * N; i++) {
		const int r = i / N % N, c = i % N;
		near(got[i], v[i], 1e-12);
		if (i < N * N)
			detail += fabs(band[i]) / (N * N);
		else if (r > 0 && r < N - 1 && c > 0 && c < N - 1)
			near(band[i], 0, 1e-12);
	}
	assert_true(detail > .1);
	finish(g);
}

/* With G's of 14 and 28 pixels at 0, a sample is the coarsest one, enlarged; with a layer "detail"
 * that is a constant, this constant is added, at both levels. */
static void samples_are_chained(void **state)
{
	(void)state;
	static float x[M * SIZE], y[M * SIZE], c7[M * 49], c14[M * 196], want[M * SIZE],
		l[M * SIZE];
	static float z7[M * NZ], z14[M * 196], z28[M * SIZE];
	for (int i = 0; i < M * SIZE; i++)
		z28[i] = (float)sin(1.3 * i), z14[i % (M * 196)] = (float)cos(.7 * i),
		z7[i % (M * NZ)] = (float)sin(.9 * i);
	const void *const in[] = {z7, z14, z28};
	gm_saved *s = TRAINED("lapgan", SMALL, "steps=2");
	run(s, "generate", in, y);
	gm_saved *t = zeroed(s, "G28/detail/weight", 0, 64);
	run(t, "generate/7", in, c7);
	run(t, "generate/14", in, c14);
	run(t, "generate", in, x);
	doubled(c14, 14, want);
	gm_error err = {0};
	gm_st *st = gm_st_open(gm_saved_path(s), &err);
	const float bias = ((const float *)gm_st_find(st, "G28/detail/bias")->data)[0];
	/* D sees one image: three channels in would be one, three be six */
	assert_int_equal(gm_st_find(st, "D28/h0/weight")->dims[1], 1);
	assert_int_equal(gm_st_find(st, "G28/h0/weight")->dims[1], 2);
	gm_st_close(st);
	assert_true(fabs(bias) > 1e-6);
	for (int i = 0; i < M * SIZE; i++)
		want[i] += bias;
	assert_true(largest(x, want, M * SIZE) < 1e-5);
	assert_true(largest(x, y, M * SIZE) > 1e-3);
	doubled(c7, 7, l);
	assert_true(largest(c14, l, M * 196) > 1e-3);
	/* "reconstruct": the same from the real image's own coarse one */
	static float real[M * SIZE], half[M * 196];
	first_images(real, NULL);
	run(t, "reconstruct", (const void *[]){real, z28}, x);
	halved(real, SIDE, half);
	doubled(half, 14, want);
	for (int i = 0; i < M * SIZE; i++)
		want[i] += bias;
	assert_true(largest(x, want, M * SIZE) < 1e-5);
	/* noise has an effect at its level */
	run(s, "reconstruct", (const void *[]){real, z28}, x);
	z28[5] += 1;
	run(s, "reconstruct", (const void *[]){real, z28}, y);
	assert_true(largest(x, y, M * SIZE) > 1e-5);
	gm_saved_free(t), gm_saved_free(s);
}

/* Labels change D's score and each level's image. */
static void labels_at_every_level(void **state)
{
	(void)state;
	static float x[M * SIZE], y[2][M * SIZE], d[2][M];
	static int32_t label[2][M];
	first_images(x, label[0]);
	for (int i = 0; i < M; i++)
		label[1][i] = (label[0][i] + 1) % 10;
	gm_saved *s = TRAINED("lapgan", SMALL, "conditional=yes", "steps=3");
	static const char *const name[] = {"generate/7", "generate/14", "generate"};
	const int sizes[] = {49, 196, SIZE};
	for (int k = 0; k < 3; k++) {
		const void *in[5] = {0};
		for (int j = 0; j < 2; j++) {
			in[k + 1] = label[j];
			run(s, name[k], in, y[j]);
		}
		assert_true(largest(y[0], y[1], (int64_t)M * sizes[k]) > 1e-6);
	}
	for (int j = 0; j < 2; j++)
		run(s, "discriminate", (const void *[]){x, label[j]}, d[j]);
	assert_true(largest(d[0], d[1], M) > 1e-6);
	/* the map of the label alone, at the finest level, from a real coarse image */
	for (int j = 0; j < 2; j++)
		run(s, "reconstruct", (const void *[]){x, NULL, label[j]}, y[j]);
	assert_true(largest(y[0], y[1], (int64_t)M * SIZE) > 1e-6);
	gm_saved_free(s);
}

/* One level after the other: in the first four steps only the coarsest one changes, and so on. */
static void levels_in_turn(void **state)
{
	(void)state;
	static const char *const net[] = {"G7/", "D7/", "G14/", "D14/", "G28/", "D28/"};
	static const char *const steps[] = {"steps=1", "steps=2", "steps=4", "steps=7"};
	gm_saved *s[4], *both[2];
	for (int k = 0; k < 4; k++)
		s[k] = TRAINED("lapgan", SMALL, "seed=4", "level-steps=2", steps[k]);
	assert_int_equal(moved_nets(s[0], s[1], net, 6), 3);
	assert_int_equal(moved_nets(s[1], s[2], net, 6), 12);
	assert_int_equal(moved_nets(s[2], s[3], net, 6), 48);
	for (int k = 0; k < 2; k++)
		both[k] = TRAINED("lapgan", SMALL, "seed=4", steps[k]);
	assert_int_equal(moved_nets(both[0], both[1], net, 6), 63);
	assert_true(last_of("detail_28") > 0);
	for (int k = 0; k < 4; k++)
		gm_saved_free(s[k]);
	gm_saved_free(both[0]), gm_saved_free(both[1]);
}

static double metric(gm_saved *s, const char *name, int64_t samples)
{
	gm_error err = {0};
	gm_scores scores = {0};
	gm_scorer *c = gm_scorer_open(
		gm_saved_inside(s),
		&(gm_score_options){.metrics = name, .count = 20, .samples = samples}, &err);
	must(c && gm_scorer_score(c, &scores, &err), &err);
	gm_scorer_free(c);
	return scores.row[0].value;
}

/* With one draw it is the distance to a reconstruction; with more it is less, unless the noise has
 * no effect. */
static void nearest_of_draws(void **state)
{
	(void)state;
	gm_saved *s = TRAINED("lapgan", SMALL, "steps=30", "optimiser=adam", "lr=.01");
	const double one = metric(s, "approx-parzen", 1), many = metric(s, "approx-parzen", 16);
	near(one, metric(s, "reconstruction", 0), 1e-12);
	assert_true(many < one - 1e-6 && many > 0);
	gm_saved *t = zeroed(s, "G28/detail/weight", 0, 64);
	near(metric(t, "approx-parzen", 16), metric(t, "approx-parzen", 1), 1e-12);
	gm_saved_free(t), gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(samples_are_chained),
		cmocka_unit_test(labels_at_every_level),
		cmocka_unit_test(levels_in_turn),
		cmocka_unit_test(nearest_of_draws),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
