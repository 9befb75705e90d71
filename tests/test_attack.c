/* SPDX-License-Identifier: MIT
 *
 * test_attack.c -- adversarial examples: the closed form of logistic regression, boxes and balls,
 * attacks of trained classifiers, adversarial training.
 */
#include "runs.h"

#include "ganymede/data.h"
#include "ganymede/nn.h"
#include "graphs.h"
#include "use/attack.h"

enum { ROWS = 6, NUMBERS = 9 };

typedef struct logistic {
	gm_graph *g;
	gm_node *x, *sign, *loss; /* [ROWS, NUMBERS], [ROWS, 1], [ROWS, 1] */
	double xv[ROWS * NUMBERS], wv[NUMBERS], yv[ROWS];
} logistic;

/* J = softplus(-y (x w + b)), y = 1 or -1; one weight is 0 */
static gm_node *cost(const logistic *l, gm_node *x)
{
	gm_node *w = gm_array(l->g, l->wv, GM_SHAPE(NUMBERS, 1), GM_F64);
	gm_node *score = gm_add_c(gm_matmul(x, w, false, false), .2);
	return gm_softplus(gm_neg(gm_mul(l->sign, score)));
}

static logistic regression(void)
{
	logistic l = {.g = graph(GM_F64)};
	waves(l.xv, ROWS * NUMBERS, .3);
	waves(l.wv, NUMBERS, 1);
	l.wv[4] = 0;
	for (int i = 0; i < ROWS * NUMBERS; i++)
		l.xv[i] *= .4;
	for (int i = 0; i < ROWS; i++)
		l.yv[i] = i % 2 ? 1 : -1;
	l.x = gm_input(l.g, "x", GM_SHAPE(ROWS, NUMBERS), GM_F64);
	gm_set_f64(l.x, l.xv, ROWS * NUMBERS);
	l.sign = gm_array(l.g, l.yv, GM_SHAPE(ROWS, 1), GM_F64);
	l.loss = cost(&l, l.x);
	return l;
}

static void value_of(const logistic *l, gm_node *y, double *v)
{
	gm_step *s = compiled(l->g, gm_compile(l->g, y));
	gm_step_run(s);
	assert_true(gm_step_read_f64(s, y, v, gm_node_size(y)));
}

static double norm_1(const logistic *l)
{
	double sum = 0;
	for (int i = 0; i < NUMBERS; i++)
		sum += fabs(l->wv[i]);
	return sum;
}

/* Goodfellow et al. 2015, section 5: the loss on attacked examples is softplus(eps |w|_1 - y (w'x
 * + b)), where no value is clipped. */
static void logistic_regression_is_exact(void **state)
{
	(void)state;
	enum { EPSILONS = 3 };
	const double eps[EPSILONS] = {0, .1, .25};
	for (int k = 0; k < EPSILONS; k++) {
		logistic l = regression();
		double moved[ROWS * NUMBERS], j[ROWS];
		gm_node *x = gm_attack(l.loss, l.x, .reach = eps[k]);
		value_of(&l, x, moved);
		value_of(&l, cost(&l, x), j);
		for (int r = 0; r < ROWS; r++) {
			double score = .2;
			for (int i = 0; i < NUMBERS; i++) {
				const double d = moved[r * NUMBERS + i] - l.xv[r * NUMBERS + i];
				score += l.xv[r * NUMBERS + i] * l.wv[i];
				/* that without a gradient does not move */
				near(fabs(d), i == 4 ? 0 : eps[k], 1e-12);
			}
			near(j[r], log1p(exp(eps[k] * norm_1(&l) - l.yv[r] * score)), 1e-12);
		}
		if (k == 0)
			assert_memory_equal(moved, l.xv, sizeof moved);
		finish(l.g);
	}
}

/* Against the gradient the loss falls by as much; in the Euclidean norm a step has its length; many
 * short steps end in the same corner of the box as a long one, and not outside; values stay in
 * their range. */
static void boxes_and_balls(void **state)
{
	(void)state;
	logistic l = regression();
	double back[ROWS], ball[ROWS * NUMBERS], one[ROWS * NUMBERS], many[ROWS * NUMBERS],
		narrow[ROWS * NUMBERS];
	value_of(&l, cost(&l, gm_attack(gm_neg(l.loss), l.x, .reach = .1)), back);
	value_of(&l, gm_attack(l.loss, l.x, .reach = .3, .euclidean = true), ball);
	value_of(&l, gm_attack(l.loss, l.x, .reach = .1), one);
	gm_node *x = l.x;
	for (int k = 0; k < 7; k++)
		x = gm_attack(cost(&l, x), x, .reach = .1, .step = .04, .clean = l.x);
	value_of(&l, x, many);
	value_of(&l, gm_attack(l.loss, l.x, .reach = .3, .low = -.2, .high = .25), narrow);
	for (int r = 0; r < ROWS; r++) {
		double score = .2, length = 0;
		for (int i = 0; i < NUMBERS; i++) {
			const int at = r * NUMBERS + i;
			score += l.xv[at] * l.wv[i];
			length += pow(ball[at] - l.xv[at], 2);
			near(many[at], one[at], 1e-12);
			assert_true(narrow[at] >= -.2 && narrow[at] <= .25);
		}
		near(back[r], log1p(exp(-.1 * norm_1(&l) - l.yv[r] * score)), 1e-12);
		near(sqrt(length), .3, 1e-9);
	}
	finish(l.g);
}

/* ---- trained classifiers --------------------------------------------------------------------- */

enum { N = 40, NUMEL = 256, CLASSES = 10 };
#define SMALL "size=16", "per-class=4", "batch=40", "monitors=no", "grid=1x1", "metrics=", "lr=1e-2"

static float x[N * NUMEL], y[N * NUMEL], z[N * NUMEL], logits[N * CLASSES];
static int32_t label[N];

static void images(void)
{
	gm_error err = {0};
	gm_dataset *d =
		gm_data_open("glyphs", &(gm_data_options){.size = 16, .per_class = 4}, &err);
	must(d != NULL, &err);
	for (int i = 0; i < N; i++)
		must(gm_data_get(d, (uint64_t)i, x + (ptrdiff_t)i * NUMEL, label + i, &err), &err);
	gm_data_close(d);
}

static double errors(gm_saved *s, const float *of)
{
	gm_error err = {0};
	gm_attack_score score;
	must(gm_attack_classify(s, of, label, N, NULL, &score, &err), &err);
	return (double)score.wrong / N;
}

static double attacked(gm_saved *s, gm_attack_options o, const int32_t *aim, float *out)
{
	gm_error err = {0};
	gm_attacker *a = gm_attacker_open(s, &o, &err);
	must(a != NULL, &err);
	must(gm_attacker_run(a, x, aim, N, out, &err), &err);
	gm_attacker_free(a);
	for (int i = 0; i < N * NUMEL; i++)
		assert_true(out[i] >= -1 && out[i] <= 1 &&
		            (o.euclidean || fabsf(out[i] - x[i]) <= 2 * o.epsilon + 1e-6));
	return errors(s, out);
}

/* An attack makes errors, random signs of the same size make fewer, a step against the gradient
 * makes none; the endpoint of the model is the attack of the tool; the net is attacked in inference
 * mode, so that the images do not depend on dropout. */
static void attacks(void **state)
{
	(void)state;
	static const char *const nets[][3] = {{"net=conv", "width=8", "features=32"},
	                                      {"net=softmax"},
	                                      {"net=maxout", "width=64"},
	                                      {"net=dcgan", "width=8", "features=32"}};
	gm_error err = {0};
	images();
	for (int k = 0; k < 4; k++) {
		gm_saved *s = TRAINED("classifier", SMALL, "steps=80", "decay=80", "epsilon=.2",
		                      "ema=.9", nets[k][0], nets[k][1], nets[k][2]);
		const double clean = errors(s, x);
		gm_attack_noise(s, .2, 1, x, N, y);
		const double noise = errors(s, y);
		const double fgsm = attacked(s, (gm_attack_options){.epsilon = .2}, label, y);
		int32_t said[N];
		gm_attack_score score;
		must(gm_saved_apply(s, "classify/attacked", (const void *[]){x, label}, N, 0,
		                    logits, &err),
		     &err);
		must(gm_attack_classify(s, y, NULL, N, said, &score, &err), &err);
		for (int i = 0; i < N; i++)
			for (int c = 0; c < CLASSES; c++)
				assert_true(logits[i * CLASSES + c] <=
				            logits[i * CLASSES + said[i]] + 1e-4);
		attacked(s, (gm_attack_options){.epsilon = .2}, label, z);
		assert_memory_equal(y, z, sizeof y);
		const double away =
			attacked(s, (gm_attack_options){.epsilon = .2, .targeted = true}, label, y);
		print_message("%s: errors clean %.2f, random %.2f, attacked %.2f, helped %.2f\n",
		              nets[k][0], clean, noise, fgsm, away);
		assert_true(clean < .2 && away <= clean && fgsm > noise + .2);
		must(gm_saved_apply(s, "classify", (const void *[]){x}, N, 0, logits, &err), &err);
		attacked(s, (gm_attack_options){.epsilon = 0}, label, y);
		assert_memory_equal(x, y, sizeof x);
		gm_saved_free(s);
	}
}

/* Several steps find more errors than one; a target is said more often than before. */
static void iterates(void **state)
{
	(void)state;
	gm_error err = {0};
	images();
	gm_saved *s =
		TRAINED("classifier", SMALL, "width=8", "features=32", "steps=80", "decay=80");
	const double one = attacked(s, (gm_attack_options){.epsilon = .15}, label, y),
		     many = attacked(s, (gm_attack_options){.epsilon = .15, .steps = 10}, label, z);
	assert_true(many >= one && many > .5);
	attacked(s,
	         (gm_attack_options){.epsilon = .15, .steps = 10, .random_start = true, .seed = 1},
	         label, y);
	assert_true(memcmp(y, z, sizeof y) != 0);
	attacked(s, (gm_attack_options){.epsilon = 2, .steps = 10, .euclidean = true}, label, y);
	double longest = 0;
	for (int i = 0; i < N; i++) {
		double length = 0;
		for (int j = 0; j < NUMEL; j++)
			length += pow((y[i * NUMEL + j] - x[i * NUMEL + j]) / 2, 2);
		longest = fmax(longest, sqrt(length));
	}
	assert_true(longest <= 2 + 1e-4 && longest > 1.5);

	int32_t aim[N], said[N];
	gm_attack_score score;
	int hits = 0;
	for (int i = 0; i < N; i++)
		aim[i] = 3;
	attacked(s, (gm_attack_options){.epsilon = .2, .steps = 20, .targeted = true}, aim, y);
	must(gm_attack_classify(s, y, aim, N, said, &score, &err), &err);
	for (int i = 0; i < N; i++)
		hits += said[i] == 3;
	print_message("errors: one step %.2f, ten %.2f; said to be class 3: %d of %d\n", one, many,
	              hits, N);
	assert_true(hits > N / 2 && score.wrong == N - hits);
	assert_null(gm_attacker_open(s, &(gm_attack_options){.epsilon = 1.5}, &err));
	err = (gm_error){0};
	assert_null(gm_attacker_open(s, &(gm_attack_options){.epsilon = .1, .random_start = true},
	                             &err));
	gm_saved_free(s);
}

/* Adversarial training lowers the error under the attack that it trains on. */
static void training_resists(void **state)
{
	(void)state;
	double error[2];
	images();
	for (int k = 0; k < 2; k++) {
		gm_saved *s = TRAINED("classifier", SMALL, "width=8", "features=32", "steps=100",
		                      "decay=100", "epsilon=.1", "dropout=0",
		                      k ? "adversarial=.5" : "adversarial=0");
		assert_true(errors(s, x) < .1);
		error[k] = attacked(s, (gm_attack_options){.epsilon = .1}, label, y);
		gm_saved_free(s);
	}
	print_message("errors under attack: %.2f, after adversarial training %.2f\n", error[0],
	              error[1]);
	assert_true(error[1] < .5 * error[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logistic_regression_is_exact),
		cmocka_unit_test(boxes_and_balls),
		cmocka_unit_test(attacks),
		cmocka_unit_test(iterates),
		cmocka_unit_test(training_resists),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
