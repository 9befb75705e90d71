/* SPDX-License-Identifier: MIT
 *
 * run/game.c -- the options of GM_GAME_OPTIONS, read into a game.
 */
#include "run/run.h"

#include <stdlib.h>
#include <string.h>

/* "0,1,1" */
static bool parse_labels(const char *text, gm_terms *t, gm_error *err)
{
	char rest;
	return sscanf(text, "%lf,%lf,%lf%c", &t->a, &t->b, &t->c, &rest) == 3 ||
	       gm_fail(err, GM_ERR_VALUE, "\"%.60s\" is not three numbers such as -1,1,0", text);
}

bool gm_check_labels(const char *text, gm_error *err)
{
	gm_terms t;
	return parse_labels(text, &t, err);
}

/* Linear from arg[0] to 0 in arg[1] steps; arg[1] 0: constant. */
static double noise_schedule(const gm_run *r, const gm_run_value *v)
{
	return v->arg[1] > 0 ? gm_ramp(v->arg[0], 0, 0, v->arg[1], (double)r->step) : v->arg[0];
}

/* "batch+spectral": at most one of activations and one of weights */
static void normalise(gm_run *r, gm_net *n, const char *option)
{
	char text[128], *rest = text;
	int flows = 0, weights = 0;
	snprintf(text, sizeof text, "%s", gm_opt_str(r, option));
	gm_net_normalise(n, NULL);
	while (rest) {
		const gm_normaliser *how = gm_normaliser_find(strsep(&rest, "+"));
		flows += how && how->flow, weights += how && how->weight;
		if (how && (how->flow || how->weight))
			gm_net_normalise(n, how);
	}
	if (flows > 1 || weights > 1)
		gm_run_fail(r, GM_ERR_VALUE,
		            "option %s: %.60s: a net can have one normaliser of activations and "
		            "one of weights",
		            option, gm_opt_str(r, option));
}

/* "color+cutout" as bits */
static unsigned augmentation(gm_run *r)
{
	char text[128], *rest = text;
	unsigned which = 0;
	snprintf(text, sizeof text, "%s", gm_opt_str(r, "augment"));
	while (rest) {
		const char *word = strsep(&rest, "+");
		for (int i = 1; gm_augmentation_name(i); i++)
			which |= strcmp(gm_augmentation_name(i), word) ? 0 : 1u << i;
	}
	return which;
}

void gm_opt_norms(gm_run *r, gm_net *G, gm_net *D)
{
	normalise(r, G, "normalise-g");
	normalise(r, D, "normalise-d");
}

/* Copies the rows of y [rows, ..] to the reference batch, starting at row `at`. */
static void copy_rows(gm_step *s, const gm_reference *ref, gm_node *y, int64_t at)
{
	gm_shape have = gm_node_shape(y), want = gm_node_shape(ref->variable);
	int64_t each = gm_node_size(y) / have.dim[0], all = gm_node_size(ref->variable);
	int64_t rows = want.dim[0] - at < have.dim[0] ? want.dim[0] - at : have.dim[0];
	float *v = malloc(all * sizeof *v), *some = malloc(gm_node_size(y) * sizeof *some);
	if (!v || !some)
		gm_no_memory(0);
	if (rows > 0 && gm_get_f32(ref->variable, v, all) &&
	    gm_step_read(s, y, some, gm_node_size(y))) {
		memcpy(v + at * each, some, rows * each * sizeof *v);
		gm_set_f32(ref->variable, v, all);
	}
	free(v);
	free(some);
}

/* Fills the reference batches with the nets' inputs for the first examples. Only in a new run;
 * checkpoints contain them. The same on all ranks. */
static void fill_references(gm_run *r, const gm_game *m)
{
	gm_reference ref[4];
	gm_node *like[4];
	int n = gm_net_references(m->D, ref);
	n += gm_net_references(m->G, ref + n);
	if (!n || r->building || r->from || !gm_run_ok(r))
		return;
	for (int i = 0; i < n; i++)
		like[i] =
			gm_node_is_value(ref[i].like) ? ref[i].like : gm_cast(ref[i].like, GM_F32);
	gm_compile_options infer = {.infer = true};
	gm_step *s = gm_compile_nodes(r->graph, like, n, &infer);
	uint64_t runs = gm_graph_runs(r->graph);
	gm_graph_part(r->graph, 0);
	gm_graph_seed(r->graph, r->seed ^ UINT64_C(0x5265666572656e63), 0);
	for (int64_t at = 0; s && at < m->references; at += gm_node_shape(like[0]).dim[0]) {
		if (!gm_feed_rows(r, at / gm_node_shape(like[0]).dim[0] * r->batch))
			break;
		gm_step_run(s);
		for (int i = 0; i < n; i++)
			copy_rows(s, &ref[i], like[i],
			          at / gm_node_shape(like[0]).dim[0] *
			                  gm_node_shape(like[i]).dim[0]);
	}
	gm_step_free(s);
	gm_graph_part(r->graph, r->rank);
	gm_graph_seed(r->graph, r->seed, runs);
}

gm_game gm_opt_game(gm_run *r, gm_net *G, gm_net *D)
{
	gm_game m = {.G = G, .D = D};
	gm_opt_norms(r, G, D);
	gm_net_minibatch(D, gm_opt_flag(r, "minibatch"));
	m.objective = &gm_objectives[gm_opt_choice(r, "objective")];
	m.penalty = &gm_penalties[gm_opt_choice(r, "penalty")];
	gm_opt_auto(r, "penalty-weight", "%.17g", m.penalty->weight);
	m.weight = gm_opt_real(r, "penalty-weight");
	m.slope = gm_opt_real(r, "slope");
	m.terms.smooth = gm_opt_real(r, "smooth");
	parse_labels(gm_opt_str(r, "labels"), &m.terms, &r->err);
	m.flip = gm_opt_real(r, "flip-labels");
	m.augment = augmentation(r);
	m.augment_target = gm_opt_real(r, "augment-target");
	m.augment_kimg = gm_opt_real(r, "augment-kimg");
	m.pack = (int)gm_opt_int(r, "pack");
	m.unroll = (int)gm_opt_int(r, "unroll");
	m.unroll_lr = gm_opt_real(r, "unroll-lr");
	m.match = gm_opt_flag(r, "match");
	m.history = gm_opt_real(r, "history");
	m.references = gm_opt_int(r, "reference");
	m.k = (int)gm_opt_int(r, "k"), m.k_g = (int)gm_opt_int(r, "k-g");
	double noise = gm_opt_real(r, "noise");
	if (noise > 0)
		m.noise = gm_schedule_by(
			r, "noise",
			&(gm_run_value){.value_at = noise_schedule,
		                        .arg = {noise, (double)gm_opt_int(r, "noise-steps")}});
	if (!r->building && r->batch % m.pack)
		gm_run_fail(r, GM_ERR_VALUE,
		            "packs of %d do not divide a batch of %d: --batch must be a multiple "
		            "of --pack",
		            m.pack, (int)r->batch);
	return m;
}

void gm_run_game(gm_run *r, gm_game *m)
{
	gm_game_build(m);
	r->plays = true;
	if (m->refusal)
		gm_run_fail(r, GM_ERR_VALUE, "%s", m->refusal);
	fill_references(r, m);
}

gm_node *gm_run_head(gm_run *r, gm_game *m, const gm_condition *how, gm_node *y)
{
	if (m->pack > 1)
		gm_run_fail(r, GM_ERR_VALUE,
		            "--condition %s needs one label per example, but packs have several: "
		            "use --pack 1, or --condition concat",
		            how->name);
	if (m->pack > 1 || m->refusal)
		return m->y_real;
	return how->head(m, y, r->facts.classes, gm_opt_real(r, "aux-weight"));
}

enum { OWN = 8, MORE = 4 }; /* outputs and effects of a player's step; those of a model */

/* Appends up to `most` nodes; returns the new number. */
static int append(gm_node **all, int n, gm_node *const *more, int most)
{
	for (int i = 0; i < most && more[i]; i++)
		all[n++] = more[i];
	return n;
}

static gm_step *compile(gm_run *r, gm_node *const first[OWN], gm_node *const more[MORE])
{
	gm_node *all[OWN + MORE];
	int n = append(all, 0, first, OWN);
	return gm_run_compile_nodes(r, all, append(all, n, more, MORE));
}

/* The state of adaptive augmentation, to be logged. */
static int add_augmentation(gm_run *r, const gm_game *m, const char *name, gm_node **d, int n)
{
	if (!m->augment_p)
		return n;
	const char *p = name ? gm_name(r, "augment_p_%s", name) : "augment_p",
		   *mean = name ? gm_name(r, "augment_r_%s", name) : "augment_r";
	d[n++] = gm_logged(r, p, m->augment_p);
	d[n++] = gm_logged(r, mean, m->augment_r);
	return n;
}

static gm_node *sum_of(gm_node *y, gm_node *second)
{
	return y && second ? gm_add(y, second) : y;
}

gm_turn gm_play_(gm_run *r, const gm_game *m, gm_play_args a)
{
	gm_turn t = {.k = m->k, .k_g = m->k_g};
	gm_node *loss_d =
		a.loss_d ? a.loss_d : sum_of(m->loss_d, a.second ? a.second->loss_d : NULL);
	gm_node *loss_g =
		a.loss_g ? a.loss_g : sum_of(m->loss_g, a.second ? a.second->loss_g : NULL);
	gm_node *d[OWN] = {loss_d}, *g[OWN] = {loss_g}, *all[2 * (OWN + MORE)];
	if (loss_d) {
		gm_logged(r, a.name ? gm_name(r, "loss_d_%s", a.name) : "loss_d", loss_d);
		d[1] = gm_move(r, m->D, loss_d, .which = "d", .clip_weights = m->clip);
		if (a.second)
			d[2] = gm_move(r, a.second->D, loss_d, .which = "d",
			               .clip_weights = a.second->clip);
		int n = add_augmentation(r, m, a.second ? gm_net_name(m->D) : a.name, d,
		                         a.second ? 3 : 2);
		if (a.second)
			add_augmentation(r, a.second, gm_net_name(a.second->D), d, n);
	}
	gm_logged(r, a.name ? gm_name(r, "loss_g_%s", a.name) : "loss_g", loss_g);
	g[1] = gm_move(r, m->G, loss_g, .average = true);
	if (a.second)
		g[2] = gm_move(r, a.second->G, loss_g, .average = true);
	if (a.before[0])
		t.before = gm_run_compile_nodes(r, all, append(all, 0, a.before, MORE));
	if (loss_d && (!a.together || t.k > 1))
		t.d = compile(r, d, a.d);
	if (!a.together || t.k_g > 1)
		t.g = compile(r, g, a.g);
	if (a.together) {
		int n = append(all, append(all, 0, d, OWN), g, OWN);
		n = append(all, append(all, n, a.d, MORE), a.g, MORE);
		t.both = gm_run_compile_nodes(r, all, n);
	}
	return t;
}

void gm_run_turn(gm_run *r, const gm_turn *t)
{
	for (int i = t->both != NULL; i < t->k; i++) {
		gm_feed(r);
		gm_run_step(r, t->before);
		gm_run_step(r, t->d);
	}
	if (t->both) {
		gm_feed(r);
		gm_run_step(r, t->before);
		gm_run_step(r, t->both);
	}
	for (int i = t->both != NULL; i < t->k_g; i++)
		gm_run_step(r, t->g);
}
