/* SPDX-License-Identifier: MIT
 *
 * test_train.c -- whole, small runs: a resumed run equals an uninterrupted one, a checkpoint
 * reproduces its sample images, and malformed checkpoints are errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "tensorfile/safetensors.h"
#include "ganymede/data.h"
#include "ganymede/image.h"
#include "training.h"
#include "report/events.h"
#include "ganymede/saved.h"
#include "run/folder.h"
#include "report/state.h"
#include "ganymede/train.h"
#include "run/settings.h"

#include <math.h>

/* ---- runs ------------------------------------------------------------------------------------ */

static const struct variant {
	const char *model, *option[10];
} variants[] = {
	{"gan", {"data=ring8", "batch=32", "width=16", "k=2", "ema=.9"}},
	{"gan", {"data=glyphs", "batch=8", "net=paper"}},
	{"gan", {"data=shapes", "batch=8", "net=mlp", "width=24", "objective=minimax"}},
	{"dcgan", {"data=glyphs", "batch=8", "width=4", "ema=.99"}},
	{"dcgan", {"data=shapes", "batch=4", "width=4", "kernel=5", "objective=hinge"}},
	{"dcgan", {"data=shapes", "batch=4", "width=16", "ema=.9", "precision=bf16"}},
	/* games that keep something between steps, or draw something in them */
	{"dcgan",
         {"data=glyphs", "batch=4", "width=4", "normalise-d=virtual", "normalise-g=virtual",
          "reference=3", "ema=.9"}},
	{"dcgan",
         {"data=glyphs", "batch=8", "width=4", "normalise-d=spectral", "pack=2", "history=.1",
          "noise=.1", "noise-steps=5", "flip-labels=.2", "smooth=.1"}},
	{"gan",
         {"data=ring8", "batch=16", "width=8", "objective=wasserstein", "penalty=wgan-gp", "k=3",
          "normalise-d=weight"}},
	{"gan", {"data=ring8", "batch=16", "width=8", "unroll=2", "minibatch=yes"}},
	{"dcgan",
         {"data=shapes", "batch=4", "width=4", "augment=diff", "penalty=r1",
          "normalise-d=spectral"}},
	/* a probability that changes with every fourth step of D, in a gradient penalty too */
	{"dcgan",
         {"data=shapes", "batch=4", "width=4", "augment=ada", "augment-kimg=.03",
          "augment-target=.01", "penalty=wgan-gp", "normalise-d=none"}},
	{"pacgan", {"batch=8", "pack=2"}},
	{"gan-conv", {"data=glyphs", "size=16", "batch=4", "width=4"}},
	/* u of spectral norm in several steps of D; a rate that falls within the run */
	{"sngan", {"batch=4", "width=4", "nz=4", "k=2", "ema=.9", "rate=linear:0:9steps"}},
	{"sngan", {"data=shapes", "batch=4", "width=4", "nz=4", "conditional=yes", "k=1"}},
	{"sngan", {"data=glyphs", "size=16", "batch=4", "width=2", "nz=4", "net=cnn"}},
	/* u in both nets, gradients of two minibatches, an average that begins anew */
	{"biggan",
         {"data=glyphs", "size=16", "batch=4", "width=4", "chunk=2", "embed=3", "k=2",
          "accumulate=2"}},
	/* three games, one after the other and together; dropout */
	{"lapgan",
         {"data=glyphs", "batch=8", "width=2", "units=8", "units-d=8", "nz=4", "level-steps=2",
          "ema=.9"}},
	{"lapgan",
         {"data=shapes", "size=16", "levels=1", "batch=4", "width=2", "units=8", "units-d=8",
          "conditional=yes", "normalise-d=spectral"}},
	/* a stage that ends after the third turn, a fade across it; minibatches in two parts */
	{"progan",
         {"data=glyphs", "size=16", "batch=4", "width=4", "nz=4", "stable-kimg=.008",
          "fade-kimg=.008", "whole-to=4"}},
	{"progan",
         {"data=shapes", "size=16", "batch=4", "width=4", "nz=4", "stable-kimg=.004",
          "fade-kimg=.016", "whole-to=8"}},
	{"pixelcnn",
         {"data=shapes", "size=8", "batch=4", "features=4", "layers=2", "levels=8",
          "conditional=yes", "ema=.9", "grid=2x2"}},
	{"pixelcnn",
         {"data=glyphs", "size=8", "batch=4", "features=4", "layers=2", "gated=no", "grid=2x2"}},
	/* a process that begins with an encoder */
	{"pixelcnn-ae",
         {"data=shapes", "size=8", "batch=4", "features=4", "layers=2", "levels=8", "nz=3",
          "width=4", "ema=.9", "grid=2x2"}},
	{"pixelcnn-ae",
         {"data=glyphs", "size=16", "batch=4", "nz=3", "width=4", "decoder=mse", "ema=.9"}},
	{"wavenet",
         {"sound-length=32", "batch=2", "width=4", "skip=4", "layers=2", "conditional=yes",
          "ema=.9", "grid=1x1"}},
	/* two nets in turn, each on minibatches of its own; frames as fields */
	{"video", {"batch=2", "width=2", "width-d=2", "ema=.9", "grid=1x2"}},
	/* fine-tuning begins, with another step and its own momentum; label maps as fields */
	{"forecast", {"batch=2", "width=2", "tune-after=3", "ema=.9", "grid=1x2"}},
	{"forecast",
         {"batch=2", "width=2", "width-d=2", "adv=.1", "mode=batch", "ahead=2", "grid=1x2"}},
	{"cgan", {"data=glyphs", "batch=8", "net=paper", "k=2"}},
	{"cgan", {"data=glyphs", "batch=8", "width=4", "condition=auxiliary", "ema=.9"}},
	{"cgan",
         {"data=shapes", "batch=8", "width=4", "condition=projection", "pack=2", "penalty=r1",
          "normalise-d=spectral", "objective=hinge"}},
	{"cgan",
         {"data=glyphs", "batch=4", "width=4", "normalise-d=virtual", "normalise-g=virtual",
          "reference=3", "penalty=wgan-gp", "ema=.9"}},
	{"infogan", {"data=glyphs", "batch=8", "width=4", "codes=2", "continuous=1", "ema=.9"}},
	{"infogan",
         {"data=shapes", "batch=4", "width=4", "normalise-d=virtual", "reference=3", "k=2"}},
	{"vae",
         {"data=glyphs", "size=8", "batch=8", "width=8", "nz=3", "k=3", "passes=.001", "ema=.9"}},
	{"vae", {"data=ring8", "batch=8", "width=8", "nz=2", "layers=1", "bound=elbo", "k=2"}},
	/* inputs that are fields; noise in use; rates that fall within the run */
	{"pix2pix", {"batch=2", "width=2", "patch=16", "ema=.9", "hold=1e-4", "fall=2e-4"}},
	{"pix2pix",
         {"data=labels2shapes", "batch=2", "width=2", "direction=b-to-a", "conditional=no",
          "normalise-g=batch", "objective=least-squares", "penalty=r1", "k=2"}},
	/* two optimisers of one net, one after the other; a reduced field */
	{"srgan",
         {"data=shapes", "batch=2", "width=4", "blocks=1", "width-d=2", "units=8", "mse-steps=2",
          "ema=.9"}},
	{"srgan",
         {"reduce=2", "batch=2", "width=4", "blocks=1", "width-d=2", "units=8", "mse-steps=2",
          "bilinear=yes", "k=2", "normalise-d=spectral"}},
	/* a permutation in the step, a second stream */
	{"stargan", {"data=shapes", "batch=2", "width=2", "blocks=1", "k=2", "ema=.9"}},
	{"stargan", {"data=shapes", "data-b=shapes", "batch=2", "width=2", "blocks=1", "k=1"}},
	/* two steps on a minibatch of two streams, dropout and noise in both */
	{"unit", {"batch=2", "width=2", "width-d=2", "size=16", "ema=.9"}},
	{"unit", {"data=shapes", "batch=2", "width=2", "width-d=2", "size=16", "share=no"}},
	/* captions, and partners chosen in the step */
	{"gan-cls", {"size=8", "batch=4", "width=4", "width-d=4", "nt=4", "nz=4", "ema=.9"}},
	{"gan-cls",
         {"size=8", "batch=4", "width=4", "width-d=4", "nt=4", "nz=4", "cls=no", "int=yes", "k=2"}},
	{"stackgan", {"size=8", "batch=4", "width=4", "width-d=4", "nc=4", "nz=4", "ema=.9"}},
	/* three nets that move at once; a code beside the example */
	{"bigan", {"data=glyphs", "size=8", "batch=8", "width=8", "nz=3", "ema=.9"}},
	{"bigan",
         {"data=glyphs", "size=8", "batch=8", "width=8", "nz=3", "encoder=gaussian", "pack=2",
          "penalty=r1", "normalise-d=layer", "k=2"}},
	{"bigan", {"data=glyphs", "size=8", "batch=8", "width=8", "nz=3", "task=jlr"}},
	{"autoencoder", {"data=glyphs", "size=8", "batch=8", "width=8", "nz=3", "noise=.1"}},
	{"autoencoder",
         {"data=glyphs", "size=8", "batch=8", "width=4", "nz=3", "net=conv", "corrupt=.2"}},
	{"autoencoder", {"data=glyphs", "size=8", "batch=8", "nz=3", "layers=0", "sparse=1"}},
	/* a phase for each layer */
	{"vfae",
         {"data=glyphs", "size=8", "batch=8", "width=8", "nz=3", "sensitive=label:5", "ema=.9"}},
	{"fair-gan",
         {"data=glyphs", "size=8", "batch=8", "width=8", "nz=3", "sensitive=label:5", "k=2",
          "odds=yes"}},
	/* chains that go on from step to step; three phases, a running mean */
	{"rbm", {"data=glyphs", "size=8", "batch=8", "width=6", "k=2", "ema=.9"}},
	{"rbm", {"data=ring8", "batch=8", "width=6", "pcd=yes", "chains=5"}},
	{"dbn",
         {"data=glyphs", "size=8", "batch=8", "width=6", "top=5", "layers=3", "layer1-kimg=.016",
          "layer2-kimg=.016"}},
	{"dbm",
         {"data=glyphs", "size=8", "batch=8", "width=6", "top=5", "chains=5", "layer1-kimg=.016",
          "layer2-kimg=.016"}},
	{"sda",
         {"data=glyphs", "size=8", "batch=8", "width=8", "layer1-kimg=.008", "layer2-kimg=.008",
          "layer3-kimg=.008", "labels-per-class=2"}},
	{"glo",
         {"data=glyphs", "size=8", "per-class=3", "batch=8", "width=4", "nz=3", "levels=1",
          "search=2"}},
	{"improved-gan",
         {"data=glyphs", "size=8", "batch=8", "width=16", "nz=3", "labels-per-class=2",
          "start=20"}},
	{"improved-gan",
         {"data=glyphs", "size=8", "batch=8", "width=16", "nz=3", "game=minibatch", "start=20"}},
	/* three steps on a minibatch, two optimisers of one net */
	{"aae", {"data=glyphs", "size=8", "batch=8", "width=8", "nz=3", "ema=.9"}},
	{"aae",
         {"data=glyphs", "size=8", "batch=8", "width=8", "prior=mixture", "k=2", "penalty=r1",
          "optimiser=adam", "ema=.9"}},
	{"aae", {"data=ring8", "batch=8", "width=8", "prior=swiss-roll", "rate=drops:1e-4:2e-4"}},
	{"aae",
         {"data=glyphs", "size=8", "batch=8", "width=8", "prior=swiss-roll", "label-aware=yes",
          "labels-per-class=3"}},
	{"aae-categorical",
         {"data=glyphs", "size=8", "batch=8", "width=8", "nz=3", "labels-per-class=2", "ema=.9"}},
	{"aae-categorical",
         {"data=glyphs", "size=8", "batch=8", "width=8", "task=clustering", "k=2",
          "optimiser=adam"}},
	{"catgan", {"data=glyphs", "size=8", "batch=8", "width=8", "k=2", "ema=.9"}},
	{"catgan",
         {"data=glyphs", "size=8", "batch=8", "width=8", "supervised=1", "labels-per-class=2"}},
	{"context-encoder", {"data=shapes", "batch=4", "width=2", "nz=8", "ema=.9", "overlap=2"}},
	{"context-encoder", {"data=shapes", "batch=4", "width=2", "nz=8", "region=random"}},
	/* a net that is applied several times in a step, and remembers each time apart */
	{"gran",
         {"data=glyphs", "size=8", "batch=4", "width=1", "width-d=1", "nz=4", "turns=2", "ema=.9"}},
	/* two games in one step, pools that fill up and exchange */
	{"cyclegan",
         {"size=16", "batch=2", "width=2", "blocks=1", "patch=16", "pool=3", "ema=.9", "hold=1e-4",
          "fall=2e-4"}},
	{"cyclegan",
         {"size=16", "batch=2", "width=2", "blocks=1", "patch=16", "pool=0", "identity=0", "k=2",
          "objective=non-saturating", "normalise-d=spectral"}},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static void train_variant(gm_train_call *call, const struct variant *v, const char *outdir,
                          const char *const *more)
{
	const char *o[16];
	gm_error err = {0};
	int n = 0;
	for (int i = 0; i < 10 && v->option[i]; i++)
		o[n++] = v->option[i];
	while (*more)
		o[n++] = *more++;
	o[n] = NULL;
	must(train(call, &err, v->model, outdir, o), &err);
}

/* 7 steps = 3 steps + resume + 4 steps, byte for byte, in every tensor, every logged value and
 * the pictures. */
static void resumed_is_uninterrupted(void **state)
{
	(void)state;
	for (int k = 0; k < VARIANTS; k++) {
		gm_train_call whole = {0}, part = {0};
		const char *out = scratch_path("resume");
		train_variant(&whole, &variants[k], out,
		              OPTIONS("steps=7", "sample-every=7", "grid=3x3"));
		train_variant(&part, &variants[k], out,
		              OPTIONS("steps=3", "sample-every=2", "grid=3x3"));
		char first[PATH_MAX];
		snprintf(first, sizeof first, "%s", part.folder);
		gm_error err = {0};
		gm_train_call again = {.resume = first};
		must(train(&again, &err, variants[k].model, out,
		           OPTIONS("steps=7", "sample-every=7")),
		     &err);
		assert_string_equal(again.folder, first);
		assert_int_equal(again.step, 7);
		same_file(in_run(&whole, "checkpoint-000007.safetensors"),
		          in_run(&again, "checkpoint-000007.safetensors"));
		same_file(in_run(&whole, "stats.jsonl"), in_run(&again, "stats.jsonl"));
		same_file(in_run(&whole, "fakes-000007.png"), in_run(&again, "fakes-000007.png"));
	}
}

/* The choices of --tune are recorded: a resumed run is the same byte for byte, even if the cache
 * has changed. */
static void tuned_is_recorded(void **state)
{
	(void)state;
	static const struct variant v = {
		"dcgan", {"data=shapes", "batch=4", "width=16", "tune=on", "precision=bf16"}};
	const char *out = scratch_path("tuned");
	char cache[PATH_MAX], first[PATH_MAX];
	assert_non_null(realpath(scratch_path(""), cache));
	strncat(cache, "/cache", sizeof cache - strlen(cache) - 1);
	setenv("XDG_CACHE_HOME", cache, 1);
	gm_train_call whole = {0}, part = {0};
	train_variant(&whole, &v, out, OPTIONS("steps=4", "sample-every=4"));
	train_variant(&part, &v, out, OPTIONS("steps=2", "sample-every=4"));
	assert_true(in_file(in_run(&part, "options.json"), "\"tuned\": \"conv"));
	snprintf(first, sizeof first, "%s", part.folder);
	strncat(cache, "-other", sizeof cache - strlen(cache) - 1);
	setenv("XDG_CACHE_HOME", cache, 1);
	gm_train_call again = {.resume = first};
	gm_error err = {0};
	must(train(&again, &err, "dcgan", out, OPTIONS("steps=4", "sample-every=4")), &err);
	same_file(in_run(&whole, "checkpoint-000004.safetensors"),
	          in_run(&again, "checkpoint-000004.safetensors"));
	same_file(in_run(&whole, "fakes-000004.png"), in_run(&again, "fakes-000004.png"));
	assert_false(gm_file_exists(cache)); /* nothing was measured */
	unsetenv("XDG_CACHE_HOME");
}

/* Sampling from the checkpoint gives the picture that the run made, with no data and whatever
 * the chunk. */
static void samples_are_the_runs_own(void **state)
{
	(void)state;
	const struct variant *v = &variants[3];
	gm_train_call call = {0};
	gm_error err = {0};
	train_variant(&call, v, scratch_path("sample"), OPTIONS("steps=4", "grid=4x5", "seed=9"));
	gm_image *want = gm_png_read(in_run(&call, "fakes-000004.png"), &err);
	must(want != NULL, &err);
	gm_saved *s = gm_saved_open(in_run(&call, "checkpoint-000004.safetensors"),
	                            &(gm_saved_options){.batch = 20}, &err);
	must(s != NULL, &err);
	const gm_facts *f = gm_saved_facts(s);
	assert_true(f->channels == 1 && f->height == 28 && f->width == 28 && !f->points);
	assert_int_equal(gm_saved_step(s), 4);
	float *x = malloc(20 * f->numel * sizeof *x);
	must(gm_saved_draw(s, &(gm_samples){.seed = 9, .n = 20}, x, &err), &err);
	gm_image *got = gm_image_grid(
		x, &(gm_grid){.n = 20, .channels = 1, .height = 28, .width = 28, .columns = 4},
		&err);
	must(got != NULL, &err);
	/* The run's picture shows the weights themselves on the left, their averages on the
	 * right. */
	assert_true(want->width > 2 * got->width && want->height == got->height);
	for (int y = 0; y < got->height; y++) {
		const uint8_t *end = want->pixel + (size_t)(y + 1) * want->width;
		assert_memory_equal(end - got->width, got->pixel + (size_t)y * got->width,
		                    got->width);
	}
	must(gm_saved_draw(s, &(gm_samples){.seed = 10, .n = 20}, x, &err), &err);
	gm_image *other = gm_image_grid(
		x, &(gm_grid){.n = 20, .channels = 1, .height = 28, .width = 28, .columns = 4},
		&err);
	assert_memory_not_equal(got->pixel, other->pixel, (size_t)got->width * got->height);
	gm_image_free(want);
	gm_image_free(got);
	gm_image_free(other);
	free(x);
	gm_saved_free(s);
}

/* A model of the test's own, which reads a pair and a label and turns one half into the other. */
static int train_translator(gm_run *r)
{
	static float a[4 * 3 * 32 * 32], b[4 * 3 * 32 * 32];
	gm_graph *g = gm_run_graph(r);
	gm_net *G = gm_net_new(r, "G");
	gm_node *in = gm_batch(r, "a"), *want = gm_batch(r, "b"), *label = gm_batch(r, "label");
	gm_node *kind = gm_reshape(gm_embedding(G, "kind", label, .rows = 3, .dim = 3),
	                           GM_SHAPE(gm_opt_int(r, "batch"), 3, 1, 1));
	gm_node *out = gm_conv(G, "y", gm_add(in, kind), .out = 3, .kernel = 1);
	gm_node *loss = gm_mean_all(gm_square(gm_sub(out, want)));
	gm_endpoint(r, "translate", out, in, label);
	gm_step *step =
		gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, G, loss, .average = true));
	while (gm_next(r)) {
		gm_feed(r);
		assert_true(gm_get_f32(in, a, 4 * 3 * 32 * 32) &&
		            gm_get_f32(want, b, 4 * 3 * 32 * 32));
		gm_run_step(r, step);
	}
	/* What was fed last are the halves of one example, as the data gives them. */
	gm_error err = {0};
	gm_dataset *d = gm_data_open("edges2shapes", NULL, &err);
	uint64_t at = 4 * (gm_step_number(r) - 1);
	float *x = malloc(sizeof a);
	must(d && x && gm_data_read(d, gm_data_field(d, "a"), 0, at, 4, x, &err), &err);
	assert_memory_equal(x, a, sizeof a);
	must(gm_data_read(d, gm_data_field(d, "b"), 0, at, 4, x, &err), &err);
	assert_memory_equal(x, b, sizeof b);
	free(x);
	gm_data_close(d);
	(void)g;
	return gm_end(r);
}

static int train_asker(gm_run *r)
{
	gm_batch(r, "depth");
	return gm_end(r);
}

static int train_nothing(gm_run *r)
{
	gm_node *x = gm_batch(r, "image");
	gm_step *step = gm_run_compile(r, gm_mean_all(x), NULL);
	assert_null(step);
	while (gm_next(r))
		gm_run_step(r, step);
	return gm_end(r);
}

/* A step with an output that is NULL is an error of the run. */
static void missing_outputs_are_errors(void **state)
{
	(void)state;
	static const gm_option none[] = {{"data", "shapes", ""}, {"batch", "4", ""}, {0}};
	const gm_model nothing = {"nothing", "", "", none, train_nothing};
	gm_error err = {0};
	gm_settings s;
	gm_settings_init(&s, &nothing);
	must(gm_settings_set(&s, "outdir", scratch_path("nothing"), &err), &err);
	gm_train_call call = {.settings = &s};
	REFUSED(gm_train(&call, &err), &err, "output 1 is NULL");
	gm_settings_free(&s);
}

/* Fields of the data reach a model, are in the checkpoint's record, and a model without "generate"
 * runs, with pictures of what it changes. */
static void fields_reach_the_model(void **state)
{
	(void)state;
	static const gm_option none[] = {{0}},
			       sgd[] = {GM_OPTIMISER_OPTIONS("sgd", ".1", "0", "constant"), {0}};
	const gm_model translator = {"translator", "", "", sgd, train_translator},
		       asker = {"asker", "", "", none, train_asker};
	gm_train_call call = {0};
	gm_error err = {0};
	gm_settings s;
	gm_settings_init(&s, &translator);
	must(gm_settings_set(&s, "outdir", scratch_path("fields"), &err) &&
	             gm_settings_set(&s, "data", "edges2shapes", &err) &&
	             gm_settings_set(&s, "batch", "4", &err) &&
	             gm_settings_set(&s, "steps", "3", &err) &&
	             gm_settings_set(&s, "ema", ".9", &err) &&
	             gm_settings_set(&s, "grid", "6x2", &err),
	     &err);
	call.settings = &s;
	must(gm_train(&call, &err), &err);
	gm_settings_free(&s);
	/* a | G(a) | b, twice in a row, two rows */
	gm_image *im = gm_png_read(in_run(&call, "fakes-000003.png"), &err);
	must(im != NULL, &err);
	assert_true(im->width > 2 * im->height);
	gm_image_free(im);
	gm_st *st = gm_st_open(in_run(&call, "checkpoint-000003.safetensors"), &err);
	must(st != NULL, &err);
	assert_non_null(strstr(gm_st_meta(st, "facts"), "\"fields\""));
	assert_null(strstr(gm_st_meta(st, "facts"), "mask"));
	gm_st_close(st);

	gm_settings_init(&s, &asker);
	call = (gm_train_call){.settings = &s};
	must(gm_settings_set(&s, "data", "edges2shapes", &err), &err);
	REFUSED(gm_train(&call, &err), &err, "asker", "\"depth\"", "image, label, a, b");
	gm_settings_free(&s);
}

static void checkpoint_holds_the_run(void **state)
{
	(void)state;
	gm_train_call call = {0};
	gm_error err = {0};
	train_variant(&call, &variants[3], scratch_path("hold"), OPTIONS("steps=2"));
	gm_st *st = gm_st_open(in_run(&call, "checkpoint-000002.safetensors"), &err);
	must(st != NULL, &err);
	const char *names[] = {
		"G/7x7/weight",          "G/7x7/norm/gain",       "G/7x7/norm/mean",
		"G/14x14/weight",        "G/28x28/weight",        "G/28x28/weight.ema",
		"G/28x28/weight.adam.m", "G/28x28/weight.adam.v", "G/adam.t",
		"D/14x14/weight",        "D/7x7/norm/var",        "D/logit/weight",
		"D/logit/weight.adam.v"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!gm_st_find(st, names[i]))
			fail_msg("no %s", names[i]);
	/* none at D's input, none at G's output */
	assert_null(gm_st_find(st, "D/14x14/norm/gain"));
	assert_null(gm_st_find(st, "G/28x28/norm/gain"));
	float t;
	memcpy(&t, gm_st_find(st, "G/adam.t")->data, sizeof t);
	assert_true(t == 2);
	assert_string_equal(gm_st_meta(st, "model"), "dcgan");
	assert_string_equal(gm_st_meta(st, "step"), "2");
	assert_string_equal(gm_st_meta(st, "seen"), "16");
	gm_st_close(st);
	const char *files[] = {"options.json", "log.txt",   "stats.jsonl",    "index.html",
	                       "state.json",   "reals.png", "fakes-init.png", "fakes-000002.png"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		assert_true(gm_file_exists(in_run(&call, files[i])));
}

/* The page is there, says what the run is, holds its pictures, and refers to nothing outside. */
static void the_page_stands_alone(void **state)
{
	(void)state;
	gm_train_call call = {0};
	gm_error err = {0};
	gm_bytes b;
	gm_state s;
	train_variant(&call, &variants[3], scratch_path("page"),
	              OPTIONS("steps=6", "sample-every=2", "grid=2x2", "name=a<b> & \"c\""));
	must(gm_file_open(in_run(&call, "index.html"), &b, &err), &err);
	char *text = strndup((const char *)b.data, b.size);
	gm_file_close(&b);
	const char *words[] = {"<!doctype html>", "finished",  "dcgan",  "loss_d",
	                       "before training", "step 4",    "step 6", "training data",
	                       "\"smooth\": [",   ">width<",   "6 of 6", "color-scheme: light dark",
	                       "mount_all",       "parameters"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strstr(text, words[i]))
			fail_msg("the page does not say %s", words[i]);
	/* the only address is the name of SVG, which is not loaded */
	for (const char *at = text; (at = strstr(at, "http")); at++)
		assert_true(!strncmp(at, "http://www.w3.org/2000/svg'", 27));
	assert_null(strstr(text, "<script src"));
	assert_null(strstr(text, "<link"));
	assert_null(strstr(text, "@import"));
	for (const char *at = text; (at = strstr(at, "url(")); at++)
		assert_int_equal(at[4], '#'); /* parts of the page itself */
	int pictures = 0;
	for (const char *p = text; (p = strstr(p, "src=\"")); p++, pictures++)
		assert_true(!strncmp(p, "src=\"data:image/png;base64,iVBORw0KGgo", 38));
	assert_int_equal(pictures, 6); /* newest, reals, init, three in the strip */
	free(text);
	assert_true(gm_state_read(call.folder, &s));
	assert_string_equal(s.model, "dcgan");
	assert_string_equal(s.state, "finished");
	assert_true(s.step == 6 && s.total == 6);
	assert_non_null(strstr(s.last, "loss_g"));
	assert_false(gm_state_read(scratch_path("page"), &s));
}

static void old_checkpoints_are_rotated_out(void **state)
{
	(void)state;
	gm_train_call call = {0};
	train_variant(&call, &variants[0], scratch_path("keep"),
	              OPTIONS("steps=7", "save-every=2", "keep=3"));
	assert_false(gm_file_exists(in_run(&call, "checkpoint-000002.safetensors")));
	assert_true(gm_file_exists(in_run(&call, "checkpoint-000004.safetensors")));
	assert_true(gm_file_exists(in_run(&call, "checkpoint-000006.safetensors")));
	assert_true(gm_file_exists(in_run(&call, "checkpoint-000007.safetensors")));
}

/* best.safetensors is the checkpoint with the least logged loss, also when the run was resumed. */
static void the_best_is_kept(void **state)
{
	(void)state;
	const char *out = scratch_path("best");
	const char *const rhythm[] = {"save-every=1", "log-every=1", "keep=0", "best=loss_g:min"};
	gm_train_call whole = {0}, part = {0};
	gm_error err = {0};
	train_variant(&whole, &variants[0], out,
	              OPTIONS("steps=9", rhythm[0], rhythm[1], rhythm[2], rhythm[3]));
	train_variant(&part, &variants[0], out,
	              OPTIONS("steps=4", rhythm[0], rhythm[1], rhythm[2], rhythm[3]));
	char first[PATH_MAX], line[1000], name[64];
	snprintf(first, sizeof first, "%s", part.folder);
	gm_train_call again = {.resume = first};
	must(train(&again, &err, "gan", out, OPTIONS("steps=9")), &err);
	gm_st *a = gm_st_open(in_run(&whole, "best.safetensors"), &err);
	gm_st *b = gm_st_open(in_run(&again, "best.safetensors"), &err);
	must(a && b, &err); /* their options differ in steps, where the first part had it */
	assert_string_equal(gm_st_meta(a, "step"), gm_st_meta(b, "step"));
	assert_string_equal(gm_st_meta(a, "best"), gm_st_meta(b, "best"));
	gm_st_close(a);
	gm_st_close(b);
	double least = INFINITY;
	int at = 0, step = 0;
	FILE *f = fopen(in_run(&whole, "stats.jsonl"), "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		double loss = atof(strstr(line, "loss_g\": ") + 9);
		step++;
		if (loss < least)
			least = loss, at = step;
	}
	fclose(f);
	assert_int_equal(step, 9);
	snprintf(name, sizeof name, "checkpoint-%06d.safetensors", at);
	same_file(in_run(&whole, "best.safetensors"), in_run(&whole, name));
	gm_saved *s = gm_saved_open(in_run(&whole, "best.safetensors"), NULL, &err);
	must(s != NULL, &err);
	gm_saved_free(s);
	gm_train_call call = {0};
	REFUSED(train(&call, &err, "gan", out, OPTIONS("data=ring8", "best=fid:min", "steps=1")),
	        &err, "option best", "fid", "loss_g");
}

/* The check value of CRC-32C, and of 32 zeros: RFC 3720, appendix B.4. */
static void event_files(void **state)
{
	(void)state;
	gm_train_call call = {0};
	assert_int_equal(gm_crc32c("123456789", 9), 0xe3069283u);
	assert_int_equal(gm_crc32c((char[32]){0}, 32), 0x8a9136aau);
	train_variant(&call, &variants[0], scratch_path("events"),
	              OPTIONS("steps=2", "tensorboard=yes"));
	const char *file = in_run(&call, "events.out.tfevents.0000000000.ganymede");
	assert_true(in_file(file, "brain.Event:2") && in_file(file, "loss_g") &&
	            in_file(file, "samples") && in_file(file, "\x89PNG"));
}

/* A resumed run cuts the event files back to its step: whole records, and none that is later. */
static void event_files_are_cut(void **state)
{
	(void)state;
	gm_train_call call = {0};
	gm_error err = {0};
	gm_bytes b;
	train_variant(&call, &variants[0], scratch_path("cut"),
	              OPTIONS("steps=4", "log-every=1", "tensorboard=yes"));
	const char *file = in_run(&call, "events.out.tfevents.0000000000.ganymede");
	must(gm_file_open(file, &b, &err), &err);
	assert_int_equal(gm_events_until(b.data, b.size, 4), b.size);
	size_t two = gm_events_until(b.data, b.size, 2), one = gm_events_until(b.data, b.size, 1);
	assert_true(0 < one && one < two && two < b.size);
	assert_int_equal(gm_events_until(b.data, b.size - 1, 4) < b.size - 1,
	                 true); /* the last is truncated */
	assert_int_equal(gm_events_until(b.data, two, 4), two);
	gm_file_close(&b);
	must(gm_events_rewind(call.folder, 2, &err), &err);
	must(gm_file_open(file, &b, &err), &err);
	assert_int_equal(b.size, two);
	gm_file_close(&b);
}

static void folders_are_numbered(void **state)
{
	(void)state;
	gm_error err = {0};
	char a[PATH_MAX], b[PATH_MAX], c[PATH_MAX];
	const char *out = scratch_path("numbers");
	must(gm_folder_new(out, "gan-/my data", a, &err) &&
	             gm_folder_new(out, "gan-ring8", b, &err),
	     &err);
	assert_non_null(strstr(a, "/00000-gan--my-data"));
	assert_non_null(strstr(b, "/00001-gan-ring8"));
	must(gm_file_make_folder(scratch_path("numbers/00041-x"), &err) &&
	             gm_folder_new(out, "y", b, &err),
	     &err);
	assert_non_null(strstr(b, "/00042-y"));
	must(gm_folder_newest(out, c, &err), &err);
	assert_string_equal(b, c);
	REFUSED(gm_folder_checkpoint("42", out, c, NULL, &err), &err, "no checkpoint");
	err = (gm_error){0};
	REFUSED(gm_folder_checkpoint("17", out, c, NULL, &err), &err, "17");
}

static void asked_to_stop(void **state)
{
	(void)state;
	static const volatile sig_atomic_t stop = 1;
	gm_train_call call = {.stop = &stop};
	train_variant(&call, &variants[0], scratch_path("stop"), OPTIONS("steps=50"));
	assert_true(call.stopped);
	assert_int_equal(call.step, 1);
	assert_true(gm_file_exists(in_run(&call, "checkpoint-000001.safetensors")));
}

static void diverging_run_stops(void **state)
{
	(void)state;
	gm_train_call call = {0};
	gm_error err = {0};
	bool ok = train(&call, &err, "gan", scratch_path("nan"),
	                OPTIONS("data=ring8", "width=8", "lr=1e18", "steps=100", "save-every=1"));
	REFUSED(ok, &err, "at step", "first in net", "tensor ", "/h0/weight", "learning rate",
	        "--on-nan rollback");
	assert_true(call.step < 100);
	/* What was saved before it came apart is sound. */
	gm_saved *s = gm_saved_open(call.folder, NULL, &(gm_error){0});
	gm_saved_free(s);
	for (int64_t step = 1; step <= call.step; step++) {
		char name[64];
		gm_error e = {0};
		snprintf(name, sizeof name, "checkpoint-%06d.safetensors", (int)step);
		if (!gm_file_exists(in_run(&call, name)))
			continue;
		gm_st *st = gm_st_open(in_run(&call, name), &e);
		must(st != NULL, &e);
		for (int64_t i = 0; i < gm_st_count(st); i++) {
			const gm_st_tensor *t = gm_st_at(st, i);
			int64_t n = 1;
			for (int k = 0; k < t->rank; k++)
				n *= t->dims[k];
			for (int64_t k = 0; k < n; k++)
				assert_true(isfinite(((const float *)t->data)[k]));
		}
		gm_st_close(st);
	}
}

/* A learning rate far too high is lowered until it is not; so is it in a run that was resumed in
 * between, byte for byte; and only as often as was allowed. */
static void rollbacks(void **state)
{
	(void)state;
	const char *out = scratch_path("rollback");
#define WILD                                                                                       \
	"data=ring8", "width=8", "lr=1e18", "rollback-lr=1e-10", "on-nan=rollback", "log-every=1"
	gm_train_call whole = {0}, part = {0}, few = {0};
	gm_error err = {0};
	must(train(&whole, &err, "gan", out, OPTIONS(WILD, "steps=12", "save-every=3")), &err);
	assert_int_equal(whole.step, 12);
	assert_true(in_file(in_run(&whole, "log.txt"), "back to step 0"));
	assert_true(in_file(in_run(&whole, "log.txt"), "rollback 2 of 3"));
	assert_true(in_file(in_run(&whole, "index.html"), "rollback 2 of 3"));
	must(train(&part, &err, "gan", out, OPTIONS(WILD, "steps=6", "save-every=3")), &err);
	char first[PATH_MAX];
	snprintf(first, sizeof first, "%s", part.folder);
	gm_train_call again = {.resume = first};
	must(train(&again, &err, "gan", out, OPTIONS("steps=12")), &err);
	same_file(in_run(&whole, "checkpoint-000012.safetensors"),
	          in_run(&again, "checkpoint-000012.safetensors"));
	same_file(in_run(&whole, "stats.jsonl"), in_run(&again, "stats.jsonl"));
	REFUSED(train(&few, &err, "gan", out, OPTIONS(WILD, "max-rollbacks=1", "steps=12")), &err,
	        "became", "at step", "tensor");
}

/* Only a game has somebody who judges; aae's judges codes, and what context-encoder's judges is no
 * endpoint. */
static bool is_game(const char *model)
{
	if (!strncmp(model, "aae", 3) || !strcmp(model, "context-encoder"))
		return false;
	const gm_option *o = gm_model_find(model)->options;
	while (o->name && strcmp(o->name, "objective"))
		o++;
	return o->name;
}

/* The first value whose name begins so: "acc_real" or, of several discriminators, "acc_real_b". */
static double first_value(const char *line, const char *name)
{
	const char *at = strstr(line, name);
	assert_non_null(at);
	return atof(strstr(at, "\": ") + 3);
}

/* Monitors are in the log, make sense, and change nothing. */
static void monitors_only_look(void **state)
{
	(void)state;
	for (int k = 0; k < VARIANTS; k++) {
		if (!is_game(variants[k].model))
			continue;
		gm_train_call with = {0}, without = {0};
		const char *out = scratch_path("monitors");
		train_variant(&with, &variants[k], out,
		              OPTIONS("steps=5", "grid=3x3", "log-every=2"));
		train_variant(&without, &variants[k], out,
		              OPTIONS("steps=5", "grid=3x3", "monitors=no"));
		same_file(in_run(&with, "fakes-000005.png"), in_run(&without, "fakes-000005.png"));
		const char *const names[] = {"acc_real", "acc_fake", "spread", "grad_G", "grad_D"};
		for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
			if (!in_file(in_run(&with, "stats.jsonl"), names[i]))
				fail_msg("variant %d, %s: no %s", k, variants[k].model, names[i]);
			assert_false(in_file(in_run(&without, "stats.jsonl"), names[i]));
		}
		FILE *f = fopen(in_run(&with, "stats.jsonl"), "r");
		char line[1000];
		assert_non_null(f);
		while (fgets(line, sizeof line, f)) {
			double real = first_value(line, "acc_real"),
			       fake = first_value(line, "acc_fake"),
			       spread = first_value(line, "spread"),
			       g = first_value(line, "grad_G");
			assert_true(real >= 0 && real <= 1 && fake >= 0 && fake <= 1);
			assert_true(spread > 0 && spread < 10 && g > 0 && g < 1e4);
		}
		fclose(f);
	}
}

/* A discriminator that moves five times for one step of G wins the minimax game, and the run says
 * so, once. */
static void a_lost_game_is_told(void **state)
{
	(void)state;
	gm_train_call call = {0};
	gm_error err = {0};
	must(train(&call, &err, "gan", scratch_path("won"),
	           OPTIONS("data=glyphs", "net=mlp", "width=64", "batch=16", "k=5", "lr=1e-3",
	                   "objective=minimax", "steps=120", "log-every=1", "grid=2x2")),
	     &err);
	assert_true(in_file(in_run(&call, "log.txt"), "D has won"));
	assert_true(in_file(in_run(&call, "index.html"), "D has won"));
}

/* ---- options --------------------------------------------------------------------------------- */

static void resume_keeps_the_run_honest(void **state)
{
	(void)state;
	gm_train_call first = {0}, call;
	gm_error err = {0};
	const char *out = scratch_path("honest");
	train_variant(&first, &variants[0], out, OPTIONS("steps=2"));
	call = (gm_train_call){.resume = first.folder};
	REFUSED(train(&call, &err, "gan", out, OPTIONS("width=32")), &err, "option width", "16",
	        "32");
	err = (gm_error){0}, call = (gm_train_call){.resume = ""};
	REFUSED(train(&call, &err, "dcgan", out, OPTIONS("steps=3")), &err, "run of gan");
	err = (gm_error){0}, call = (gm_train_call){.resume = "nowhere"};
	REFUSED(train(&call, &err, "gan", out, OPTIONS("steps=3")), &err, "nowhere");
	err = (gm_error){0}, call = (gm_train_call){.resume = ""};
	must(train(&call, &err, "gan", out,
	           OPTIONS("steps=3", "log-every=1", "keep=1", "width=16.0")),
	     &err);
	assert_int_equal(call.step, 3);
	assert_ptr_equal(gm_train_model("", out, &err), gm_model_find("gan"));
}

/* ---- unsound checkpoints --------------------------------------------------------------------- */

typedef struct sheet { /* a checkpoint taken apart */
	gm_st *st;
	gm_st_tensor tensor[256];
	gm_st_pair meta[32];
	int64_t tensors, metas;
} sheet;

static void take_apart(sheet *s, const char *path)
{
	gm_error err = {0};
	s->st = gm_st_open(path, &err);
	must(s->st != NULL, &err);
	s->tensors = gm_st_count(s->st), s->metas = gm_st_meta_count(s->st);
	assert_true(s->tensors < 255 && s->metas < 31);
	for (int64_t i = 0; i < s->tensors; i++)
		s->tensor[i] = *gm_st_at(s->st, i);
	for (int64_t i = 0; i < s->metas; i++)
		s->meta[i] = gm_st_meta_at(s->st, i);
}

static const char **meta_value(sheet *s, const char *key)
{
	for (int64_t i = 0; i < s->metas; i++)
		if (!strcmp(s->meta[i].key, key))
			return &s->meta[i].value;
	fail_msg("no %s in the metadata", key);
	return NULL;
}

static void sampling_is_refused(const char *path, const char *const *words)
{
	gm_error err = {0};
	gm_saved *s = gm_saved_open(path, NULL, &err);
	refused(s != NULL, &err, words);
}

static void put_together(const sheet *s, const char *path)
{
	gm_error err = {0};
	must(gm_st_write(path, s->tensor, s->tensors, s->meta, s->metas, &err), &err);
}

static void unsound_checkpoints(void **state)
{
	(void)state;
	gm_train_call call = {0};
	train_variant(&call, &variants[0], scratch_path("unsound"), OPTIONS("steps=2"));
	char whole[PATH_MAX];
	snprintf(whole, sizeof whole, "%s", in_run(&call, "checkpoint-000002.safetensors"));
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s", scratch_path("made.safetensors"));
	sheet original, s;
	take_apart(&original, whole);
	put_together(&original, path);
	same_file(path, whole);

	s = original, s.tensors--;
	s.tensor[0] = original.tensor[original.tensors - 1];
	put_together(&s, path);
	sampling_is_refused(path, OPTIONS("made.safetensors", "missing"));
	s = original;
	for (int64_t i = 0; i < s.tensors; i++) /* [16,2] as [2,16] */
		if (!strcmp(s.tensor[i].name, "G/h0/weight"))
			s.tensor[i].dims[0] = original.tensor[i].dims[1],
			s.tensor[i].dims[1] = original.tensor[i].dims[0];
	put_together(&s, path);
	sampling_is_refused(path, OPTIONS("G/h0/weight", "[2,16]", "[16,2]"));
	s = original;
	s.tensor[s.tensors] = (gm_st_tensor){
		.name = "G/stowaway", .type = GM_ST_F32, .rank = 1, .dims = {1}, .data = "\0\0\0"};
	s.tensors++;
	put_together(&s, path);
	sampling_is_refused(path, OPTIONS("G/stowaway"));

	const struct {
		const char *key, *value, *word[2];
	} lie[] = {
		{"format", "something", {"not a checkpoint of ganymede", "made"}},
		{"version", "99", {"version 99", "made"}},
		{"model", "styleganX", {"styleganX", "does not have"}},
		{"options", "{\"width\": 16}", {"width", "is not text"}},
		{"options", "{\"width\": \"many\", \"data\": \"ring8\"}", {"option width", "many"}},
		{"options", "{\"width\": \"999999999\"}", {"", ""}},
		{"options", "[", {"not a JSON object", "options"}},
		{"facts", "{}", {"is invalid", "data"}},
		{"facts",
	         "{\"points\": false, \"channels\": 1, \"height\": 1000000, \"width\": 1000000, "
	         "\"numel\": 1, "
	         "\"classes\": 0, \"count\": 0, \"low\": -1, \"high\": 1}",
	         {"is invalid", "data"}},
		{"step", "-5", {"counters", "step"}},
		{"seen", "many", {"counters", "seen"}},
	};
	for (size_t i = 0; i < sizeof lie / sizeof *lie; i++) {
		s = original;
		*meta_value(&s, lie[i].key) = lie[i].value;
		put_together(&s, path);
		sampling_is_refused(path, OPTIONS(lie[i].word[0], lie[i].word[1]));
	}

	gm_bytes b;
	gm_error err = {0};
	must(gm_file_open(whole, &b, &err), &err);
	for (size_t n = 0; n < b.size; n += 1 + b.size / 40) { /* truncated anywhere */
		scratch_write("made.safetensors", b.data, n);
		sampling_is_refused(path, OPTIONS("made.safetensors"));
		gm_train_call again = {.resume = path};
		gm_error e = {0};
		REFUSED(train(&again, &e, "gan", scratch_path("unsound"), OPTIONS("steps=3")), &e,
		        "made.safetensors");
	}
	gm_file_close(&b);
	gm_st_close(original.st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resumed_is_uninterrupted),
		cmocka_unit_test(tuned_is_recorded),
		cmocka_unit_test(samples_are_the_runs_own),
		cmocka_unit_test(checkpoint_holds_the_run),
		cmocka_unit_test(the_page_stands_alone),
		cmocka_unit_test(old_checkpoints_are_rotated_out),
		cmocka_unit_test(the_best_is_kept),
		cmocka_unit_test(event_files),
		cmocka_unit_test(event_files_are_cut),
		cmocka_unit_test(folders_are_numbered),
		cmocka_unit_test(asked_to_stop),
		cmocka_unit_test(diverging_run_stops),
		cmocka_unit_test(rollbacks),
		cmocka_unit_test(monitors_only_look),
		cmocka_unit_test(a_lost_game_is_told),
		cmocka_unit_test(missing_outputs_are_errors),
		cmocka_unit_test(fields_reach_the_model),
		cmocka_unit_test(resume_keeps_the_run_honest),
		cmocka_unit_test(unsound_checkpoints),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
