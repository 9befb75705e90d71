/* SPDX-License-Identifier: MIT
 *
 * test_saved.c -- trained runs through the public header: any number of rows, expressions, several
 * threads; and clones.
 */
#include "runs.h"

#include "use/saved_run.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 11, SIDE = 16, NUMEL = SIDE * SIDE };

static const char *const tiny[] = {"data=glyphs", "size=16", "width=4", "batch=4",
                                   "nz=6",        "steps=3", "ema=0.9", NULL};

/* Rows of any number are those of whole batches, one after the other, whatever the last one is
 * filled up with. */
static void apply_is_run_by_portions(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = trained("dcgan", NULL, tiny);
	float *x = malloc(ROWS * NUMEL * sizeof *x), *y = malloc(4 * NUMEL * sizeof *y),
	      z[ROWS * 6];
	gm_rng r = gm_rng_new(1, 0);
	for (int i = 0; i < ROWS * 6; i++)
		z[i] = (float)gm_rng_normal(&r);
	assert_int_equal(gm_saved_batch(s), 4);
	must(gm_saved_apply(s, "generate", (const void *[]){z}, ROWS, 0, x, &err), &err);
	for (int at = 0; at + 4 <= ROWS; at += 4) {
		must(gm_saved_run(s, "generate", (const void *[]){z + at * 6}, 0, 0, y, &err),
		     &err);
		assert_memory_equal(y, x + at * NUMEL, 4 * NUMEL * sizeof *y);
	}
	/* The latents of a seed, where none are given, are those that gm_saved_draw has. */
	must(gm_saved_apply(s, "generate", NULL, ROWS, 5, x, &err), &err);
	float *d = malloc(ROWS * NUMEL * sizeof *d);
	must(gm_saved_draw(s, &(gm_samples){.seed = 5, .n = ROWS}, d, &err), &err);
	assert_memory_equal(x, d, ROWS * NUMEL * sizeof *d);
	assert_false(gm_saved_apply(s, "encode", NULL, ROWS, 0, x, &err));
	assert_non_null(strstr(err.message, "encode"));
	free(x), free(y), free(d);
	gm_saved_free(s);
}

/* Samples are the same from a folder, a file, and in pieces. */
static void samples_in_pieces(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved_free(trained("dcgan", NULL, tiny));
	gm_saved *s = gm_saved_open(last_run, NULL, &err);
	must(s != NULL, &err);
	assert_string_equal(gm_saved_option(s, "width"), "4");
	assert_string_equal(gm_saved_option(s, "colour"), "");
	assert_non_null(strstr(gm_saved_path(s), "checkpoint-000003.safetensors"));
	float *all = malloc(ROWS * NUMEL * sizeof *all),
	      *part = malloc(ROWS * NUMEL * sizeof *part);
	must(gm_saved_draw(s, &(gm_samples){.seed = 2, .n = ROWS}, all, &err), &err);
	for (int at = 0; at < ROWS; at += 3) {
		int n = ROWS - at < 3 ? ROWS - at : 3;
		must(gm_saved_draw(s, &(gm_samples){.seed = 2, .first = at, .n = n}, part, &err),
		     &err);
		assert_memory_equal(part, all + at * NUMEL, n * NUMEL * sizeof *part);
	}
	must(gm_saved_draw(s, &(gm_samples){.seed = 2, .n = ROWS, .truncation = 1e6}, part, &err),
	     &err);
	assert_memory_equal(part, all, ROWS * NUMEL * sizeof *part);
	must(gm_saved_draw(s, &(gm_samples){.seed = 2, .n = ROWS, .truncation = .1}, part, &err),
	     &err);
	assert_memory_not_equal(part, all, ROWS * NUMEL * sizeof *part);
	free(all), free(part);
	gm_saved_free(s);
}

/* d mean / d z through the checkpoint, against central differences of the endpoint itself. */
static void gradients_through_a_run(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = trained("dcgan", NULL, tiny);
	gm_graph *g = gm_saved_graph(s);
	gm_node *z = gm_variable(g, "test/z", GM_SHAPE(4, 6)),
		*x = gm_saved_node(s, "generate", &z, &err), *dz;
	must(x != NULL, &err);
	gm_node *loss = gm_sum_all(gm_square(x));
	gm_grad(loss, &z, 1, &dz);
	gm_step *step = gm_compile_nodes(g, (gm_node *[]){loss, dz}, 2,
	                                 &(gm_compile_options){.infer = true});
	assert_non_null(step);
	float value[24], slope[24], y[4 * NUMEL];
	gm_rng r = gm_rng_new(7, 0);
	for (int i = 0; i < 24; i++)
		value[i] = (float)gm_rng_normal(&r);
	gm_set_f32(z, value, 24);
	gm_step_run(step);
	gm_step_read(step, dz, slope, 24);
	double at_once = gm_step_scalar(step, loss), direct = 0, most = 0;
	must(gm_saved_run(s, "generate", (const void *[]){value}, 0, 0, y, &err), &err);
	for (int i = 0; i < 4 * NUMEL; i++)
		direct += (double)y[i] * y[i];
	assert_true(fabs(direct - at_once) < 1e-4 * direct); /* sums of 1024 floats */
	for (int i = 0; i < 24; i++)
		most = fmax(most, fabs(slope[i]));
	for (int i = 0; i < 24; i += 5) {
		double f[2];
		for (int side = 0; side < 2; side++) {
			float moved[24];
			memcpy(moved, value, sizeof moved);
			moved[i] += side ? .01f : -.01f;
			gm_set_f32(z, moved, 24);
			gm_step_run(step);
			f[side] = gm_step_scalar(step, loss);
		}
		/* A step of .01 in float: rounding of f (about 1e-6 of it) over .02, and the third
		 * derivative. */
		double got = (f[1] - f[0]) / .02, bound = .02 * most + 1e-4 * at_once;
		if (fabs(got - slope[i]) > bound)
			fail_msg("dz[%d] is %g, differences say %g (bound %g)", i, slope[i], got,
			         bound);
	}
	gm_node *wrong = gm_variable(g, "test/wrong", GM_SHAPE(4, 5));
	assert_null(gm_saved_node(s, "generate", &wrong, &err));
	assert_non_null(strstr(err.message, "[4,5]"));
	gm_saved_free(s);
}

/* ---- threads --------------------------------------------------------------------------------- */

enum { THREADS = 4 };

typedef struct job {
	const char *run;
	float x[ROWS * NUMEL];
	double loss;
	bool ok;
} job;

/* A run opened and drawn from, and a small net trained, all in graphs of this thread's own. */
static void *work(void *context)
{
	job *j = context;
	gm_error err = {0};
	gm_saved *s = gm_saved_open(j->run, NULL, &err);
	j->ok = s && gm_saved_draw(s, &(gm_samples){.seed = 3, .n = ROWS}, j->x, &err);
	gm_saved_free(s);
	gm_graph *g = gm_graph_new(&(gm_graph_options){.seed = 9});
	gm_net *n = gm_net_create(g, "N", .seed = 9);
	gm_node *x = gm_randn(g, GM_SHAPE(8, 3, 16, 16));
	gm_node *h = gm_relu(gm_conv(n, "c", x, .out = 16, .kernel = 3, .pad = 1));
	gm_node *loss = gm_mean_all(
		gm_square(gm_linear(n, "y", gm_reshape(h, GM_SHAPE(8, 16 * 256)), .out = 5)));
	gm_step *step = gm_compile(g, loss, gm_adam(n, loss));
	for (int i = 0; step && i < 20; i++)
		gm_step_run(step);
	j->loss = step ? gm_step_scalar(step, loss) : NAN;
	j->ok = j->ok && step;
	gm_net_free(n);
	gm_graph_free(g);
	return NULL;
}

static void several_graphs_in_several_threads(void **state)
{
	(void)state;
	gm_saved_free(trained("dcgan", NULL, tiny));
	job *alone = calloc(THREADS + 1, sizeof *alone), *many = alone + 1;
	pthread_t thread[THREADS];
	alone->run = last_run;
	work(alone);
	assert_true(alone->ok && isfinite(alone->loss));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < THREADS; i++) {
			many[i].run = last_run;
			assert_int_equal(pthread_create(&thread[i], NULL, work, &many[i]), 0);
		}
		for (int i = 0; i < THREADS; i++) {
			pthread_join(thread[i], NULL);
			assert_true(many[i].ok);
			assert_memory_equal(many[i].x, alone->x, sizeof alone->x);
			assert_true(many[i].loss == alone->loss);
		}
	}
	free(alone);
}

/* ---- clones ---------------------------------------------------------------------------------- */

static void clones_replace_and_share(void **state)
{
	(void)state;
	gm_graph *g = gm_graph_new(NULL);
	gm_node *a = gm_variable(g, "a", GM_SHAPE(3)), *b = gm_variable(g, "b", GM_SHAPE(3)),
		*c = gm_variable(g, "c", GM_SHAPE(3));
	gm_node *apart = gm_exp(b), *y[2] = {gm_mul(gm_square(a), apart), apart}, *out[2], *da;
	gm_clone(y, 2, &(gm_clone_options){.from = &a, .to = &c, .n = 1}, out);
	assert_ptr_equal(out[1], apart); /* depends on nothing that is replaced */
	assert_ptr_not_equal(out[0], y[0]);
	gm_grad(out[0], &c, 1, &da);
	gm_step *s = gm_compile(g, out[0], da, y[0]);
	gm_set_f32(a, (float[]){1, 2, 3}, 3), gm_set_f32(b, (float[]){0, 0, 0}, 3),
		gm_set_f32(c, (float[]){4, 5, 6}, 3);
	gm_step_run(s);
	float v[3], d[3];
	gm_step_read(s, out[0], v, 3), gm_step_read(s, da, d, 3);
	for (int i = 0; i < 3; i++) {
		assert_true(v[i] == (4.f + i) * (4 + i));
		assert_true(d[i] == 2 * (4.f + i));
	}
	gm_node *wide = gm_variable(g, "wide", GM_SHAPE(4));
	gm_clone(y, 1, &(gm_clone_options){.from = &a, .to = &wide, .n = 1}, out);
	assert_non_null(strstr(gm_graph_error(g)->message, "[4] cannot take the place of [3]"));
	gm_graph_free(g);
}

/* A net with batch norm that is cloned for inference keeps its running statistics in a training
 * step, and normalises by them. */
static void frozen_clones_keep_their_statistics(void **state)
{
	(void)state;
	gm_graph *g = gm_graph_new(&(gm_graph_options){.seed = 1});
	gm_net *n = gm_net_create(g, "N", .seed = 1);
	gm_node *x = gm_add_c(gm_randn(g, GM_SHAPE(16, 4)), 3), *y = gm_batch_norm(n, "norm", x),
		*frozen;
	gm_clone(&y, 1, &(gm_clone_options){.infer = true}, &frozen);
	gm_node *mean = gm_net_find(n, "N/norm/mean");
	gm_step *step = gm_compile(g, gm_mean_all(frozen));
	assert_non_null(mean);
	gm_step_run(step);
	float v[4];
	gm_get_f32(mean, v, 4);
	for (int i = 0; i < 4; i++)
		assert_true(v[i] == 0); /* where they started */
	gm_step *live = gm_compile(g, gm_mean_all(y));
	gm_step_run(live);
	gm_get_f32(mean, v, 4);
	for (int i = 0; i < 4; i++)
		assert_true(v[i] > .1);
	gm_net_free(n);
	gm_graph_free(g);
}

/* A chain much deeper than a stack of calls could follow. */
static void clones_of_deep_chains(void **state)
{
	(void)state;
	gm_graph *g = gm_graph_new(NULL);
	gm_node *a = gm_variable(g, "a", GM_RANK0), *b = gm_variable(g, "b", GM_RANK0), *y = a,
		*out;
	for (int i = 0; i < 300000; i++)
		y = gm_sin(y);
	gm_clone(&y, 1, &(gm_clone_options){.from = &a, .to = &b, .n = 1}, &out);
	assert_int_equal(gm_graph_error(g)->code, GM_OK);
	assert_ptr_not_equal(out, y);
	gm_graph_free(g);
}

/* Standing statistics of the first layer by hand: means over batches of mean and variance of W z,
 * of averaged and of raw weights; truncated latents have smaller ones. A GAN without batch norm is
 * refused. */
static void standing_statistics(void **state)
{
	(void)state;
	enum { BATCHES = 5, M = 4, NZ = 6, CHANNELS = 8, PLACES = 16 };
	gm_error err = {0};
	gm_saved_free(trained("dcgan", NULL, tiny));
	for (int k = 0; k < 3; k++) {
		const gm_samples d = {.seed = 9, .truncation = k == 1 ? .3 : 0};
		gm_saved *s = gm_saved_open(last_run, &(gm_saved_options){.raw = k == 2}, &err);
		must(s != NULL, &err);
		float before[ROWS * NUMEL], after[ROWS * NUMEL];
		must(gm_saved_draw(s, &(gm_samples){.seed = 1, .n = ROWS}, before, &err), &err);
		must(gm_saved_stand(s, &d, BATCHES, &err), &err);
		must(gm_saved_draw(s, &(gm_samples){.seed = 1, .n = ROWS}, after, &err), &err);
		assert_memory_not_equal(before, after, sizeof after);
		gm_st *st = gm_st_open(gm_saved_path(s), &err);
		must(st != NULL, &err);
		const float *w =
			(const float *)gm_st_find(st, k == 2 ? "G/4x4/weight" : "G/4x4/weight.ema")
				->data;
		double mean[CHANNELS] = {0}, var[CHANNELS] = {0};
		for (int b = 0; b < BATCHES; b++) {
			float z[M * NZ];
			must(gm_saved_latents(s, "generate", d.seed, (uint64_t)b,
			                      (float *const[]){z}, &err),
			     &err);
			for (int c = 0; c < CHANNELS; c++) {
				double sum = 0, squares = 0;
				for (int i = 0; i < M; i++)
					for (int p = 0; p < PLACES; p++) {
						double h = 0;
						for (int j = 0; j < NZ; j++)
							h += w[(c * PLACES + p) * NZ + j] *
							     z[i * NZ + j];
						sum += h, squares += h * h;
					}
				const double n = M * PLACES, mu = sum / n;
				mean[c] += mu / BATCHES;
				var[c] += (squares / n - mu * mu) * n / (n - 1) / BATCHES;
			}
		}
		const gm_net *G = gm_saved_inside(s)->net[0];
		const char *const name[] = {k == 2 ? "G/4x4/norm/mean" : "G/4x4/norm/mean.ema",
		                            k == 2 ? "G/4x4/norm/var" : "G/4x4/norm/var.ema"};
		double got[CHANNELS];
		for (int what = 0; what < 2; what++) {
			assert_true(gm_get_f64(gm_net_find(G, name[what]), got, CHANNELS));
			for (int c = 0; c < CHANNELS; c++) {
				const double want = what ? var[c] : mean[c];
				if (k == 1) /* latents within .3 have a variance of .03 */
					assert_true(!what || got[c] < .2 * want);
				else
					assert_true(fabs(got[c] - want) <
					            1e-4 * sqrt(var[c]) + 1e-4 * var[c]);
			}
		}
		gm_st_close(st);
		gm_saved_free(s);
	}
	gm_saved *s = TRAINED("gan", "data=ring8", "batch=4", "width=8", "steps=2");
	assert_false(gm_saved_stand(s, &(gm_samples){.seed = 1}, 2, &err));
	assert_non_null(strstr(err.message, "no batch norm"));
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apply_is_run_by_portions),
		cmocka_unit_test(samples_in_pieces),
		cmocka_unit_test(standing_statistics),
		cmocka_unit_test(gradients_through_a_run),
		cmocka_unit_test(several_graphs_in_several_threads),
		cmocka_unit_test(clones_replace_and_share),
		cmocka_unit_test(frozen_clones_keep_their_statistics),
		cmocka_unit_test(clones_of_deep_chains),
	};
	return cmocka_run_group_tests_name("saved", tests, scratch_make, scratch_remove);
}
