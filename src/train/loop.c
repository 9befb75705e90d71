/* SPDX-License-Identifier: MIT
 *
 * train/loop.c -- the training loop: starts a run, does everything besides the model in gm_next,
 * between two turns of the model's loop, and ends the run.
 */
#include "ganymede/train.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/machine.h"
#include "base/text.h"
#include "ranks/ranks.h"
#include "report/report.h"
#include "run/classes.h"
#include "run/endpoint.h"
#include "run/folder.h"
#include "run/start.h"
#include "run/stream.h"
#include "train/dry_run.h"
#include "train/monitors.h"
#include "train/scoring.h"
#include "use/draw.h"

/* Not in the small library (libganymede). */
#pragma weak gm_scoring_start
#pragma weak gm_scoring_step
#pragma weak gm_scoring_end

static bool start_scoring(gm_run *r)
{
	return gm_scoring_start ? gm_scoring_start(r)
	                        : !*gm_settings_get(r->settings, "metrics") ||
	                                  gm_fail(&r->err, GM_ERR_STATE,
	                                          "option metrics: this is libganymede without "
	                                          "metrics; use libganymede-full");
}

/* ---- start ----------------------------------------------------------------------------------- */

static bool lengths(gm_run *r)
{
	const gm_settings *s = r->settings;
	const char *grid = gm_settings_get(s, "grid"), *best = gm_settings_get(s, "best");
	bool usual = !strcmp(grid, "auto");
	gm_error *e = &r->err;
	int64_t steps = gm_settings_int(s, "steps"), log = gm_settings_int(s, "log-every"),
		sample = gm_settings_int(s, "sample-every"),
		save = gm_settings_int(s, "save-every");
	double epochs = gm_settings_real(s, "epochs"), kimg = gm_settings_real(s, "kimg");
	r->metrics_every = gm_settings_int(s, "metrics-every");
	r->keep = gm_settings_int(s, "keep");
	if (!gm_parse_grid(usual ? "8x8" : grid, &r->columns, &r->rows, e) ||
	    (*best && !gm_parse_best(best, r->best_name, sizeof r->best_name, &r->best_most, e)))
		return false;
	/* Grids of class-conditional models have one row per class. */
	if (usual && gm_endpoint_is_conditional(r, gm_endpoint_first(r, GM_DRAWS)) &&
	    r->facts.classes <= GM_GRID_CLASSES)
		r->rows = (int)r->facts.classes;
	if (epochs > 0)
		kimg = epochs * (r->facts.count ? r->facts.count : 50000) / 1000;
	double total = kimg > 0 ? ceil(kimg * 1000 / gm_run_whole_batch(r)) : steps;
	if (total > INT32_MAX)
		return gm_fail(e, GM_ERR_VALUE, "%.3g steps are too many", total);
	r->total = (int64_t)total;
	r->log_every = log ? log : r->total / 100 > 1 ? r->total / 100 : 1;
	r->sample_every = sample ? sample : r->total / 10 > 1 ? r->total / 10 : 1;
	if (!r->metrics_every)
		r->metrics_every = r->total / 10 > 1 ? r->total / 10 : 1;
	r->save_every = save ? save : r->total / 10 > 1 ? r->total / 10 : 1;
	return true;
}

/* "/data/mnist/" to "mnist", for the name of the run folder */
static const char *short_name(const char *spec, char *text, size_t room)
{
	snprintf(text, room, "%s", spec);
	size_t n = strlen(text);
	while (n > 1 && text[n - 1] == '/')
		text[--n] = 0;
	char *slash = strrchr(text, '/');
	return slash && slash[1] ? slash + 1 : text;
}

static bool write_options(gm_run *r)
{
	gm_run_keep_tuned(r);
	char path[PATH_MAX], *options = gm_settings_json(r->settings, true), *text = NULL;
	bool ok = snprintf(path, sizeof path, "%s/options.json", r->folder) < PATH_MAX && options &&
	          asprintf(&text,
	                   "{\n\"model\": \"%s\",\n\"ganymede\": \"%s\",\n\"options\": %s\n}\n",
	                   r->model->name, gm_version(), options) >= 0;
	ok = ok ? gm_file_write(path, text, strlen(text), &r->err)
	        : gm_fail(&r->err, GM_ERR_MEMORY, "no memory for options.json");
	free(options);
	free(text);
	return ok;
}

/* Reports that bf16 was requested but is not supported. */
static void describe_precision(gm_run *r)
{
	if (!strcmp(gm_settings_get(r->settings, "precision"), "bf16") && !gm_graph_bf16(r->graph))
		gm_report_say(r, "  precision: fp32, because bf16 needs AVX512-BF16 and the cpu "
		                 "backend");
}

static void describe(gm_run *r)
{
	const gm_facts *f = &r->facts;
	char data[128];
	if (f->points)
		snprintf(data, sizeof data, "points");
	else if (f->rate)
		snprintf(data, sizeof data, "sounds of %" PRId64 " samples at %" PRId64 " Hz",
		         f->width, f->rate);
	else
		snprintf(data, sizeof data, "%dx%d pictures of %d channel%s", (int)f->width,
		         (int)f->height, (int)f->channels, f->channels == 1 ? "" : "s");
	gm_report_say(r, "%s: %s, %s, batch %d", r->model->name,
	              gm_settings_get(r->settings, "data"), data, (int)gm_run_whole_batch(r));
	if (r->ranks > 1)
		gm_report_say(r, "  %d processes, each with %d of them; batch norm %s", r->ranks,
		              (int)r->batch,
		              r->local_norm ? "per process" : "over the whole batch");
	for (int i = 0; i < r->streams; i++) {
		const gm_data_info *s = gm_data_info_of(r->stream[i]->data);
		char count[40] = "generated, endless";
		if (s->count)
			snprintf(count, sizeof count, "%" PRIu64 " examples", s->count);
		gm_report_say(r, "  %s: %s of %s, %d a batch", r->stream[i]->name, count, s->name,
		              (int)(r->stream[i]->rows * r->ranks));
	}
	const gm_data_info *d = gm_data_info_of(r->data);
	if (d->rank == 3 && strcmp(d->resize, "none"))
		gm_report_say(
			r, "  resized: %s%s", d->resize,
			!strcmp(gm_settings_get(r->settings, "fit"), "auto") &&
					strstr(d->resize, "centre")
				? " (central square; --fit resize or pad keep the whole image)"
				: "");
	if (d->binary)
		gm_report_say(r, "  pixels: binary (--binarise %s)",
		              gm_settings_get(r->settings, "binarise"));
	if (strcmp(d->augment, "none"))
		gm_report_say(r, "  augmented: %s", d->augment);
	const char *note;
	for (int i = 0; (note = gm_data_note(r->data, i)); i++)
		gm_report_say(r, "  data: %s", note);
	for (int i = 0; i < r->nets; i++)
		gm_report_say(r, "  %s: %" PRId64 " parameters", gm_net_name(r->net[i]),
		              gm_net_parameters(r->net[i]));
	for (int i = 0; i < r->parts; i++) {
		gm_step_info s = gm_step_describe(r->part[i].step);
		gm_report_say(r,
		              "  step %d: %d instructions, %.1f MB of working memory, %.3g GFLOP",
		              i + 1, s.instructions, s.arena_bytes / 1e6, s.flops / 1e9);
		if (s.fallbacks)
			gm_report_say(r, "  (%d of them run by their slow scalar definitions)",
			              s.fallbacks);
	}
	describe_precision(r);
}

/* A note where classes have other names in the run that weights are taken from. */
static const char *other_classes(gm_run *r, const gm_record *rec)
{
	const char *const *then = rec->facts.class_names, *const *now = r->facts.class_names;
	const int64_t classes =
		rec->facts.classes < r->facts.classes ? rec->facts.classes : r->facts.classes;
	for (int64_t i = 0; then && now && i < classes; i++)
		if (strcmp(then[i], now[i]))
			return gm_name(r,
			               "; class %" PRId64
			               " was %.40s there and is %.40s here: weights "
			               "of classes are assigned by number",
			               i, then[i], now[i]);
	return "";
}

/* Where the weights are from, as JSON. */
static char *origin_of(const gm_record *rec, const char *path)
{
	json_t *o = rec->model ? json_pack("{s:s, s:s, s:I, s:o}", "checkpoint", path, "model",
	                                   rec->model->name, "step", (json_int_t)rec->step, "data",
	                                   json_sprintf("%016" PRIx64, rec->data_hash))
	                       : json_pack("{s:s}", "weights", path);
	char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

/* Options from and freeze: loads weights, and writes what became of each variable to r->started. */
static bool start_from(gm_run *r)
{
	const bool from = *gm_settings_get(r->settings, "from") && !(r->call->measure > 0);
	char path[PATH_MAX], step[64] = "", line[600];
	gm_record rec = {0};
	gm_start_report got;
	bool checkpoint = false;
	gm_st *st = NULL;
	if (!from && !*gm_settings_get(r->settings, "freeze"))
		return true;
	bool ok = !from || gm_start_find(r->settings, path, &checkpoint, &r->err);
	if (ok && checkpoint)
		ok = (st = gm_checkpoint_open(path, &r->err)) &&
		     gm_record_read(st, path, &rec, &r->err);
	ok = ok && gm_start_from(r, st, from ? path : NULL, &got);
	if (ok && from) {
		char *text = origin_of(&rec, path);
		r->origin = text ? gm_arena_strdup(r->settings->arena, text) : NULL;
		free(text);
		if (checkpoint)
			snprintf(step, sizeof step, "step %" PRId64 " of ", rec.step);
		snprintf(line, sizeof line, "  from %s%.150s: %d tensors%s", step, path, got.loaded,
		         other_classes(r, &rec));
		if (got.kept)
			snprintf(line + strlen(line), sizeof line - strlen(line),
			         "; %d keep their initial values", got.kept);
		r->started_from = gm_arena_strdup(r->settings->arena, line);
	}
	if (ok)
		r->fates = got.fates;
	gm_record_free(&rec);
	gm_st_close(st);
	return ok;
}

/* The lines of a text. */
static void say_lines(gm_run *r, const char *text)
{
	for (; text && *text; text += strspn(text, "\n")) {
		const size_t size = strcspn(text, "\n");
		gm_report_say(r, "%.*s", (int)size, text);
		text += size;
	}
}

static bool start_new(gm_run *r)
{
	char name[256], data[128];
	if (!start_from(r))
		return false;
	if (r->rank)
		return true;
	const char *asked = gm_settings_get(r->settings, "name");
	snprintf(name, sizeof name, "%s-%s", r->model->name,
	         short_name(gm_settings_get(r->settings, "data"), data, sizeof data));
	if (!gm_folder_new(gm_settings_get(r->settings, "outdir"), *asked ? asked : name, r->folder,
	                   &r->err) ||
	    (r->lock = gm_folder_lock(r->folder, &r->err)) == -1 || !write_options(r) ||
	    !gm_report_open(r))
		return false;
	describe(r);
	say_lines(r, r->told);
	if (r->started_from)
		gm_report_say(r, "%s", r->started_from);
	say_lines(r, r->fates);
	gm_report_say(r, "run: %s", r->folder);
	return gm_run_real_picture(r, "reals.png") && gm_run_picture(r, "init");
}

static bool start_again(gm_run *r)
{
	if (r->step > r->total)
		return gm_fail(&r->err, GM_ERR_VALUE,
		               "%.200s is already at step %" PRId64 ", but %" PRId64
		               " were requested: give larger --steps to continue",
		               r->folder, r->step, r->total);
	bool loaded = gm_checkpoint_load(r, true);
	r->saved_at = r->step;
	if (!loaded || r->rank) {
		gm_st_close(r->from);
		r->from = NULL;
		return loaded;
	}
	if (!write_options(r) || !gm_report_open(r))
		return false;
	int swept = gm_folder_sweep(r->folder);
	gm_st_close(r->from);
	r->from = NULL;
	gm_report_say(r, "%s resumes at step %" PRId64 " of %" PRId64, r->folder, r->step,
	              r->total);
	char unknown[300];
	gm_settings_unknown(r->settings, unknown, sizeof unknown);
	if (*unknown)
		gm_report_say(r,
		              "  options of another version of ganymede (kept, without effect): %s",
		              unknown);
	if (strcmp(r->data_was, gm_settings_get(r->settings, "data")))
		gm_report_say(r, "  data are read from %s, formerly %s, with the same content",
		              gm_settings_get(r->settings, "data"), r->data_was);
	describe_precision(r);
	if (swept)
		gm_report_say(r, "  (removed %d incomplete file%s of a killed run)", swept,
		              swept == 1 ? "" : "s");
	return true;
}

/* ---- between the steps ----------------------------------------------------------------------- */

/* Writes the results of a finished step; only on rank 0. */
static void record(gm_run *r, bool log, bool picture, bool score, bool save)
{
	if (score)
		gm_scoring_step(r);
	if (log)
		gm_report_stats(r);
	gm_report_progress(r, log);
	char when[32];
	snprintf(when, sizeof when, "%06" PRId64, r->step);
	/* Save a checkpoint if a metric is the best so far. */
	save = save || (score && gm_checkpoint_better(r));
	if ((!picture || gm_run_picture(r, when)) && save)
		gm_checkpoint_save(r);
}

/* Whether this run shall end: by call->stop, or by a file "stop" in its folder, looked for at log
 * lines and every half second. */
static bool asked_to_stop(gm_run *r, bool log)
{
	double now = gm_seconds();
	bool stop = r->call->stop && *r->call->stop;
	if (!r->rank && (log || now - r->looked > .5)) {
		r->looked = now;
		stop = gm_folder_stop(r->folder) || stop;
	}
	return gm_dist_any(stop);
}

static void finish_step(gm_run *r)
{
	double seconds = gm_seconds() - r->began;
	r->step++;
	r->finishing = true;
	r->train_seconds += seconds;
	/* A mean of recent steps, because early steps are slower (first access to memory). */
	double done = (double)(r->step - r->first_step);
	r->step_seconds += (seconds - r->step_seconds) / fmin(done, 50);

	bool last = r->step >= r->total;
	bool score = gm_run_scores_at(r, r->step) || (last && r->scorer);
	bool log = r->step % r->log_every == 0 || last || score, stop = asked_to_stop(r, log);
	bool picture = r->step % r->sample_every == 0 || last;
	bool save = r->step % r->save_every == 0 || last || stop;
	gm_monitors_step(r, log);
	if (r->step == r->first_step + 1)
		gm_checkpoint_best_named(r);
	if (save)
		gm_dist_compare(r);
	if (gm_run_ok(r) && !r->rank)
		record(r, log, picture, score && r->scorer, save);
	if (log || picture || save)
		gm_dist_agree(r);
	if (!gm_run_ok(r))
		return;
	if (save)
		r->saved_at = r->step;
	if (!last && !stop && !r->rank)
		gm_report_page(r, "running", false);
	if (stop && !last) {
		r->call->stopped = true;
		gm_report_say(r, "stopped at step %" PRId64 ", saved", r->step);
	}
}

/* ---- only measuring -------------------------------------------------------------------------- */

/* The first turns are slower (first access to memory). */
enum { MEASURED_TURNS = 100000, SKIPPED_TURNS = 2 };

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void add_step(struct gm_speed *v, const gm_step *step, int turns)
{
	const gm_step_info s = gm_step_describe(step);
	v->flops += s.flops * (turns ? (double)s.runs / turns : 1);
	v->memory = s.arena_bytes > v->memory ? s.arena_bytes : v->memory;
	v->instructions += s.instructions;
	v->fallbacks += s.fallbacks;
}

static double mean(const double *x, int n)
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += x[i] / n;
	return sum;
}

/* To a place in the run, evenly spread by the golden ratio: phases and stages differ in cost. The
 * first turns stay the run's own: some models prepare themselves in them. */
static void jump(gm_run *r)
{
	const double at = fmod(.5 + .6180339887498949 * r->turns, 1),
		     left = at * (double)(r->total - r->first_step);
	if (!r->call->spread || r->turns < SKIPPED_TURNS)
		return;
	r->step = r->first_step + (int64_t)left;
	r->seen = (uint64_t)((double)r->step * (double)r->measured / r->turns);
}

static void conclude(gm_run *r)
{
	struct gm_speed *v = &r->call->speed;
	v->bf16 = gm_graph_bf16(r->graph);
	int skip = r->turns > SKIPPED_TURNS ? SKIPPED_TURNS : 0;
	qsort(r->turn + skip, r->turns - skip, sizeof *r->turn, by_size);
	v->step = r->call->spread ? mean(r->turn + skip, r->turns - skip)
	                          : r->turn[skip + (r->turns - skip) / 2];
	v->processor = (gm_processor_seconds() - r->processor) / (r->turns - skip);
	v->batch = gm_run_whole_batch(r);
	v->turns = r->turns;
	v->peak = gm_machine_peak(false);
	for (int i = 0; i < r->nets; i++)
		v->parameters += gm_net_parameters(r->net[i]);
	for (int i = 0; i < r->parts && !r->call->sampling; i++)
		add_step(v, r->part[i].step, r->turns);
}

/* Times the generator alone, as ganymede sample runs it, in batches of option batch. */
static void measure_sampling(gm_run *r)
{
	gm_run_endpoint *e = gm_endpoint_find(r, GM_ENDPOINT_GENERATE);
	if (!e) {
		gm_run_error(r, "this model does not sample: it has no endpoint \"generate\"");
		return;
	}
	const gm_shape shape = gm_node_shape(e->y);
	size_t size = sizeof(float);
	for (int i = 0; i < shape.rank; i++)
		size *= (size_t)shape.dim[i];
	float *y = malloc(size);
	if (!y)
		gm_fail(&r->err, GM_ERR_MEMORY, "no memory");
	const double end = gm_seconds() + r->call->measure;
	while (gm_run_ok(r) && r->turns < MEASURED_TURNS && (r->turns < 5 || gm_seconds() < end)) {
		const double began = gm_seconds();
		const gm_use use = {.seed = 1, .chunk = (uint64_t)r->turns};
		if (!gm_endpoint_run(r, e, &use, y))
			break;
		r->turn[r->turns++] = gm_seconds() - began;
		if (r->turns == 1)
			r->call->speed.ready = gm_seconds() - r->called;
	}
	free(y);
	if (gm_run_ok(r)) {
		conclude(r);
		gm_step *steps[4] = {e->drawn[0]};
		const int n = e->process ? gm_process_steps(e, false, steps) : 1;
		for (int i = 0; i < n; i++)
			add_step(&r->call->speed, steps[i], e->process ? r->turns : 0);
	}
}

static bool measured_next(gm_run *r)
{
	double now = gm_seconds();
	if (!r->started) {
		r->started = true;
		r->first_step = r->step;
		r->seen_before = r->seen;
		if (!lengths(r) ||
		    (r->call->plan && (!gm_run_pictures_ready(r) || !gm_monitors_start(r))))
			return false;
		if (r->call->plan && r->call->json) {
			if (!r->rank)
				gm_dry_run_json(r);
			return false;
		}
		r->turn = malloc(MEASURED_TURNS * sizeof *r->turn);
		if (!r->turn)
			return gm_fail(&r->err, GM_ERR_MEMORY, "no memory");
		if (r->call->sampling) {
			measure_sampling(r);
			return false;
		}
	} else {
		r->turn[r->turns++] = now - r->began;
		r->measured += r->seen - r->seen_before;
		r->step++;
		if (r->turns == 1)
			r->call->speed.ready = now - r->called;
		/* Run until the time is over, but at least a few turns. */
		bool stop = r->call->stop && *r->call->stop,
		     enough = now - r->called > r->call->measure && r->turns >= 5;
		if (gm_dist_any(stop || enough || r->turns == MEASURED_TURNS)) {
			conclude(r);
			if (r->call->plan && !r->rank)
				gm_dry_run_print(r);
			return false;
		}
	}
	jump(r);
	r->seen_before = r->seen;
	gm_schedules_set(r);
	if (r->turns <= SKIPPED_TURNS)
		r->processor = gm_processor_seconds();
	r->began = gm_seconds();
	return true;
}

static bool begin(gm_run *r)
{
	bool fine = lengths(r) && (r->rank || gm_run_pictures_ready(r)) && gm_monitors_start(r) &&
	            (r->rank || start_scoring(r));
	r->first_step = r->step;
	r->started_at = (double)time(NULL);
	r->processor = gm_processor_seconds();
	if (r->from && !r->rank)
		gm_folder_stop(r->folder); /* asked an earlier session */
	if (fine)                          /* errors are in r->err */
		(void)(r->from ? start_again(r) : start_new(r));
	gm_dist_agree(r);
	if (!gm_run_ok(r) || !gm_dist_share_folder(r) || !gm_dist_begin(r))
		return false;
	/* With several ranks or rollbacks there must always be a checkpoint to resume from. */
	bool save = r->step == 0 && (r->total == 0 || r->guard.rollback || r->ranks > 1);
	if (save && !r->rank)
		gm_checkpoint_save(r);
	gm_dist_agree(r);
	if (gm_run_ok(r) && save)
		r->saved_at = r->step;
	if (gm_run_ok(r) && !r->rank)
		gm_report_page(r, "running", true);
	return gm_run_ok(r);
}

/* Sets the schedules for the next turn. Warns once if the learning rate stays 0. */
static void set_rates(gm_run *r)
{
	char text[400];
	gm_schedules_set(r);
	if (!r->rate_over && gm_rate_over(r, text, sizeof text)) {
		r->rate_over = true;
		gm_report_warn(r, text);
	}
}

bool gm_next(gm_run *r)
{
	if (r->building)
		return false;
	if (!r->started && gm_run_ok(r))
		gm_run_effects(r);
	if (!r->started)
		gm_dist_agree(r);
	if (!gm_run_ok(r) && !r->guard.nonfinite)
		return false;
	if (r->call->measure > 0 && gm_run_ok(r))
		return measured_next(r);
	if (!r->started) {
		r->started = true;
		if (!begin(r))
			return false;
	} else if (r->counted && gm_run_ok(r)) {
		finish_step(r);
	}
	if (r->guard.nonfinite) {
		gm_monitors_roll_back(r);
		gm_dist_agree(r);
	}
	r->finishing = false;
	r->seen_before = r->seen;
	r->counted = gm_run_ok(r) && r->step < r->total && !r->call->stopped;
	if (r->counted)
		set_rates(r);
	r->began = gm_seconds();
	return r->counted;
}

/* Prints the profile if GANYMEDE_PROFILE is set. */
static void say_profile(gm_run *r)
{
	for (int i = 0; i < r->parts; i++) {
		if (!gm_step_describe(r->part[i].step).profiled)
			continue;
		char *text = gm_step_profile(r->part[i].step);
		if (text && r->call->out)
			fprintf(r->call->out, "step %d:\n%s", i + 1, text);
		free(text);
	}
}

int gm_end(gm_run *r)
{
	if (r->call && !r->building)
		say_profile(r);
	if (!gm_run_ok(r) && r->log && r->folder[0])
		gm_report_say(r, "ended at step %" PRId64 ": %s", r->step, r->err.message);
	else if (r->started && gm_run_ok(r) && !r->call->stopped && !r->call->measure)
		gm_report_done(r);
	if (r->started && r->stats)
		gm_report_page(r,
		               !gm_run_ok(r)      ? "failed"
		               : r->call->stopped ? "stopped"
		                                  : "finished",
		               true);
	return r->err.code ? 1 : 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool open_data(gm_run *r, gm_error *err)
{
	const gm_settings *s = r->settings;
	const char *spec = gm_settings_get(s, "data");
	gm_data_options o = {.seed = r->seed,
	                     .again = r->call->resume && !gm_settings_find(s, "data")->given};
	r->data = gm_settings_data(s, true, &o, err) ? gm_data_open(spec, &o, err) : NULL;
	if (!r->data)
		return false;
	const gm_data_info *d = gm_data_info_of(r->data);
	r->facts = gm_facts_of(d);
	r->data_hash = d->hash;
	gm_feed_fields(r);
	return true;
}

static bool same_value(const char *a, const char *b)
{
	double x, y;
	return !strcmp(a, b) || (gm_text_f64(a, &x) && gm_text_f64(b, &y) && x == y);
}

/* Options not given now keep their recorded values; options given now must not change the run so
 * far. */
static bool merge_options(gm_settings *now, const gm_settings *then, gm_error *err)
{
	for (int i = 0; i < now->count; i++) {
		gm_setting *row = &now->row[i];
		const char *was = gm_settings_get(then, row->name);
		if (!strcmp(row->name, "name") && row->given && *row->value)
			return gm_fail(
				err, GM_ERR_VALUE,
				"option name is only for new runs; a resumed run keeps its folder");
		if (row->flags & GM_PLACE)
			continue;
		/* The path of the data may change; open_data compares their content. */
		if (!strcmp(row->name, "data") && row->given)
			continue;
		if (!row->given || same_value(row->value, was))
			row->value = gm_arena_strdup(now->arena, was);
		else if (!(row->flags & GM_FREE))
			return gm_fail(err, GM_ERR_VALUE,
			               "option %s was %s when this run was started and cannot be "
			               "changed to %s: remove it, or start a new run",
			               row->name, *was ? was : "empty", row->value);
	}
	return true;
}

static bool find_run(const char *run, const char *outdir, char *checkpoint, char *folder,
                     gm_error *err)
{
	char newest[PATH_MAX];
	if (!*run) {
		if (!gm_folder_newest(outdir, newest, err))
			return false;
		run = newest;
	}
	return gm_folder_checkpoint(run, outdir, checkpoint, folder, err);
}

static bool options_from(gm_settings *s, gm_error *err)
{
	char path[PATH_MAX];
	gm_record rec = {0};
	bool checkpoint = false;
	if (!*gm_settings_get(s, "from"))
		return true;
	if (!gm_start_find(s, path, &checkpoint, err))
		return false;
	if (!checkpoint)
		return true;
	gm_st *st = gm_checkpoint_open(path, err);
	bool ok = st && gm_record_read(st, path, &rec, err);
	for (int i = 0; ok && rec.model == s->model && i < s->count; i++) {
		gm_setting *row = &s->row[i];
		bool own = row->flags & (GM_FREE | GM_PLACE) || !strcmp(row->name, "from") ||
		           !strcmp(row->name, "freeze") || !strcmp(row->name, "seed");
		if (!row->given && !own)
			row->value = gm_arena_strdup(s->arena,
			                             gm_settings_get(&rec.settings, row->name));
	}
	gm_record_free(&rec);
	gm_st_close(st);
	return ok;
}

static const gm_model *model_of(const char *run, const char *outdir, gm_error *err)
{
	char path[PATH_MAX];
	gm_record rec = {0};
	if (!find_run(run, outdir, path, NULL, err))
		return NULL;
	gm_st *st = gm_checkpoint_open(path, err);
	if (!st || !gm_record_read(st, path, &rec, err))
		rec.model = NULL;
	gm_st_close(st);
	gm_record_free(&rec);
	return rec.model;
}

typedef struct asking { /* arguments of the two functions above */
	gm_settings *s;
	const char *run, *outdir;
	gm_error *err;
	const gm_model *model;
	bool ok;
} asking;

static void ask_options(void *ctx)
{
	asking *a = ctx;
	a->ok = options_from(a->s, a->err);
}

static void ask_model(void *ctx)
{
	asking *a = ctx;
	a->model = model_of(a->run, a->outdir, a->err);
}

bool gm_train_from(gm_settings *s, gm_error *err)
{
	asking a = {.s = s, .err = err};
	return gm_memory_guard(ask_options, &a) ? a.ok
	                                        : gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

const gm_model *gm_train_model(const char *run, const char *outdir, gm_error *err)
{
	asking a = {.run = run, .outdir = outdir, .err = err};
	if (!gm_memory_guard(ask_model, &a))
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
	return a.model;
}

/* Rank 0 finds the checkpoint to resume; sets checkpoint and r->folder. */
static bool find_and_lock(gm_run *r, char checkpoint[PATH_MAX], gm_error *err)
{
	struct {
		char checkpoint[PATH_MAX], folder[PATH_MAX];
	} found = {0};
	/* Lock before opening the checkpoint: a process that trains here might delete it. */
	bool ok = r->rank || (find_run(r->call->resume, gm_settings_get(r->settings, "outdir"),
	                               found.checkpoint, found.folder, err) &&
	                      (r->lock = gm_folder_lock(found.folder, err)) != -1);
	if (!gm_dist_share(r, &found, sizeof found, ok, err))
		return false;
	memcpy(checkpoint, found.checkpoint, sizeof found.checkpoint);
	memcpy(r->folder, found.folder, sizeof found.folder);
	return true;
}

static bool prepare_resume(gm_run *r, char checkpoint[PATH_MAX], gm_error *err)
{
	gm_record rec = {0};
	gm_settings *s = r->settings;
	if (!find_and_lock(r, checkpoint, err))
		return false;
	r->from = gm_checkpoint_open(checkpoint, err);
	if (!r->from || !gm_record_read(r->from, checkpoint, &rec, err))
		return false;
	bool ok =
		rec.model == s->model || gm_fail(err, GM_ERR_VALUE, "%s is a run of %s, not of %s",
	                                         checkpoint, rec.model->name, s->model->name);
	ok = ok && merge_options(s, &rec.settings, err);
	s->unknown = NULL, s->unknowns = 0;
	for (int i = 0; i < rec.settings.unknowns; i++)
		gm_settings_keep(s, rec.settings.unknown[2 * i], rec.settings.unknown[2 * i + 1]);
	r->data_was = gm_arena_strdup(s->arena, gm_settings_get(&rec.settings, "data"));
	r->step = rec.step, r->seen = rec.seen, r->runs = rec.runs;
	r->from_path = gm_arena_strdup(s->arena, checkpoint);
	r->data_hash = rec.data_hash;
	r->origin = rec.origin ? gm_arena_strdup(s->arena, rec.origin) : NULL;
	r->rollbacks = (int64_t)rec.rollbacks;
	r->best = rec.best;
	/* The best value is only valid for the same option best. */
	r->has_best = ok && !isnan(rec.best) &&
	              !strcmp(gm_settings_get(s, "best"), gm_settings_get(&rec.settings, "best"));
	r->seed = gm_settings_u64(s, "seed");
	/* Class names are needed after the record is freed, to compare them with the data's. */
	r->facts.classes = rec.facts.classes;
	if (rec.facts.class_names) {
		const char **names =
			gm_arena_calloc(s->arena, (size_t)rec.facts.classes, sizeof *names);
		for (int64_t i = 0; i < rec.facts.classes; i++)
			names[i] = gm_arena_strdup(s->arena, rec.facts.class_names[i]);
		r->facts.class_names = names;
	}
	gm_record_free(&rec);
	return ok;
}

/* Compares content and class names: a renamed class is another class. */
static bool same_data(const gm_run *r, uint64_t then, const gm_facts *was, gm_error *err)
{
	if (r->data_hash == then && was->class_names &&
	    !gm_classes_agree(was, r->folder, &r->facts, gm_settings_get(r->settings, "data"), err))
		return false;
	return r->data_hash == then ||
	       gm_fail(err, GM_ERR_VALUE,
	               "%.150s was trained on other data than %.150s contains now; to train on "
	               "other data: ganymede train %s --from %.150s --data %.150s",
	               r->folder, gm_settings_get(r->settings, "data"), r->model->name, r->folder,
	               gm_settings_get(r->settings, "data"));
}

/* The error for data that could not be opened, with advice for moved data. */
static bool no_data(const gm_run *r, gm_error *err)
{
	gm_error why = *err;
	const char *spec = gm_settings_get(r->settings, "data");
	if (!r->call->resume || strcmp(spec, r->data_was) || gm_file_exists(spec))
		return false;
	*err = (gm_error){0};
	return gm_fail(err, why.code,
	               "%.300s; if the data were moved, give their path: --data PATH", why.message);
}

typedef struct training {
	gm_run *r;
	gm_error *trouble;
	bool ok;
} training;

/* Runs everything from options to the last step. Errors are in r->err, or, before the run exists,
 * in *trouble. */
static void train(void *ctx)
{
	training *w = ctx;
	gm_run *r = w->r;
	gm_train_call *call = r->call;
	char *checkpoint = gm_arena_alloc(call->settings->arena, PATH_MAX);
	bool ok = (!call->resume || prepare_resume(r, checkpoint, w->trouble)) &&
	          gm_settings_check(call->settings, w->trouble) &&
	          gm_settings_effects(call->settings, w->trouble);
	uint64_t then = r->data_hash;
	const gm_facts was = r->facts;
	/* Rank 0 opens the data first and fills the cache for the others. */
	for (int turn = 0; turn < (r->ranks > 1 ? 2 : 1); turn++) {
		if (!r->rank == !turn)
			ok = ok && (open_data(r, w->trouble) || no_data(r, w->trouble)) &&
			     (!call->resume || same_data(r, then, &was, w->trouble));
		ok = gm_dist_first(r, ok, w->trouble);
	}
	ok = ok && gm_run_init(r, call->settings, w->trouble);
	if (gm_dist_first(r, ok, w->trouble)) {
		gm_graph_seed(r->graph, r->seed, r->runs);
		r->live = call->out && isatty(fileno(call->out));
		ok = r->model->train(r) == 0 && gm_run_ok(r);
	}
	w->ok = ok;
}

/* The endpoint that a finished run is used for: what it samples, translates, fills in,
 * classifies or predicts. */
static const char *gives(gm_run *r)
{
	const gm_run_endpoint *e = gm_endpoint_first(r, GM_DRAWS);
	e = e ? e : gm_endpoint_first(r, GM_PAIRS);
	e = e ? e : gm_endpoint_first(r, GM_TAKES_HIDDEN);
	e = e ? e : gm_endpoint_find(r, GM_ENDPOINT_CLASSIFY);
	e = e ? e : gm_endpoint_find(r, GM_ENDPOINT_ACT);
	e = e ? e : gm_endpoint_first(r, GM_FORETELLS);
	e = e ? e : gm_endpoint_first(r, GM_CHANGES);
	return e ? e->kind->name : GM_ENDPOINT_GENERATE;
}

/* Ends the run after the loop, or after an error in it. */
static void end(void *ctx)
{
	training *w = ctx;
	gm_run *r = w->r;
	gm_train_call *call = r->call;
	gm_rate_prolong(r, call->prolong, sizeof call->prolong);
	memcpy(call->folder, r->folder, sizeof call->folder);
	call->step = r->step;
	call->total = r->total;
	call->echo = r->echo;
	if (gm_scoring_end)
		gm_scoring_end(r);
	call->gives = gives(r);
	gm_report_close(r);
	/* Options that only the first turn finds to be impossible leave nothing behind. */
	if (r->err.code == GM_ERR_VALUE && !call->resume && r->step <= 1 && r->folder[0] &&
	    !r->rank) {
		gm_folder_discard(r->folder);
		call->folder[0] = 0;
	}
}

bool gm_train(gm_train_call *call, gm_error *err)
{
	gm_error trouble = {0};
	gm_run run = {.call = call,
	              .out = call->out,
	              .model = call->settings->model,
	              .settings = call->settings,
	              .called = gm_seconds(),
	              .rank = gm_rank(),
	              .ranks = gm_ranks(),
	              .seed = gm_settings_u64(call->settings, "seed"),
	              .lock = -2};
	training w = {&run, &trouble, false};
	call->folder[0] = 0;
	call->stopped = call->echo = false;
	call->speed = (struct gm_speed){0};
	if (call->measure > 0)
		gm_machine_peak(true);
	bool ok = gm_memory_guard(train, &w);
	if (!ok)
		gm_fail(&run.err, GM_ERR_MEMORY, "out of memory%s",
		        run.folder[0]
		                ? ": the newest checkpoint is complete; continue with --resume"
		                : "");
	ok = ok && w.ok;
	if (!ok && err && !err->code)
		*err = trouble.code ? trouble : run.err;
	gm_memory_guard(end, &w);
	gm_run_free(&run);
	if (run.lock >= 0)
		close(run.lock);
	return ok;
}
