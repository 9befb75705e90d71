/* SPDX-License-Identifier: MIT
 *
 * test_augment.c -- differentiable augmentation: each part by what it must leave as it is,
 * gradients of linear parts by the value itself, that it is in a game's losses and not in
 * endpoints, and where it is refused.
 */
#include "runs.h"

#include "graphs.h"
#include "ganymede/nn.h"

enum { N = 8, C = 3, H = 16, W = 24, P = H * W, SIZE = N * C * P };

/* One training run (or inference) of gm_augmented by the rows of these names, and the inner product
 * of x with the gradient of sum(w y). */
typedef struct result {
	double x[SIZE], y[SIZE], by_gradient, by_value;
} result;

static const result *augmented(const char *name, bool infer)
{
	static result r;
	unsigned which = 0;
	for (int i = 0; gm_augmentation_name(i); i++)
		if (!strcmp(gm_augmentation_name(i), name))
			which = 1u << i;
	assert_true(which);
	gm_graph *g = graph(GM_F64);
	gm_node *x = input_of(g, "x", GM_SHAPE(N, C, H, W), .4), *y = gm_augmented(x, which, NULL),
		*d;
	gm_node *w = input_of(g, "w", GM_SHAPE(N, C, H, W), 1.3);
	gm_node *sum = gm_sum_all(gm_mul(w, y));
	gm_grad(sum, &x, 1, &d);
	gm_node *inner = gm_sum_all(gm_mul(d, x)), *out[3] = {y, sum, inner};
	gm_step *s =
		compiled(g, gm_compile_nodes(g, out, 3, &(gm_compile_options){.infer = infer}));
	gm_step_run(s);
	gm_get_f64(x, r.x, SIZE), gm_step_read_f64(s, y, r.y, SIZE);
	r.by_value = gm_step_scalar(s, sum), r.by_gradient = gm_step_scalar(s, inner);
	finish(g);
	return &r;
}

static void nothing_in_inference(void **state)
{
	(void)state;
	for (int i = 0; gm_augmentation_name(i); i++) {
		const result *r = augmented(gm_augmentation_name(i), true);
		assert_memory_equal(r->x, r->y, sizeof r->x);
		r = augmented(gm_augmentation_name(i), false);
		assert_true((i == 0) == !memcmp(r->x, r->y, sizeof r->x));
	}
}

static bool is_moved(const double *x, const double *y, int down, int right)
{
	for (int c = 0; c < C; c++)
		for (int i = 0; i < H; i++)
			for (int j = 0; j < W; j++) {
				const int a = i - down, b = j - right;
				const bool in = a >= 0 && a < H && b >= 0 && b < W;
				const double want = in ? x[(c * H + a) * W + b] : 0;
				if (fabs(y[(c * H + i) * W + j] - want) > 1e-12)
					return false;
			}
	return true;
}

/* By at most an eighth of the sides, all channels alike, examples differently. */
static void translations_are_shifts(void **state)
{
	(void)state;
	const result *r = augmented("translation", false);
	int found[N], kinds = 0;
	for (int k = 0; k < N; k++) {
		found[k] = -1;
		for (int down = -H / 8; down <= H / 8; down++)
			for (int right = -W / 8; right <= W / 8; right++)
				if (is_moved(r->x + k * C * P, r->y + k * C * P, down, right))
					found[k] = 100 * (down + 10) + right + 10;
		assert_true(found[k] >= 0);
		for (int i = 0, old = 0; i <= k; i++) {
			old += i < k && found[i] == found[k];
			kinds += i == k && !old;
		}
	}
	assert_true(kinds > 2);
	assert_true(fabs(r->by_value - r->by_gradient) < 1e-9 && fabs(r->by_value) > .1);
}

/* Zeros in one rectangle of at most half the sides, nothing else changed. */
static void cutouts_are_rectangles(void **state)
{
	(void)state;
	const result *r = augmented("cutout", false);
	int whole = 0;
	for (int k = 0; k < N; k++) {
		int top = H, bottom = -1, left = W, right = -1, zeros = 0;
		for (int p = 0; p < P; p++) {
			int none = 0;
			for (int c = 0; c < C; c++) {
				const double x = r->x[(k * C + c) * P + p],
					     y = r->y[(k * C + c) * P + p];
				assert_true(y == x || y == 0);
				none += y == 0;
			}
			assert_true(none == 0 || none == C);
			if (!none)
				continue;
			zeros++;
			top = p / W < top ? p / W : top, bottom = p / W > bottom ? p / W : bottom;
			left = p % W < left ? p % W : left, right = p % W > right ? p % W : right;
		}
		assert_true(zeros > 0 && bottom - top < H / 2 && right - left < W / 2);
		assert_int_equal(zeros, (bottom - top + 1) * (right - left + 1));
		whole += zeros == P / 4;
	}
	assert_true(whole > 0);
	assert_true(fabs(r->by_value - r->by_gradient) < 1e-9);
}

/* With mu the mean of an image, g the mean of channels at a position: y = c s (x - g) + c (g - mu)
 * + mu + b with b in (-.5,.5), s in (0,2), c in (.5,1.5). */
static void colours_are_affine(void **state)
{
	(void)state;
	const result *r = augmented("color", false);
	double least = 9, most = 0;
	for (int k = 0; k < N; k++) {
		const double *x = r->x + k * C * P, *y = r->y + k * C * P;
		double mu = 0, nu = 0, gx[P] = {0}, gy[P] = {0};
		double xx = 0, xy = 0, vv = 0, vy = 0;
		for (int i = 0; i < C * P; i++) {
			mu += x[i] / (C * P), nu += y[i] / (C * P);
			gx[i % P] += x[i] / C, gy[i % P] += y[i] / C;
		}
		for (int i = 0; i < C * P; i++) {
			xx += pow(x[i] - gx[i % P], 2);
			xy += (x[i] - gx[i % P]) * (y[i] - gy[i % P]);
		}
		for (int p = 0; p < P; p++)
			vv += pow(gx[p] - mu, 2), vy += (gx[p] - mu) * (gy[p] - nu);
		const double cs = xy / xx, c = vy / vv, b = nu - mu;
		assert_true(c > .5 && c < 1.5 && cs / c > 0 && cs / c < 2 && fabs(b) < .5);
		for (int i = 0; i < C * P; i++)
			assert_true(fabs(y[i] - cs * (x[i] - gx[i % P]) - c * (gx[i % P] - mu) -
			                 mu - b) < 1e-9);
		least = fmin(least, c), most = fmax(most, c);
	}
	assert_true(most - least > .1);
}

/* A game's D sees augmented images, real and generated, in both losses; scores of an
 * endpoint are of the image itself. */
static double with_option(const char *option, const char *key)
{
	gm_saved *s = TRAINED("dcgan", "data=shapes", "batch=4", "width=4", "normalise-d=none",
	                      "normalise-g=none", "penalty=r1", "lr=0", "steps=1", option);
	static float x[4 * 3 * 32 * 32], y[4];
	gm_error err = {0};
	double v = key ? last_of(key) : 0;
	for (int i = 0; i < 4 * 3 * 32 * 32; i++)
		x[i] = (float)sin(i);
	if (!key) {
		must(gm_saved_run(s, "discriminate", (const void *[]){x}, 0, 0, y, &err), &err);
		for (int i = 0; i < 4; i++)
			v += y[i] * (1 + i);
	}
	gm_saved_free(s);
	return v;
}

static void games_see_it(void **state)
{
	(void)state;
	static const char *const key[] = {"loss_d", "loss_g"};
	for (int i = 0; i < 2; i++)
		assert_true(fabs(with_option("augment=diff", key[i]) -
		                 with_option("augment=none", key[i])) > 1e-6);
	assert_true(with_option("augment=diff", NULL) == with_option("augment=none", NULL));
}

static void refused(const char *model, const char *data, const char *word)
{
	gm_settings s;
	gm_error err = {0};
	gm_settings_init(&s, gm_model_find(model));
	must(gm_settings_set(&s, "outdir", scratch_path("runs"), &err) &&
	             gm_settings_set(&s, "data", data, &err) &&
	             gm_settings_set(&s, "steps", "1", &err) &&
	             gm_settings_set(&s, "width", "4", &err) &&
	             gm_settings_set(&s, "augment", "color+cutout", &err),
	     &err);
	gm_train_call call = {.settings = &s};
	assert_false(gm_train(&call, &err));
	if (!strstr(err.message, "--augment") || !strstr(err.message, word))
		fail_msg("%s", err.message);
	gm_settings_free(&s);
}

static void bad_uses_are_refused(void **state)
{
	(void)state;
	refused("gan", "ring8", "rows of numbers");
	refused("pix2pix", "edges2shapes", "pairs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_in_inference),   cmocka_unit_test(translations_are_shifts),
		cmocka_unit_test(cutouts_are_rectangles), cmocka_unit_test(colours_are_affine),
		cmocka_unit_test(games_see_it),           cmocka_unit_test(bad_uses_are_refused),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
