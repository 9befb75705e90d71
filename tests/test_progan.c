/* SPDX-License-Identifier: MIT
 *
 * test_progan.c -- progressive growing: images and scores change continuously where a stage begins
 * and ends, real images lose their detail while a stage fades in, the state of optimisers is reset
 * at both ends of a fade, the drift term is that of real images, minibatches in parts.
 */
#include "runs.h"

#include "graphs.h"
#include "ganymede/data.h"
#include "ganymede/nn.h"

enum { M = 4, NZ = 5, LAST = 2, SIDE = 16, SIZE = SIDE * SIDE };

typedef struct growing {
	gm_graph *g;
	gm_net *G, *D;
	gm_progan shape;
	gm_node *z, *x;
} growing;

static growing open_nets(void)
{
	growing w = {.g = graph(GM_F64)};
	w.G = gm_net_create(w.g, "G", .seed = 5), w.D = gm_net_create(w.g, "D", .seed = 6);
	gm_net_normalise(w.G, gm_normaliser_find("equalised"));
	gm_net_normalise(w.G, gm_normaliser_find("pixel"));
	gm_net_normalise(w.D, gm_normaliser_find("equalised"));
	w.shape = (gm_progan){.small_height = 4,
	                      .small_width = 4,
	                      .channels = 1,
	                      .width = 6,
	                      .base = 16,
	                      .group = 2,
	                      .place = gm_input(w.g, "place", GM_RANK0, GM_F64)};
	w.z = input_of(w.g, "z", GM_SHAPE(M, NZ), .3);
	w.x = input_of(w.g, "x", GM_SHAPE(M, 1, SIDE, SIDE), 1.1);
	return w;
}

static void close_nets(growing *w)
{
	gm_net_free(w->G), gm_net_free(w->D);
	finish(w->g);
}

static gm_progan of_stage(const growing *w, int stage, bool all)
{
	gm_progan p = w->shape;
	p.stage = stage, p.all = all;
	return p;
}

/* The values of y at this place; n: their number. The caller frees them. */
static double *at(const growing *w, gm_node *y, double place)
{
	const int64_t n = gm_node_size(y);
	double *v = malloc(n * sizeof *v);
	gm_set_f64(w->shape.place, &place, 1);
	gm_step *s = compiled(w->g, gm_compile(w->g, y));
	gm_step_run(s);
	assert_true(gm_step_read_f64(s, y, v, n));
	gm_step_free(s);
	return v;
}

/* The largest difference of two arrays, which are freed. */
static double distance(double *a, double *b, int64_t n)
{
	double most = 0;
	for (int64_t i = 0; i < n; i++)
		most = fmax(most, fabs(a[i] - b[i]));
	free(a), free(b);
	return most;
}

static gm_node *mean2(gm_node *x)
{
	return gm_avg_pool(x, (gm_pool_options){.kernel = {2, 2}});
}

/* The nets of one stage, as trained, and those of all stages, as sampled, agree from the beginning
 * of the stage's fade to its end; there is no jump from one stage to the next; and where a layer
 * "rgb" is faded out it has no effect. */
static void stages_meet(void **state)
{
	(void)state;
	growing w = open_nets();
	const gm_progan all = of_stage(&w, LAST, true);
	gm_node *image = gm_progan_up(&all, w.G, w.z), *score = gm_progan_score(&all, w.D, w.x);
	gm_node *small = w.x;
	for (int s = LAST; s >= 0; s--, small = mean2(small)) {
		const gm_progan p = of_stage(&w, s, false);
		gm_node *own = gm_progan_up(&p, w.G, w.z);
		assert_int_equal(gm_node_shape(own).dim[2], 4 << s);
		own = s < LAST ? gm_upsample_nearest(own, 1 << (LAST - s)) : own;
		gm_node *own_score = gm_progan_score(&p, w.D, small);
		for (double place = s; place >= fmax(s - 1, 0); place -= .25) {
			near(distance(at(&w, image, place), at(&w, own, place), M * SIZE), 0,
			     1e-12);
			near(distance(at(&w, score, place), at(&w, own_score, place), M), 0, 1e-12);
		}
		/* at a whole number, from both sides */
		for (double e = -1e-7; e < 2e-7; e += 2e-7) {
			near(distance(at(&w, image, s), at(&w, image, s + e), M * SIZE), 0, 1e-5);
			near(distance(at(&w, score, s), at(&w, score, s + e), M), 0, 1e-5);
		}
		if (s > 0) {
			assert_true(distance(at(&w, image, s), at(&w, image, s - .5), M * SIZE) >
			            1e-2);
			assert_true(distance(at(&w, score, s), at(&w, score, s - .5), M) > 1e-4);
		}
	}
	/* the gradient of the sum with respect to the bias of 4/rgb and 8/rgb: where there is an
	 * effect */
	for (int k = 0; k < 2; k++) {
		gm_net *n = k ? w.D : w.G;
		gm_node *wrt[2] = {gm_net_find(n, k ? "D/4/rgb/weight" : "G/4/rgb/weight"),
		                   gm_net_find(n, k ? "D/8/rgb/weight" : "G/8/rgb/weight")},
			*d[2];
		assert_true(wrt[0] && wrt[1]);
		gm_grad(gm_sum_all(k ? score : image), wrt, 2, d);
		static const double places[] = {0, .5, 1};
		for (int i = 0; i < 3; i++)
			for (int j = 0; j < 2; j++) {
				double *v = at(&w, gm_sum_all(gm_square(d[j])), places[i]);
				if ((i == 0 && j == 1) || (i == 2 && j == 0))
					near(*v, 0, 0);
				else
					assert_true(*v > 1e-6);
				free(v);
			}
	}
	close_nets(&w);
}

/* At the beginning of its fade a stage sees real images without detail of its own size. */
static void real_images_fade(void **state)
{
	(void)state;
	growing w = open_nets();
	const gm_progan p = of_stage(&w, LAST, false), q = of_stage(&w, 1, false),
			r = of_stage(&w, 0, false);
	gm_node *coarse = gm_upsample_nearest(mean2(w.x), 2);
	gm_node *half = gm_mul_c(gm_add(w.x, coarse), .5);
	gm_node *real = gm_progan_real(&p, w.x);
	near(distance(at(&w, real, 1), at(&w, coarse, 1), M * SIZE), 0, 1e-12);
	near(distance(at(&w, real, 1.5), at(&w, half, 1), M * SIZE), 0, 1e-12);
	near(distance(at(&w, real, 2), at(&w, w.x, 1), M * SIZE), 0, 0);
	assert_true(distance(at(&w, w.x, 1), at(&w, coarse, 1), M * SIZE) > .1);
	near(distance(at(&w, gm_progan_real(&q, w.x), 1), at(&w, mean2(w.x), 1), M * SIZE / 4), 0,
	     1e-12);
	near(distance(at(&w, gm_progan_real(&r, w.x), 0), at(&w, mean2(mean2(w.x)), 1),
	              M * SIZE / 16),
	     0, 1e-12);
	close_nets(&w);
}

/* gm_net_forget sets moments and step counts to 0, but neither parameters nor averages. */
static void forgetting_is_of_moments(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "N", .seed = 1);
	gm_node *x = input_of(g, "x", GM_SHAPE(3, 2), .2);
	gm_node *loss = gm_mean_all(gm_square(gm_linear(n, "y", x, .out = 2, .bias = GM_ONES)));
	gm_step *s =
		compiled(g, gm_compile(g, loss, gm_adam(n, loss, .accumulate = 2, .average = .9)));
	gm_step *anew = compiled(g, gm_compile(g, gm_net_forget(n)));
	for (int i = 0; i < 3; i++)
		gm_step_run(s);
	for (int turn = 0; turn < 2; turn++) {
		int moments = 0, others = 0;
		for (int i = 0; i < gm_net_count(n); i++) {
			const gm_net_entry e = gm_net_at(n, i);
			double v[4], sum = 0;
			assert_true(gm_get_f64(e.node, v, gm_node_size(e.node)));
			for (int k = 0; k < gm_node_size(e.node); k++)
				sum += fabs(v[k]);
			const bool state_of = e.role == GM_MOMENT;
			moments += state_of, others += !state_of;
			if (turn && state_of)
				near(sum, 0, 0);
			else
				assert_true(sum > 0);
		}
		assert_int_equal(moments, 9); /* m, v and sum of two; t; two counts */
		assert_int_equal(others, 4);
		gm_step_run(anew);
	}
	gm_net_free(n);
	finish(g);
}

static float tensor_of(const char *name, int step)
{
	gm_error err = {0};
	char path[PATH_MAX + 40];
	snprintf(path, sizeof path, "%s/checkpoint-%06d.safetensors", last_run, step);
	gm_st *st = gm_st_open(path, &err);
	must(st != NULL, &err);
	const gm_st_tensor *t = gm_st_find(st, name);
	assert_non_null(t);
	float v;
	memcpy(&v, t->data, sizeof v);
	gm_st_close(st);
	return v;
}

/* Four examples a turn, two turns of a stage and two of a fade: in turn 4 the fade begins, in turn
 * 5 it ends. */
static void optimisers_begin_anew(void **state)
{
	(void)state;
	gm_saved_free(TRAINED("progan", "size=16", "batch=4", "width=4", "nz=4", "whole-to=16",
	                      "stable-kimg=.008", "fade-kimg=.008", "steps=7", "save-every=1",
	                      "keep=0", "seed=3"));
	static const int t[] = {1, 2, 3, 1, 1, 2, 3};
	for (int step = 1; step <= 7; step++) {
		assert_int_equal((int)tensor_of("G/adam.t", step), t[step - 1]);
		assert_int_equal((int)tensor_of("D/adam.t", step), t[step - 1]);
	}
	/* the layers of the last stage wait */
	assert_true(tensor_of("G/16/a/weight", 7) == tensor_of("G/16/a/weight", 1));
	assert_true(tensor_of("G/8/a/weight", 3) == tensor_of("G/8/a/weight", 1));
	assert_true(tensor_of("G/8/a/weight", 4) != tensor_of("G/8/a/weight", 3));
	near(last_of("stage"), 1, 0);
	/* two minibatches in each turn above 8 pixels: three turns at 16, two steps each, since
	 * the fade has ended */
	gm_saved_free(TRAINED("progan", "size=16", "batch=4", "width=4", "nz=4", "whole-to=8",
	                      "stable-kimg=0", "fade-kimg=.004", "steps=5", "save-every=5",
	                      "seed=3"));
	near(last_of("stage"), 2, 0);
	assert_int_equal((int)tensor_of("G/adam.t", 5), 6);
}

/* The term of drift is that of D on real images: with hardly moving nets, two runs with another
 * weight differ in D's loss by the mean square of D's scores of the minibatch, and not in G's. */
static void drift_is_of_real_images(void **state)
{
	(void)state;
	static float x[M * 28 * 28], y[M];
	double d[2], g[2], square = 0;
	gm_error err = {0};
	gm_dataset *data = gm_data_open("glyphs", NULL, &err);
	must(data && gm_data_batch(data, 0, 0, M, x, NULL, &err), &err);
	gm_data_close(data);
	for (int k = 0; k < 2; k++) {
		gm_saved *s =
			TRAINED("progan", "batch=4", "width=4", "nz=4", "seed=0", "steps=1",
		                "log-every=1", "lr=1e-12", "lr-d=1e-12", k ? "drift=5" : "drift=0");
		must(gm_saved_run(s, "discriminate", (const void *[]){x}, 0, 0, y, &err), &err);
		gm_saved_free(s);
		d[k] = last_of("loss_d"), g[k] = last_of("loss_g");
	}
	for (int i = 0; i < M; i++)
		square += y[i] * y[i] / M;
	assert_true(square > 1e-4);
	near(d[1] - d[0], 5 * square, 1e-5 * fmax(1, 1 / (5 * square)));
	near(g[1], g[0], 1e-6);
}

static gm_node *line_critic(void *ctx, gm_net *D, gm_node *x, gm_node *given)
{
	(void)ctx, (void)given;
	return gm_linear(D, "y", x, .out = 1);
}

/* With a linear D, whose gradient is its weight w everywhere, wgan-gp adds weight (|w| - t)^2 / t^2
 * to D's loss, and one-sided the same where |w| > t. */
static void the_slope_asked_for(void **state)
{
	(void)state;
	static const char *const penalty[] = {"none", "wgan-gp", "one-sided"};
	static const double slope[] = {0, 1, .1, 7};
	for (int k = 0; k < 4; k++) {
		double loss[3], w[4], square = 0;
		for (int p = 0; p < 3; p++) {
			gm_graph *g = graph(GM_F64);
			gm_net *G = gm_net_create(g, "G"), *D = gm_net_create(g, "D", .seed = 4);
			gm_node *x = input_of(g, "x", GM_SHAPE(3, 4), .1);
			gm_game m = {.G = G,
			             .D = D,
			             .discriminator = line_critic,
			             .real.x = x,
			             .fake.x = gm_mul_c(x, .3),
			             .objective = gm_objective_find("wasserstein"),
			             .penalty = gm_penalty_find(penalty[p]),
			             .slope = slope[k],
			             .weight = 3};
			gm_game_build(&m);
			gm_step *s = compiled(g, gm_compile(g, m.loss_d));
			gm_step_run(s);
			loss[p] = gm_step_scalar(s, m.loss_d);
			gm_get_f64(gm_net_find(D, "D/y/weight"), w, 4);
			gm_net_free(G), gm_net_free(D);
			finish(g);
		}
		for (int i = 0; i < 4; i++)
			square += w[i] * w[i];
		const double t = slope[k] > 0 ? slope[k] : 1, over = sqrt(square) - t;
		near(loss[1] - loss[0], 3 * over * over / (t * t), 1e-9);
		near(loss[2] - loss[0], over > 0 ? 3 * over * over / (t * t) : 0, 1e-9);
	}
}

/* CPU seconds of a turn, measured at the beginning or in all parts of the run. */
static double cost(bool spread)
{
	static const char *const options[][2] = {
		{"data", "shapes"}, {"size", "32"},  {"width", "32"},
		{"base", "512"},    {"batch", "8"},  {"stable-kimg", ".05"},
		{"group", "2"},     {"steps", "50"}, {"fade-kimg", ".05"}};
	gm_error err = {0};
	gm_settings *s = gm_settings_new(gm_model_find("progan"));
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		must(gm_settings_set(s, options[i][0], options[i][1], &err), &err);
	gm_train_call call = {.settings = s, .measure = .3, .spread = spread};
	must(gm_train(&call, &err), &err);
	gm_settings_delete(s);
	return call.speed.processor;
}

/* Measured at the beginning, images of 4 pixels alone would be counted: 200 turns last seconds. */
static void all_stages_are_measured(void **state)
{
	(void)state;
	const double first = cost(false), all = cost(true);
	print_message("seconds of a turn: %.4f; of all stages %.4f\n", first, all);
	assert_true(all > 1.5 * first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stages_meet),
		cmocka_unit_test(real_images_fade),
		cmocka_unit_test(forgetting_is_of_moments),
		cmocka_unit_test(optimisers_begin_anew),
		cmocka_unit_test(the_slope_asked_for),
		cmocka_unit_test(drift_is_of_real_images),
		cmocka_unit_test(all_stages_are_measured),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
