/* SPDX-License-Identifier: MIT
 *
 * train/monitors.c -- what watches over a run. Values that are not finite end it, or take it back to
 * its newest checkpoint with a lower learning rate. Monitors, cheap enough to be always on, show
 * in stats.jsonl how the game stands:
 *
 *	acc_real, acc_fake  share of real and of generated examples that D tells right
 *	spread              how far samples lie from their mean, beside the data
 *	grad_G, grad_D ...  norm of each net's gradient in its last step
 *
 * They are taken at log lines, on the batch that was just learned from and on the latents of the
 * pictures, by the nets as they are for inference, and leave the run's state as it was: a run with
 * monitors and one without are the same run.
 */
#include "train/monitors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
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

/* Where an objective draws the line between real and fake in D's outputs; others at 0. */
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

/* "discriminate"; of several, such as "discriminate/b", the one that judges another domain than what is translated */
static bool is_judge(const gm_run *r, const gm_run_endpoint *e)
{
	const gm_run_endpoint *c = r->guard.changes;
	return !strcmp(e->name, "discriminate") ||
	       (!strncmp(e->name, "discriminate/", 13) && c && e->in[0] != c->in[0]);
}

/* D's endpoint with another input in the place of its own. */
static void compile_probe(gm_run *r)
{
	struct gm_run_guard *g = &r->guard;
	for (int i = 0; i < r->endpoints; i++) {
		gm_run_endpoint *e = &r->endpoint[i];
		bool told = e->nin == 2 &&
		            (e->in[1] == r->label || (g->changes && e->in[1] == g->changes->in[0]));
		if (!is_judge(r, e) || (!g->draws && !g->changes) || (e->nin != 1 && !told) ||
		    gm_node_size(e->in[0]) != r->batch * r->facts.numel)
			continue; /* its outputs may be fewer (packs) or more (patches) */
		g->probe_in = gm_input(r->graph, "monitor/x", gm_node_shape(e->in[0]), GM_F32);
		g->probe_out = e->y;
		gm_compile_options o = {
			.infer = true, .from = &e->in[0], .to = &g->probe_in, .nreplace = 1};
		g->probe = gm_compile_nodes(r->graph, &e->y, 1, &o);
		g->logit = malloc(gm_node_size(e->y) * sizeof *g->logit);
		return;
	}
}

bool gm_monitors_start(gm_run *r)
{
	struct gm_run_guard *g = &r->guard;
	g->rollback = gm_settings_choice(r->settings, "on-nan");
	g->monitors = gm_settings_flag(r->settings, "monitors");
	g->most = gm_settings_int(r->settings, "max-rollbacks");
	if (r->rank)
		g->monitors = false; /* rank 0 watches for all */
	if (!g->monitors)
		return true;
	g->threshold = threshold_of(r);
	int64_t n = r->batch * r->facts.numel;
	g->draws = gm_endpoint_find(r, "generate") != NULL;
	g->changes = g->draws ? NULL : gm_endpoint_find(r, "translate");
	if (g->changes && gm_node_size(g->changes->y) != n)
		g->changes = NULL;
	g->fake_label = calloc(r->batch, sizeof *g->fake_label);
	g->real_label = calloc(r->batch, sizeof *g->real_label);
	for (int64_t i = 0; i < r->batch && r->facts.classes && g->fake_label; i++)
		g->fake_label[i] = (int32_t)(i % r->facts.classes);
	g->fake = malloc(n * sizeof *g->fake);
	g->real = malloc(n * sizeof *g->real);
	compile_probe(r);
	if (!g->fake || !g->real || !g->fake_label || !g->real_label || (g->probe && !g->logit))
		return gm_fail(&r->err, GM_ERR_MEMORY, "no memory for monitors");
	/* All names now, so that their order does not depend on where a run was resumed. */
	if (g->probe)
		put(r, "acc_real", 0), put(r, "acc_fake", 0);
	if (r->batch > 1 && (g->draws || g->changes))
		put(r, "spread", 0);
	for (int i = 0; i < g->norms; i++)
		put(r, g->norm[i].name, 0);
	return gm_run_ok(r);
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

/* D's outputs for x (and label, where it is told), into logit; gives their mean. */
static double judge(gm_run *r, const float *x, const int32_t *label)
{
	struct gm_run_guard *g = &r->guard;
	uint64_t runs = gm_graph_runs(r->graph);
	int64_t n = gm_node_size(g->probe_out);
	double mean = 0;
	gm_set_f32(g->probe_in, x, gm_node_size(g->probe_in));
	if (r->label)
		gm_set_i32(r->label, label, r->batch);
	gm_step_run(g->probe);
	gm_graph_seed(r->graph, r->seed, runs);
	gm_step_read(g->probe, g->probe_out, g->logit, n);
	for (int64_t i = 0; i < n; i++)
		mean += g->logit[i] / n;
	return mean;
}

static double share_above(const struct gm_run_guard *g, double line)
{
	int64_t n = gm_node_size(g->probe_out), above = 0;
	for (int64_t i = 0; i < n; i++)
		above += g->logit[i] > line;
	return (double)above / n;
}

/* What was just translated should have become this. */
static const float *fed_target(gm_run *r)
{
	const char *from = gm_endpoint_field(r, r->guard.changes->in[0]);
	const gm_run_field *f = gm_feed_find(r, from && !strcmp(from, "b") ? "a" : "b");
	return f && f->data ? f->data : r->example_data;
}

static void monitor(gm_run *r)
{
	struct gm_run_guard *g = &r->guard;
	int64_t m = r->batch, numel = r->facts.numel;
	const float *real = r->example_data;
	const int32_t *label = r->label_data;
	if (g->changes) {
		gm_use now = {.seed = gm_run_latent_seed(r->seed), .raw = true};
		if (!gm_endpoint_run(r, g->changes, &now, g->fake))
			return;
		real = fed_target(r);
	} else if (!g->draws) {
		return;
	} else if (r->seen == r->seen_before) { /* a turn that fed nothing */
		if (!gm_run_reals(r, m, g->real, g->real_label))
			return;
		real = g->real, label = g->real_label;
	}
	if (g->draws &&
	    !gm_run_draw(r, &(gm_samples){.seed = r->seed, .n = m, .label = g->fake_label}, true,
	                 g->fake))
		return;
	if (m > 1) {
		double data = spread_of(real, m, numel);
		put(r, "spread", data > 0 ? spread_of(g->fake, m, numel) / data : 0);
	}
	if (g->probe) {
		double line = g->threshold, a = judge(r, real, label), b = 0;
		if (isnan(line)) {
			b = judge(r, g->fake, g->fake_label);
			line = (a + b) / 2;
			judge(r, real, label);
		}
		put(r, "acc_real", share_above(g, line));
		judge(r, g->fake, g->fake_label);
		put(r, "acc_fake", 1 - share_above(g, line));
	}
}

/* ---- warnings -------------------------------------------------------------------------------- */

enum { SETTLED = 100 }; /* steps */
enum { IN_A_ROW = 10 }; /* log lines, before a warning */

/* Says text once in a session, when it has been so for a while. */
static void warn_if(gm_run *r, int kind, int *count, bool now, const char *text)
{
	*count = now ? *count + 1 : 0;
	if (*count < IN_A_ROW || r->guard.warned & 1u << kind)
		return;
	r->guard.warned |= 1u << kind;
	gm_report_warn(r, text);
}

static void warn(gm_run *r)
{
	struct gm_run_guard *g = &r->guard;
	/* Before, running statistics have not settled, and everything looks odd. */
	if (r->step <= SETTLED)
		return;
	if (g->probe) {
		double real = gm_run_value_of(r, "acc_real")->value,
		       fake = gm_run_value_of(r, "acc_fake")->value;
		/* Only advice that was not taken already. */
		const char *penalty = gm_settings_get(r->settings, "penalty");
		int64_t k = gm_settings_int(r->settings, "k");
		char text[400];
		snprintf(text, sizeof text,
		         "D has won: it tells every sample from real data, and its gradient "
		         "teaches G "
		         "hardly anything; try a lower learning rate for D%s, or a narrower D",
		         strcmp(penalty, "none") ? "" : ", a penalty such as --penalty r1");
		warn_if(r, 0, &g->d_won, real > .995 && fake > .995, text);
		snprintf(text, sizeof text,
		         "D has lost: it gives nearly every example the same answer, so its "
		         "gradient "
		         "teaches G nothing; try more steps of D for one of G (--k %lld), or a "
		         "lower "
		         "learning rate for G",
		         (long long)k + 1);
		warn_if(r, 1, &g->d_lost, real < .05 || fake < .05, text);
	}
	if (r->batch > 1 && g->draws)
		warn_if(r, 2, &g->collapsed, gm_run_value_of(r, "spread")->value < .15,
		        g->probe ? "the samples are nearly all alike: G has collapsed, or has not "
		                   "begun to learn; try another seed, a lower learning rate, a "
		                   "larger batch, or a penalty"
		                 : "the samples are nearly all alike: the model has collapsed, or "
		                   "has "
		                   "not begun to learn; try another seed or a lower learning rate");
	double least = INFINITY, most = 0;
	for (int i = 0; i < g->norms; i++)
		least = fmin(least, norm_value(r, i)), most = fmax(most, norm_value(r, i));
	warn_if(r, 3, &g->vanished, least < 1e-7,
	        "a net's gradient has vanished: it no longer learns; the other net may have won, "
	        "or "
	        "the learning rate was so high that its units died");
	warn_if(r, 4, &g->exploded, most > 1e5 && isfinite(least),
	        "a net's gradient is very large: the training may diverge; try a lower learning "
	        "rate");
}

void gm_monitors_step(gm_run *r, bool log)
{
	struct gm_run_guard *g = &r->guard;
	for (int i = 0; i < g->norms; i++) {
		double v = norm_value(r, i);
		char what[100];
		snprintf(what, sizeof what, "the gradient of %.60s", gm_net_name(g->norm[i].net));
		if (!isfinite(v)) {
			gm_run_nonfinite(r, what, v);
			return;
		}
		if (log && g->monitors)
			put(r, g->norm[i].name, v);
	}
	if (!log || !g->monitors)
		return;
	monitor(r);
	if (gm_run_ok(r))
		warn(r);
}
