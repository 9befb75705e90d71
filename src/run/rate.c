/* SPDX-License-Identifier: MIT
 *
 * run/rate.c -- schedules of learning rates, momentum and noise. All are pure functions of the
 * steps and examples so far, evaluated before each turn of the model's loop.
 */
#include "run/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ---- schedules of the learning rate --------------------------------------------------------- */

/* Eight stages with a total length of `passes` epochs, each b times as long as the one before; the
 * rate is 10^(-i/7) in stage i (Burda et al. 2016, section 5: 3280 passes, so b = 3). */
static double stages(double passes, double epoch)
{
	double lo = 0, hi = 10, end = 1, width = 1;
	int stage = 0;
	for (int i = 0; i < 50; i++) {
		double b = (lo + hi) / 2, sum = 0;
		for (int k = 0; k < 8; k++)
			sum = sum * b + 1;
		if (sum < passes)
			lo = b;
		else
			hi = b;
	}
	while (passes > 0 && epoch >= end && stage < 7)
		width *= hi, end += width, stage++;
	return stage / 7.;
}

static double at_constant(const gm_rate_schedule *s, double first, double t)
{
	(void)s, (void)t;
	return first;
}

static double at_exponential(const gm_rate_schedule *s, double first, double t)
{
	return gm_decay(first, s->arg[0], t, s->arg[1]);
}

static double at_linear(const gm_rate_schedule *s, double first, double t)
{
	return first * gm_ramp(1, 0, s->arg[0], s->arg[0] + s->arg[1], t);
}

static double at_decay(const gm_rate_schedule *s, double first, double t)
{
	return first * pow(.01, gm_ramp(0, 1, s->arg[0], s->arg[0] + s->arg[1], t));
}

static double at_cosine(const gm_rate_schedule *s, double first, double t)
{
	return gm_cosine(first, 0, t, s->arg[0]);
}

static double at_step(const gm_rate_schedule *s, double first, double t)
{
	return first * pow(s->arg[1], floor(t / s->arg[0]));
}

static double at_inverse(const gm_rate_schedule *s, double first, double t)
{
	return first / (1 + t / s->arg[0]);
}

static double at_drops(const gm_rate_schedule *s, double first, double t)
{
	return first * (t < s->arg[0] ? 1 : t < s->arg[1] ? .1 : .01);
}

static double at_stages(const gm_rate_schedule *s, double first, double t)
{
	return gm_decay(first, 10, stages(s->arg[0], t), 0);
}

enum unit { STEPS, EPOCHS, KIMG };
static const char *const units[] = {"steps", "epochs", "kimg"};

/* lengths: which arguments are lengths; unit: of lengths without a unit in the text */
static const struct gm_rate_row {
	const char *name, *usage;
	double (*at)(const gm_rate_schedule *s, double first, double t);
	int least, most;
	unsigned lengths;
	enum unit unit;
	bool ends; /* the rate is 0 after all lengths */
} rows[] = {
	{"constant", "constant", at_constant, 0, 0, 0, STEPS, false},
	{"exponential", "exponential:FACTOR:FLOOR", at_exponential, 1, 2, 0, STEPS, false},
	{"linear", "linear:HOLD:FALL", at_linear, 2, 2, 3, EPOCHS, true},
	{"decay", "decay:HOLD:FALL", at_decay, 2, 2, 3, EPOCHS, false},
	{"cosine", "cosine:LENGTH", at_cosine, 1, 1, 1, STEPS, true},
	{"step", "step:EVERY:FACTOR", at_step, 2, 2, 1, EPOCHS, false},
	{"inverse", "inverse:LENGTH", at_inverse, 1, 1, 1, EPOCHS, false},
	{"drops", "drops:FIRST:SECOND", at_drops, 2, 2, 3, EPOCHS, false},
	{"stages", "stages:PASSES", at_stages, 1, 1, 0, EPOCHS, false},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* "100" or "100steps" */
static bool parse_number(char *text, gm_rate_schedule *s, int i)
{
	size_t digits = strspn(text, "0123456789.+-eE"), n = strlen(text);
	if (digits < n && text[digits - (digits > 0)] == 'e') /* of "epochs" */
		digits--;
	for (int u = 0; u < 3; u++)
		if (!strcmp(text + digits, units[u]) && s->row->lengths & 1u << i)
			s->unit = u, text[digits] = 0;
	return gm_text_f64(text, &s->arg[i]) && s->arg[i] >= 0 && s->arg[i] <= 1e12;
}

static bool parse_rate(const char *text, gm_rate_schedule *s, gm_error *err)
{
	char copy[128], *rest = copy, all[200] = "";
	snprintf(copy, sizeof copy, "%s", text);
	const char *name = strsep(&rest, ":");
	*s = (gm_rate_schedule){0};
	for (int i = 0; i < ROWS; i++) {
		size_t n = strlen(all);
		snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", rows[i].usage);
		if (!strcmp(rows[i].name, name))
			s->row = &rows[i], s->unit = rows[i].unit;
	}
	if (!s->row || strlen(text) >= sizeof copy)
		return gm_fail(err, GM_ERR_VALUE, "\"%.60s\" is not one of %s", text, all);
	int n = 0;
	bool ok = true;
	for (; rest && ok && n < s->row->most; n++)
		ok = parse_number(strsep(&rest, ":"), s, n);
	/* lengths are divisors, so not 0 */
	ok = ok && !rest && n >= s->row->least &&
	     ((s->row->at != at_linear && s->row->at != at_decay) || s->arg[1] > 0) &&
	     ((s->row->at != at_step && s->row->at != at_inverse && s->row->at != at_cosine) ||
	      s->arg[0] > 0) &&
	     (s->row->at != at_exponential || s->arg[0] > 0);
	return ok || gm_fail(err, GM_ERR_VALUE, "\"%.60s\" is not %s", text, s->row->usage);
}

bool gm_check_rate(const char *text, gm_error *err)
{
	gm_rate_schedule s;
	return parse_rate(text, &s, err);
}

/* Progress of the run in the schedule's unit. */
static double time_of(const gm_run *r, const gm_rate_schedule *s)
{
	return s->unit == STEPS  ? (double)r->step
	       : s->unit == KIMG ? (double)r->seen / 1000
	                         : gm_epoch((gm_run *)r);
}

/* When the schedule becomes 0 for the rest of the run, in its unit. */
static double end_of(const gm_rate_schedule *s)
{
	return s->row && s->row->ends ? s->arg[0] + s->arg[1] : INFINITY;
}

static double rate_schedule(const gm_run *r, const gm_run_value *v)
{
	return r->rate.row->at(&r->rate, v->arg[0], time_of(r, &r->rate));
}

gm_node *gm_rate(gm_run *r, const char *which)
{
	const char *option = "lr", *name = "lr";
	if (which && strcmp(which, "g") && gm_opt_has(r, gm_name(r, "lr-%s", which))) {
		name = gm_name(r, "lr_%s", which);
		if (strcmp(gm_opt_str(r, gm_name(r, "lr-%s", which)), "auto"))
			option = gm_name(r, "lr-%s", which);
	}
	bool open = !strcmp(gm_opt_str(r, "rate"), "auto"); /* gm_opt_auto was not called for it */
	if (!r->rate.row && !open)
		parse_rate(gm_opt_str(r, "rate"), &r->rate, &r->err);
	if (!r->rate.row)
		parse_rate("constant", &r->rate, NULL);
	return gm_schedule_by(r, name,
	                      &(gm_run_value){.value_at = rate_schedule,
	                                      .arg = {gm_opt_real(r, option)},
	                                      .is_rate = true});
}

/* ---- momentum ------------------------------------------------------------------------------- */

/* "0.5" or "0.5:0.7:250" */
static bool parse_momentum(const char *text, double v[3], gm_error *err)
{
	char rest;
	v[1] = v[2] = -1;
	int n = sscanf(text, "%lf:%lf:%lf%c", &v[0], &v[1], &v[2], &rest);
	bool ok = (n == 1 && !strchr(text, ':')) || (n == 3 && v[2] > 1);
	ok = ok && v[0] >= 0 && v[0] < 1 && v[1] < 1 && (n == 1 || v[1] >= 0);
	if (n == 1)
		v[1] = v[0];
	return ok || gm_fail(err, GM_ERR_VALUE,
	                     "\"%.60s\" is neither a number in 0..1 nor FROM:TO:EPOCH, such as "
	                     "0.5:0.7:250",
	                     text);
}

bool gm_check_classes(const char *text, gm_error *err)
{
	const char *at = text;
	char *end = NULL;
	bool ok = *text != 0;
	while (ok && strcmp(text, "auto")) {
		ok = *at >= '0' && *at <= '9' && strtol(at, &end, 10) <= 255;
		at = ok ? end : at;
		if (!ok || !*at)
			break;
		ok = *at++ == ',';
	}
	return ok || gm_fail(err, GM_ERR_VALUE,
	                     "\"%.60s\" is not auto or a list of classes such as 8,9,10", text);
}

void gm_want_classes(gm_run *r, const char *option, int64_t k)
{
	const char *at = gm_opt_str(r, option);
	char *end = NULL;
	for (; *at >= '0' && *at <= '9'; at = end + (*end == ',')) {
		const long class = strtol(at, &end, 10);
		if (class >= k)
			gm_run_error(r, "option %s: there is no class %ld of %d, which begin at 0",
			             option, class, (int)k);
	}
}

bool gm_check_momentum(const char *text, gm_error *err)
{
	double v[3];
	return parse_momentum(text, v, err);
}

/* Linear from epoch 1 to epoch v[2], constant within each epoch. */
static double momentum_schedule(const gm_run *r, const gm_run_value *v)
{
	return gm_ramp(v->arg[0], v->arg[1], 1, v->arg[2],
	               (double)((int64_t)gm_epoch((gm_run *)r) + 1));
}

/* From option momentum-WHICH, or momentum if there is no such option; NULL without momentum. */
static gm_node *momentum_of(gm_run *r, const char *which)
{
	double v[3] = {0};
	const char *own = gm_name(r, "momentum-%s", which);
	const char *name = gm_opt_has(r, own) ? own : "momentum", *text = gm_opt_str(r, name);
	if (!strcmp(text, "auto") || !parse_momentum(text, v, &r->err) || (v[0] == 0 && v[1] == 0))
		return NULL;
	if (v[2] < 0)
		return gm_scalar(r->graph, v[0]);
	return gm_schedule_by(
		r, name, &(gm_run_value){.value_at = momentum_schedule, .arg = {v[0], v[1], v[2]}});
}

/* ---- before each turn ----------------------------------------------------------------------- */

gm_node *gm_schedule_by(gm_run *r, const char *name, const gm_run_value *by)
{
	gm_run_value *v = gm_run_value_of(r, name);
	if (v && v->schedule)
		return v->schedule;
	gm_node *s = gm_input(r->graph, name, GM_RANK0, GM_F32);
	if (!v) {
		gm_run_fail(r, GM_ERR_STATE, "%s has more than %d values", r->model->name,
		            GM_RUN_VALUES);
		return s;
	}
	v->schedule = s;
	v->value_at = by->value_at, v->is_rate = by->is_rate;
	memcpy(v->arg, by->arg, sizeof v->arg);
	v->value = v->value_at(r, v);
	gm_set_f64(s, &v->value, 1);
	return s;
}

/* Writes the options that extend the schedule to time t. */
static void longer(const gm_run *r, double t, char *text, size_t room)
{
	const gm_rate_schedule *s = &r->rate;
	const char *unit = s->unit == s->row->unit ? "" : units[s->unit];
	double last = s->row->most == 2 ? t - s->arg[0] : t;
	if (r->length_name)
		snprintf(text, room, "--%s %.8g", r->length_name, last);
	else if (s->row->most == 2)
		snprintf(text, room, "--rate %s:%.8g:%.8g%s", s->row->name, s->arg[0], last, unit);
	else
		snprintf(text, room, "--rate %s:%.8g%s", s->row->name, last, unit);
}

bool gm_rate_over(const gm_run *r, char *text, size_t room)
{
	const gm_rate_schedule *s = &r->rate;
	char way[160];
	if (!s->row || time_of(r, s) < end_of(s))
		return false;
	longer(r, ceil(time_of(r, s) * (double)r->total / (r->step > 0 ? (double)r->step : 1)), way,
	       sizeof way);
	snprintf(text, room,
	         "the learning rate is 0 from step %lld on, because its schedule (--rate %.60s) "
	         "has ended; parameters no longer change. Resume with a longer one, such as %s, or "
	         "with --rate constant",
	         (long long)r->step, gm_opt_str((gm_run *)r, "rate"), way);
	return true;
}

void gm_schedules_set(gm_run *r)
{
	for (int i = 0; i < r->values; i++) {
		gm_run_value *v = &r->value[i];
		if (!v->value_at)
			continue;
		v->value = v->value_at(r, v) * (v->is_rate ? gm_run_rate_factor(r) : 1);
		gm_set_f64(v->schedule, &v->value, 1);
	}
}

void gm_rate_prolong(const gm_run *r, char *text, size_t room)
{
	double t = r->rate.row ? time_of(r, &r->rate) : 0;
	*text = 0;
	if (t > 0 && end_of(&r->rate) < 1.1 * t)
		longer(r, ceil(2 * t), text, room);
}

/* ---- optimisers ----------------------------------------------------------------------------- */

gm_node *gm_move_(gm_run *r, gm_net *n, gm_node *loss, gm_move_args a)
{
	static const struct {
		const char *name, *beta2;
		gm_node *(*rule)(gm_net *n, gm_node *loss, gm_optimiser_args a);
	} rules[] = {{"sgd", "0", gm_sgd_},
	             {"adam", "0.999", gm_adam_},
	             {"rmsprop", "0.9", gm_rmsprop_}};
	const char *which = a.which ? a.which : "g";
	int k = gm_opt_choice(r, "optimiser");
	gm_opt_auto(r, "beta2", "%s", rules[k].beta2);
	double beta1 = gm_opt_real(r, "beta1"), beta2 = gm_opt_real(r, "beta2");
	bool usual = !strcmp(which, "g") || !strcmp(which, "d");
	gm_node *lr = gm_rate(r, which);
	if (a.lr_times != 0 && a.lr_times != 1)
		lr = gm_mul_c(lr, a.lr_times);
	gm_optimiser_args o = {.lr = lr,
	                       .beta1 = beta1 == 0 ? GM_NONE : beta1,
	                       .beta2 = beta2 == 0 ? GM_NONE : beta2,
	                       .rho = beta2 == 0 ? GM_NONE : beta2,
	                       .eps = gm_opt_real(r, "eps"),
	                       .l2 = gm_opt_real(r, "l2"),
	                       .clip_norm = gm_opt_real(r, "clip-norm"),
	                       .accumulate = (int)gm_opt_int(r, "accumulate"),
	                       .clip_weights = a.clip_weights,
	                       .name = usual ? NULL : gm_name(r, "%s_%s", rules[k].name, which),
	                       .only = a.only,
	                       .average = a.average ? r->ema : 0,
	                       .project = a.project,
	                       .ctx = a.ctx};
	if (k == 0)
		o.momentum = momentum_of(r, which);
	return rules[k].rule(n, loss, o);
}

/* ---- phases ---------------------------------------------------------------------------------- */

int gm_phase(gm_run *r, const char *const *names, double *share)
{
	double begins = 0, length = 0;
	int i = 0;
	for (; names[i + 1]; i++, begins += length) {
		const char *steps = gm_name(r, "%s-steps", names[i]);
		length = gm_opt_has(r, steps)
		                 ? (double)gm_opt_int(r, steps)
		                 : ceil(gm_opt_real(r, gm_name(r, "%s-kimg", names[i])) * 1000 /
		                        (double)gm_run_whole_batch(r));
		if ((double)r->step < begins + length)
			break;
	}
	if (!names[i + 1])
		length = (double)r->total - begins;
	if (share)
		*share = r->building && !names[i + 1] ? 1
		         : length > 0                 ? fmin(((double)r->step - begins) / length, 1)
		                                      : 0;
	return i;
}
