/* SPDX-License-Identifier: MIT
 *
 * test_memory.c -- if any allocation fails, the library returns GM_ERR_MEMORY.
 *
 * Linked with --wrap for malloc and its kin: from allocation number `last` on, our own code gets no
 * more. What other libraries allocate is left alone.
 */
#include "training.h"

#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "ganymede/model.h"
#include "ganymede/saved.h"

/* What was under way when memory ended is lost to it; everything else is looked for. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static long count, last = -1; /* -1: memory never ends */

static bool ended(void)
{
	return last >= 0 && __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) > last;
}

#define WRAPPED(type, name, parameters, ...)                                                       \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return ended() ? NULL : __real_##name(__VA_ARGS__);                                \
	}
WRAPPED(void *, malloc, (size_t n), n)
WRAPPED(void *, calloc, (size_t n, size_t size), n, size)
WRAPPED(void *, realloc, (void *p, size_t n), p, n)
WRAPPED(void *, aligned_alloc, (size_t align, size_t n), align, n)
WRAPPED(char *, strdup, (const char *s), s)

/* Runs act(err), which says whether it went well, with memory for 0, 1, .. allocations, ninety
 * times or so, and once with enough: it must fail with GM_ERR_MEMORY until it goes well. */
static void until_there_is_enough(const char *what, bool (*act)(gm_error *err))
{
	gm_error err = {0};
	last = 1L << 40, count = 0;
	if (!act(&err))
		fail_msg("%s: %s", what, err.message);
	const long all = count;
	assert_true(all > 3);
	int failed = 0;
	for (long n = 0; n < all; n += n < 40 ? 1 : 1 + all / 50) {
		err = (gm_error){0};
		last = n, count = 0;
		bool ok = act(&err);
		last = -1;
		/* some need less, where what they remember is there from before */
		failed += !ok;
		if (!ok && err.code != GM_ERR_MEMORY)
			fail_msg("%s with %ld of %ld allocations: error %d, %s", what, n, all,
			         err.code, err.message);
	}
	assert_true(failed > 3);
	err = (gm_error){0};
	if (!act(&err)) /* nothing is broken for good */
		fail_msg("%s, again: %s", what, err.message);
}

static gm_node *mlp(void *ctx, gm_net *n, gm_node *x, gm_node *with)
{
	(void)with;
	const int64_t *out = ctx;
	x = gm_block(n, "a", x, .out = 8, .act = GM_RELU);
	return gm_linear(n, "b", x, .out = *out);
}

static gm_node *generate(void *ctx, gm_net *n, gm_node *z, gm_node *with)
{
	(void)ctx;
	return mlp(&(int64_t){2}, n, z, with);
}

static gm_node *discriminate(void *ctx, gm_net *n, gm_node *x, gm_node *with)
{
	(void)ctx;
	return mlp(&(int64_t){1}, n, x, with);
}

/* A GAN by nn.h alone. */
static bool own_gan(gm_error *err)
{
	gm_graph *g = gm_graph_new(NULL);
	if (!g)
		return gm_fail(err, GM_ERR_MEMORY, "no graph");
	gm_net *G = gm_net_create(g, "G"), *D = gm_net_create(g, "D");
	bool ok = G && D;
	gm_step *step = NULL;
	if (ok) {
		gm_game m = {.G = G,
		             .D = D,
		             .generator = generate,
		             .discriminator = discriminate,
		             .history = .1,
		             .objective = gm_objective_find("hinge")};
		gm_net_normalise(G, gm_normaliser_find("batch"));
		gm_net_normalise(D, gm_normaliser_find("weight"));
		m.real.x = gm_input(g, "x", GM_SHAPE(6, 2), GM_F32),
		m.fake.x = gm_randn(g, GM_SHAPE(6, 4));
		gm_game_build(&m);
		gm_node *move = gm_adam(D, m.loss_d, .lr = gm_scalar(g, 1e-3));
		step = gm_compile(g, m.loss_d, move, gm_sgd(G, m.loss_g, .accumulate = 2));
		ok = step != NULL;
		if (ok)
			gm_step_run(step);
	}
	if (!ok)
		gm_fail(err, gm_graph_error(g)->code, "%s", gm_graph_error(g)->message);
	gm_net_free(G), gm_net_free(D);
	gm_graph_free(g);
	return ok;
}

static const char *out;

static bool train_few(gm_error *err)
{
	gm_settings *s = gm_settings_new(gm_model_find("gan"));
	if (!s)
		return gm_fail(err, GM_ERR_MEMORY, "no options");
	static const char *const options[][2] = {{"data", "ring8"},
	                                         {"batch", "8"},
	                                         {"steps", "2"},
	                                         {"monitors", "no"},
	                                         {"name", "it"}};
	bool ok = gm_settings_set(s, "outdir", out, err);
	for (size_t i = 0; ok && i < sizeof options / sizeof *options; i++)
		ok = gm_settings_set(s, options[i][0], options[i][1], err);
	gm_train_call call = {.settings = s};
	ok = ok && gm_train(&call, err);
	gm_settings_delete(s);
	return ok;
}

static char run[PATH_MAX];

static bool draw(gm_error *err)
{
	static float x[16 * 2];
	gm_saved *s = gm_saved_open(run, NULL, err);
	bool ok = s && gm_saved_apply(s, "generate", NULL, 16, 1, x, err) &&
	          gm_saved_node(s, "generate", NULL, err);
	static float z[8 * 128];
	gm_port port;
	if (ok) {
		assert_int_equal(gm_saved_ports(s, "generate", &port, 1), 1);
		assert_true(port.shape.dim[0] * port.shape.dim[1] <= 8 * 128);
		ok = gm_saved_latents(s, "generate", 1, 0, (float *const[]){z}, err);
	}
	gm_saved_free(s);
	return ok && gm_train_model(run, "", err);
}

static bool read_data(gm_error *err)
{
	static float x[4 * 64];
	gm_dataset *d =
		gm_data_open(scratch_path("few.csv"), &(gm_data_options){.per_class = 2}, err);
	gm_dataset *few = d ? gm_data_few(d, 1, 3, err) : NULL;
	bool ok = few && gm_data_batch(few, 0, 0, 4, x, NULL, err);
	gm_data_close(few);
	gm_data_close(d);
	return ok;
}

static void a_graph_of_ones_own(void **state)
{
	(void)state;
	until_there_is_enough("own gan", own_gan);
}

static void training(void **state)
{
	(void)state;
	static char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%s", scratch_path("runs"));
	out = folder;
	until_there_is_enough("train", train_few);
}

static void a_checkpoint(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_train_call call = {0};
	must(train(&call, &err, "gan", scratch_path("runs"),
	           OPTIONS("data=ring8", "batch=8", "steps=1", "ema=.5")),
	     &err);
	snprintf(run, sizeof run, "%s", call.folder);
	until_there_is_enough("draw", draw);
}

static void data(void **state)
{
	(void)state;
	FILE *f = fopen(scratch_path("few.csv"), "w");
	fprintf(f, "x,y,label\n");
	for (int i = 0; i < 20; i++)
		fprintf(f, "%d,1,%d\n", i, i % 2);
	fclose(f);
	until_there_is_enough("data", read_data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_graph_of_ones_own),
		cmocka_unit_test(data),
		cmocka_unit_test(a_checkpoint),
		cmocka_unit_test(training),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
