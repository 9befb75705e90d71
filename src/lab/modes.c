/* SPDX-License-Identifier: MIT
 *
 * lab/modes.c -- mode collapse in the plane, by the protocol of PacGAN (Lin, Khetan, Fanti & Oh,
 * NeurIPS 2018, arXiv:1712.04086, section 4.1; settings from the authors' configuration,
 * github.com/fjxmlzn/PacGAN, synthetic_data_experiments).
 *
 * G: z of 2 normal numbers, four layers of 400 relu with batch norm and no bias, then linear to 2.
 * D: packs of m points, three layers of 200 maxout units of 5 pieces, then linear. Weights
 * N(0, .02). Both move at once by Adam, 1e-4, beta1 .8; 100 packs a step; 400 epochs of 100,000
 * packs. Then 2,500 samples, G's batch norm on its running statistics: one is of high quality
 * within 3 sigma of its nearest mode, a mode is found that has one, and the reverse
 * Kullback-Leibler divergence is that of the found modes' shares from uniform.
 *
 * Differs: examples are drawn endlessly, not from 100,000 fixed ones; the running statistics follow
 * the first of G's m batches (the authors: the mean of all). What is asked for by an option differs
 * as it says. The published row is printed where every other setting is the paper's.
 */
#include "lab/lab.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/progress.h"
#include "base/text.h"
#include "ganymede/data.h"
#include "ganymede/metrics.h"
#include "tensorfile/safetensors.h"

enum { TRIALS = 1000, STATE_TENSORS = 256 };

static const gm_option options[] = {
	{"data", "ring8", "ring8 or grid25", GM_CHOICE("ring8|grid25")},
	{"pack", "1", "points that D sees at once: 1 is the GAN, 2 to 4 are PacGAN's",
         GM_INT(1, 8)},
	{"trials", "10", "independent trainings", GM_INT(1, TRIALS)},
	{"steps", "400000", "steps of each (the paper's: 400000)", GM_INT(1, GM_MANY)},
	{"objective", "non-saturating", "as in train", GM_ROW_OF(gm_objective_name)},
	{"penalty", "none", "as in train", GM_ROW_OF(gm_penalty_name)},
	{"penalty-weight", "0", "as in train; 0: the usual one", GM_REAL(0, 1e6)},
	{"normalise-d", "none", "as in train, acting on D's weights",
         GM_ROW_OF(gm_normaliser_name)},
	{"minibatch", "no", "minibatch discrimination in D", GM_FLAG},
	{"smooth", "0", "one-sided label smoothing", GM_REAL(0, .5)},
	{"flip", "0", "share of pairs whose labels are exchanged for D", GM_REAL(0, .5)},
	{"noise", "0", "sigma of noise on all that D sees", GM_REAL(0, 10)},
	{"match", "no", "G matches the means of D's features", GM_FLAG},
	{"history", "0", "weight of historical averaging", GM_REAL(0, 1e6)},
	{"unroll", "0", "steps of D that G looks ahead", GM_INT(0, 32)},
	{"lr", "1e-4", "Adam step size", GM_REAL(0, 1)},
	{"batch", "100", "packs in a step", GM_INT(2, 1 << 16)},
	{"frames", "12", "pictures of the first trial; 0: none", GM_INT(0, 99)},
	{"seed", "1", "of the first trial; each further one adds 1", GM_INT(0, GM_MANY)},
	{0},
};

enum { SAMPLES = 2500, GRID = 64, ARROWS = 16, WIDTH = 400, UNITS = 200, PIECES = 5 };

typedef struct set {
	const char *name;
	int modes;
	double sigma, extent;
	double mode[GM_DATA_MODES][2];
} set;

static set set_of(gm_lab *l)
{
	set s = {.name = gm_lab_text(l, "data")};
	s.modes = gm_data_modes(s.name, s.mode, &s.sigma);
	s.extent = s.modes == 8 ? 2 : 6;
	return s;
}

typedef struct score {
	double modes, quality, kl;
} score;

static bool score_of(const set *s, const float *x, score *out, gm_error *err)
{
	const gm_mixture mixture = {s->mode[0], s->modes, 2, s->sigma};
	int32_t label[SAMPLES];
	gm_modes m;
	if (!gm_modes_label(&mixture, x, SAMPLES, label, err) ||
	    !gm_modes_of(label, SAMPLES, s->modes, NULL, &m, err))
		return false;
	*out = (score){(double)m.found, m.quality, m.reverse_kl};
	return true;
}

/* ---- one training ---------------------------------------------------------------------------- */

typedef struct trial {
	gm_lab *l;
	const set *s;
	int pack, batch;
	uint64_t seed;
	gm_graph *g;
	gm_net *G, *D;
	gm_dataset *data;
	/* at [GRID^2, 2 pack]: grid points for plotting D */
	gm_node *real, *sample, *at, *score, *slope;
	gm_step *train, *draw, *map;
	float *x;
	gm_image **frame;
	int frames;
	bool cut; /* stopped early */
} trial;

typedef struct done_trials {
	int n;
	double modes[TRIALS], quality[TRIALS], kl[TRIALS];
} done_trials;

static gm_node *generator(gm_net *G, gm_node *z)
{
	static const char *const name[] = {"h0", "h1", "h2", "h3"}, *const norm[] = {
									    "h0/norm", "h1/norm",
									    "h2/norm", "h3/norm"};
	for (int i = 0; i < 4; i++) {
		z = gm_linear(G, name[i], z, .out = WIDTH, .no_bias = true,
		              .init = GM_NORMAL(0, .02));
		z = gm_relu(gm_batch_norm(G, norm[i], z, .momentum = .05));
	}
	return gm_linear(G, "x", z, .out = 2, .init = GM_NORMAL(0, .02));
}

static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *given)
{
	(void)given;
	static const char *const name[] = {"h0", "h1", "h2"};
	(void)ctx;
	for (int i = 0; i < 3; i++)
		x = gm_maxout(D, name[i], x, .out = UNITS, .pieces = PIECES,
		              .init = GM_NORMAL(0, .02));
	return gm_linear(D, "y", gm_features(D, x), .out = 1, .init = GM_NORMAL(0, .02));
}

static bool build(trial *t, gm_lab *l)
{
	gm_node *fake[8];
	t->g = gm_graph_new(&(gm_graph_options){.seed = t->seed});
	t->G = gm_net_create(t->g, "G", .seed = t->seed);
	t->D = gm_net_create(t->g, "D", .seed = t->seed);
	const gm_normaliser *how = gm_normaliser_find(gm_lab_text(l, "normalise-d"));
	gm_game m = {.G = t->G,
	             .D = t->D,
	             .discriminator = discriminator,
	             .objective = gm_objective_find(gm_lab_text(l, "objective")),
	             .penalty = gm_penalty_find(gm_lab_text(l, "penalty")),
	             .terms = {.smooth = gm_lab_real(l, "smooth"), .b = 1, .c = 1},
	             .unroll = (int)gm_lab_int(l, "unroll"),
	             .unroll_lr = .01};
	double weight = gm_lab_real(l, "penalty-weight"), noise = gm_lab_real(l, "noise");
	m.noise = noise > 0 ? gm_scalar(t->g, noise) : NULL;
	m.flip = gm_lab_real(l, "flip"), m.history = gm_lab_real(l, "history");
	m.match = gm_lab_flag(l, "match");
	if (how->flow)
		return gm_fail(&l->err, GM_ERR_VALUE,
		               "option normalise-d: %.40s normalises activations; here D has only "
		               "normalisers of weights, such as spectral",
		               gm_lab_text(l, "normalise-d"));
	m.weight = weight > 0 ? weight : m.penalty->weight;
	gm_net_normalise(t->D, how);
	gm_net_minibatch(t->D, gm_lab_flag(l, "minibatch"));
	t->real = gm_input(t->g, "x", GM_SHAPE(t->batch, 2 * t->pack), GM_F32);
	for (int i = 0; i < t->pack; i++)
		fake[i] = generator(t->G, gm_randn(t->g, GM_SHAPE(t->batch, 2)));
	if (t->frames && gm_lab_flag(l, "minibatch"))
		return gm_fail(&l->err, GM_ERR_VALUE,
		               "minibatch discrimination makes D's output depend on the whole "
		               "batch, so D cannot be plotted: use --frames 0");
	m.real.x = t->real, m.fake.x = gm_concat(fake, t->pack, 1);
	gm_game_build(&m);
	if (m.refusal)
		return gm_fail(&l->err, GM_ERR_VALUE, "%s", m.refusal);
	gm_node *lr = gm_scalar(t->g, gm_lab_real(l, "lr"));
	t->train =
		gm_compile(t->g, m.loss_d,
	                   gm_adam(t->D, m.loss_d, .lr = lr, .beta1 = .8, .clip_weights = m.clip),
	                   gm_adam(t->G, m.loss_g, .lr = lr, .beta1 = .8));
	t->sample = generator(t->G, gm_randn(t->g, GM_SHAPE(SAMPLES, 2)));
	gm_compile_options infer = {.infer = true};
	t->draw = gm_compile_nodes(t->g, &t->sample, 1, &infer);
	if (t->frames) {
		t->at = gm_input(t->g, "at", GM_SHAPE(GRID * GRID, 2 * t->pack), GM_F32);
		t->score = gm_game_discriminate(&m, (gm_shown){t->at, NULL});
		gm_grad(t->score, &t->at, 1, &t->slope);
		gm_node *map[2] = {t->score, t->slope};
		t->map = gm_compile_nodes(t->g, map, 2, &infer);
	}
	return gm_lab_ok(l, t->g) && t->train && t->draw && (t->map || !t->frames);
}

/* A plot of D: blue for fake, orange for real, arrows along its gradient. With packs, the other
 * points of a pack are real examples. */
static gm_figure *picture(trial *t, const float *samples, int step)
{
	int wide = 2 * t->pack;
	double e = t->s->extent, cell = 2 * e / GRID;
	float *at = malloc(GRID * GRID * wide * sizeof *at), y[GRID * GRID];
	float *slope = malloc(GRID * GRID * wide * sizeof *slope);
	char title[64];
	if (!at || !slope)
		gm_no_memory(0);
	for (int i = 0; i < GRID * GRID; i++) {
		for (int k = 2; k < wide; k++)
			at[i * wide + k] = t->x[(i % t->batch) * wide + k];
		at[i * wide] = (float)(-e + (i % GRID + .5) * cell);
		at[i * wide + 1] = (float)(-e + (i / GRID + .5) * cell);
	}
	gm_set_f32(t->at, at, GRID * GRID * wide);
	gm_step_run(t->map);
	gm_step_read(t->map, t->score, y, GRID * GRID);
	gm_step_read(t->map, t->slope, slope, GRID * GRID * wide);
	gm_figure *f = gm_figure_new(560, 580);
	gm_panel p = {40, 30, 545, 535, -e, e, -e, e, false};
	snprintf(title, sizeof title, "%s, pack %d, step %d", t->s->name, t->pack, step);
	double lo = INFINITY, hi = -INFINITY, most = 0;
	for (int i = 0; i < GRID * GRID; i++)
		lo = fmin(lo, y[i]), hi = fmax(hi, y[i]);
	for (int i = 0; i < GRID * GRID; i++) {
		/* Colour scale from minimum to maximum score. Cells overlap to hide seams. */
		double v = hi > lo ? (y[i] - lo) / (hi - lo) : .5;
		double x0 = at[i * wide] - cell / 2, y0 = at[i * wide + 1] - cell / 2;
		double x1 = x0 + 1.5 * cell, y1 = y0 + 1.5 * cell;
		double box[8] = {x0, y0, x1, y0, x1, y1, x0, y1};
		gm_ink ink = {(uint8_t)(170 + 85 * v),
		              (uint8_t)(205 + 25 * v),
		              (uint8_t)(250 - 70 * v),
		              1,
		              0,
		              0};
		gm_figure_area(f, &p, box, 4, ink);
		most = fmax(most, hypot(slope[i * wide], slope[i * wide + 1]));
	}
	gm_figure_axes(f, &p, title);
	gm_ink arrow = {110, 116, 130, .9, 1, 0}, dot = {200, 30, 60, .45, 1.6, 0};
	gm_ink truth = {20, 24, 32, 1, 2.2, 0};
	for (int k = 0; k < ARROWS * ARROWS && most > 0; k++) {
		int i = (k / ARROWS * GRID + k % ARROWS) * (GRID / ARROWS) +
		        (GRID + 1) * GRID / ARROWS / 2;
		double sx = slope[i * wide], sy = slope[i * wide + 1], size = hypot(sx, sy);
		double scale = size > 0 ? 2 * e / ARROWS * .8 * sqrt(size / most) / size : 0;
		gm_figure_arrow(f, &p, at[i * wide] - sx * scale / 2,
		                at[i * wide + 1] - sy * scale / 2, sx * scale, sy * scale, arrow);
	}
	for (int i = 0; i < t->s->modes; i++)
		gm_figure_disc(f, &p, t->s->mode[i][0], t->s->mode[i][1], truth);
	for (int i = 0; i < SAMPLES; i += 2)
		gm_figure_disc(f, &p, samples[2 * i], samples[2 * i + 1], dot);
	free(at), free(slope);
	return f;
}

static bool stopped(const gm_lab *l)
{
	return l->stop && *l->stop;
}

static bool feed(trial *t, int step)
{
	int64_t n = (int64_t)t->batch * t->pack;
	if (!gm_data_batch(t->data, t->seed, step * n, n, t->x, NULL, &t->l->err))
		return false;
	return gm_set_f32(t->real, t->x, 2 * n);
}

static void sample(trial *t, float *x)
{
	gm_step_run(t->draw);
	gm_step_read(t->draw, t->sample, x, 2 * SAMPLES);
}

/* ---- what a killed experiment leaves, and goes on with --------------------------------------- */

static const double SAVE_EVERY = 20; /* seconds */

static void state_path(const trial *t, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.4000s/unfinished.safetensors", t->l->folder);
}

/* All options except the number of trials, as text: a saved state is valid only for equal
 * options. */
static char *options_text(const gm_lab *l)
{
	json_t *o = json_object();
	for (int i = 0; options[i].name; i++)
		if (strcmp(options[i].name, "trials"))
			json_object_set_new(o, options[i].name, json_string(l->value[i]));
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(o);
	return text;
}

/* Saves the finished trials and the nets of the current trial after `step` steps. */
static bool save_state(trial *t, const done_trials *d, int step)
{
	char path[PATH_MAX], at[24], runs[24];
	gm_st_tensor tensor[STATE_TENSORS];
	int n = 0;
	bool ok = true;
	gm_net *net[2] = {t->G, t->D};
	for (int k = 0; k < 2 && t->g; k++)
		for (int i = 0; ok && i < gm_net_count(net[k]); i++) {
			gm_net_entry e = gm_net_at(net[k], i);
			gm_shape s = gm_node_shape(e.node);
			float *v = malloc(gm_node_size(e.node) * sizeof *v);
			ok = v && n < STATE_TENSORS && gm_get_f32(e.node, v, gm_node_size(e.node));
			if (n < STATE_TENSORS) {
				tensor[n] = (gm_st_tensor){.name = e.name,
				                           .type = GM_ST_F32,
				                           .rank = s.rank,
				                           .data = v};
				memcpy(tensor[n++].dims, s.dim, s.rank * sizeof *s.dim);
			}
		}
	char *text = options_text(t->l);
	json_t *scores = json_array();
	for (int i = 0; i < d->n; i++)
		json_array_append_new(scores,
		                      json_pack("[f, f, f]", d->modes[i], d->quality[i], d->kl[i]));
	char *list = json_dumps(scores, JSON_COMPACT | JSON_REAL_PRECISION(17));
	json_decref(scores);
	snprintf(at, sizeof at, "%d", step);
	snprintf(runs, sizeof runs, "%" PRIu64, t->g ? gm_graph_runs(t->g) : 0);
	gm_st_pair meta[] = {{"options", text}, {"runs", runs}, {"step", at}, {"trials", list}};
	state_path(t, path);
	ok = ok && text && list && gm_st_write(path, tensor, n, meta, 4, &t->l->err);
	for (int i = 0; i < n; i++)
		free((void *)tensor[i].data);
	free(text), free(list);
	return ok || gm_fail(&t->l->err, GM_ERR_MEMORY, "no memory to save the trial");
}

/* The saved state of an earlier call of the same experiment; NULL if there is none. */
static gm_st *open_state(trial *t, done_trials *d, int trials)
{
	char path[PATH_MAX], *text = options_text(t->l);
	state_path(t, path);
	gm_st *st = gm_file_exists(path) ? gm_st_open(path, NULL) : NULL;
	const char *of = st ? gm_st_meta(st, "options") : NULL,
		   *list = st ? gm_st_meta(st, "trials") : NULL;
	json_t *scores = of && list && text && !strcmp(of, text) ? json_loads(list, 0, NULL) : NULL;
	free(text);
	if (st && !scores)
		fprintf(t->l->out, "%s is of other options, and is not gone on with\n", path);
	if (!scores) {
		gm_st_close(st);
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(scores) && d->n < trials; i++)
		if (!json_unpack(json_array_get(scores, i), "[F, F, F]", &d->modes[d->n],
		                 &d->quality[d->n], &d->kl[d->n]))
			d->n++;
	json_decref(scores);
	return st;
}

static int64_t size_of(const gm_st_tensor *x)
{
	int64_t n = 1;
	for (int i = 0; i < x->rank; i++)
		n *= x->dims[i];
	return n;
}

/* Loads the nets of the current trial; returns their step, 0 on failure. */
static int load_state(trial *t, const gm_st *st)
{
	int64_t step;
	uint64_t runs;
	gm_net *net[2] = {t->G, t->D};
	if (!gm_text_i64(gm_st_meta(st, "step"), &step) ||
	    !gm_text_u64(gm_st_meta(st, "runs"), &runs) || step < 1 || step > INT32_MAX)
		return 0;
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < gm_net_count(net[k]); i++) {
			gm_net_entry e = gm_net_at(net[k], i);
			const gm_st_tensor *x = gm_st_find(st, e.name);
			int64_t n = gm_node_size(e.node);
			float *v = malloc(n * sizeof *v);
			bool ok = v && x && x->type == GM_ST_F32 && size_of(x) == n;
			if (ok)
				memcpy(v, x->data, n * sizeof *v);
			ok = ok && gm_set_f32(e.node, v, n);
			free(v);
			if (!ok)
				return 0;
		}
	gm_graph_seed(t->g, t->seed, runs);
	return (int)step;
}

static bool run_trial(trial *t, int number, int steps, score *out, const done_trials *d,
                      const gm_st *from)
{
	float x[2 * SAMPLES];
	char what[48];
	int every = t->frames ? steps / t->frames : 0, i = from ? load_state(t, from) : 0;
	bool ok = true, first = number == 0;
	double saved = gm_seconds();
	if (i)
		fprintf(t->l->out, "trial %d resumes at step %d\n", number + 1, i);
	snprintf(what, sizeof what, "trial %d", number + 1);
	for (int k = 0; first && every && k < i / every && k < t->frames; k++) {
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%.4000s/frame-%02d.png", t->l->folder, k + 1);
		t->frame[k] = gm_png_read(path, NULL);
	}
	for (; i < steps && ok; i++) {
		/* On a stop request or Ctrl-C the state is saved. */
		if (!gm_progress_tell(what, (uint64_t)i, (uint64_t)steps, "steps", NULL) ||
		    stopped(t->l)) {
			gm_progress_end();
			t->cut = true;
			return save_state(t, d, i);
		}
		if (gm_seconds() - saved > SAVE_EVERY) {
			ok = save_state(t, d, i);
			saved = gm_seconds();
		}
		ok = ok && feed(t, i);
		gm_step_run(t->train);
		if (first && every > 0 && (i + 1) % every == 0 && (i + 1) / every <= t->frames) {
			sample(t, x);
			gm_figure *f = picture(t, x, i + 1);
			int k = (i + 1) / every;
			char name[32];
			snprintf(name, sizeof name, "frame-%02d", k);
			t->frame[k - 1] = gm_figure_image(f, &t->l->err);
			ok = gm_lab_picture(t->l, name, f) && t->frame[k - 1];
		}
	}
	gm_progress_end();
	sample(t, x);
	return ok && score_of(t->s, x, out, &t->l->err);
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Table 1 of the paper: modes, share of high quality, reverse KL. */
static const struct published {
	const char *data;
	int pack;
	score s;
} published[] = {
	{"ring8", 1, {6.3, .982, .45}},   {"ring8", 2, {7.9, .956, .07}},
	{"ring8", 3, {7.8, .977, .10}},   {"ring8", 4, {7.8, .959, .07}},
	{"grid25", 1, {17.3, .948, .70}}, {"grid25", 2, {23.8, .913, .13}},
	{"grid25", 3, {24.6, .942, .06}}, {"grid25", 4, {24.8, .936, .04}},
};

static void summarise(gm_lab *l, const char *what, const double *v, int n, double theirs)
{
	double mean = 0, square = 0;
	char text[24] = "";
	for (int i = 0; i < n; i++)
		mean += v[i] / n;
	for (int i = 0; i < n; i++)
		square += (v[i] - mean) * (v[i] - mean);
	double error = n > 1 && isfinite(mean) ? sqrt(square / (n - 1) / n) : 0;
	if (!isnan(theirs))
		snprintf(text, sizeof text, "%10.3g", theirs);
	fprintf(l->out, "%-24s %10.4f +- %-8.4f %s\n", what, mean, error, text);
	gm_lab_keep(l, what, gm_lab_numbers(v, n));
}

static bool as_published(gm_lab *l)
{
	static const char *const free_ones[] = {"data", "pack", "trials", "frames", "seed", NULL};
	for (int i = 0; options[i].name; i++) {
		bool mine = false;
		for (int k = 0; free_ones[k]; k++)
			mine = mine || !strcmp(free_ones[k], options[i].name);
		/* shorter runs are shown next to the paper's, marked as shorter */
		if (!mine && strcmp(options[i].name, "steps") &&
		    strcmp(l->value[i], options[i].value))
			return false;
	}
	return true;
}

static bool run(gm_lab *l)
{
	const set s = set_of(l);
	int trials = (int)gm_lab_int(l, "trials"), steps = (int)gm_lab_int(l, "steps");
	trial t = {.l = l,
	           .s = &s,
	           .pack = (int)gm_lab_int(l, "pack"),
	           .batch = (int)gm_lab_int(l, "batch"),
	           .frames = (int)gm_lab_int(l, "frames")};
	uint64_t seed = (uint64_t)gm_lab_int(l, "seed");
	double theirs[3] = {NAN, NAN, NAN};
	static done_trials d;
	d = (done_trials){0};
	t.data = gm_data_open(s.name, NULL, &l->err);
	t.x = malloc(2 * t.batch * t.pack * sizeof *t.x);
	t.frame = calloc(t.frames + 1, sizeof(gm_image *));
	bool ok = !l->err.code && t.data && t.x && t.frame;
	double cpu = gm_processor_seconds();
	gm_st *from = ok ? open_state(&t, &d, trials) : NULL;
	int before = d.n;
	for (int i = 0; i < d.n; i++)
		fprintf(l->out,
		        "trial %d: %g modes, %.1f%% of high quality, reverse KL %.3f (done "
		        "before)\n",
		        i + 1, d.modes[i], 100 * d.quality[i], d.kl[i]);
	while (d.n < trials && ok && !t.cut && !stopped(l)) {
		score r = {0};
		t.seed = seed + (uint64_t)d.n;
		ok = build(&t, l) && run_trial(&t, d.n, steps, &r, &d, d.n == before ? from : NULL);
		if (ok && !t.cut) {
			d.modes[d.n] = r.modes, d.quality[d.n] = r.quality, d.kl[d.n] = r.kl;
			d.n++;
			fprintf(l->out,
			        "trial %d: %g modes, %.1f%% of high quality, reverse KL %.3f\n",
			        d.n, r.modes, 100 * r.quality, r.kl);
			fflush(l->out);
		}
		gm_net_free(t.G);
		gm_net_free(t.D);
		if (t.g)
			gm_graph_free(t.g);
		t.g = NULL, t.G = t.D = NULL;
		if (ok && !t.cut && d.n < trials)
			ok = save_state(&t, &d, 0);
	}
	gm_st_close(from);
	if (ok && d.n < trials)
		fprintf(l->out, "stopped: repeat the command to continue\n");
	if (ok && !d.n)
		ok = gm_fail(&l->err, GM_ERR_STATE,
		             "stopped before the end of the first trial: repeat the command to "
		             "continue");
	if (ok && d.n == trials) {
		char path[PATH_MAX];
		state_path(&t, path);
		unlink(path);
	}
	cpu = gm_processor_seconds() - cpu;
	if (ok && t.frames) {
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/training.webp", l->folder);
		int n = 0;
		while (n < t.frames && t.frame[n])
			n++;
		ok = !n || gm_webp_animation(path, t.frame, n, 400, &l->err);
	}
	if (ok) {
		for (size_t i = 0; i < sizeof published / sizeof *published; i++)
			if (!strcmp(published[i].data, s.name) && published[i].pack == t.pack &&
			    as_published(l))
				theirs[0] = published[i].s.modes,
				theirs[1] = published[i].s.quality, theirs[2] = published[i].s.kl;
		fprintf(l->out, "\n%s, pack %d, %d trial%s of %d steps%-8s %s\n", s.name, t.pack,
		        d.n, d.n == 1 ? "" : "s", steps, "",
		        isnan(theirs[0]) ? "" : "published (400000 steps, 10 trials)");
		summarise(l, "modes found", d.modes, d.n, theirs[0]);
		summarise(l, "high quality", d.quality, d.n, theirs[1]);
		summarise(l, "reverse KL", d.kl, d.n, theirs[2]);
		fprintf(l->out, "CPU time %.0f s, %.2f ms a step\n", cpu,
		        1e3 * cpu / ((double)steps * (d.n - before ? d.n - before : 1)));
		gm_lab_keep(l, "cpu seconds", json_real(cpu));
	}
	for (int i = 0; i < t.frames && t.frame; i++)
		gm_image_free(t.frame[i]);
	gm_data_close(t.data);
	free(t.x);
	free(t.frame);
	return ok;
}

const gm_experiment gm_experiment_modes = {
	"modes", "how many modes a GAN finds, by PacGAN's protocol, for any game and trick",
	options, run};
