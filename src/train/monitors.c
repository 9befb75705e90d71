/* SPDX-License-Identifier: MIT
 *
 * train/monitors.c -- checks and monitors of a run. A value that is not finite ends the run, or
 * causes a rollback to the newest checkpoint with a lower learning rate. Monitors are cheap and
 * always on; they log to stats.jsonl:
 *
 *	acc_real, acc_fake  accuracy of D on real and on generated examples; for the endpoint
 *	                    "discriminate/a": acc_real_a and acc_fake_a
 *	spread              distance of samples from their mean, relative to the data
 *	grad_G, grad_D ...  norm of each net's gradient in its last step
 *
 * They are computed at log lines, on the current minibatch and on the latents of the sample images,
 * by the nets in inference mode. They do not change the run's state: a run is the same with and
 * without monitors.
 */
#include "train/monitors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "run/captions.h"
#include "run/folder.h"
#include "run/stream.h"
#include "use/draw.h"

/* ---- rolling back ---------------------------------------------------------------------------- */

static bool has_rate(const gm_run *r)
{
	for (int i = 0; i < r->values; i++)
		if (r->value[i].is_rate)
			return true;
	return false;
}

static bool load_newest(gm_run *r)
{
	char path[PATH_MAX];
	gm_record rec = {0};
	bool ok = gm_folder_checkpoint(r->folder, "", path, NULL, &r->err) &&
	          (r->from = gm_checkpoint_open(path, &r->err)) &&
	          gm_record_read(r->from, path, &rec, &r->err);
	r->from_path = path;
	if (ok) {
		r->step = rec.step, r->seen = rec.seen;
		gm_graph_seed(r->graph, r->seed, rec.runs);
		ok = gm_streams_rewind(r) && gm_checkpoint_load(r, true);
	}
	gm_record_free(&rec);
	gm_st_close(r->from);
	r->from = NULL, r->from_path = NULL;
	return ok;
}

void gm_monitors_roll_back(gm_run *r)
{
	char why[sizeof r->err.message], text[sizeof why + 200];
	if (!r->guard.nonfinite || !r->guard.rollback || gm_graph_error(r->graph)->code ||
	    r->saved_at < 0 || r->rollbacks >= r->guard.most || !has_rate(r))
		return;
	snprintf(why, sizeof why, "%s", r->err.message);
	char *advice = strstr(why, ": the training");
	if (advice)
		*advice = 0;
	r->err = (gm_error){0};
	r->guard.nonfinite = false;
	if (!load_newest(r))
		return;
	r->rollbacks++;
	gm_report_rewind(r);
	snprintf(text, sizeof text,
	         "%s; back to step %lld, learning rate times %.3g (rollback %lld of %lld)", why,
	         (long long)r->step, gm_run_rate_factor(r), (long long)r->rollbacks,
	         (long long)r->guard.most);
	gm_report_warn(r, text);
}

/* ---- monitors -------------------------------------------------------------------------------- */

static void put(gm_run *r, const char *name, double value)
{
	gm_run_value *v = gm_run_value_of(r, name);
	if (v)
		v->value = value, v->quiet = true;
}

/* A value that is logged only for this step. */
static void put_now(gm_run *r, const char *name, double value, int64_t step)
{
	put(r, name, value);
	gm_run_value *v = gm_run_value_of(r, name);
	if (v)
		v->rare = true, v->at = step;
}

/* Creates the names of the values that steps log, so that their order in the log does not depend on
 * which phase runs first in this process. */
static bool name_values(gm_run *r)
{
	for (int i = 0; i < r->parts; i++)
		for (int k = 0; k < r->part[i].n; k++) {
			gm_run_value *v =
				r->part[i].name[k] ? gm_run_value_of(r, r->part[i].name[k]) : NULL;
			if (v)
				v->rare = true, v->at = -1;
		}
	return true;
}

/* The threshold of an objective between real and fake in D's outputs; 0 for most. */
static double threshold_of(const gm_run *r)
{
	static const struct {
		const char *objective;
		double at;
	} rows[] = {{"least-squares", .5}, {"wasserstein", NAN}, {"relativistic", NAN}};
	const char *name = gm_settings_get(r->settings, "objective");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!strcmp(rows[i].objective, name))
			return rows[i].at;
	return 0;
}

/* The index of e in the sources, added if needed; -1 if there are too many. */
static int source_of(gm_run *r, gm_run_endpoint *e)
{
	struct gm_run_guard *g = &r->guard;
	for (int i = 0; i < g->sources; i++)
		if (g->source[i].e == e)
			return i;
	if (g->sources == GM_RUN_WATCHED)
		return -1;
	float *made = malloc(gm_node_size(e->y) * sizeof *made);
	if (!made) {
		gm_fail(&r->err, GM_ERR_MEMORY, "no memory for monitors");
		return -1;
	}
	g->source[g->sources] = (struct gm_run_source){e, made};
	return g->sources++;
}

/* What makes the fakes that d should tell from its field of the data, or NULL. What iterates takes
 * too long for monitors. */
static gm_run_endpoint *fakes_for(gm_run *r, const gm_run_endpoint *d)
{
	const char *field = gm_endpoint_field(r, d->in[0]);
	int64_t n = gm_node_size(d->in[0]);
	gm_run_endpoint *e = gm_endpoint_find(r, GM_ENDPOINT_GENERATE);
	if (e)
		return !e->process && !strcmp(field, "example") && gm_node_size(e->y) == n ? e
		                                                                           : NULL;
	while ((e = gm_endpoint_next(r, GM_PAIRS, e))) {
		const char *target = gm_endpoint_target(r, e);
		if (!e->process && target && !strcmp(target, field) && gm_node_size(e->y) == n)
			return e;
	}
	return NULL;
}

/* True if d also reads a code: e decodes a code to an example, and "encode" gives the code of real
 * examples. */
static bool is_coded(gm_run *r, const gm_run_endpoint *d, const gm_run_endpoint *e)
{
	return d->nin == 2 && e && e->nin == 1 && e->kind->flags & GM_DRAWS &&
	       !gm_endpoint_field(r, d->in[1]) && gm_endpoint_find(r, GM_ENDPOINT_ENCODE) &&
	       gm_node_size(e->in[0]) == gm_node_size(d->in[1]);
}

/* Adds a monitor of discriminator d, with separate inputs. Its outputs may be fewer than the
 * examples (packs) or more (patches). It may also read the label, the input of the generator, or a
 * code. */
static void watch(gm_run *r, gm_run_endpoint *d)
{
	struct gm_run_guard *g = &r->guard;
	gm_run_endpoint *e = fakes_for(r, d);
	const bool label = d->nin == 2 && gm_endpoint_is_label(r, d->in[1]);
	const bool pair = d->nin == 2 && e && e->kind->flags & GM_PAIRS && d->in[1] == e->in[0];
	const bool coded = is_coded(r, d, e);
	const bool said = d->nin == 2 && gm_captions_is(r, d->in[1]);
	if (!e || g->watches == GM_RUN_WATCHED ||
	    (d->nin != 1 && !label && !pair && !coded && !said))
		return;
	int source = source_of(r, e);
	if (source < 0)
		return;
	struct gm_run_watch *w = &g->watch[g->watches];
	*w = (struct gm_run_watch){.e = d, .source = source, .said = said};
	const char *sign = d->variant ? "_" : "", *variant = d->variant ? d->variant : "";
	snprintf(w->real, sizeof w->real, "acc_real%s%.40s", sign, variant);
	snprintf(w->fake, sizeof w->fake, "acc_fake%s%.40s", sign, variant);
	w->in = gm_input(r->graph, gm_name(r, "monitor/%s", d->name), gm_node_shape(d->in[0]),
	                 GM_F32);
	if (coded)
		w->code_in = gm_input(r->graph, gm_name(r, "monitor/%s/code", d->name),
		                      gm_node_shape(d->in[1]), GM_F32);
	gm_compile_options o = {.infer = true,
	                        .from = d->in,
	                        .to = (gm_node *[]){w->in, w->code_in},
	                        .nreplace = 1 + coded};
	w->probe = gm_compile_nodes(r->graph, &d->y, 1, &o);
	w->code = coded ? malloc(gm_node_size(d->in[1]) * sizeof *w->code) : NULL;
	w->logit = malloc(gm_node_size(d->y) * sizeof *w->logit);
	w->real_x = malloc(gm_node_size(w->in) * sizeof *w->real_x);
	if (!w->logit || !w->real_x || (coded && !w->code))
		gm_fail(&r->err, GM_ERR_MEMORY, "no memory for monitors");
	g->watches++;
}

bool gm_monitors_start(gm_run *r)
{
	struct gm_run_guard *g = &r->guard;
	g->rollback = gm_settings_choice(r->settings, "on-nan");
	g->monitors = gm_settings_flag(r->settings, "monitors");
	g->most = gm_settings_int(r->settings, "max-rollbacks");
	if (r->rank)
		g->monitors = false; /* only rank 0 computes monitors */
	if (!g->monitors)
		return name_values(r);
	g->threshold = threshold_of(r);
	g->fake_label = calloc(r->batch, sizeof *g->fake_label);
	g->real_label = calloc(r->batch, sizeof *g->real_label);
	for (int64_t i = 0; i < r->batch && r->facts.classes && g->fake_label; i++)
		g->fake_label[i] = (int32_t)(i % r->facts.classes);
	gm_run_endpoint *e = gm_endpoint_find(r, GM_ENDPOINT_GENERATE);
	e = e ? e : gm_endpoint_first(r, GM_PAIRS);
	const char *target =
		e ? e->kind->flags & GM_DRAWS ? "example" : gm_endpoint_target(r, e) : NULL;
	g->target = target ? gm_field_input(r, target) : NULL;
	if (g->target && !e->process && gm_node_size(g->target) == gm_node_size(e->y))
		source_of(r, e);
	for (gm_run_endpoint *d = NULL; (d = gm_endpoint_next(r, GM_JUDGES, d));)
		watch(r, d);
	if (!(g->real = malloc((g->sources ? gm_node_size(g->target) : 1) * sizeof *g->real)) ||
	    !g->fake_label || !g->real_label)
		return gm_fail(&r->err, GM_ERR_MEMORY, "no memory for monitors");
	/* Create all names now, so that their order does not depend on the resumed step. */
	for (int i = 0; i < g->watches; i++)
		put(r, g->watch[i].real, 0), put(r, g->watch[i].fake, 0);
	if (r->batch > 1 && g->sources)
		put(r, "spread", 0);
	for (int i = 0; i < g->norms; i++)
		put_now(r, g->norm[i].name, 0, -1);
	return name_values(r) && gm_run_ok(r);
}

/* False if its step did not run in this turn: there may be several phases. */
static bool norm_is_new(const gm_run *r, int i)
{
	return r->part[r->guard.norm[i].part].at == r->step;
}

static double norm_value(const gm_run *r, int i)
{
	const struct gm_run_norm *n = &r->guard.norm[i];
	return gm_step_scalar(r->part[n->part].step, n->norm);
}

/* Root of the mean square distance from the mean example. */
static double spread_of(const float *x, int64_t m, int64_t numel)
{
	double all = 0;
	for (int64_t j = 0; j < numel; j++) {
		double sum = 0, squares = 0, first = x[j];
		for (int64_t i = 0; i < m; i++) {
			double d = x[i * numel + j] - first;
			sum += d, squares += d * d;
		}
		all += fmax(squares / m - sum / m * (sum / m), 0);
	}
	return sqrt(all / numel);
}

/* Sets the codes of x: the latents of samples, or the output of "encode" for real examples. */
static void set_code(gm_run *r, struct gm_run_watch *w, const float *x)
{
	gm_run_endpoint *e = r->guard.source[w->source].e;
	if (x == r->guard.source[w->source].made)
		gm_endpoint_latents(r, e, gm_run_latent_seed(r->seed), 0, &w->code);
	else
		gm_endpoint_run(r, gm_endpoint_find(r, GM_ENDPOINT_ENCODE),
		                &(gm_use){.in = (const void *[]){x}, .raw = true}, w->code);
	gm_set_f32(w->code_in, w->code, gm_node_size(w->code_in));
}

/* The captions of x: those that samples have without a caption, or the minibatch's. */
static bool set_captions(gm_run *r, const struct gm_run_watch *w, const float *x)
{
	const gm_run_field *f = gm_captions_field(r);
	if (x == r->guard.source[w->source].made)
		return gm_captions_set(r, 0);
	gm_set_i32(f->node, f->data, gm_node_size(f->node));
	return true;
}

/* Computes D's outputs for x (and label, if conditional) into w->logit; returns their mean. */
static double judge(gm_run *r, struct gm_run_watch *w, const float *x, const int32_t *label)
{
	uint64_t runs = gm_graph_runs(r->graph);
	int64_t n = gm_node_size(w->e->y);
	double mean = 0;
	if (w->code_in)
		set_code(r, w, x);
	gm_set_f32(w->in, x, gm_node_size(w->in));
	if (w->said && !set_captions(r, w, x))
		return 0;
	if (r->label)
		gm_set_i32(r->label, label, r->batch);
	gm_step_run(w->probe);
	gm_graph_seed(r->graph, r->seed, runs);
	gm_step_read(w->probe, w->e->y, w->logit, n);
	for (int64_t i = 0; i < n; i++)
		mean += w->logit[i] / n;
	return mean;
}

static double share_above(const struct gm_run_watch *w, double line)
{
	int64_t n = gm_node_size(w->e->y), above = 0;
	for (int64_t i = 0; i < n; i++)
		above += w->logit[i] > line;
	return (double)above / n;
}

/* Runs all sources. */
static bool make(gm_run *r)
{
	struct gm_run_guard *g = &r->guard;
	for (int i = 0; i < g->sources; i++) {
		const struct gm_run_source *s = &g->source[i];
		gm_use now = {.seed = gm_run_latent_seed(r->seed), .raw = true};
		gm_samples some = {.seed = r->seed, .n = r->batch, .label = g->fake_label};
		if (s->e->kind->flags & GM_DRAWS ? !gm_run_draw(r, s->e, &some, true, s->made)
		                                 : !gm_endpoint_run(r, s->e, &now, s->made))
			return false;
	}
	return true;
}

static void monitor(gm_run *r)
{
	struct gm_run_guard *g = &r->guard;
	const int64_t m = r->batch;
	const int32_t *label = r->label_data;
	if (!g->sources)
		return;
	/* The last minibatch; if there was none in this turn, the examples of the sample images. */
	const bool draws = g->source[0].e->kind->flags & GM_DRAWS;
	const bool anew = draws && r->seen == r->seen_before;
	if (anew)
		label = g->real_label;
	if (anew ? !gm_run_reals(r, m, g->real, g->real_label)
	         : !gm_get_f32(g->target, g->real, gm_node_size(g->target)))
		return;
	const gm_run_field *captions = gm_captions_field(r);
	if (anew && captions && !gm_run_real_field(r, captions, m, captions->data))
		return;
	for (int i = 0; i < g->watches; i++) {
		struct gm_run_watch *w = &g->watch[i];
		const int64_t n = gm_node_size(w->in);
		if (anew)
			memcpy(w->real_x, g->real, n * sizeof *w->real_x);
		else
			gm_get_f32(w->e->in[0], w->real_x, n);
	}
	if (!make(r))
		return;
	if (m > 1) {
		const int64_t numel = gm_node_size(g->target) / m;
		double data = spread_of(g->real, m, numel);
		put(r, "spread", data > 0 ? spread_of(g->source[0].made, m, numel) / data : 0);
	}
	for (int i = 0; i < g->watches; i++) {
		struct gm_run_watch *w = &g->watch[i];
		const float *fake = g->source[w->source].made;
		double line = g->threshold, a = judge(r, w, w->real_x, label), b = 0;
		if (isnan(line)) {
			b = judge(r, w, fake, g->fake_label);
			line = (a + b) / 2;
			judge(r, w, w->real_x, label);
		}
		put(r, w->real, share_above(w, line));
		judge(r, w, fake, g->fake_label);
		put(r, w->fake, 1 - share_above(w, line));
	}
}

/* ---- warnings -------------------------------------------------------------------------------- */

enum { SETTLED = 100 }; /* steps */
enum { IN_A_ROW = 10 }; /* consecutive log lines before a warning */

/* Prints the warning once per session, after the condition held for IN_A_ROW log lines. */
static void warn_if(gm_run *r, int kind, int *count, bool now, const char *text)
{
	*count = now ? *count + 1 : 0;
	if (*count < IN_A_ROW || r->guard.warned & 1u << kind)
		return;
	r->guard.warned |= 1u << kind;
	gm_report_warn(r, text);
}

enum { COLLAPSED, VANISHED, EXPLODED, GAMES }; /* kinds of warnings; from GAMES on two per D */

static void warn_of(gm_run *r, struct gm_run_watch *w)
{
	double real = gm_run_value_of(r, w->real)->value, fake = gm_run_value_of(r, w->fake)->value;
	/* Do not suggest what is already used. */
	const char *penalty = gm_settings_get(r->settings, "penalty");
	int64_t k = gm_settings_int(r->settings, "k");
	int kind = GAMES + 2 * (int)(w - r->guard.watch);
	char text[400], d[48] = "D";
	if (w->e->variant)
		snprintf(d, sizeof d, "D (%.40s)", w->e->variant);
	snprintf(text, sizeof text,
	         "%s has won: it classifies all samples correctly, so its gradient gives G almost "
	         "no information; try a lower learning rate for D%s, or a narrower D",
	         d, strcmp(penalty, "none") ? "" : ", a penalty such as --penalty r1");
	warn_if(r, kind, &w->won, real > .995 && fake > .995, text);
	snprintf(text, sizeof text,
	         "%s has lost: its output is nearly the same for all examples, so its gradient "
	         "gives G no information; try more steps of D per step of G (--k %lld), or a lower "
	         "learning rate for G",
	         d, (long long)k + 1);
	warn_if(r, kind + 1, &w->lost, real < .05 || fake < .05, text);
}

static void warn(gm_run *r)
{
	struct gm_run_guard *g = &r->guard;
	/* Before, running statistics are not yet reliable. */
	if (r->step <= SETTLED)
		return;
	for (int i = 0; i < g->watches; i++)
		warn_of(r, &g->watch[i]);
	if (r->batch > 1 && g->sources && g->source[0].e->kind->flags & GM_DRAWS)
		warn_if(r, COLLAPSED, &g->collapsed, gm_run_value_of(r, "spread")->value < .15,
		        g->watches ? "nearly all samples are alike: G has collapsed, or has not "
		                     "begun to learn; try another seed, a lower learning rate, a "
		                     "larger batch, or a penalty"
		                   : "nearly all samples are alike: the model has collapsed, or "
		                     "has not begun to learn; try another seed or a lower learning "
		                     "rate");
	double least = INFINITY, most = 0;
	for (int i = 0; i < g->norms; i++)
		if (norm_is_new(r, i))
			least = fmin(least, norm_value(r, i)), most = fmax(most, norm_value(r, i));
	warn_if(r, VANISHED, &g->vanished, least < 1e-7,
	        "a net's gradient has vanished: it no longer learns; the other net may have won, "
	        "or too high a learning rate led to dead units");
	warn_if(r, EXPLODED, &g->exploded, most > 1e5 && isfinite(least),
	        "a net's gradient is very large: the training may diverge; try a lower learning "
	        "rate");
}

void gm_monitors_step(gm_run *r, bool log)
{
	struct gm_run_guard *g = &r->guard;
	for (int i = 0; i < g->norms; i++) {
		if (!norm_is_new(r, i))
			continue;
		double v = norm_value(r, i);
		char what[100];
		snprintf(what, sizeof what, "the gradient of %.60s", gm_net_name(g->norm[i].net));
		if (!isfinite(v)) {
			gm_run_nonfinite(r, what, v);
			return;
		}
		if (log && g->monitors)
			put_now(r, g->norm[i].name, v, r->step);
	}
	if (!log || !g->monitors)
		return;
	monitor(r);
	if (gm_run_ok(r))
		warn(r);
}
