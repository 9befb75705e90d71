/* SPDX-License-Identifier: MIT
 *
 * test_biggan.c -- BigGAN's parts: attention over pooled positions, orthogonal regularisation by
 * hand and by differences, parts of z and labels in G, spectral norm in G, the average of G after
 * two steps.
 */
#include "runs.h"

#include "graphs.h"
#include "ganymede/nn.h"

enum { M = 4, SIDE = 16, SIZE = SIDE * SIDE, CHUNK = 3, NZ = 3 * CHUNK };
#define SMALL "size=16", "batch=4", "width=8", "chunk=3", "embed=4", "k=1"

/* f and h see the 2x2 maxima, g each position: a change of x in one position changes what all
 * positions get, unless gamma is 0, as it is at first; then its gradient is not 0. */
static void attention_begins_as_the_identity(void **state)
{
	(void)state;
	enum { N = 2, C = 8, P = 16 };
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "N", .seed = 3);
	gm_node *x = input_of(g, "x", GM_SHAPE(N, C, 4, 4), .4);
	gm_node *y = gm_attention(n, "a", x, .pool = true);
	double v[N * C * P], got[N * C * P], gamma = .7, slope;
	gm_get_f64(x, v, N * C * P);
	gm_node *at = gm_net_find(n, "N/a/gamma"), *d, *out[2] = {y};
	gm_node *loss = gm_sum_all(gm_mul(y, x));
	gm_grad(loss, &at, 1, &d);
	out[1] = d;
	gm_step *s = compiled(g, gm_compile_nodes(g, out, 2, NULL));
	gm_step_run(s);
	gm_step_read_f64(s, y, got, N * C * P);
	assert_memory_equal(got, v, sizeof v);
	slope = gm_step_scalar(s, d);
	assert_true(fabs(slope) > 1e-6);
	/* by hand: W_v sum_i softmax_i(f_i g_j) h_i, of the maxima of 2x2 */
	assert_true(gm_set_f64(at, &gamma, 1));
	gm_step_run(s);
	gm_step_read_f64(s, y, got, N * C * P);
	double wf[C], wg[C], wh[C / 2 * C], wv[C * C / 2];
	gm_get_f64(gm_net_find(n, "N/a/f/weight"), wf, C);
	gm_get_f64(gm_net_find(n, "N/a/g/weight"), wg, C);
	gm_get_f64(gm_net_find(n, "N/a/h/weight"), wh, C / 2 * C);
	gm_get_f64(gm_net_find(n, "N/a/v/weight"), wv, C * C / 2);
	assert_null(gm_net_find(n, "N/a/f/bias"));
	for (int k = 0; k < N; k++) {
		const double *X = v + k * C * P;
		double f[4], h[C / 2][4];
		for (int q = 0; q < 4; q++)
			for (int o = -1; o < C / 2; o++) {
				double most = -INFINITY;
				for (int e = 0; e < 4; e++) {
					int p = (q / 2 * 2 + e / 2) * 4 + q % 2 * 2 + e % 2;
					double sum = 0;
					for (int c = 0; c < C; c++)
						sum += (o < 0 ? wf[c] : wh[o * C + c]) *
						       X[c * P + p];
					most = fmax(most, sum);
				}
				*(o < 0 ? &f[q] : &h[o][q]) = most;
			}
		for (int p = 0; p < P; p++) {
			double to = 0, all = 0, seen[C / 2] = {0};
			for (int c = 0; c < C; c++)
				to += wg[c] * X[c * P + p];
			for (int q = 0; q < 4; q++)
				all += exp(f[q] * to);
			for (int o = 0; o < C / 2; o++)
				for (int q = 0; q < 4; q++)
					seen[o] += exp(f[q] * to) / all * h[o][q];
			for (int c = 0; c < C; c++) {
				double sum = 0;
				for (int o = 0; o < C / 2; o++)
					sum += wv[c * C / 2 + o] * seen[o];
				assert_true(fabs(got[(k * C + c) * P + p] - X[c * P + p] -
				                 gamma * sum) < 1e-12);
			}
		}
	}
	gm_net_free(n);
	finish(g);
}

/* |W W' o (1 - I)|^2 by hand, its gradient 4 (W W' o (1 - I)) W, and the layer that is left out. */
static void orthogonality_by_hand(void **state)
{
	(void)state;
	enum { R = 3, Q = 4 };
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "G", .seed = 3);
	gm_node *w = gm_net_var(n, "a/weight", GM_SHAPE(R, 2, 2), .init = GM_NORMAL(0, 1));
	gm_net_var(n, "a/bias", GM_SHAPE(R), .init = GM_ONES);
	gm_net_var(n, "label", GM_SHAPE(5, 2), .init = GM_ONES);
	gm_node *sum = gm_orthogonality(n, "label"), *whole = gm_orthogonality(n, NULL), *d,
		*out[3] = {sum, whole};
	gm_grad(sum, &w, 1, &d);
	out[2] = d;
	gm_step *s = compiled(g, gm_compile_nodes(g, out, 3, NULL));
	gm_step_run(s);
	double v[R * Q], got[R * Q], want = 0, slope[R * Q] = {0};
	gm_get_f64(w, v, R * Q), gm_step_read_f64(s, d, got, R * Q);
	for (int i = 0; i < R; i++)
		for (int j = 0; j < R; j++) {
			double p = 0;
			for (int k = 0; k < Q; k++)
				p += v[i * Q + k] * v[j * Q + k];
			if (i == j)
				continue;
			want += p * p;
			for (int k = 0; k < Q; k++)
				slope[i * Q + k] += 4 * p * v[j * Q + k];
		}
	assert_true(want > .1 && fabs(gm_step_scalar(s, sum) - want) < 1e-12);
	/* five equal rows of norm sqrt 2 */
	assert_true(fabs(gm_step_scalar(s, whole) - want - 20 * 4) < 1e-10);
	for (int i = 0; i < R * Q; i++)
		assert_true(fabs(got[i] - slope[i]) < 1e-10);
	gm_net_free(n);
	finish(g);
}

static double apart(const float *a, const float *b, int n)
{
	double d = 0;
	for (int i = 0; i < n; i++)
		d = fmax(d, fabs(a[i] - b[i]));
	return d;
}

/* Each part of z and the label have an effect of their own, and G's running statistics make the
 * images of a batch independent of each other. */
static void z_and_label_reach_every_block(void **state)
{
	(void)state;
	gm_error err = {0};
	static float z[M * NZ], y[M * SIZE], other[M * SIZE];
	int32_t label[M] = {0};
	gm_saved *s = TRAINED("biggan", SMALL, "steps=3");
	gm_port port[4];
	assert_int_equal(gm_saved_ports(s, "generate", port, 4), 2);
	assert_int_equal(port[0].shape.dim[1], NZ);
	for (int i = 0; i < M * NZ; i++)
		z[i] = (float)sin(1 + 1.7 * i);
	must(gm_saved_run(s, "generate", (const void *[]){z, label}, 0, 0, y, &err), &err);
	for (int k = 0; k < 4; k++) {
		for (int j = 0; j < CHUNK && k < 3; j++)
			z[k * CHUNK + j] += 1;
		label[0] = k == 3;
		must(gm_saved_run(s, "generate", (const void *[]){z, label}, 0, 0, other, &err),
		     &err);
		for (int j = 0; j < CHUNK && k < 3; j++)
			z[k * CHUNK + j] -= 1;
		assert_true(apart(y, other, SIZE) > 1e-4);
		assert_true(apart(y + SIZE, other + SIZE, (M - 1) * SIZE) < 1e-6);
	}
	gm_saved_free(s);
}

/* Layers of G with a weight have a u, and the embedding of labels has none. */
static void g_has_spectral_norm(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("biggan", SMALL, "steps=1");
	gm_st *st = gm_st_open(gm_saved_path(s), &err);
	static const char *const with[] = {"G/small/u",       "G/up1/a/u",        "G/up2/b/u",
	                                   "G/up1/a/gain/u",  "G/up2/b/shift/u",  "G/last/u",
	                                   "G/attention/f/u", "G/up2/shortcut/u", "D/projection/u",
	                                   "D/attention/v/u"};
	for (size_t i = 0; i < sizeof with / sizeof *with; i++)
		if (!gm_st_find(st, with[i]))
			fail_msg("there is no %s", with[i]);
	assert_non_null(gm_st_find(st, "G/label"));
	assert_null(gm_st_find(st, "G/label/u"));
	gm_st_close(st);
	gm_saved_free(s);
}

/* A decay near 1 leaves after two steps the mean of both, and not the initial weights. */
static void the_average_begins_anew(void **state)
{
	(void)state;
	gm_error err = {0};
	const float *w[2], *mean;
	gm_saved *s[2] = {TRAINED("biggan", SMALL, "steps=1", "lr=1e-2"),
	                  TRAINED("biggan", SMALL, "steps=2", "lr=1e-2")};
	gm_st *st[2];
	for (int i = 0; i < 2; i++) {
		st[i] = gm_st_open(gm_saved_path(s[i]), &err);
		w[i] = gm_st_find(st[i], "G/last/weight")->data;
	}
	mean = gm_st_find(st[1], "G/last/weight.ema")->data;
	for (int k = 0; k < 9; k++) {
		assert_float_equal(mean[k], (w[0][k] + w[1][k]) / 2, 1e-6);
		assert_true(fabs(w[0][k] - w[1][k]) > 1e-4);
	}
	for (int i = 0; i < 2; i++)
		gm_st_close(st[i]), gm_saved_free(s[i]);
}

static void bad_attention_is_refused(void **state)
{
	(void)state;
	gm_settings s;
	gm_error err = {0};
	gm_settings_init(&s, gm_model_find("biggan"));
	must(gm_settings_set(&s, "outdir", scratch_path("runs"), &err) &&
	             gm_settings_set(&s, "data", "shapes", &err) &&
	             gm_settings_set(&s, "width", "4", &err) &&
	             gm_settings_set(&s, "attention", "15", &err),
	     &err);
	gm_train_call call = {.settings = &s};
	assert_false(gm_train(&call, &err));
	assert_non_null(strstr(err.message, "--attention"));
	gm_settings_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attention_begins_as_the_identity),
		cmocka_unit_test(orthogonality_by_hand),
		cmocka_unit_test(z_and_label_reach_every_block),
		cmocka_unit_test(g_has_spectral_norm),
		cmocka_unit_test(the_average_begins_anew),
		cmocka_unit_test(bad_attention_is_refused),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
