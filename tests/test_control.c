/* SPDX-License-Identifier: MIT
 *
 * test_control.c -- environments against reference states; episodes, their files; standardisation
 * and natural-gradient steps by hand; trpo, gail and bc.
 */
#include "runs.h"
#include "scores.h"

#include "ganymede/env.h"
#include "ganymede/policy.h"

/* ---- dynamics -------------------------------------------------------------------------------- */

/* Final states of gymnasium 1.4.0 (double precision), from given states by given actions. */
static void as_published(void **state)
{
	(void)state;
	static const struct {
		const char *env;
		double from[4], to[4], reward;
		int steps, n, action[16];
		bool over;
	} rows[] = {
		{"cartpole",
	         {.01, -.02, .03, .04},
	         {0.02015019664984476, -0.026241959066365117, 0.03072143963887727,
	          0.17774975534743936},
	         1,
	         12,
	         12,
	         {0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0},
	         false},
		{"mountaincar",
	         {-.5, 0},
	         {-0.5477749344148755, -0.004867772767503405},
	         -1,
	         48,
	         16,
	         {2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 1, 1, 0, 0},
	         false},
		{"mountaincar", {-1.19, -.05}, {-1.2, 0}, -1, 1, 1, {0}, false},
		{"mountaincar",
	         {.49, .05},
	         {0.5407484356665326, 0.05074843566653267},
	         -1,
	         1,
	         1,
	         {2},
	         true},
		{"acrobot",
	         {.05, -.06, .07, -.08},
	         {-0.10467181949950763, 0.20024363898808537, -0.045783470172219676,
	          0.07485599096830575},
	         -1,
	         40,
	         5,
	         {0, 1, 2, 2, 0},
	         false},
		{"acrobot",
	         {2.9, .3, 3, 4},
	         {-2.6805575295577335, 0.9714488643595152, 4.347044190073138, 2.273066374700245},
	         0,
	         1,
	         1,
	         {2},
	         true},
	};
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		const gm_env *env = gm_env_find(rows[k].env);
		double s[GM_ENV_NUMBERS], reward = 0;
		bool over = false;
		memcpy(s, rows[k].from, sizeof rows[k].from);
		for (int i = 0; i < rows[k].steps; i++)
			over = env->step(s, rows[k].action[i % rows[k].n], &reward);
		for (int i = 0; i < env->numbers; i++)
			assert_float_equal(s[i], rows[k].to[i], 1e-9);
		assert_float_equal(reward, rows[k].reward, 0);
		assert_int_equal(over, rows[k].over);
	}
	assert_null(gm_env_find("pendulum"));
}

static void starts_and_drawings(void **state)
{
	(void)state;
	static const double low[][4] = {{-.1, -.1, -.1, -.1}, {-.05, -.05, -.05, -.05}, {-.6, 0}},
			    high[][4] = {{.1, .1, .1, .1}, {.05, .05, .05, .05}, {-.4, 0}};
	for (int k = 0; gm_env_at(k); k++) {
		const gm_env *env = gm_env_at(k);
		gm_error err = {0};
		gm_dataset *d = gm_data_open(env->name, NULL, &err);
		must(d != NULL, &err);
		assert_int_equal(gm_data_info_of(d)->numel, env->numbers);
		float x[4 * 100];
		must(gm_data_batch(d, 1, 0, 100, x, NULL, &err), &err);
		for (int i = 0; i < 100 * env->numbers; i++) {
			assert_true(x[i] >= (float)low[k][i % env->numbers]);
			assert_true(x[i] <= (float)high[k][i % env->numbers]);
		}
		gm_data_close(d);
		gm_rng rng = gm_rng_new(1, 1);
		double s[GM_ENV_NUMBERS];
		gm_env_shape shape[16];
		env->begin(&rng, s);
		assert_in_range(env->draw(s, shape, 16), 3, 15);
		assert_int_equal(env->draw(s, shape, 2), 2);
	}
	assert_null(gm_env_at(-1));
	assert_null(gm_env_at(3));
}

/* ---- episodes -------------------------------------------------------------------------------- */

/* Pushes in the direction of the velocity, more or less: a good policy for the car. */
static bool along(void *context, const float *state, int64_t n, float *out, gm_error *err)
{
	const float sure = *(const float *)context;
	(void)err;
	for (int64_t i = 0; i < n; i++) {
		out[3 * i] = state[2 * i + 1] < 0 ? sure : 0;
		out[3 * i + 1] = 0;
		out[3 * i + 2] = state[2 * i + 1] < 0 ? 0 : sure;
	}
	return true;
}

static gm_episodes by_car(float sure, int64_t together, bool greedy, int64_t pairs, int64_t n)
{
	gm_episodes e = {0};
	gm_error err = {0};
	const gm_policy p = {along, &sure, together, greedy};
	must(gm_episodes_play(&e, gm_env_find("mountaincar"), &p, 7, 3, pairs, n, &err), &err);
	return e;
}

static void side_by_side(void **state)
{
	(void)state;
	gm_episodes a = by_car(2, 1, false, 1000, 9), b = by_car(2, 25, false, 1000, 9);
	assert_int_equal(a.episodes, b.episodes);
	assert_int_equal(a.pairs, b.pairs);
	assert_memory_equal(a.state, b.state, a.pairs * 2 * sizeof *a.state);
	assert_memory_equal(a.action, b.action, a.pairs * sizeof *a.action);
	/* no more episodes than are needed */
	assert_true(a.first[a.episodes] == a.pairs && a.pairs >= 1000 && a.episodes >= 9);
	assert_true(a.episodes == 9 || a.first[a.episodes - 1] < 1000);
	for (int64_t i = 0; i < a.episodes; i++)
		assert_float_equal(gm_episodes_return(&a, i), (double)(a.first[i] - a.first[i + 1]),
		                   0);
	/* e / (e + 2) of the actions follow the velocity */
	double follows = 0;
	for (int64_t k = 0; k < a.pairs; k++)
		follows += a.action[k] == (a.state[2 * k + 1] < 0 ? 0 : 2);
	const double p = exp(2) / (exp(2) + 2), n = (double)a.pairs;
	assert_float_equal(follows / n, p, 4 * sqrt(p * (1 - p) / n));
	gm_episodes_free(&a);
	gm_episodes_free(&b);
	a = by_car(1, 4, true, 1, 30);
	assert_int_equal(a.episodes, 30);
	for (int64_t k = 0; k < a.pairs; k++)
		assert_int_equal(a.action[k], a.state[2 * k + 1] < 0 ? 0 : 2);
	gm_episodes_free(&a);
}

static void files(void **state)
{
	(void)state;
	gm_error err = {0};
	const gm_env *car = gm_env_find("mountaincar"), *cart = gm_env_find("cartpole");
	gm_episodes a = by_car(3, 5, false, 1, 4), b = {0};
	const char *path = scratch_path("car.safetensors");
	must(gm_episodes_write(&a, car, path, &err), &err);
	must(gm_episodes_read(&b, car, path, &err), &err);
	assert_int_equal(b.episodes, 4);
	assert_memory_equal(a.first, b.first, 5 * sizeof *a.first);
	assert_memory_equal(a.state, b.state, a.pairs * 2 * sizeof *a.state);
	assert_memory_equal(a.action, b.action, a.pairs * sizeof *a.action);
	assert_memory_equal(a.reward, b.reward, a.pairs * sizeof *a.reward);

	/* of another environment */
	assert_false(gm_episodes_read(&b, cart, path, &err));
	assert_non_null(strstr(err.message, "states of 2 numbers; those of cartpole have 4"));
	assert_int_equal(b.pairs, 0);
	/* damaged: each of these differs in one place */
	a.action[5] = 3;
	err = (gm_error){0};
	must(gm_episodes_write(&a, car, path, &err), &err);
	assert_false(gm_episodes_read(&b, car, path, &err));
	assert_non_null(strstr(err.message, "action 3 at 5; mountaincar has actions 0 to 2"));
	a.action[5] = 2, a.state[4] = NAN;
	err = (gm_error){0};
	must(gm_episodes_write(&a, car, path, &err), &err);
	assert_false(gm_episodes_read(&b, car, path, &err));
	assert_non_null(strstr(err.message, "state 2 is not finite"));
	a.state[4] = 0, a.first[2] += 300;
	err = (gm_error){0};
	must(gm_episodes_write(&a, car, path, &err), &err);
	assert_false(gm_episodes_read(&b, car, path, &err));
	assert_non_null(strstr(err.message, "lengths does not divide its"));
	gm_episodes_free(&a);

	/* of another program, with a state for the end of each episode */
	must(gm_episodes_read(&b, cart, "tests/control/cartpole.npz", &err), &err);
	assert_int_equal(b.episodes, 3);
	assert_int_equal(b.pairs, 12);
	assert_int_equal(b.first[1], 5);
	assert_int_equal(b.first[2], 8);
	double s[GM_ENV_NUMBERS], reward;
	for (int64_t k = 0; k < 12; k++) {
		if (k != 5 && k != 8 && k)
			for (int i = 0; i < 4; i++)
				assert_float_equal(s[i], b.state[4 * k + i], 1e-6);
		for (int i = 0; i < 4; i++)
			s[i] = b.state[4 * k + i];
		cart->step(s, b.action[k], &reward);
	}
	gm_episodes_free(&b);
}

/* ---- standardisation and natural gradients --------------------------------------------------- */

static void running_moments(void **state)
{
	(void)state;
	enum { ROWS = 6, D = 2 };
	static const double first[] = {1, 2, 3, 5};
	float x[3][ROWS * D], w[3][ROWS] = {{0}};
	gm_rng rng = gm_rng_new(5, 0);
	double all[2 * D + 3 * ROWS * D];
	int n = 2;
	memcpy(all, first, sizeof first);
	gm_graph *g = gm_graph_new(NULL);
	gm_net *net = gm_net_create(g, "n");
	const gm_standard s = gm_standard_new(net, "x", D, first, 2);
	gm_node *in = gm_input(g, "in", GM_SHAPE(ROWS, D), GM_F32),
		*weight = gm_input(g, "weight", GM_SHAPE(ROWS), GM_F32),
		*count = gm_input(g, "count", GM_RANK0, GM_F32);
	gm_node *back = gm_unstandardise(&s, gm_standardise(&s, in));
	gm_step *step = gm_compile(g, back, gm_standard_add(&s, in, weight, count));
	for (int k = 0; k < 3; k++) {
		const int rows = 6 - 2 * k;
		for (int i = 0; i < ROWS * D; i++)
			x[k][i] = (float)(gm_rng_normal(&rng) * (1 + k) + 3 * (i % 2));
		for (int i = 0; i < rows; i++) {
			w[k][i] = 1 / (float)rows;
			for (int j = 0; j < D; j++)
				all[n * D + j] = x[k][i * D + j];
			n++;
		}
		gm_set_f32(in, x[k], ROWS * D);
		gm_set_f32(weight, w[k], ROWS);
		gm_set_f32(count, &(float){(float)rows}, 1);
		gm_step_run(step);
		float y[ROWS * D];
		gm_step_read(step, back, y, ROWS * D);
		for (int i = 0; i < ROWS * D; i++)
			assert_float_equal(y[i], x[k][i], 1e-4);
	}
	float mean[D], var[D], counted;
	gm_get_f32(s.mean, mean, D);
	gm_get_f32(s.var, var, D);
	gm_get_f32(s.count, &counted, 1);
	assert_float_equal(counted, n, 0);
	for (int j = 0; j < D; j++) {
		double m = 0, v = 0;
		for (int i = 0; i < n; i++)
			m += all[i * D + j] / n;
		for (int i = 0; i < n; i++)
			v += pow(all[i * D + j] - m, 2) / n;
		assert_float_equal(mean[j], m, 1e-5);
		assert_float_equal(var[j], v, 1e-5);
	}
	gm_net_free(net);
	gm_graph_free(g);
}

/* The divergence is (w - w0)'H(w - w0)/2 and the objective c'w, so that all is known: the step is
 * -(H + damping)^-1 c, scaled; with `bend` the objective is c'w + bend |w - w0|^2, which a whole
 * step makes worse. */
static void natural_step(double bend, double limit_of_kl, double w[3], double figures[3])
{
	static const double h[] = {2, .5, 0, .5, 1, .2, 0, .2, .7}, c[] = {.3, -.2, .5},
			    start[] = {1, 2, 3};
	gm_graph *g = gm_graph_new(&(gm_graph_options){.real = GM_F64});
	gm_net *n = gm_net_create(g, "n");
	gm_node *a = gm_net_var(n, "a", GM_SHAPE(2), .init = GM_GIVEN(start)),
		*b = gm_net_var(n, "b", GM_SHAPE(1, 1), .init = GM_GIVEN(start + 2));
	gm_node *x = GM_CONCAT(0, a, gm_reshape(b, GM_SHAPE(1))), *old = gm_stop_gradient(x);
	gm_node *apart = gm_sub(x, old), *column = gm_reshape(apart, GM_SHAPE(3, 1));
	gm_node *H = gm_array(g, h, GM_SHAPE(3, 3), GM_F64);
	gm_node *moved = gm_matmul(H, column, false, false);
	gm_node *kl = gm_mul_c(gm_sum_all(gm_mul(column, moved)), .5);
	gm_node *objective = gm_sum_all(gm_mul(x, gm_array(g, c, GM_SHAPE(3), GM_F64)));
	objective = gm_add(objective, gm_mul_c(gm_sum_all(gm_square(apart)), bend));
	const gm_natural s =
		gm_natural_step(n, .objective = objective, .divergence = kl, .before = &old,
	                        .befores = 1, .most = limit_of_kl, .damping = .1);
	gm_step *step = gm_compile(g, s.step, s.divergence, s.gain, s.halvings);
	assert_non_null(step);
	gm_step_run(step);
	figures[0] = gm_step_scalar(step, s.divergence);
	figures[1] = gm_step_scalar(step, s.gain);
	figures[2] = gm_step_scalar(step, s.halvings);
	gm_get_f64(a, w, 2);
	gm_get_f64(b, w + 2, 1);
	gm_net_free(n);
	gm_graph_free(g);
}

/* (H + .1)^-1 c by Cramer's rule */
static void solved(double x[3])
{
	static const double c[] = {.3, -.2, .5};
	double m[3][3] = {{2.1, .5, 0}, {.5, 1.1, .2}, {0, .2, .8}}, det[4];
	for (int k = 0; k < 4; k++) {
		double a[3][3];
		memcpy(a, m, sizeof a);
		for (int i = 0; k && i < 3; i++)
			a[i][k - 1] = c[i];
		det[k] = a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) -
		         a[0][1] * (a[1][0] * a[2][2] - a[1][2] * a[2][0]) +
		         a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]);
	}
	for (int k = 0; k < 3; k++)
		x[k] = det[k + 1] / det[0];
}

static void trust_region(void **state)
{
	(void)state;
	static const double start[] = {1, 2, 3}, c[] = {.3, -.2, .5};
	double w[3], figures[3], s[3], length = 0, gain = 0;
	solved(s);
	for (int i = 0; i < 3; i++) /* s'(H + .1)s = c's */
		length += c[i] * s[i];
	natural_step(0, .01, w, figures);
	const double scale = 1 / sqrt(.5 * length / .01 + 1e-8);
	for (int i = 0; i < 3; i++) {
		assert_float_equal(w[i], start[i] - scale * s[i], 1e-9);
		gain += c[i] * scale * s[i];
	}
	assert_float_equal(figures[1], gain, 1e-9);
	assert_float_equal(figures[2], 0, 0);
	assert_true(figures[0] < .01 && figures[0] > .005);

	/* halved until a tenth of the predicted gain is there: gain(t) = t gain - t^2 bend |s|^2 */
	double size = 0;
	for (int i = 0; i < 3; i++)
		size += pow(scale * s[i], 2);
	const double bend = 2.5 * gain / size;
	int halvings = 0;
	double t = 1;
	while (t * gain - t * t * bend * size < .1 * t * gain)
		t /= 2, halvings++;
	assert_int_equal(halvings, 2);
	natural_step(bend, .01, w, figures);
	assert_float_equal(figures[2], halvings, 0);
	for (int i = 0; i < 3; i++)
		assert_float_equal(w[i], start[i] - t * scale * s[i], 1e-9);
	/* hopeless: the last half is taken */
	natural_step(1e9, .01, w, figures);
	assert_float_equal(figures[2], 10, 0);
}

/* In a training the divergence of each step is at most twice max-kl, and returns grow; the metric,
 * and the run as a policy, give the same return. */
static void policy_improves(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("trpo", "data=cartpole", "steps=8", "seed=1", "timesteps=3000",
	                      "log-every=1", "metrics=", "monitors=no");
	char path[PATH_MAX + 32], line[4096];
	snprintf(path, sizeof path, "%s/stats.jsonl", last_run);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	double first = 0, last = 0;
	int lines = 0;
	while (fgets(line, sizeof line, f)) {
		const char *kl = strstr(line, "\"kl\":"), *halves = strstr(line, "\"halvings\":"),
			   *sum = strstr(line, "\"sampled_return\":");
		assert_true(kl && halves && sum);
		const double v = strtod(kl + 5, NULL);
		assert_true(v > 1e-4 && (v <= .02 || strtod(halves + 11, NULL) > 9));
		last = strtod(sum + 17, NULL);
		first = lines++ ? first : last;
	}
	fclose(f);
	assert_int_equal(lines, 8);
	assert_true(first < 40 && last > 3 * first);
	const gm_scores v = scores_of(s, (gm_score_options){.metrics = "return", .count = 20});
	assert_true(row(&v, "return")->value > 3 * first);

	/* the same policy as a function */
	const gm_env *env;
	gm_policy p;
	gm_episodes e = {0};
	must(gm_saved_policy(s, &env, &p, &err), &err);
	must(gm_episodes_play(&e, env, &p, 0, 0, 1, 20, &err), &err);
	double mean = 0;
	for (int i = 0; i < 20; i++)
		mean += gm_episodes_return(&e, i) / 20;
	assert_float_equal(mean, row(&v, "return")->value, 1e-9);
	gm_episodes_free(&e);
	gm_saved_free(s);
}

/* ---- imitation ------------------------------------------------------------------------------- */

static double return_of(gm_saved *s)
{
	const gm_scores v = scores_of(s, (gm_score_options){.metrics = "return", .count = 20});
	gm_saved_free(s);
	return row(&v, "return")->value;
}

/* The policy of `along` in tests/control/mountaincar.safetensors needs about 120 steps. With
 * rewards of the wrong sign the car stays away from the goal, which ends the rewards. */
static void imitates(void **state)
{
	(void)state;
#define IMITATE                                                                                    \
	"data=mountaincar", "expert=tests/control/mountaincar.safetensors", "trajectories=2",      \
		"metrics=", "monitors=no", "seed=1"
	const double cloned = return_of(TRAINED("bc", IMITATE, "steps=400", "every=1"));
	assert_true(cloned > -150);
	const double good = return_of(TRAINED("gail", IMITATE, "steps=30", "timesteps=2000")),
		     bad = return_of(TRAINED("gail", IMITATE, "steps=30", "timesteps=2000",
	                                     "reward=positive"));
	if (good < -185 || bad > -199)
		fail_msg("returns %g and, with the wrong sign, %g", good, bad);
}

/* bc acts by the best of its policies, by the held-out pairs, not by the newest. */
static void best_of(void **state)
{
	(void)state;
	/* actions at random, which are soon known by heart */
	gm_saved *s = TRAINED("bc", "data=cartpole", "expert=tests/control/cartpole.npz", "every=1",
	                      "trajectories=3", "steps=300", "log-every=1",
	                      "metrics=", "monitors=no", "seed=1", "subset-seed=2");
	char path[PATH_MAX + 64], line[4096];
	gm_error err = {0};
	snprintf(path, sizeof path, "%s/stats.jsonl", last_run);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	double least = 1e30, last = 0;
	while (fgets(line, sizeof line, f)) {
		const char *held = strstr(line, "\"held_out\":");
		if (held)
			last = strtod(held + 11, NULL), least = fmin(least, last);
	}
	fclose(f);
	assert_true(last > 1.05 * least); /* else this shows nothing */
	snprintf(path, sizeof path, "%s/checkpoint-000300.safetensors", last_run);
	gm_st *st = gm_st_open(path, &err);
	must(st != NULL, &err);
	float kept;
	memcpy(&kept, gm_st_find(st, "best/loss")->data, sizeof kept);
	assert_float_equal(kept, least, 1e-4);
	/* "act" reads the kept parameters */
	const gm_st_tensor *bias = gm_st_find(st, "best/5"),
			   *newest = gm_st_find(st, "policy/out/bias");
	assert_non_null(bias);
	assert_memory_not_equal(bias->data, newest->data, 2 * sizeof(float));
	gm_st_close(st);
	gm_saved_free(s);
}

/* What must be refused. */
static void refuses(void **state)
{
	(void)state;
	static const struct {
		const char *model, *option[5], *says;
	} rows[] = {
		{"trpo", {"data=ring8"}, "acts in an environment: --data acrobot, cartpole or"},
		{"gail", {"data=cartpole"}, "--expert FILE, which `ganymede act"},
		{"gail",
	         {"data=cartpole", "expert=tests/control/mountaincar.safetensors"},
	         "states of 2 numbers; those of cartpole have 4"},
		{"bc",
	         {"data=mountaincar", "expert=tests/control/mountaincar.safetensors",
	          "trajectories=50"},
	         "has only 2 episodes"},
		{"trpo", {"data=cartpole", "batch=5000", "timesteps=100"}, "option batch: 5000"},
	};
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		gm_settings s;
		gm_error err = {0};
		set_options(&s, rows[k].model, rows[k].option);
		gm_train_call call = {.settings = &s};
		assert_false(gm_train(&call, &err));
		if (!strstr(err.message, rows[k].says))
			fail_msg("%s", err.message);
		gm_settings_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_published),    cmocka_unit_test(starts_and_drawings),
		cmocka_unit_test(side_by_side),    cmocka_unit_test(files),
		cmocka_unit_test(running_moments), cmocka_unit_test(trust_region),
		cmocka_unit_test(policy_improves), cmocka_unit_test(imitates),
		cmocka_unit_test(best_of),         cmocka_unit_test(refuses),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
