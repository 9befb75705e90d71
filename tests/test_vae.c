/* SPDX-License-Identifier: MIT
 *
 * test_vae.c -- variational autoencoders against independent computations: the marginal likelihood
 * of a linear-Gaussian model in closed form, of a model with a single latent by numerical
 * integration.
 */
#include "runs.h"

#include <math.h>

#include "tensorfile/safetensors.h"
#include "ganymede/data.h"

enum { POINTS = 64, RUNS = 3000, GROUP = 10 };

/* A one-dimensional z with linear nets, read from the newest checkpoint:
 * x = w z + b + sigma e, q(z|x) = N(a x + c, exp(2 (l x + d))). */
typedef struct linear {
	double w[2], b[2], a[2], c, l[2], d, sigma;
} linear;

static void read_tensor(const gm_st *st, const char *name, int n, double *out)
{
	const gm_st_tensor *t = gm_st_find(st, name);
	if (!t)
		fail_msg("no %s", name);
	float v[2];
	memcpy(v, t->data, n * sizeof *v);
	for (int i = 0; i < n; i++)
		out[i] = v[i];
}

static linear read_linear(double sigma)
{
	linear m = {.sigma = sigma};
	gm_error err = {0};
	char path[PATH_MAX];
	must(gm_folder_checkpoint(last_run, "", path, NULL, &err), &err);
	gm_st *st = gm_st_open(path, &err);
	must(st != NULL, &err);
	read_tensor(st, "P/x/weight", 2, m.w), read_tensor(st, "P/x/bias", 2, m.b);
	read_tensor(st, "Q/mean/weight", 2, m.a), read_tensor(st, "Q/mean/bias", 1, &m.c);
	read_tensor(st, "Q/log_sigma/weight", 2, m.l), read_tensor(st, "Q/log_sigma/bias", 1, &m.d);
	gm_st_close(st);
	return m;
}

/* log p(x), x ~ N(b, sigma^2 I + w w'), by the posterior of z: its variance v, its mean mu. */
static double exact(const linear *m, const float *x, double *v, double *mu)
{
	double s2 = m->sigma * m->sigma, ww = 0, wr = 0, rr = 0;
	for (int i = 0; i < 2; i++) {
		double r = x[i] - m->b[i];
		ww += m->w[i] * m->w[i], wr += m->w[i] * r, rr += r * r;
	}
	*v = 1 / (1 + ww / s2), *mu = *v * wr / s2;
	return -log(2 * M_PI) - log(s2) + .5 * log(*v) - .5 * (rr / s2 - *mu * *mu / *v);
}

/* E log w = log p(x) - KL(q | posterior), both normal */
static double elbo(const linear *m, const float *x)
{
	double v, mu, log_p = exact(m, x, &v, &mu);
	double mean = m->a[0] * x[0] + m->a[1] * x[1] + m->c;
	double log_s = m->l[0] * x[0] + m->l[1] * x[1] + m->d, s2 = exp(2 * log_s);
	return log_p - .5 * (s2 / v + (mean - mu) * (mean - mu) / v - 1 - 2 * log_s + log(v));
}

/* The weights of "log-weight" average to the marginal likelihood, their logarithms to the evidence
 * bound, and bounds of ten samples lie between. */
static void weights_are_what_they_say(void **state)
{
	(void)state;
	/* few steps, so that q is wrong enough for the bounds to differ */
	gm_saved *s = TRAINED("vae", "data=ring8", "layers=0", "nz=1", "sigma=.7", "batch=64",
	                      "steps=40", "lr=.05");
	linear m = read_linear(.7);
	gm_error err = {0};
	float x[POINTS][2], w[POINTS];
	gm_dataset *d = gm_data_open("ring8", NULL, &err);
	must(d != NULL, &err);
	must(gm_data_batch(d, 5, 0, POINTS, &x[0][0], NULL, &err), &err);
	gm_data_close(d);
	double sum[POINTS] = {0}, group[POINTS] = {0}, bound = 0, log_w = 0, squares = 0;
	for (int run = 0; run < RUNS; run++) {
		must(gm_saved_run(s, "log-weight", (const void *[]){x}, 1, run, w, &err), &err);
		for (int i = 0; i < POINTS; i++) {
			sum[i] += exp((double)w[i]), group[i] += exp((double)w[i]);
			log_w += w[i], squares += (double)w[i] * w[i];
			if (run % GROUP == GROUP - 1)
				bound += log(group[i] / GROUP), group[i] = 0;
		}
	}
	int n = POINTS * RUNS;
	double want = 0, want_elbo = 0, got = 0, v, mu;
	for (int i = 0; i < POINTS; i++) {
		want += exact(&m, x[i], &v, &mu) / POINTS, want_elbo += elbo(&m, x[i]) / POINTS;
		got += log(sum[i] / RUNS) / POINTS;
	}
	log_w /= n, bound /= n / GROUP;
	double error = sqrt((squares / n - log_w * log_w) / n); /* generous: also between points */
	print_message("log p %.4f, by %d weights %.4f; bound of 10 %.4f; evidence bound %.4f, "
	              "exactly %.4f (s.e. %.4f)\n",
	              want, RUNS, got, bound, log_w, want_elbo, error);
	assert_true(fabs(got - want) < .02);
	assert_true(fabs(log_w - want_elbo) < 5 * error + 1e-4);
	assert_true(want - want_elbo > .03); /* else the next says nothing */
	assert_true(bound > log_w + .3 * (want - want_elbo) && bound < want + .01);
	gm_saved_free(s);
}

/* The mean of a value in the log of the last run. */
static double logged(const char *name)
{
	char path[PATH_MAX + 20], line[1000];
	double sum = 0;
	int n = 0;
	snprintf(path, sizeof path, "%s/stats.jsonl", last_run);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		const char *at = strstr(line, name);
		assert_non_null(at);
		sum += atof(at + strlen(name) + 3), n++;
	}
	fclose(f);
	return sum / n;
}

/* The bound of k samples, drawn here. */
static double drawn_bound(const linear *m, const float *x, int k, gm_rng *rng)
{
	double mean = m->a[0] * x[0] + m->a[1] * x[1] + m->c, sum = 0;
	double log_s = m->l[0] * x[0] + m->l[1] * x[1] + m->d;
	for (int i = 0; i < k; i++) {
		double e = gm_rng_normal(rng), z = mean + exp(log_s) * e, rr = 0;
		for (int j = 0; j < 2; j++)
			rr += pow((x[j] - m->w[j] * z - m->b[j]) / m->sigma, 2);
		sum += exp(-log(2 * M_PI) - 2 * log(m->sigma) - .5 * (rr + z * z - e * e) + log_s);
	}
	return log(sum / k);
}

/* What training minimises, at weights that stay: the bound of k samples, as it is when drawn
 * without the program, falling towards -log p(x); with the divergence in closed form the same as
 * that of one sample. */
static void losses_are_bounds(void **state)
{
	(void)state;
	static const char *const k[] = {"k=1", "k=1", "k=10", "k=200"};
	static const int samples[] = {1, 1, 10, 200};
	double loss[4], want[4] = {0}, log_p = 0, v, mu;
	gm_error err = {0};
	enum { STEPS = 60, BATCH = 256, N = STEPS * BATCH };
	for (int i = 0; i < 4; i++) {
		gm_saved_free(TRAINED("vae", "data=ring8", "layers=0", "nz=1", "sigma=1.5",
		                      "batch=256", "steps=60", "lr=0", "log-every=1", k[i],
		                      i == 0 ? "bound=elbo" : "bound=iwae"));
		loss[i] = logged("loss");
	}
	linear m = read_linear(1.5);
	gm_rng rng = gm_rng_new(1, 1);
	gm_dataset *d = gm_data_open("ring8", NULL, &err);
	must(d != NULL, &err);
	float *x = malloc((size_t)N * 2 * sizeof *x);
	must(gm_data_batch(d, 0, 0, N, x, NULL, &err), &err);
	for (int i = 0; i < N; i++) {
		log_p += exact(&m, x + 2 * i, &v, &mu) / N;
		want[0] -= elbo(&m, x + 2 * i) / N, want[1] = want[0];
		for (int j = 2; j < 4; j++)
			want[j] -= drawn_bound(&m, x + 2 * i, samples[j], &rng) / N;
	}
	free(x);
	gm_data_close(d);
	for (int i = 0; i < 4; i++)
		print_message("loss of %d: %.3f, should be %.3f\n", samples[i], loss[i], want[i]);
	/* log w has deviations of a few nats, so a mean of 15360 has about .03 */
	for (int i = 0; i < 4; i++)
		assert_true(fabs(loss[i] - want[i]) < .1);
	assert_true(loss[1] > loss[2] + .5 && loss[2] > loss[3] + .1 && loss[3] > -log_p);
}

enum { SIDE = 8, NUMEL = SIDE * SIDE, CELLS = 800 };

/* log p(x) of binary pictures by the midpoint rule over z, from what "decode" draws. */
static void binary_pictures(void **state)
{
	(void)state;
	enum { M = 40 };
	gm_saved *s = TRAINED("vae", "size=8", "nz=1", "layers=1", "width=20", "batch=40",
	                      "steps=300", "lr=3e-3", "decoder=bernoulli");
	gm_error err = {0};
	static float x[M][NUMEL], p[CELLS][NUMEL], w[M];
	gm_dataset *d = gm_data_open("glyphs", &(gm_data_options){.size = SIDE}, &err);
	must(d != NULL, &err);
	must(gm_data_batch(d, 5, 0, M, &x[0][0], NULL, &err), &err);
	gm_data_close(d);
	for (int i = 0; i < M * NUMEL; i++)
		x[i / NUMEL][i % NUMEL] = x[i / NUMEL][i % NUMEL] > 0 ? 1 : -1;
	for (int c = 0; c < CELLS; c += M) {
		float z[M];
		for (int i = 0; i < M; i++)
			z[i] = (float)(-5 + 10 * (c + i + .5) / CELLS);
		must(gm_saved_run(s, "decode", (const void *[]){z}, 0, 0, p[c], &err), &err);
	}
	double most[M], sum[M] = {0}, worst = 0;
	for (int i = 0; i < M; i++)
		most[i] = -INFINITY;
	for (int run = 0; run < RUNS; run++) {
		must(gm_saved_run(s, "log-weight", (const void *[]){x}, 2, run, w, &err), &err);
		for (int i = 0; i < M; i++) {
			double top = fmax(most[i], w[i]);
			sum[i] = sum[i] * exp(most[i] - top) + exp(w[i] - top), most[i] = top;
		}
	}
	for (int i = 0; i < M; i++) {
		double value[CELLS], top = -INFINITY, all = 0;
		for (int c = 0; c < CELLS; c++) {
			double z = -5 + 10 * (c + .5) / CELLS;
			value[c] = -.5 * z * z - .5 * log(2 * M_PI) + log(10. / CELLS);
			for (int j = 0; j < NUMEL; j++) {
				/* what a float leaves of a probability near 0 */
				double on = fmax((p[c][j] + 1) / 2, 1e-8);
				value[c] += log(x[i][j] > 0 ? on : fmax(1 - on, 1e-8));
			}
			top = fmax(top, value[c]);
		}
		for (int c = 0; c < CELLS; c++)
			all += exp(value[c] - top);
		double want = top + log(all), got = most[i] + log(sum[i] / RUNS);
		worst = fmax(worst, fabs(got - want));
	}
	print_message("log p of binary pictures: at most %.3f from quadrature\n", worst);
	assert_true(worst < .1);
	gm_saved_free(s);
}

/* A code that says nothing, or that is not listened to, gives the mean picture whatever the input.
 */
static void codes_are_used(void **state)
{
	(void)state;
	enum { M = 40, ALL = 256 };
	gm_saved *s = TRAINED("vae", "size=16", "nz=8", "layers=1", "width=64", "batch=40",
	                      "steps=800", "lr=3e-3");
	gm_error err = {0};
	static float x[M][ALL], y[M][ALL], code[M][8], again[M][ALL];
	gm_dataset *d = gm_data_open("glyphs", &(gm_data_options){.size = 16}, &err);
	must(d != NULL, &err);
	must(gm_data_batch(d, 5, 0, M, &x[0][0], NULL, &err), &err);
	gm_data_close(d);
	double mean[ALL] = {0}, spread = 0, error = 0;
	must(gm_saved_run(s, "reconstruct", (const void *[]){x}, 0, 0, &y[0][0], &err), &err);
	must(gm_saved_run(s, "encode", (const void *[]){x}, 0, 0, &code[0][0], &err), &err);
	must(gm_saved_run(s, "decode", (const void *[]){code}, 0, 0, &again[0][0], &err), &err);
	for (int i = 0; i < M * ALL; i++) {
		mean[i % ALL] += x[i / ALL][i % ALL] / M;
		assert_true(fabsf(y[i / ALL][i % ALL] - again[i / ALL][i % ALL]) < 1e-5);
	}
	for (int i = 0; i < M * ALL; i++) {
		double v = x[i / ALL][i % ALL];
		spread += pow(v - mean[i % ALL], 2);
		error += pow(v - y[i / ALL][i % ALL], 2);
	}
	print_message("reconstructed: %.2f of the variance is left\n", error / spread);
	assert_true(error < .75 * spread);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_are_what_they_say), cmocka_unit_test(losses_are_bounds),
		cmocka_unit_test(binary_pictures), cmocka_unit_test(codes_are_used)};
	return cmocka_run_group_tests_name("vae", tests, scratch_make, scratch_remove);
}
