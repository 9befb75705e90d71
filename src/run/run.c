/* SPDX-License-Identifier: MIT
 *
 * run/run.c -- what a model file asks its run while it builds.
 */
#include "run/run.h"

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
	const char *backend = gm_settings_get(s, "backend");
	r->ranks = r->ranks > 1 ? r->ranks : 1;
	if (!r->batch) {
		if (!gm_settings_int(s, "batch", 1, 1 << 20, &r->batch, err))
			return false;
		if (r->batch % r->ranks)
			return gm_fail(
				err, GM_ERR_VALUE,
				"a batch of %lld cannot be shared by %d processes: --batch must be "
				"a multiple of that",
				(long long)r->batch, r->ranks);
		r->batch /= r->ranks;
	}
	const char *sync = gm_settings_get(s, "sync-norm");
	r->apart = !strcmp(sync, "no");
	if (!r->apart && strcmp(sync, "yes"))
		return gm_fail(err, GM_ERR_VALUE, "option sync-norm: \"%.60s\" is not yes or no",
		               sync);
	if (!gm_settings_u64(s, "seed", &r->seed, err) ||
	    !gm_settings_real(s, "ema", 0, .9999999, &r->ema, err))
		return false;
	const char *precision = gm_settings_get(s, "precision");
	bool bf16 = !strcmp(precision, "bf16");
	if (!bf16 && strcmp(precision, "fp32"))
		return gm_fail(err, GM_ERR_VALUE, "option precision: \"%.60s\" is not fp32 or bf16",
		               precision);
	const char *tune = gm_settings_get(s, "tune");
	if (strcmp(tune, "off") && strcmp(tune, "on") && strcmp(tune, "again"))
		return gm_fail(err, GM_ERR_VALUE, "option tune: \"%.60s\" is not off, on or again",
		               tune);
	if (!r->call && strcmp(tune, "off")) /* what only uses a run waits for no measurements */
		tune = "known";
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
	for (int i = 0; i < r->nets; i++)
		gm_net_free(r->net[i]);
	if (r->graph)
		gm_graph_free(r->graph);
	if (r->data)
		gm_data_close(r->data);
	gm_st_close(r->from);
	for (int i = 0; i < r->fields; i++)
		free(r->field[i].data);
	free(r->example_data);
	free(r->label_data);
	free(r->turn);
	free(r->guard.fake);
	free(r->guard.real);
	free(r->guard.logit);
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

void gm_trouble(gm_run *r, const char *fmt, ...)
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

/* ---- options --------------------------------------------------------------------------------- */

/* The table's own default, for going on after trouble: 0 or 1 where it is no number. */
static double default_of(gm_run *r, const char *name)
{
	const gm_setting *row = gm_settings_find(r->settings, name);
	return row ? strtod(row->initial, NULL) : 0;
}

int64_t gm_opt_int_in(gm_run *r, const char *name, int64_t lo, int64_t hi)
{
	int64_t v;
	if (gm_settings_int(r->settings, name, lo, hi, &v, &r->err))
		return v;
	v = (int64_t)default_of(r, name);
	return v < lo ? lo : v > hi ? hi : v;
}

int64_t gm_opt_int(gm_run *r, const char *name)
{
	if (!strcmp(name, "batch"))
		return r->batch; /* sampling takes another than training */
	int64_t least = default_of(r, name) >= 1 ? 1 : INT32_MIN;
	return gm_opt_int_in(r, name, least, INT32_MAX);
}

double gm_opt_real_in(gm_run *r, const char *name, double lo, double hi)
{
	double v;
	if (gm_settings_real(r->settings, name, lo, hi, &v, &r->err))
		return v;
	v = default_of(r, name);
	return v < lo ? lo : v > hi ? hi : v;
}

double gm_opt_real(gm_run *r, const char *name)
{
	return gm_opt_real_in(r, name, -1e300, 1e300);
}

int64_t gm_opt_int_auto(gm_run *r, const char *name, int64_t otherwise)
{
	return strcmp(gm_settings_get(r->settings, name), "auto")
	               ? gm_opt_int_in(r, name, 1, INT32_MAX)
	               : otherwise;
}

double gm_opt_real_auto(gm_run *r, const char *name, double otherwise)
{
	return strcmp(gm_settings_get(r->settings, name), "auto") ? gm_opt_real(r, name)
	                                                          : otherwise;
}

const char *gm_opt_str(gm_run *r, const char *name)
{
	return gm_settings_get(r->settings, name);
}

bool gm_opt_flag(gm_run *r, const char *name)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off",
	                                    "on", "0",   "1",     NULL};
	return gm_opt_choice(r, name, words) % 2;
}

int gm_opt_choice(gm_run *r, const char *name, const char *const *names)
{
	const char *v = gm_settings_get(r->settings, name);
	char all[200] = "";
	for (int i = 0; names[i]; i++) {
		if (!strcmp(names[i], v))
			return i;
		size_t n = strlen(all);
		snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", names[i]);
	}
	gm_run_fail(r, GM_ERR_VALUE, "option %s: \"%.60s\" is not one of %s", name, v, all);
	return 0;
}

const gm_objective *gm_opt_objective(gm_run *r, const char *name)
{
	const char *v = gm_settings_get(r->settings, name);
	const gm_objective *o = gm_objective_find(v);
	if (o)
		return o;
	char all[200] = "";
	for (int i = 0; gm_objectives[i].name; i++) {
		size_t n = strlen(all);
		snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", gm_objectives[i].name);
	}
	gm_run_fail(r, GM_ERR_VALUE, "option %s: \"%.60s\" is not one of %s", name, v, all);
	return gm_objectives;
}

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

static bool in_checkpoint(void *ctx, const char *name, gm_shape shape)
{
	gm_run *r = ctx;
	return gm_checkpoint_fits(r->from, r->from_path, name, shape, &r->err);
}

gm_net *gm_net_new(gm_run *r, const char *name)
{
	gm_net *n =
		gm_net_create(r->graph, name, .seed = r->seed, .blank = r->from, .apart = r->apart,
	                      .ctx = r, .accept = r->from ? in_checkpoint : NULL);
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
	if (r->building && r->from) /* in use, a schedule stays where the checkpoint left it */
		gm_checkpoint_schedule(r->from, name, &first);
	gm_schedule_set(r, s, first);
	return s;
}

void gm_schedule_set(gm_run *r, gm_node *schedule, double value)
{
	double set = value;
	for (int i = 0; i < r->values; i++)
		if (r->value[i].schedule == schedule) {
			r->value[i].asked = value;
			if (!strncmp(r->value[i].name, "lr", 2))
				set *= gm_run_rate_factor(r);
			r->value[i].value = set;
		}
	gm_set_f64(schedule, &set, 1);
}

gm_node *gm_run_ema(gm_run *r, gm_net *n)
{
	return r->ema > 0 ? gm_ema(n, r->ema) : gm_group(r->graph, NULL, 0);
}

/* The norm of each net's gradient, where one of the outputs is the effect of its optimiser. */
static void find_norms(gm_run *r, gm_node *const *outputs, int n)
{
	for (int i = 0; i < r->nets; i++)
		for (int j = 0; j < n && !r->guard.norm[i]; j++) {
			r->guard.norm[i] = gm_net_gradient_norm(r->net[i], outputs[j]);
			r->guard.norm_part[i] = r->parts;
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
	find_norms(r, outputs, n);
	int room = n + r->nets;
	gm_node **asked = gm_arena_alloc(r->arena, 2 * room * sizeof *asked), **all = asked + room;
	for (int i = 0; i < n; i++) {
		asked[i] = all[i] = outputs[i];
		/* A loss of this rank's share; the mean of all is the batch's. */
		if (gm_node_is_value(outputs[i]) && gm_node_shape(outputs[i]).rank == 0)
			all[i] = gm_rank_mean_later(outputs[i]);
	}
	for (int i = 0; i < r->nets; i++)
		if (r->guard.norm[i] && r->guard.norm_part[i] == r->parts)
			asked[n] = all[n] = r->guard.norm[i], n++;
	gm_step *s = gm_compile_nodes(r->graph, all, n, NULL);
	if (!s) {
		gm_run_ok(r); /* takes the graph's error over */
		gm_run_fail(r, GM_ERR_STATE, "%s: a step does not compile", r->model->name);
		return NULL;
	}
	r->part[r->parts++] = (gm_run_part){s, asked, all, n};
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

void gm_report(gm_run *r, const char *name, gm_node *value)
{
	if (r->building || r->err.code)
		return;
	for (int i = 0; i < r->parts; i++)
		for (int j = 0; j < r->part[i].n; j++)
			if (r->part[i].outputs[j] == value) {
				gm_report_number(
					r, name,
					gm_step_scalar(r->part[i].step, r->part[i].given[j]));
				return;
			}
	gm_run_fail(r, GM_ERR_STATE, "%s logs %s, which no step gives", r->model->name, name);
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
}

int64_t gm_step_number(gm_run *r)
{
	return r->step;
}

int64_t gm_step_total(gm_run *r)
{
	return r->total;
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
