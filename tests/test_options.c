/* SPDX-License-Identifier: MIT
 *
 * test_options.c -- options of a run: their types, files of them, and schedules made of them.
 */
#include "tensorfile/safetensors.h"
#include "training.h"

#include <math.h>

static void senseless_options_are_refused(void **state)
{
	(void)state;
	const struct {
		const char *model, *option, *word[2];
	} bad[] = {
		{"gan", "lr=fast", {"option lr", "fast"}},
		{"gan", "batch=0", {"option batch", "0"}},
		{"gan", "batch=7.5", {"option batch", "7.5"}},
		{"gan", "nz=-3", {"option nz", "-3"}},
		{"gan", "net=cnn", {"option net", "mlp"}},
		{"gan", "objective=win", {"option objective", "hinge"}},
		{"gan", "net=paper", {"pictures", "ring8"}},
		{"gan", "grid=8", {"grid", "8x8"}},
		{"gan", "steps=-1", {"option steps", "-1"}},
		{"gan", "best=loss_g", {"option best", "NAME:min"}},
		{"gan", "on-nan=pray", {"on-nan", "rollback"}},
		{"gan", "monitors=maybe", {"monitors", "yes or no"}},
		{"gan", "seed=x", {"option seed", "x"}},
		{"gan", "ema=1", {"option ema: 1 is", "0..0.9999999"}},
		{"gan", "backend=abacus", {"abacus", "backend"}},
		{"gan", "data=rings", {"rings", "ring8"}},
		{"dcgan", "width=8", {"pictures", "ring8"}},
		{"gan", "width=0", {"option width", "0"}},
		{"gan", "penalty=gp", {"option penalty", "wgan-gp"}},
		{"gan", "normalise-d=sn", {"option normalise-d", "spectral"}},
		{"gan", "labels=0,1", {"option labels", "-1,1,0"}},
		{"gan", "pack=3", {"packs of 3", "--pack"}},
		{"gan", "normalise-g=instance", {"instance norm", "pictures"}},
		{"gan", "optimiser=sdg", {"option optimiser", "rmsprop"}},
		{"gan", "rate=linear:5", {"option rate", "linear:HOLD:FALL"}},
		{"gan", "rate=linear:5:0", {"option rate", "linear:HOLD:FALL"}},
		{"gan", "rate=cosine:9miles", {"option rate", "cosine:LENGTH"}},
		{"gan", "rate=cosine:0", {"option rate", "cosine:LENGTH"}},
		{"gan", "rate=sinking", {"option rate", "exponential:FACTOR:FLOOR"}},
		{"gan", "momentum=.5:.7", {"option momentum", "0.5:0.7:250"}},
		{"gan", "momentum=1", {"option momentum", "0.5:0.7:250"}},
		{"gan", "accumulate=0", {"option accumulate", "0"}},
	};
	const char *out = scratch_path("bad");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		gm_train_call call = {0};
		gm_error err = {0};
		bool ok = train(&call, &err, bad[i].model, out,
		                OPTIONS("data=ring8", "steps=1", bad[i].option));
		REFUSED(ok, &err, bad[i].word[0], bad[i].word[1]);
	}
	assert_false(gm_file_exists(out)); /* no run, no folder */
	gm_error err = {0};
	gm_settings s;
	gm_settings_init(&s, gm_model_find("dcgan"));
	REFUSED(gm_settings_set(&s, "widht", "3", &err), &err, "widht", "did you mean width");
	must(gm_settings_set(&s, "log_every", "3", &(gm_error){0}), &err);
	assert_string_equal(gm_settings_get(&s, "log-every"), "3");
	assert_string_equal(gm_settings_get(&s, "batch"), "128"); /* the model's own default */
	gm_settings_free(&s);
	/* also a name near one of the last rows */
	gm_settings_init(&s, gm_model_find("cgan"));
	assert_true(s.count > 64);
	err = (gm_error){0};
	REFUSED(gm_settings_set(&s, "outdri", "3", &err), &err, "did you mean outdir");
	gm_settings_free(&s);
}

/* Options that have no effect with the values of the others. */
static void options_without_effect_are_refused(void **state)
{
	(void)state;
	const struct {
		const char *model, *option[4], *word[2];
	} bad[] = {
		{"gan", {"penalty-weight=3"}, {"option penalty-weight", "--penalty none"}},
		{"gan", {"slope=3", "penalty=r1"}, {"wgan-gp or one-sided", "--penalty r1"}},
		{"gan", {"labels=-1,1,0"}, {"option labels", "--objective non-saturating"}},
		{"gan", {"unroll-lr=1"}, {"other than 0", "--unroll 0"}},
		{"gan",
	         {"reference=9"},
	         {"--normalise-g virtual or with --normalise-d virtual", "--normalise-g none"}},
		/* "auto" as the model sets it */
		{"gan", {"momentum=.5"}, {"option momentum", "--optimiser adam"}},
		{"gan", {"beta1=.9", "optimiser=sgd"}, {"option beta1", "--optimiser sgd"}},
		{"gan", {"rollback-lr=.1"}, {"option rollback-lr", "--on-nan stop"}},
		{"gan", {"subset-seed=3"}, {"--per-class other than 0", "--per-class 0"}},
		{"vae", {"passes=8", "rate=constant"}, {"option passes", "--rate constant"}},
		{"vae", {"sigma=1", "data=glyphs"}, {"option sigma", "--decoder bernoulli"}},
		{"autoencoder", {"ema=.9"}, {"option ema", "no moving averages"}},
		{"pix2pix",
	         {"data=edges2shapes", "size=32", "loss=l1", "noise=.1"},
	         {"option noise", "no game"}},
		{"aae-categorical",
	         {"data=glyphs", "lr-class=1", "task=clustering"},
	         {"--task semi-supervised", "--task clustering"}},
		{"pixelcnn-ae",
	         {"data=glyphs", "features=8", "decoder=mse"},
	         {"--decoder pixelcnn", "--decoder mse"}},
		{"forecast",
	         {"data=crossing-shapes", "lr-tune=1"},
	         {"option lr-tune", "--tune-after 0"}},
		{"stackgan",
	         {"data=captioned", "nz=3", "stage1=runs/1"},
	         {"without --stage1", "--stage1 runs/1"}},
		{"dbn", {"data=glyphs", "layer3-kimg=1"}, {"--layers 4", "--layers 2"}},
	};
	const char *out = scratch_path("no-effect");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		gm_train_call call = {0};
		gm_error err = {0};
		const char *const *o = bad[i].option;
		bool ok = train(&call, &err, bad[i].model, out,
		                OPTIONS("data=ring8", "steps=1", o[0], o[1], o[2], o[3]));
		REFUSED(ok, &err, bad[i].word[0], bad[i].word[1]);
	}
	assert_false(gm_file_exists(out));
	/* The default, which a recipe may state, and an option in a sum have their say. */
	gm_train_call call = {0};
	gm_error err = {0};
	must(train(&call, &err, "gan", scratch_path("effect"),
	           OPTIONS("data=ring8", "steps=1", "batch=8", "width=4", "slope=1.0", "ema=.5",
	                   "normalise-g=virtual+spectral", "reference=8")),
	     &err);
	/* Resumed with options that an earlier version took: only new ones count. */
	gm_train_call again = {.resume = call.folder};
	REFUSED(train(&again, &err, "gan", scratch_path("effect"),
	              OPTIONS("steps=2", "max-rollbacks=5")),
	        &err, "option max-rollbacks");
}

/* The conditions name options and values that exist. */
static void conditions_make_sense(void **state)
{
	(void)state;
	int seen = 0;
	for (int i = 0; gm_models[i]; i++) {
		gm_settings s;
		gm_settings_init(&s, gm_models[i]);
		for (int k = 0; k < s.count; k++) {
			char text[300], *rest = text, *one, *word;
			int known = 0;
			snprintf(text, sizeof text, "%s", s.row[k].only ? s.row[k].only : "");
			while (*text && (one = strsep(&rest, ",;"))) {
				one += *one == '!';
				gm_setting *row = gm_settings_find(&s, strsep(&one, "="));
				known += row != NULL;
				while (row && one && (word = strsep(&one, "|"))) {
					const char *was = row->value;
					gm_error err = {0};
					row->value = word;
					must(gm_setting_check(row, &err), &err);
					row->value = was;
				}
			}
			assert_true(!*text || known);
			assert_int_equal(gm_setting_only(&s, &s.row[k], text, sizeof text),
			                 known > 0);
			seen += known > 0;
		}
		gm_settings_free(&s);
	}
	assert_true(seen > 100);
}

/* Every row has a type that its own default fits, and types are checked before data are opened. */
static void options_are_typed(void **state)
{
	(void)state;
	char range[300];
	for (int i = 0; gm_models[i]; i++) {
		gm_settings s;
		gm_error err = {0};
		gm_settings_init(&s, gm_models[i]);
		must(gm_settings_check(&s, &err), &err);
		for (int k = 0; k < s.count; k++) {
			gm_setting *row = &s.row[k];
			const char *was = row->value;
			if (row->type.kind == GM_OPTION_TEXT || row->type.kind == GM_OPTION_PATH)
				continue;
			row->value = "no value at all";
			REFUSED(gm_settings_check(&s, &err), &err, row->name);
			if (row->type.kind != GM_OPTION_U64)
				assert_true(*gm_setting_range(row, range, sizeof range));
			row->value = was, err = (gm_error){0};
		}
		gm_settings_free(&s);
		gm_train_call call = {0};
		REFUSED(train(&call, &err, gm_models[i]->name, scratch_path("typed"),
		              OPTIONS("data=no-such-data", "seed=x")),
		        &err, "option seed");
	}
}

/* The groups of a form: each name of a net's row is an option of some model. */
static void options_are_grouped(void **state)
{
	(void)state;
	static const char *const of[][2] = {
		{"net", "Net"},      {"width", "Net"},      {"noise", "Game"},   {"batch", "Game"},
		{"data", "Data"},    {"cache", "Data"},     {"steps", "Length"}, {"kimg", "Length"},
		{"grid", "Records"}, {"backend", "Records"}};
	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		assert_string_equal(gm_setting_group(of[i][0]), of[i][1]);
}

/* The learning rate that was logged for a step. */
static double logged(const gm_train_call *call, const char *name, int64_t step)
{
	char line[1000], want[64], key[64];
	FILE *f = fopen(in_run(call, "stats.jsonl"), "r");
	double v = NAN;
	assert_non_null(f);
	snprintf(want, sizeof want, "{\"step\": %d,", (int)step);
	snprintf(key, sizeof key, "\"%s\": ", name);
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, want, strlen(want)) && strstr(line, key))
			v = strtod(strstr(line, key) + strlen(key), NULL);
	fclose(f);
	return v;
}

/* Batches of 10 of the 50,000 points that count as a pass: step n begins after n - 1 of them. */
static void rates_follow_their_schedules(void **state)
{
	(void)state;
	enum { N = 8 };
	const struct {
		const char *rate;
		double want[N];
	} row[] = {
		{"constant", {1, 1, 1, 1, 1, 1, 1, 1}},
		{"exponential:2:1e-9", {1, .5, .25, .125, .0625, .03125, .015625, .0078125}},
		{"linear:2steps:4steps", {1, 1, 1, .75, .5, .25, 0, 0}},
		{"linear:0.0004:0.0008", {1, 1, 1, .75, .5, .25, 0, 0}},
		{"linear:.02kimg:.04kimg", {1, 1, 1, .75, .5, .25, 0, 0}},
		{"cosine:4", {1, .853553391, .5, .146446609, 0, 0, 0, 0}},
		{"step:3steps:.1", {1, 1, 1, .1, .1, .1, .01, .01}},
		{"stages:0", {1, 1, 1, 1, 1, 1, 1, 1}},
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		gm_train_call call = {0};
		gm_error err = {0};
		char rate[64];
		snprintf(rate, sizeof rate, "rate=%s", row[i].rate);
		must(train(&call, &err, "gan", scratch_path("rates"),
		           OPTIONS("data=ring8", "batch=10", "width=4", "lr=.25", "lr-d=.5",
		                   "steps=8", "log-every=1", rate)),
		     &err);
		for (int n = 0; n < N; n++) {
			double g = logged(&call, "lr", n + 1), d = logged(&call, "lr_d", n + 1);
			if (fabs(g - .25 * row[i].want[n]) > 1e-8 || fabs(d - 2 * g) > 1e-8)
				fail_msg("%s, step %d: %g, not %g", row[i].rate, n + 1, g,
				         .25 * row[i].want[n]);
		}
		/* A schedule that has ended is said, with a way on. */
		bool ends = row[i].want[N - 1] == 0;
		assert_true(in_file(in_run(&call, "log.txt"), "has ended") == ends);
		assert_true((*call.prolong != 0) == ends);
	}
	/* Momentum grows with the epoch: here the third of four begins at step 5. */
	gm_train_call call = {0};
	gm_error err = {0};
	must(train(&call, &err, "gan", scratch_path("rates"),
	           OPTIONS("data=ring8", "batch=25000", "width=4", "optimiser=sgd", "steps=7",
	                   "momentum=.5:.8:4", "log-every=1")),
	     &err);
	const double want[] = {.5, .5, .6, .6, .7, .7, .8};
	for (int n = 0; n < 7; n++)
		assert_true(fabs(logged(&call, "momentum", n + 1) - want[n]) < 1e-6);
}

/* What a schedule is made of may be another when a run is resumed; the way on that is printed
 * trains. */
static void schedules_may_change_on_resume(void **state)
{
	(void)state;
	gm_train_call call = {0};
	gm_error err = {0};
	const char *out = scratch_path("longer");
	char first[PATH_MAX], more[300];
	must(train(&call, &err, "classifier", out,
	           OPTIONS("data=shapes", "batch=4", "width=2", "features=4", "steps=4", "decay=4",
	                   "metrics=", "log-every=1")),
	     &err);
	assert_string_equal(call.prolong, "--decay 8");
	assert_false(in_file(in_run(&call, "log.txt"), "has ended"));
	snprintf(first, sizeof first, "%s", call.folder);
	snprintf(more, sizeof more, "decay=%s", call.prolong + strlen("--decay "));
	call = (gm_train_call){.resume = first};
	must(train(&call, &err, "classifier", out, OPTIONS("steps=7", more)), &err);
	assert_true(fabs(logged(&call, "lr", 5) - 5e-4) < 1e-9); /* half of 8 */
	call = (gm_train_call){.resume = first};
	must(train(&call, &err, "classifier", out, OPTIONS("steps=10")), &err);
	assert_true(logged(&call, "lr", 10) == 0 && in_file(in_run(&call, "log.txt"), "has ended"));
	call = (gm_train_call){.resume = first};
	must(train(&call, &err, "classifier", out, OPTIONS("steps=11", "rate=constant", "lr=1e-4")),
	     &err);
	assert_true(fabs(logged(&call, "lr", 11) - 1e-4) < 1e-9);
	call = (gm_train_call){.resume = first};
	REFUSED(train(&call, &err, "classifier", out, OPTIONS("steps=12", "decay=30")), &err,
	        "option decay", "--rate constant", "--rate auto");
}

/* Steps, kimg and epochs: the last one said counts, whatever a recipe or the checkpoint had. */
static void the_last_length_counts(void **state)
{
	(void)state;
	gm_error err = {0};
	const char *out = scratch_path("lengths");
	gm_train_call call = {0};
	must(train(&call, &err, "gan", out,
	           OPTIONS("data=ring8", "batch=32", "width=8", "epochs=1", "kimg=.064")),
	     &err);
	assert_int_equal(call.step, 2);
	call = (gm_train_call){.resume = ""};
	must(train(&call, &err, "gan", out, OPTIONS("steps=5")), &err);
	assert_int_equal(call.step, 5);
	call = (gm_train_call){.resume = ""};
	must(train(&call, &err, "gan", out, OPTIONS("steps=900", "kimg=.256")), &err);
	assert_int_equal(call.step, 8);
}

static void options_from_a_file(void **state)
{
	(void)state;
	gm_settings s;
	gm_error err = {0};
	char model[32];
	const char good[] = "# a recipe\nmodel = dcgan\n width=32 # small\r\n\nlog_every = "
			    "5\npublished-fid = 9.8\n";
	scratch_write("good.recipe", good, strlen(good));
	gm_settings_init(&s, gm_model_find("dcgan"));
	must(gm_recipe_model(scratch_path("good.recipe"), model, sizeof model, &err), &err);
	assert_string_equal(model, "dcgan");
	must(gm_settings_file(&s, scratch_path("good.recipe"), &err), &err);
	assert_string_equal(gm_settings_get(&s, "width"), "32");
	assert_string_equal(gm_settings_get(&s, "log-every"), "5");
	scratch_write("bad.recipe", "width = 3\nwidth 4\n", 18);
	REFUSED(gm_settings_file(&s, scratch_path("bad.recipe"), &err), &err, "line 2", "width 4");
	err = (gm_error){0};
	scratch_write("bad2.recipe", "widht = 3\n", 10);
	REFUSED(gm_settings_file(&s, scratch_path("bad2.recipe"), &err), &err, "line 1",
	        "did you mean width");
	err = (gm_error){0};
	REFUSED(gm_settings_file(&s, scratch_path("none.recipe"), &err), &err, "none.recipe");
	gm_settings_free(&s);
}

/* ---- what models ask for besides ------------------------------------------------------------- */

static int counted; /* state of the model's own */

/* A counter that checkpoints carry; weights from another file. */
static int train_other(gm_run *r)
{
	static char count[4];
	memset(count, 0, sizeof count);
	gm_net *C = gm_net_new(r, "C");
	gm_node *x = gm_batch(r, "point");
	gm_node *h = gm_block(C, "h0", x, .out = 4, .act = GM_RELU);
	gm_node *loss = gm_mean_all(gm_square(gm_linear(C, "y", h, .out = 3)));
	gm_load_report rep = {0};
	const char *from = gm_opt_str(r, "weights");
	if (*from && gm_net_load(r, C, from, "D/", &rep) && !gm_opt_flag(r, "quiet"))
		assert_true(rep.loaded == 2 && rep.reshaped == 2 && rep.absent == 0);
	gm_keep(r, "count", count, sizeof count);
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, C, loss));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
		count[0]++;
	}
	counted = (unsigned char)count[0];
	return gm_end(r);
}

static gm_node *scores(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)ctx, (void)with;
	return gm_linear(D, "y", gm_features(D, gm_block(D, "h", x, .out = 4, .act = GM_TANH)),
	                 .out = 1);
}

static int train_two_games(gm_run *r)
{
	gm_net *G = gm_net_new(r, "G"), *D = gm_net_new(r, "D"), *E = gm_net_new(r, "E");
	gm_game one = gm_opt_game(r, G, D), two = gm_opt_game(r, G, E);
	gm_node *x = gm_batch(r, "point");
	gm_node *z = gm_noise(r, "z", GM_LATENT_UNIFORM, gm_opt_int(r, "batch"), 3);
	one.discriminator = two.discriminator = scores;
	one.real.x = x, one.fake.x = gm_linear(G, "x", z, .out = 2);
	/* the second is a game over numbers in [0,1], of another width than the data */
	two.real.x = gm_unit(gm_noise(r, "p", GM_LATENT_UNIFORM, gm_opt_int(r, "batch"), 5));
	two.fake.x = gm_linear(G, "c", z, .out = 5);
	gm_run_game(r, &one), gm_run_game(r, &two);
	gm_node *loss = gm_add(one.loss_g, two.loss_g);
	gm_step *s = gm_run_compile(r, gm_logged(r, "loss_g", loss), gm_logged(r, "d", one.loss_d),
	                            gm_logged(r, "e", two.loss_d), gm_move(r, G, loss),
	                            gm_move(r, D, one.loss_d, .which = "d"),
	                            gm_move(r, E, two.loss_d, .which = "d"));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, s);
	}
	return gm_end(r);
}

static void train_model(gm_train_call *call, const gm_model *m, const char *const *options)
{
	gm_settings s;
	gm_error err = {0};
	char name[64];
	gm_settings_init(&s, m);
	must(gm_settings_set(&s, "outdir", scratch_path("models"), &err) &&
	             gm_settings_set(&s, "data", "ring8", &err) &&
	             gm_settings_set(&s, "batch", "8", &err) &&
	             gm_settings_set(&s, "steps", "2", &err),
	     &err);
	for (; *options; options++) {
		const char *equals = strchr(*options, '=');
		snprintf(name, sizeof name, "%.*s", (int)(equals - *options), *options);
		must(gm_settings_set(&s, name, equals + 1, &err), &err);
	}
	call->settings = &s;
	must(gm_train(call, &err), &err);
	call->settings = NULL;
	gm_settings_free(&s);
}

/* Reference batches are what each net reads, of its own game; the noise on both is one schedule. */
static void games_of_one_run(void **state)
{
	(void)state;
	static const gm_option options[] = {GM_OPTIMISER_OPTIONS("adam", "1e-3", ".5", "constant"),
	                                    GM_GAME_OPTIONS("hinge", "none", "virtual"),
	                                    {0}};
	const gm_model model = {"two", "", "", options, train_two_games};
	gm_train_call call = {0};
	gm_error err = {0};
	train_model(&call, &model,
	            OPTIONS("noise=.1", "noise-steps=4", "reference=11", "log-every=1"));
	gm_st *st = gm_st_open(in_run(&call, "checkpoint-000002.safetensors"), &err);
	must(st != NULL, &err);
	const gm_st_tensor *d = gm_st_find(st, "D/reference"), *e = gm_st_find(st, "E/reference");
	assert_true(d && e && d->dims[0] == 11 && d->dims[1] == 2 && e->dims[0] == 11 &&
	            e->dims[1] == 5);
	double low = 0, high = 0;
	for (int i = 0; i < 22; i++)
		low = fmin(low, ((const float *)d->data)[i]),
		high = fmax(high, ((const float *)d->data)[i]);
	assert_true(low < -.5 && high > .5); /* points of the ring */
	for (int i = 0; i < 55; i++) {
		float v = ((const float *)e->data)[i];
		assert_true(v >= 0 && v <= 1 && v != ((const float *)e->data)[(i + 1) % 55]);
	}
	gm_st_close(st);
	assert_true(logged(&call, "noise", 1) == (double).1f ||
	            fabs(logged(&call, "noise", 1) - .1) < 1e-8);
	assert_true(fabs(logged(&call, "noise", 2) - .075) < 1e-8);
}

static void weights_and_state_of_a_models_own(void **state)
{
	(void)state;
	static const gm_option options[] = {{"weights", "", "file"},
	                                    {"quiet", "no", "", GM_FLAG},
	                                    GM_OPTIMISER_OPTIONS("sgd", "0", "0", "constant"),
	                                    {0}};
	const gm_model model = {"other", "", "", options, train_other};
	gm_train_call gan = {0}, call = {0};
	gm_error err = {0};
	char weights[PATH_MAX + 100];
	must(train(&gan, &err, "gan", scratch_path("gan"),
	           OPTIONS("data=ring8", "batch=8", "width=4", "steps=1")),
	     &err);
	snprintf(weights, sizeof weights, "weights=%s",
	         in_run(&gan, "checkpoint-000001.safetensors"));
	/* h0 is D's, the head is new; at rate 0 it stays so */
	train_model(&call, &model, OPTIONS(weights));
	assert_int_equal(counted, 2);
	gm_st *a = gm_st_open(weights + strlen("weights="), &err),
	      *b = gm_st_open(in_run(&call, "checkpoint-000002.safetensors"), &err);
	must(a && b, &err);
	assert_memory_equal(gm_st_find(a, "D/h0/weight")->data, gm_st_find(b, "C/h0/weight")->data,
	                    8 * sizeof(float));
	gm_st_close(a), gm_st_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senseless_options_are_refused),
		cmocka_unit_test(options_without_effect_are_refused),
		cmocka_unit_test(conditions_make_sense),
		cmocka_unit_test(options_are_typed),
		cmocka_unit_test(options_are_grouped),
		cmocka_unit_test(rates_follow_their_schedules),
		cmocka_unit_test(schedules_may_change_on_resume),
		cmocka_unit_test(the_last_length_counts),
		cmocka_unit_test(options_from_a_file),
		cmocka_unit_test(games_of_one_run),
		cmocka_unit_test(weights_and_state_of_a_models_own),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
