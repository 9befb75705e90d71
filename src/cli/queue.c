/* SPDX-License-Identifier: MIT
 *
 * cli/queue.c -- ganymede reproduce --queue: all recipes whose data are there and that have no
 * result of full length, in order of what they still cost. It can end at any time: runs are saved
 * and found again by their recorded options. OUTDIR/queue.json keeps measured speeds and the time
 * spent so far.
 */
#include "cli/reproduce.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/machine.h"
#include "base/sha256.h"
#include "base/text.h"
#include "cli/ledger.h"
#include "cli/progress.h"
#include "ganymede/train.h"
#include "lab/lab.h"
#include "run/folder.h"
#include "run/run.h"

static const double PROBE_SECONDS = 2, HOUR = 3600;
enum { SHORT_PROBE = 5, LONG_PROBE = 30, SEEDS_MAX = 32 }; /* probes of the lab, in steps */

typedef struct job {
	plan p;
	cli_values v;
	double left;   /* CPU seconds; NaN: not known */
	char how[200]; /* how it was estimated, or why the recipe is left out */
	bool out, done, failed;
} job;

/* ---- runs that were begun -------------------------------------------------------------------- */

static bool same_text(const gm_setting *row, const char *was)
{
	char a[PATH_MAX], b[PATH_MAX];
	double x, y;
	if (!strcmp(row->value, was) ||
	    (gm_text_f64(row->value, &x) && gm_text_f64(was, &y) && x == y))
		return true;
	return !strncmp(row->name, "data", 4) && realpath(row->value, a) && realpath(was, b) &&
	       !strcmp(a, b);
}

/* True if a run with the recorded options `then` is the one that s would begin: equal in all that
 * changes the training, in its length, and in all that s was given. */
static bool same_run(const gm_settings *s, const gm_settings *then)
{
	static const char *const lengths[] = {"steps", "epochs", "kimg"};
	for (int i = 0; i < s->count; i++) {
		const gm_setting *row = &s->row[i];
		bool counts = !(row->flags & GM_FREE) || row->given;
		for (int k = 0; k < 3; k++)
			counts = counts || !strcmp(row->name, lengths[k]);
		if (counts && !(row->flags & GM_PLACE) &&
		    !same_text(row, gm_settings_get(then, row->name)))
			return false;
	}
	return true;
}

bool queue_begun(const gm_settings *s, char run[PATH_MAX], int64_t *step)
{
	const char *outdir = gm_settings_get(s, "outdir");
	DIR *d = opendir(outdir);
	bool found = false;
	*step = 0;
	for (struct dirent *e; d && (e = readdir(d));) {
		char folder[PATH_MAX], checkpoint[PATH_MAX], in[PATH_MAX];
		gm_record rec = {0};
		if (e->d_name[0] == '.' ||
		    snprintf(folder, sizeof folder, "%s/%s", outdir, e->d_name) >=
		            (int)sizeof folder ||
		    !gm_file_is_folder(folder) ||
		    !gm_folder_checkpoint(folder, outdir, checkpoint, in, NULL))
			continue;
		gm_st *st = gm_checkpoint_open(checkpoint, NULL);
		if (st && gm_record_read(st, checkpoint, &rec, NULL) && rec.model == s->model &&
		    same_run(s, &rec.settings) && (!found || rec.step > *step)) {
			memcpy(run, folder, PATH_MAX);
			*step = rec.step;
			found = true;
		}
		gm_record_free(&rec);
		gm_st_close(st);
	}
	if (d)
		closedir(d);
	return found;
}

/* ---- speeds and times that are kept ---------------------------------------------------------- */

static void kept_path(const cli_values *v, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.2000s/queue.json", cli_value(v, "outdir"));
}

/* What was kept of the recipe as it is today, or an empty object; the caller frees it. */
static json_t *kept(const job *j, char sha256[GM_SHA256_HEX])
{
	char path[PATH_MAX];
	kept_path(&j->v, path);
	*sha256 = 0;
	gm_sha256_file(j->p.path, sha256, NULL);
	json_t *all = gm_file_exists(path) ? json_load_file(path, 0, NULL) : NULL,
	       *one = json_object_get(all, j->p.name);
	const char *was = json_string_value(json_object_get(one, "recipe"));
	one = was && !strcmp(was, sha256) ? json_incref(one) : json_object();
	json_decref(all);
	return one;
}

static double number_of(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

/* Adds to what is kept of a recipe; frees `more`. Read again first: there may be other queues. */
static bool keep(const job *j, json_t *more, gm_error *err)
{
	char path[PATH_MAX], sha256[GM_SHA256_HEX];
	kept_path(&j->v, path);
	json_t *one = kept(j, sha256), *all = json_load_file(path, 0, NULL);
	all = all ? all : json_object();
	json_object_update(one, more);
	json_object_set_new(one, "recipe", json_string(sha256));
	json_object_set(all, j->p.name, one);
	char *text = json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(8));
	const bool ok = text && gm_file_make_folder(cli_value(&j->v, "outdir"), err) &&
	                gm_file_write(path, text, strlen(text), err);
	free(text);
	json_decref(one), json_decref(all), json_decref(more);
	return ok || gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

/* ---- what a recipe still costs --------------------------------------------------------------- */

static int seeds_of(const job *j)
{
	uint64_t n = 1;
	gm_error err = {0};
	return cli_whole(&j->v, "seeds", 1, SEEDS_MAX, &n, &err) ? (int)n : 1;
}

/* CPU seconds per step of a training, and its length: measured, unless that was kept. */
static bool measure_run(job *j, double *second, gm_error *err)
{
	char sha256[GM_SHA256_HEX];
	json_t *was = kept(j, sha256);
	*second = number_of(was, "processor_step");
	j->p.total = json_integer_value(json_object_get(was, "steps"));
	json_decref(was);
	if (*second > 0 && j->p.total > 0 && !cli_given(&j->v, "steps"))
		return true;
	gm_settings s;
	gm_train_call call = {
		.settings = &s, .measure = PROBE_SECONDS, .spread = true, .stop = &cli_stopped};
	bool ok = plan_settings(&j->p, &j->v, 0, &s, err) && gm_train(&call, err) &&
	          (!cli_stopped || gm_fail(err, GM_ERR_STATE, "stopped"));
	gm_settings_free(&s);
	*second = call.speed.processor;
	j->p.total = call.total;
	return ok &&
	       (cli_given(&j->v, "steps") || keep(j,
	                                          json_pack("{s:f, s:I}", "processor_step", *second,
	                                                    "steps", (json_int_t)j->p.total),
	                                          err));
}

static bool cost_of_run(job *j, gm_error *err)
{
	double second;
	if (!gm_model_find(j->p.model))
		return gm_fail(err, GM_ERR_VALUE, "%.300s names an unknown model", j->p.path);
	if (!measure_run(j, &second, err))
		return false;
	const int seeds = seeds_of(j);
	int64_t made = 0;
	for (int i = 0; i < seeds; i++) {
		char run[PATH_MAX];
		int64_t step;
		gm_settings s;
		bool ok = plan_settings(&j->p, &j->v, i, &s, err);
		made += ok && queue_begun(&s, run, &step) ? step : 0;
		gm_settings_free(&s);
		if (!ok)
			return false;
	}
	j->left = fmax(0, second * (double)(j->p.total * seeds - made));
	snprintf(j->how, sizeof j->how, "%" PRId64 " of %" PRId64 " steps made; %.3g ms a step",
	         made, j->p.total * seeds, second * 1e3);
	return true;
}

static const gm_option *lab_option(const gm_experiment *e, const char *name)
{
	for (const gm_option *o = e->options; o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

static const char *lab_value(const job *j, const gm_experiment *e, const char *name)
{
	if (!strcmp(name, "steps") && cli_given(&j->v, "steps"))
		return cli_given(&j->v, "steps");
	const char *given = plan_option(&j->p, name);
	return given ? given : lab_option(e, name)->value;
}

static void remove_folder(const char *folder)
{
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d));)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(folder);
}

/* CPU seconds of one short trial. */
static bool probe_lab(const job *j, const gm_experiment *e, int steps, double *seconds,
                      gm_error *err)
{
	char folder[] = "/tmp/ganymede-XXXXXX", text[24];
	FILE *silent = fopen("/dev/null", "w");
	gm_lab *l = silent && mkdtemp(folder) ? gm_lab_open(e, silent) : NULL;
	bool ok = l || gm_fail(err, GM_ERR_IO, "no temporary folder");
	snprintf(text, sizeof text, "%d", steps);
	if (ok)
		l->stop = &cli_stopped;
	for (int i = 2; ok && i + 1 < j->p.n; i += 2)
		ok = gm_lab_set(l, j->p.word[i] + 2, j->p.word[i + 1], err);
	ok = ok && gm_lab_set(l, "steps", text, err) && gm_lab_set(l, "trials", "1", err);
	const double began = gm_processor_seconds();
	ok = ok && (gm_lab_run(l, folder, err) || !err->code);
	*seconds = gm_processor_seconds() - began;
	if (l) {
		gm_lab_close(l);
		remove_folder(folder);
	}
	if (silent)
		fclose(silent);
	return ok && (!cli_stopped || gm_fail(err, GM_ERR_STATE, "stopped"));
}

/* An experiment of several trainings is measured by two short ones; others take seconds. */
static bool cost_of_lab(job *j, gm_error *err)
{
	const gm_experiment *e = gm_experiment_find(j->p.word[1]);
	double few = 0, many = 0, steps, trials;
	char sha256[GM_SHA256_HEX];
	if (!e)
		return gm_fail(err, GM_ERR_VALUE, "%.300s: there is no lab experiment %.60s",
		               j->p.path, j->p.word[1]);
	snprintf(j->how, sizeof j->how, "an experiment of seconds, not measured");
	j->left = 0;
	if (!lab_option(e, "steps") || !lab_option(e, "trials"))
		return true;
	json_t *was = kept(j, sha256);
	double second = number_of(was, "processor_step");
	json_decref(was);
	if (!(second > 0)) {
		if (!probe_lab(j, e, SHORT_PROBE, &few, err) ||
		    !probe_lab(j, e, LONG_PROBE, &many, err))
			return false;
		second = fmax(many - few, 1e-9) / (LONG_PROBE - SHORT_PROBE);
		if (!keep(j, json_pack("{s:f}", "processor_step", second), err))
			return false;
	}
	if (!gm_text_f64(lab_value(j, e, "steps"), &steps) ||
	    !gm_text_f64(lab_value(j, e, "trials"), &trials))
		return gm_fail(err, GM_ERR_VALUE, "%.300s: steps or trials", j->p.path);
	j->left = second * steps * trials;
	snprintf(j->how, sizeof j->how, "%.0f trials of %.0f steps; %.3g ms a step", trials, steps,
	         second * 1e3);
	return true;
}

/* True if there is a result of full length, of as many seeds. */
static bool has_result(const job *j)
{
	json_t *o = ledger_result(cli_value(&j->v, "results"), j->p.name), *row;
	const json_t *runs = json_object_get(o, "runs"), *options = json_object_get(o, "options");
	const char *short_of = json_string_value(json_object_get(o, "shortened")),
		   *asked = cli_given(&j->v, "steps");
	bool full = o && !(short_of && !(asked && !strcmp(asked, short_of)));
	size_t i;
	if (!strcmp(j->p.word[0], "lab")) {
		static const char *const names[] = {"steps", "trials"};
		const gm_experiment *e = gm_experiment_find(j->p.word[1]);
		for (int k = 0; full && e && k < 2; k++) {
			const char *was = json_string_value(json_object_get(options, names[k]));
			full = !was || !lab_option(e, names[k]) ||
			       !strcmp(was, lab_value(j, e, names[k]));
		}
	} else {
		full = full && json_array_size(runs) >= (size_t)seeds_of(j);
		json_array_foreach (runs, i, row)
			full = full &&
			       json_integer_value(json_object_get(row, "step")) >= j->p.total;
	}
	json_decref(o);
	return full;
}

/* Everything about a recipe before it is run; what cannot be run says why. */
static void consider(job *j)
{
	gm_error err = {0};
	const bool ok =
		plan_needs(&j->p, &j->v, &err) && plan_ready(&j->p, &j->v, &err) &&
		(!strcmp(j->p.word[0], "lab") ? cost_of_lab(j, &err) : cost_of_run(j, &err));
	j->out = !ok;
	j->done = ok && has_result(j);
	if (!ok)
		snprintf(j->how, sizeof j->how, "%.199s", err.message);
}

/* ---- the queue ------------------------------------------------------------------------------- */

static int by_cost(const void *a, const void *b)
{
	const job *x = *(job *const *)a, *y = *(job *const *)b;
	return x->left > y->left ? 1 : x->left < y->left ? -1 : strcmp(x->p.name, y->p.name);
}

static void say_left(job **job_of, int n)
{
	double all = 0;
	int open = 0, done = 0;
	for (int i = 0; i < n; i++) {
		const job *j = job_of[i];
		done += j->done;
		if (j->out || j->done)
			continue;
		if (!open++)
			puts("\nrecipe                   CPU hours left");
		printf("%-24s %14.3f  %s%s\n", j->p.name, j->left / HOUR, j->how,
		       j->failed ? "; failed" : "");
		all += j->left;
	}
	for (int i = 0, said = 0; i < n; i++) {
		if (!job_of[i]->out)
			continue;
		if (!said++)
			puts("\nleft out");
		printf("%-24s %s\n", job_of[i]->p.name, job_of[i]->how);
	}
	printf("\n%d with a full result; %d left, %.3f CPU hours on this machine, without "
	       "scoring\n",
	       done, open, all / HOUR);
	fflush(stdout);
}

/* Runs one recipe, and keeps the time spent on it if it is not finished. */
static bool run_job(job *j, const char *command, gm_error *err)
{
	char sha256[GM_SHA256_HEX];
	json_t *was = kept(j, sha256);
	j->p.wall = number_of(was, "wall_spent");
	j->p.processor = number_of(was, "processor_spent");
	j->p.timed = json_integer_value(json_object_get(was, "steps_spent"));
	json_decref(was);
	printf("\n%s: %s\n", j->p.name, j->how);
	fflush(stdout);
	bool ok = plan_reproduce(&j->p, &j->v, command, err);
	json_t *spent = json_pack("{s:f, s:f, s:I}", "wall_spent", ok ? 0 : j->p.wall,
	                          "processor_spent", ok ? 0 : j->p.processor, "steps_spent",
	                          (json_int_t)(ok ? 0 : j->p.timed));
	return keep(j, spent, err) && ok;
}

static void on_alarm(int number)
{
	cli_stopped = number;
}

/* True if the hours are 0: nothing is to be run. */
static bool set_alarm(double hours)
{
	const double seconds = hours * HOUR;
	struct sigaction a = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	sigemptyset(&a.sa_mask);
	sigaction(SIGALRM, &a, NULL);
	struct itimerval t = {.it_value = {(time_t)seconds, (suseconds_t)(fmod(seconds, 1) * 1e6)}};
	setitimer(ITIMER_REAL, &t, NULL);
	return !(seconds > 0);
}

static int run_all(job **job_of, int n, const char *command, bool only_say)
{
	int status = CLI_OK;
	gm_error err = {0};
	for (int i = 0; i < n && !cli_stopped; i++)
		consider(job_of[i]);
	if (cli_stopped) {
		gm_fail(&err, GM_ERR_STATE, "stopped while the speeds were measured");
		return cli_fail(&err);
	}
	qsort(job_of, (size_t)n, sizeof *job_of, by_cost);
	say_left(job_of, n);
	for (int i = 0; i < n && !only_say && !cli_stopped; i++) {
		job *j = job_of[i];
		gm_error one = {0};
		if (j->out || j->done)
			continue;
		j->done = run_job(j, command, &one);
		if (j->done)
			continue;
		/* A run that was stopped by its file `stop` also ends the queue. */
		const bool stopped =
			one.code == GM_ERR_STATE && !strncmp(one.message, "stopped", 7);
		if (!cli_stopped && !stopped) {
			status = cli_fail(&one);
			j->failed = true;
			continue;
		}
		gm_error again = {0};
		if (strcmp(j->p.word[0], "lab") != 0)
			cost_of_run(j, &again);
		break;
	}
	if (!only_say)
		say_left(job_of, n);
	return status;
}

int queue(const cli_values *v, const char *command)
{
	double hours = 0;
	gm_error err = {0};
	const char *text = cli_given(v, "hours");
	int status = cli_useless(v, "run|from|list|all|docs", "with --queue");
	if (!status && !v->operand[0])
		status = cli_useless(v, "data|data-b|input|classifier|extractor|count|steps",
		                     "with --queue without the name of a recipe");
	if (status)
		return status;
	if (text && (!gm_text_f64(text, &hours) || !(hours >= 0 && hours < 1e6))) {
		gm_fail(&err, GM_ERR_VALUE, "option hours: \"%.60s\" is not a number of hours",
		        text);
		return cli_fail(&err);
	}
	uint64_t seeds;
	char **name = NULL, *one[] = {(char *)v->operand[0]};
	if (!cli_whole(v, "seeds", 1, SEEDS_MAX, &seeds, &err))
		return cli_fail(&err);
	int n = v->operand[0] ? 1 : ledger_names(cli_value(v, "recipes"), &name, &err);
	if (n < 0)
		return cli_fail(&err);
	job *all = calloc(n ? (size_t)n : 1, sizeof *all),
	    **job_of = calloc(n ? (size_t)n : 1, sizeof *job_of);
	bool ok = (all && job_of) || gm_fail(&err, GM_ERR_MEMORY, "out of memory");
	for (int i = 0; ok && i < n; i++) {
		job_of[i] = &all[i];
		all[i].v = *v;
		ok = plan_read(&all[i].p, v, name ? name[i] : one[0], &err);
	}
	cli_catch_signals();
	if (cli_given(v, "nice") && nice(19) < 0)
		fputs("ganymede: the priority could not be lowered\n", stderr);
	if (ok) {
		const bool only_say = text && set_alarm(hours);
		status = run_all(job_of, n, command, only_say);
	} else {
		status = cli_fail(&err);
	}
	if (!status && cli_stopped && cli_stopped != SIGALRM)
		status = 128 + cli_stopped;
	for (int i = 0; name && i < n; i++)
		free(name[i]);
	free(name);
	free(all);
	free(job_of);
	return status;
}
