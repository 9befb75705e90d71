/* SPDX-License-Identifier: MIT
 *
 * test_bigan.c -- black-box tests of BiGAN: initial values and terms of its losses; simultaneous
 * updates of all nets; that D reads codes; and that E learns to invert G, which fails if one label
 * is not exchanged or codes have no gradient.
 */
#include "runs.h"

#include "ganymede/data.h"
#include "tensorfile/safetensors.h"

enum { M = 8, SIDE = 16, NUMEL = SIDE * SIDE, NZ = 6 };
#define SMALL "size=16", "batch=8", "width=16", "nz=6"

static void run(gm_saved *s, const char *endpoint, const float *x, const float *z, float *y)
{
	gm_error err = {0};
	must(gm_saved_run(s, endpoint, (const void *[]){x, z}, 0, 0, y, &err), &err);
}

static void first_batch(float *x)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open("glyphs", &(gm_data_options){.size = SIDE}, &err);
	must(d && gm_data_batch(d, 0, 0, M, x, NULL, &err), &err);
	gm_data_close(d);
}

/* D's last weights begin at 0: log 2 exactly. Then nothing but the decay of weights moves any other
 * net. */
static void losses_begin_at_log_2(void **state)
{
	(void)state;
	static const char *const encoder[] = {"encoder=deterministic", "encoder=gaussian"};
	for (int k = 0; k < 2; k++) {
		gm_saved_free(TRAINED("bigan", SMALL, "steps=1", encoder[k]));
		assert_float_equal(last_of("loss_d"), log(2), 1e-6);
		assert_float_equal(last_of("loss_g"), log(2), 1e-6);
	}
}

/* Whether weights of the net differ between two checkpoints. */
static bool moved(gm_saved *a, gm_saved *b, const char *net)
{
	gm_error err = {0};
	gm_st *x = gm_st_open(gm_saved_path(a), &err), *y = gm_st_open(gm_saved_path(b), &err);
	bool changed = false;
	assert_true(x && y);
	for (int64_t i = 0; i < gm_st_count(x); i++) {
		const gm_st_tensor *p = gm_st_at(x, i), *q = gm_st_find(y, p->name);
		if (!strncmp(p->name, net, strlen(net)) &&
		    !strcmp(strrchr(p->name, '/'), "/weight"))
			changed = changed ||
			          memcmp(p->data, q->data, p->dims[0] * p->dims[1] * sizeof(float));
	}
	gm_st_close(x), gm_st_close(y);
	return changed;
}

/* D's rate has no say in what G and E do in the steps before D's last layer has left 0, and in the
 * one after: their gradients are those at the old weights. */
static void nets_move_at_once(void **state)
{
	(void)state;
	gm_saved *s = TRAINED("bigan", SMALL, "steps=1", "lr-d=1e-3"),
		 *t = TRAINED("bigan", SMALL, "steps=1", "lr-d=2e-3"),
		 *u = TRAINED("bigan", SMALL, "steps=2", "lr-d=2e-3");
	assert_true(moved(s, t, "D/") && !moved(s, t, "G/") && !moved(s, t, "E/"));
	assert_true(moved(t, u, "G/") && moved(t, u, "E/"));
	gm_saved_free(s), gm_saved_free(t), gm_saved_free(u);
}

/* The mean of softplus(sign logit) over n logits of D. */
static double cost(const float *y, int n, double sign)
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += log1p(exp(sign * y[i])) / n;
	return sum;
}

/* D alone learns for 40 steps, and then nobody does: what is logged last, of batches and noise that
 * are other than these, is near to D's loss here, and E's and G's is D's with both labels
 * exchanged. The sides of the two terms differ enough to tell. */
static void losses_exchange_both_labels(void **state)
{
	(void)state;
	enum { N = 512 };
	static float x[N * NUMEL], z[N * NZ], fake[N * NUMEL], real[N], made[N];
	gm_error err = {0};
	gm_saved *s =
		TRAINED("bigan", "size=16", "width=16", "nz=6", "batch=512", "normalise-d=none",
	                "normalise-g=none", "l2=0", "lr=0", "lr-d=2e-3", "steps=40");
	gm_dataset *d = gm_data_open("glyphs", &(gm_data_options){.size = SIDE}, &err);
	must(d && gm_data_batch(d, 1, 0, N, x, NULL, &err), &err);
	gm_data_close(d);
	run(s, "discriminate", x, NULL, real); /* beside E's code */
	must(gm_saved_latents(s, "generate", 3, 0, (float *[]){z}, &err), &err);
	run(s, "generate", z, NULL, fake);
	run(s, "discriminate", fake, z, made);
	double told = .5 * (cost(real, N, -1) + cost(made, N, 1)),
	       fooled = .5 * (cost(real, N, 1) + cost(made, N, -1));
	assert_true(told < .5 && fooled > 1 && fabs(cost(real, N, 1) - cost(made, N, -1)) > .3);
	assert_float_equal(last_of("loss_d"), told, .25 * told);
	assert_float_equal(last_of("loss_g"), fooled, .25 * fooled);
	gm_saved_free(s);
}

/* The largest change that another code makes to D's logits of the same pictures. */
static void d_sees_codes(void **state)
{
	(void)state;
	static float x[M * NUMEL], z[2][M * NZ], y[2][M];
	gm_saved *s = TRAINED("bigan", SMALL, "steps=2"),
		 *t = TRAINED("bigan", SMALL, "steps=2", "task=lr");
	gm_port port[3];
	double most = 0;
	first_batch(x);
	assert_int_equal(gm_saved_ports(s, "discriminate", port, 3), 2);
	assert_int_equal(gm_saved_ports(t, "discriminate", port, 3), 1);
	for (int i = 0; i < M * NZ; i++)
		z[0][i] = (float)sin(i), z[1][i] = (float)cos(i);
	for (int k = 0; k < 2; k++)
		run(s, "discriminate", x, z[k], y[k]);
	for (int i = 0; i < M; i++)
		most = fmax(most, fabs(y[0][i] - y[1][i]));
	assert_true(most > 1e-5);
	gm_saved_free(s), gm_saved_free(t);
}

/* Mean |x_i - y_i| over mean |x_i - y_(i+1)|, of reconstructions y of N glyphs. */
static double ratio(gm_saved *s)
{
	enum { N = 256 };
	static float x[N * NUMEL], y[N * NUMEL];
	gm_error err = {0};
	gm_dataset *d = gm_data_open("glyphs", &(gm_data_options){.size = SIDE}, &err);
	must(d && gm_data_batch(d, 7, 0, N, x, NULL, &err) &&
	             gm_saved_apply(s, "reconstruct", (const void *[]){x}, N, 0, y, &err),
	     &err);
	gm_data_close(d);
	double sum[2] = {0};
	for (int i = 0; i < N; i++)
		for (int k = 0; k < 2; k++) {
			double apart = 0;
			for (int j = 0; j < NUMEL; j++)
				apart += pow(x[i * NUMEL + j] - y[(i + k) % N * NUMEL + j], 2);
			sum[k] += sqrt(apart);
		}
	return sum[0] / sum[1];
}

/* Reconstructions begin as far from their own pictures as from others, and come nearer to their
 * own. */
static void e_learns_to_undo_g(void **state)
{
	(void)state;
	gm_saved *s = TRAINED("bigan", SMALL, "steps=0");
	double begin = ratio(s);
	gm_saved_free(s);
	assert_true(begin > .97 && begin < 1.03);
	s = TRAINED("bigan", "size=16", "nz=16", "width=64", "batch=64", "steps=1500", "lr=2e-3",
	            "lr-d=1e-3", "sample-every=1500");
	double r = ratio(s);
	print_message("reconstructions are %.3f as far from their own as from others\n", r);
	assert_true(r < .92);
	gm_saved_free(s);
}

/* The baselines: E tells z from G(z) better than the log 2 of knowing nothing. */
static void e_regresses(void **state)
{
	(void)state;
	static const char *const task[] = {"task=lr", "task=jlr"};
	for (int k = 0; k < 2; k++) {
		gm_saved_free(TRAINED("bigan", "size=16", "nz=6", "width=64", "batch=64",
		                      "steps=600", "lr=2e-3", "lr-d=1e-3", "sample-every=600",
		                      task[k]));
		assert_true(last_of("regression") < .65);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_begin_at_log_2),       cmocka_unit_test(nets_move_at_once),
		cmocka_unit_test(losses_exchange_both_labels), cmocka_unit_test(d_sees_codes),
		cmocka_unit_test(e_learns_to_undo_g),          cmocka_unit_test(e_regresses),
	};
	return cmocka_run_group_tests_name("bigan", tests, scratch_make, scratch_remove);
}
