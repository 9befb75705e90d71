/* SPDX-License-Identifier: MIT
 *
 * run/run.c -- the functions that a model file calls while it builds.
 */
#include "run/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void gm_run_fail(gm_run *r, gm_code code, const char *fmt, ...)
{
	if (r->err.code)
		return;
	va_list ap;
	va_start(ap, fmt);
	r->err.code = code;
	r->err.offset = -1;
	vsnprintf(r->err.message, sizeof r->err.message, fmt, ap);
	va_end(ap);
}

bool gm_run_ok(gm_run *r)
{
	const gm_error *e = gm_graph_error(r->graph);
	if (e->code && !r->err.code)
		r->err = *e;
	return !r->err.code;
}

bool gm_run_init(gm_run *r, gm_settings *s, gm_error *err)
{
	r->settings = s;
	r->model = s->model;
	r->arena = gm_arena_new();
	r->saved_at = -1;
	r->scope = r->scope ? r->scope : "";
	const char *backend = gm_settings_get(s, "backend");
	r->ranks = r->ranks > 1 ? r->ranks : 1;
	if (!r->batch) {
		r->batch = gm_settings_int(s, "batch");
		if (r->batch % r->ranks)
			return gm_fail(err, GM_ERR_VALUE,
			               "a batch of %lld cannot be divided among %d processes: "
			               "--batch must be a multiple of their number",
			               (long long)r->batch, r->ranks);
		r->batch /= r->ranks;
	}
	r->local_norm = !gm_settings_flag(s, "sync-norm");
	r->seed = gm_settings_u64(s, "seed");
	r->ema = gm_settings_real(s, "ema");
	bool bf16 = !strcmp(gm_settings_get(s, "precision"), "bf16");
	const char *tune = gm_settings_get(s, "tune");
	if (!r->call && strcmp(tune, "off")) /* tools do not spend time on measurements */
		tune = "known";
	if (!r->borrows)
		r->graph = gm_graph_new(
			&(gm_graph_options){.seed = r->seed,
		                            .rank = r->rank,
		                            .ranks = r->ranks,
		                            .backend = strcmp(backend, "auto") ? backend : NULL,
		                            .bf16 = bf16,
		                            .tune = tune,
		                            .tuned = gm_settings_get(s, "tuned")});
	if (!r->graph)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for a graph");
	if (gm_graph_error(r->graph)->code) {
		*err = *gm_graph_error(r->graph);
		return false;
	}
	r->example_data = calloc(r->batch * r->facts.numel, sizeof *r->example_data);
	r->label_data = calloc(r->batch, sizeof *r->label_data);
	return (r->example_data && r->label_data) ||
	       gm_fail(err, GM_ERR_MEMORY, "no memory for a batch");
}

void gm_run_keep_tuned(gm_run *r)
{
	if (strcmp(gm_settings_get(r->settings, "tune"), "off"))
		gm_settings_find(r->settings, "tuned")->value =
			gm_arena_strdup(r->settings->arena, gm_graph_tuned(r->graph));
}

void gm_run_free(gm_run *r)
{
	gm_imports_free(r);
	gm_perceptions_free(r);
	gm_pairs_free(r);
	for (int i = 0; i < r->nets; i++)
		gm_net_free(r->net[i]);
	if (r->graph && !r->borrows)
		gm_graph_free(r->graph);
	gm_streams_free(r);
	if (r->data)
		gm_data_close(r->data);
	gm_st_close(r->from);
	for (int i = 0; i < r->fields; i++)
		free(r->field[i].data);
	free(r->example_data);
	free(r->label_data);
	free(r->turn);
	for (int i = 0; i < r->guard.sources; i++)
		free(r->guard.source[i].made);
	for (int i = 0; i < r->guard.watches; i++)
		free(r->guard.watch[i].logit), free(r->guard.watch[i].real_x),
			free(r->guard.watch[i].code);
	free(r->guard.real);
	free(r->guard.fake_label);
	free(r->guard.real_label);
	gm_arena_free(r->arena);
}

gm_graph *gm_run_graph(gm_run *r)
{
	return r->graph;
}

const gm_facts *gm_run_facts(gm_run *r)
{
	return &r->facts;
}

void gm_run_tell(gm_run *r, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	r->told = r->told ? gm_name(r, "%s\n  %s", r->told, text) : gm_name(r, "  %s", text);
}

void gm_run_error(gm_run *r, const char *fmt, ...)
{
	char text[sizeof r->err.message];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	gm_run_fail(r, GM_ERR_VALUE, "%s", text);
}

const char *gm_name(gm_run *r, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return gm_arena_strdup(r->arena, text);
}

/* ---- schedules ------------------------------------------------------------------------------- */

double gm_decay(double first, double factor, double t, double floor)
{
	return fmax(first / pow(factor, t), floor);
}

double gm_ramp(double a, double b, double start, double end, double t)
{
	double part = (t - start) / (end - start);
	part = part < 0 ? 0 : part > 1 ? 1 : part;
	return a * (1 - part) + b * part;
}

double gm_cosine(double a, double b, double t, double end)
{
	return b + (a - b) * (1 + cos(M_PI * gm_ramp(0, 1, 0, end > 0 ? end : 1, t))) / 2;
}

/* ---- data ------------------------------------------------------------------------------------ */

const double *gm_data_mean_logit(gm_run *r)
{
	if (r->building || r->from || !r->data || r->mean_logit)
		return r->mean_logit;
	int64_t numel = r->facts.numel, n = 10000;
	if (r->facts.count && r->facts.count < (uint64_t)n)
		n = (int64_t)r->facts.count;
	double *sum = gm_arena_calloc(r->arena, numel, sizeof *sum);
	for (int64_t i = 0; i < n; i++) {
		if (!gm_data_get(r->data, i, r->example_data, NULL, &r->err))
			return NULL;
		for (int64_t j = 0; j < numel; j++)
			sum[j] += r->example_data[j];
	}
	for (int64_t j = 0; j < numel; j++) {
		double mean = fmin(fmax((sum[j] / n + 1) / 2, 1e-7), 1 - 1e-7);
		sum[j] = log(mean / (1 - mean));
	}
	return r->mean_logit = sum;
}

/* ---- nets, schedules, endpoints, steps ------------------------------------------------------- */

static bool in_checkpoint(void *ctx, const char *name, gm_shape shape, gm_role role)
{
	gm_run *r = ctx;
	if (r->borrows && role == GM_MOMENT)
		return true; /* frozen parameters were saved without optimiser state */
	if (!gm_run_ok(r))   /* after an error shapes are invalid */
		return false;
	return gm_checkpoint_fits(r, gm_name(r, "%s%s", r->scope, name), shape, &r->err);
}

gm_net *gm_net_new_(gm_run *r, const char *name, gm_net_style style)
{
	gm_net *n = gm_net_create(r->graph, name, .seed = r->seed, .blank = r->from,
	                          .local_norm = r->local_norm, .ctx = r,
	                          .accept = r->from ? in_checkpoint : NULL,
	                          .freeze = gm_settings_get(r->settings, "freeze"));
	if (!n)
		gm_no_memory(0);
	gm_net_defaults_(n, style);
	if (r->nets == GM_RUN_NETS) {
		gm_run_fail(r, GM_ERR_STATE, "%s has more than %d nets", r->model->name,
		            GM_RUN_NETS);
		gm_net_free(r->net[--r->nets]);
	}
	return r->net[r->nets++] = n;
}

gm_run_value *gm_run_value_of(gm_run *r, const char *name)
{
	for (int i = 0; i < r->values; i++)
		if (!strcmp(r->value[i].name, name))
			return &r->value[i];
	if (r->values == GM_RUN_VALUES)
		return NULL;
	r->value[r->values] = (gm_run_value){.name = gm_arena_strdup(r->arena, name)};
	return &r->value[r->values++];
}

gm_node *gm_schedule(gm_run *r, const char *name, double first)
{
	gm_node *s = gm_input(r->graph, name, GM_RANK0, GM_F32);
	gm_run_value *v = gm_run_value_of(r, name);
	if (v)
		v->schedule = s;
	if (r->building && r->from) /* in tools a schedule has the value of the checkpoint */
		gm_checkpoint_schedule(r, name, &first);
	gm_schedule_set(r, s, first);
	return s;
}

void gm_schedule_set(gm_run *r, gm_node *schedule, double value)
{
	for (int i = 0; i < r->values; i++)
		if (r->value[i].schedule == schedule)
			r->value[i].value = value;
	gm_set_f64(schedule, &value, 1);
}

gm_node *gm_logged(gm_run *r, const char *name, gm_node *y)
{
	gm_run_logged *l = gm_arena_alloc(r->arena, sizeof *l);
	*l = (gm_run_logged){gm_name(r, "%s", name), y, r->logged};
	r->logged = l;
	return y;
}

static const char *logged_name(const gm_run *r, const gm_node *y)
{
	const gm_run_logged *l = r->logged;
	while (l && l->node != y)
		l = l->next;
	return l ? l->name : NULL;
}

/* grad_G; of further optimisers of the net grad_G_2, .. An optimiser with several losses, of which
 * a step has one (stages of training), has one name. */
static const char *norm_name(gm_run *r, const gm_net *net, const char *optimiser)
{
	int others = 0;
	for (int i = 0; i < r->guard.norms; i++) {
		const struct gm_run_norm *o = &r->guard.norm[i];
		if (o->net == net && !strcmp(o->optimiser, optimiser))
			return o->name;
		bool first = o->net == net;
		for (int j = 0; first && j < i; j++)
			first = r->guard.norm[j].net != net ||
			        strcmp(r->guard.norm[j].optimiser, o->optimiser);
		others += first;
	}
	return others ? gm_name(r, "grad_%s_%d", gm_net_name(net), others + 1)
	              : gm_name(r, "grad_%s", gm_net_name(net));
}

static bool has_norm(const gm_run *r, const gm_node *effect)
{
	for (int i = 0; i < r->guard.norms; i++)
		if (r->guard.norm[i].effect == effect)
			return true;
	return false;
}

/* The norms of the gradients of optimisers whose effects are among the outputs. */
static void find_norms(gm_run *r, gm_node *const *outputs, int n)
{
	struct gm_run_guard *g = &r->guard;
	for (int i = 0; i < r->nets; i++)
		for (int j = 0; j < n && g->norms < GM_RUN_NORMS; j++) {
			gm_node *norm = has_norm(r, outputs[j])
			                        ? NULL
			                        : gm_net_gradient_norm(r->net[i], outputs[j]);
			const char *by = gm_net_optimiser(r->net[i], outputs[j]);
			if (norm)
				g->norm[g->norms] =
					(struct gm_run_norm){norm_name(r, r->net[i], by),
				                             r->net[i],
				                             by,
				                             outputs[j],
				                             norm,
				                             r->parts},
				g->norms++;
		}
}

gm_step *gm_run_compile_nodes(gm_run *r, gm_node *const *outputs, int n)
{
	if (r->building || !gm_run_ok(r))
		return NULL;
	if (r->parts == GM_RUN_STEPS) {
		gm_run_fail(r, GM_ERR_STATE, "%s has more than %d steps", r->model->name,
		            GM_RUN_STEPS);
		return NULL;
	}
	for (int i = 0; i < n; i++)
		if (!outputs[i]) {
			gm_run_fail(r, GM_ERR_STATE, "%s compiles a step whose output %d is NULL",
			            r->model->name, i);
			return NULL;
		}
	find_norms(r, outputs, n);
	int room = n + r->guard.norms;
	gm_node **asked = gm_arena_alloc(r->arena, 2 * room * sizeof *asked), **all = asked + room;
	const char **name = gm_arena_calloc(r->arena, room, sizeof *name);
	for (int i = 0; i < n; i++) {
		asked[i] = all[i] = outputs[i];
		name[i] = logged_name(r, outputs[i]);
		/* A loss of this rank's share; the mean over ranks is the loss of the batch. */
		if (gm_node_is_value(outputs[i]) && gm_node_shape(outputs[i]).rank == 0)
			all[i] = gm_rank_mean_later(outputs[i]);
	}
	for (int i = 0; i < r->guard.norms; i++)
		if (r->guard.norm[i].part == r->parts)
			asked[n] = all[n] = r->guard.norm[i].norm, n++;
	gm_step *s = gm_compile_nodes(r->graph, all, n, NULL);
	if (!s) {
		gm_run_ok(r); /* copies the graph's error to the run */
		gm_run_fail(r, GM_ERR_STATE, "%s: a step does not compile", r->model->name);
		return NULL;
	}
	r->part[r->parts++] = (gm_run_part){s, asked, all, name, n, 0};
	return s;
}

/* ---- values to log --------------------------------------------------------------------------- */

void gm_report_number(gm_run *r, const char *name, double value)
{
	gm_run_value *v = gm_run_value_of(r, name);
	if (!v) {
		gm_run_fail(r, GM_ERR_STATE, "%s logs more than %d values", r->model->name,
		            GM_RUN_VALUES);
		return;
	}
	v->value = value;
	if (!isfinite(value))
		gm_run_nonfinite(r, name, value);
}

/* Logs the values of a step that has run in this turn. */
static void log_values(gm_run *r, const gm_run_part *part)
{
	for (int i = 0; i < part->n; i++) {
		if (!part->name[i])
			continue;
		gm_report_number(r, part->name[i], gm_step_scalar(part->step, part->given[i]));
		gm_run_value *v = gm_run_value_of(r, part->name[i]);
		if (v)
			v->rare = true, v->at = r->step + 1;
	}
}

void gm_run_step(gm_run *r, gm_step *s)
{
	if (!s || r->building || r->err.code)
		return;
	gm_step_run(s);
	if (gm_dist_lost(r))
		return;
	if (gm_step_check(s))
		gm_run_fail(r, GM_ERR_STATE, "step %lld: %s", (long long)r->step + 1,
		            gm_step_check(s));
	for (int i = 0; i < r->parts; i++)
		if (r->part[i].step == s) {
			r->part[i].at = r->step + 1;
			log_values(r, &r->part[i]);
		}
}

int64_t gm_step_number(gm_run *r)
{
	return r->step;
}

double gm_epoch(gm_run *r)
{
	return (double)r->seen / (r->facts.count ? r->facts.count : 50000);
}

bool gm_run_scores_at(const gm_run *r, int64_t step)
{
	return *gm_settings_get(r->settings, "metrics") && r->metrics_every > 0 &&
	       step % r->metrics_every == 0;
}
