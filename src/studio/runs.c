/* SPDX-License-Identifier: MIT
 *
 * studio/runs.c -- see runs.h. Changes are found by looking at time stamps: a running run a few
 * times a second, all folders every two seconds. This also works on network file systems, which
 * send no notifications, and costs one system call for each run that does not change.
 */
#include "studio/runs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/machine.h"
#include "run/folder.h"
#include "run/settings.h"
#include "studio/below.h"

enum {
	FILE_BYTES = 1 << 20,  /* of options.json and state.json */
	TAIL_BYTES = 16 << 10, /* of stats.jsonl when a run is first seen */
	PART_BYTES = 256 << 10 /* of stats.jsonl read at once */
};
static const double SCAN_EVERY = 2; /* seconds */
static const char trash[] = ".trash", notes_file[] = ".studio.json";

bool gm_runs_open(gm_runs *r, const char *outdir, gm_hub *hub, gm_error *err)
{
	*r = (gm_runs){.hub = hub, .rev = 1};
	pthread_mutex_init(&r->mutex, NULL);
	r->folder = open(outdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->folder >= 0 && realpath(outdir, r->path))
		return true;
	return gm_fail(err, GM_ERR_IO, "%.300s: cannot open this folder of runs: %s", outdir,
	               strerror(errno));
}

static void forget(gm_seen_run *run)
{
	json_decref(run->facts);
	json_decref(run->last);
	json_decref(run->row);
}

void gm_runs_close(gm_runs *r)
{
	for (int i = 0; i < r->count; i++)
		forget(&r->run[i]);
	free(r->run);
	json_decref(r->notes);
	if (r->folder >= 0)
		close(r->folder);
	pthread_mutex_destroy(&r->mutex);
}

static json_t *read_object(int folder, const char *name)
{
	size_t n;
	char *text = gm_below_read(folder, name, 0, FILE_BYTES, &n, NULL);
	json_t *o = text ? json_loadb(text, n, 0, NULL) : NULL;
	free(text);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}

/* ---- one run --------------------------------------------------------------------------------- */

/* Texts from run folders are shortened, because anybody may have written them. */
static json_t *short_text(const json_t *v, size_t most)
{
	const char *s = json_string_value(v);
	size_t n = s ? strlen(s) : 0;
	while (n > most || (n && n == most && (s[n] & 0xC0) == 0x80))
		n = n > most ? most : n - 1;
	return json_stringn(s ? s : "", n);
}

/* The options that differ from the defaults of the model; all, for an unknown model. */
static json_t *changed_options(const char *model, const json_t *options)
{
	json_t *changed = json_object(), *value;
	const gm_model *m = gm_model_find(model);
	gm_settings s;
	const char *name;
	gm_settings_init(&s, m);
	json_object_foreach ((json_t *)options, name, value) {
		const gm_setting *row = m ? gm_settings_find(&s, name) : NULL;
		const char *text = json_string_value(value);
		if (text && strlen(name) < 64 && json_object_size(changed) < 256 &&
		    (!row || strcmp(row->initial, text) != 0))
			json_object_set_new(changed, name, short_text(value, 256));
	}
	gm_settings_free(&s);
	return changed;
}

/* The last complete line of a file of JSON lines. */
static json_t *last_line(int folder, const char *name)
{
	size_t n;
	char *text = gm_below_read(folder, name, -1, TAIL_BYTES, &n, NULL);
	char *end = text ? memrchr(text, '\n', n) : NULL;
	char *line = end ? memrchr(text, '\n', (size_t)(end - text)) : NULL;
	line = line ? line + 1 : text;
	json_t *o = end ? json_loadb(line, (size_t)(end - line), 0, NULL) : NULL;
	free(text);
	return o;
}

/* {"fid": 12.3} from the newest lines of metric-NAME.jsonl. */
static json_t *read_scores(int folder)
{
	json_t *scores = json_object();
	DIR *d = gm_below_list(folder);
	for (struct dirent *e; d && (e = readdir(d));) {
		size_t n = strlen(e->d_name);
		if (n < 14 || n > 80 || strncmp(e->d_name, "metric-", 7) ||
		    strcmp(e->d_name + n - 6, ".jsonl") || json_object_size(scores) >= 32)
			continue;
		json_t *line = last_line(folder, e->d_name),
		       *value = json_object_get(line, "value");
		if (json_is_number(value))
			json_object_setn(scores, e->d_name + 7, n - 13, value);
		json_decref(line);
	}
	if (d)
		closedir(d);
	return scores;
}

static void put_value(void *context, const char *name, double v)
{
	if (strcmp(name, "step") && strcmp(name, "seen"))
		json_object_set_new(context, name,
		                    isfinite(v) ? json_real(v)
		                                : json_string(isnan(v) ? "nan"
		                                              : v > 0  ? "inf"
		                                                       : "-inf"));
}

typedef struct counts {
	int64_t step, seen;
} counts;

static void put_count(void *context, const char *name, double v)
{
	counts *c = context;
	if (v >= 0 && v < 9e15 && !strcmp(name, "step"))
		c->step = (int64_t)v;
	if (v >= 0 && v < 9e15 && !strcmp(name, "seen"))
		c->seen = (int64_t)v;
}

/* Reads what was appended to stats.jsonl and posts it to readers of the run. */
static void read_stats(gm_runs *r, gm_seen_run *run, int folder)
{
	struct stat st;
	size_t n = 0;
	int64_t start = 0;
	int fd = gm_below_open(folder, "stats.jsonl", &st);
	if (fd < 0)
		return;
	close(fd);
	bool again = st.st_ino != run->stats_file || st.st_size < run->stats_read;
	if (!again && st.st_size == run->stats_read)
		return;
	char *text = gm_below_read(folder, "stats.jsonl", again ? -1 : run->stats_read,
	                           again ? TAIL_BYTES : PART_BYTES, &n, &start);
	char *at = text, *end = text ? text + n : NULL, *stop;
	json_t *rows = json_array();
	while (at && (stop = memchr(at, '\n', (size_t)(end - at)))) {
		json_t *values = json_object();
		counts c = {-1, 0};
		if (gm_series_line(at, (size_t)(stop - at), put_count, &c) && c.step >= 0) {
			gm_series_line(at, (size_t)(stop - at), put_value, values);
			json_decref(run->last);
			run->last = json_incref(values);
			run->last_step = c.step;
			run->last_seen = c.seen;
			json_t *row = json_copy(values);
			json_object_set_new(row, "step", json_integer(c.step));
			json_array_append_new(rows, row);
		}
		json_decref(values);
		at = stop + 1;
	}
	if (at > text || again)
		run->stats_read = start + (at - text);
	else if (n == PART_BYTES) /* one endless line */
		run->stats_read = start + (int64_t)n;
	run->stats_file = st.st_ino;
	free(text);
	char topic[GM_PATH_ID + 8];
	snprintf(topic, sizeof topic, "run:%s", run->id);
	if (gm_hub_has_reader(r->hub, topic)) {
		/* Pages read the series again if they are told of too many lines. */
		bool many = again || json_array_size(rows) > 100;
		gm_hub_post(r->hub, topic, "run",
		            json_pack("{s:s, s:o, s:b}", "id", run->id, "rows",
		                      many ? json_array() : json_incref(rows), "more", many));
	}
	json_decref(rows);
}

static double number_of(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static json_t *note_of(gm_runs *r, const char *id)
{
	return json_object_get(json_object_get(r->notes, "runs"), id);
}

/* Builds the row that pages get; a changed one gets a new revision. */
static void update_row(gm_runs *r, gm_seen_run *run, int folder, const json_t *state)
{
	const char *word = json_string_value(json_object_get(state, "state"));
	bool busy = gm_folder_busy(folder, ".");
	json_t *row = json_copy(run->facts), *note = note_of(r, run->id), *v;
	if (!word || !strcmp(word, "running"))
		word = busy ? "running" : "killed";
	run->running = busy;
	if (!busy)
		run->stop_asked = 0;
	int64_t step = (int64_t)number_of(state, "step"), seen = (int64_t)number_of(state, "seen");
	json_object_set_new(row, "id", json_string(run->id));
	json_object_set_new(row, "state", json_string(strlen(word) < 16 ? word : "unknown"));
	json_object_set_new(row, "trouble", short_text(json_object_get(state, "trouble"), 480));
	json_object_set_new(row, "step",
	                    json_integer(step > run->last_step ? step : run->last_step));
	json_object_set_new(row, "total", json_integer((int64_t)number_of(state, "steps")));
	json_object_set_new(row, "seen",
	                    json_integer(seen > run->last_seen ? seen : run->last_seen));
	json_object_set_new(row, "started", json_real(number_of(state, "started")));
	json_object_set_new(row, "per_second", json_real(number_of(state, "per_second")));
	json_object_set_new(row, "left_s", json_real(busy ? number_of(state, "left_s") : 0));
	json_object_set(row, "last", run->last ? run->last : json_null());
	json_object_set_new(row, "bytes", json_integer((json_int_t)run->bytes));
	json_object_set_new(row, "locked", json_boolean(busy));
	json_object_set_new(row, "mine",
	                    json_boolean(r->is_mine && r->is_mine(r->context, run->id)));
	json_object_set_new(row, "note", short_text(json_object_get(note, "note"), 2000));
	json_object_set_new(row, "pinned",
	                    json_boolean(json_is_true(json_object_get(note, "pinned"))));
	v = json_object_get(note, "colour");
	json_object_set(row, "colour",
	                json_is_integer(v) && json_integer_value(v) >= 0 &&
	                                json_integer_value(v) < 8
	                        ? v
	                        : json_null());
	if (run->stop_asked > 0)
		json_object_set_new(row, "stopping_s",
		                    json_integer((json_int_t)(gm_seconds() - run->stop_asked)));
	if (run->row && json_equal(run->row, row)) {
		json_decref(row);
		return;
	}
	json_decref(run->row);
	run->row = row;
	run->rev = ++r->rev;
}

static void read_facts(gm_seen_run *run, int folder)
{
	json_t *options = read_object(folder, "options.json"),
	       *set = json_object_get(options, "options");
	json_t *model = short_text(json_object_get(options, "model"), 63);
	json_decref(run->facts);
	run->facts = json_pack("{s:o, s:o, s:o, s:o}", "model", model, "data",
	                       short_text(json_object_get(set, "data"), 256), "options",
	                       changed_options(json_string_value(model), set), "scores",
	                       read_scores(folder));
	json_decref(options);
	run->bytes = gm_below_bytes(folder);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Reads a run again if it changed; false if it is no run. */
static bool check_run(gm_runs *r, gm_seen_run *run, bool force)
{
	struct stat st;
	int folder = gm_below_folder(r->folder, run->id);
	bool ok = folder >= 0 && !fstat(folder, &st) &&
	          !faccessat(folder, "options.json", F_OK, AT_SYMLINK_NOFOLLOW);
	if (ok) {
		/* Changes within the resolution of time stamps are seen by looking again. */
		bool changed = !run->facts || force || !same_time(st.st_mtim, run->changed) ||
		               time(NULL) - st.st_mtim.tv_sec < 4;
		if (changed)
			read_facts(run, folder);
		if (changed || run->running) {
			json_t *state = read_object(folder, "state.json");
			read_stats(r, run, folder);
			update_row(r, run, folder, state);
			json_decref(state);
		}
		run->changed = st.st_mtim;
	}
	if (folder >= 0)
		close(folder);
	return ok;
}

/* ---- all runs -------------------------------------------------------------------------------- */

static gm_seen_run *find(gm_runs *r, const char *id)
{
	for (int i = 0; i < r->count; i++)
		if (!strcmp(r->run[i].id, id))
			return &r->run[i];
	return NULL;
}

static gm_seen_run *add(gm_runs *r, const char *id)
{
	if (r->count == r->room) {
		int room = r->room ? 2 * r->room : 64;
		gm_seen_run *more = realloc(r->run, (size_t)room * sizeof *more);
		if (!more)
			return NULL;
		r->run = more, r->room = room;
	}
	gm_seen_run *run = &r->run[r->count++];
	*run = (gm_seen_run){0};
	memcpy(run->id, id, strnlen(id, sizeof run->id - 1));
	return run;
}

/* Reads the notes if they changed; true if they did. */
static bool read_notes(gm_runs *r)
{
	struct stat st;
	int fd = gm_below_open(r->folder, notes_file, &st);
	if (fd < 0)
		return false;
	close(fd);
	if (r->notes && same_time(st.st_mtim, r->notes_changed))
		return false;
	json_t *notes = read_object(r->folder, notes_file);
	if (notes) {
		json_decref(r->notes);
		r->notes = notes;
	}
	r->notes_changed = st.st_mtim;
	return notes != NULL;
}

static void remove_missing(gm_runs *r)
{
	int kept = 0;
	for (int i = 0; i < r->count; i++) {
		gm_seen_run *run = &r->run[i];
		if (run->here) {
			if (kept != i)
				r->run[kept] = *run;
			kept++;
			continue;
		}
		int k = (int)(r->gone_count++ % GM_RUNS_GONE);
		snprintf(r->gone[k].id, sizeof r->gone[k].id, "%s", run->id);
		r->gone[k].rev = ++r->rev;
		forget(run);
	}
	r->count = kept;
}

/* Another folder may have taken the place of OUTDIR. */
static void follow_path(gm_runs *r)
{
	struct stat was, now;
	if (fstat(r->folder, &was) || stat(r->path, &now) ||
	    (was.st_dev == now.st_dev && was.st_ino == now.st_ino))
		return;
	int fd = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	dup3(fd, r->folder, O_CLOEXEC); /* other threads may be using the descriptor */
	close(fd);
}

static void scan(gm_runs *r)
{
	follow_path(r);
	DIR *d = gm_below_list(r->folder);
	bool force = read_notes(r);
	int next = 0; /* folders mostly come in the order of the scan before */
	for (int i = 0; i < r->count; i++)
		r->run[i].here = false;
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!gm_guard_id(e->d_name))
			continue;
		gm_seen_run *run = next < r->count && !strcmp(r->run[next].id, e->d_name)
		                           ? &r->run[next]
		                           : find(r, e->d_name);
		if (!run && r->count >= 4 * GM_RUNS_SHOWN)
			continue;
		run = run ? run : add(r, e->d_name);
		if (run) {
			next = (int)(run - r->run) + 1;
			run->here = check_run(r, run, force);
		}
	}
	if (d)
		closedir(d);
	remove_missing(r);
	r->scanned = gm_seconds();
}

void gm_runs_tick(gm_runs *r, bool all)
{
	pthread_mutex_lock(&r->mutex);
	if (all || gm_seconds() - r->scanned >= SCAN_EVERY)
		scan(r);
	else
		for (int i = 0; i < r->count; i++)
			if (r->run[i].running)
				check_run(r, &r->run[i], false);
	bool news = r->rev != r->told;
	r->told = r->rev;
	json_t *data = news ? json_pack("{s:I}", "rev", (json_int_t)r->rev) : NULL;
	pthread_mutex_unlock(&r->mutex);
	if (news)
		gm_hub_post(r->hub, "runs", "runs", data);
}

json_t *gm_runs_list(gm_runs *r, int64_t after)
{
	json_t *runs = json_array(), *gone = json_array();
	bool more = false;
	pthread_mutex_lock(&r->mutex);
	for (int i = 0; i < r->count; i++)
		if (r->run[i].row && (after < 0 || r->run[i].rev > (uint64_t)after)) {
			more = json_array_size(runs) >= GM_RUNS_SHOWN;
			if (!more) /* a copy, because the list may change before it is sent */
				json_array_append_new(runs, json_deep_copy(r->run[i].row));
		}
	uint64_t first = r->gone_count > GM_RUNS_GONE ? r->gone_count - GM_RUNS_GONE : 0;
	for (uint64_t i = first; after >= 0 && i < r->gone_count; i++)
		if (r->gone[i % GM_RUNS_GONE].rev > (uint64_t)after &&
		    !find(r, r->gone[i % GM_RUNS_GONE].id))
			json_array_append_new(gone, json_string(r->gone[i % GM_RUNS_GONE].id));
	json_t *o = json_pack("{s:I, s:o, s:o, s:b}", "rev", (json_int_t)r->rev, "runs", runs,
	                      "gone", gone, "more", more);
	pthread_mutex_unlock(&r->mutex);
	return o;
}

json_t *gm_runs_row(gm_runs *r, const char *id)
{
	pthread_mutex_lock(&r->mutex);
	gm_seen_run *run = find(r, id);
	json_t *row = run && run->row ? json_deep_copy(run->row) : NULL;
	pthread_mutex_unlock(&r->mutex);
	return row;
}

int gm_runs_folder(gm_runs *r, const char *id, gm_error *err)
{
	int fd = gm_below_folder(r->folder, id);
	if (fd < 0 || faccessat(fd, "options.json", F_OK, AT_SYMLINK_NOFOLLOW)) {
		if (fd >= 0)
			close(fd);
		gm_fail(err, GM_ERR_IO, "there is no run %.130s", id);
		return -1;
	}
	return fd;
}

/* ---- changes --------------------------------------------------------------------------------- */

bool gm_runs_stop(gm_runs *r, const char *id, gm_error *err)
{
	int folder = gm_runs_folder(r, id, err);
	if (folder < 0)
		return false;
	bool ok = gm_folder_busy(folder, ".") ||
	          gm_fail(err, GM_ERR_STATE, "%.130s: no process trains this run", id);
	int fd =
		ok ? openat(folder, "stop", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666) : -1;
	if (ok && fd < 0)
		ok = gm_fail(err, GM_ERR_IO, "%.130s: cannot create the file stop: %s", id,
		             strerror(errno));
	if (fd >= 0)
		close(fd);
	close(folder);
	pthread_mutex_lock(&r->mutex);
	gm_seen_run *run = ok ? find(r, id) : NULL;
	if (run && run->stop_asked <= 0)
		run->stop_asked = gm_seconds();
	pthread_mutex_unlock(&r->mutex);
	return ok;
}

static bool write_notes(gm_runs *r, gm_error *err)
{
	char path[4200], *text = json_dumps(r->notes, JSON_INDENT(1) | JSON_SORT_KEYS);
	struct stat st;
	snprintf(path, sizeof path, "%s/%s", r->path, notes_file);
	bool ok = text && gm_file_write(path, text, strlen(text), err);
	free(text);
	if (ok && !fstatat(r->folder, notes_file, &st, 0))
		r->notes_changed = st.st_mtim;
	return ok;
}

bool gm_runs_note(gm_runs *r, const char *id, const json_t *change, gm_error *err)
{
	const char *name;
	json_t *value;
	pthread_mutex_lock(&r->mutex);
	gm_seen_run *run = find(r, id);
	bool ok = run || gm_fail(err, GM_ERR_IO, "there is no run %.130s", id);
	if (ok) {
		read_notes(r); /* another studio may have written it */
		r->notes = r->notes ? r->notes : json_object();
		if (!json_is_object(json_object_get(r->notes, "runs")))
			json_object_set_new(r->notes, "runs", json_object());
		json_t *runs = json_object_get(r->notes, "runs");
		if (!json_is_object(json_object_get(runs, id)))
			json_object_set_new(runs, id, json_object());
		json_object_foreach ((json_t *)change, name, value)
			json_object_set(json_object_get(runs, id), name, value);
		ok = write_notes(r, err);
		check_run(r, run, true);
	}
	pthread_mutex_unlock(&r->mutex);
	return ok;
}

static int trash_folder(gm_runs *r, bool make)
{
	if (make)
		mkdirat(r->folder, trash, 0777);
	return gm_below_folder(r->folder, trash);
}

bool gm_runs_delete(gm_runs *r, const char *id, gm_error *err)
{
	int folder = gm_runs_folder(r, id, err), to = folder < 0 ? -1 : trash_folder(r, true);
	bool ok = folder >= 0;
	if (ok && flock(folder, LOCK_EX | LOCK_NB))
		ok = gm_fail(err, GM_ERR_STATE, "%.130s is being trained: stop it first", id);
	if (ok && (to < 0 || renameat(r->folder, id, to, id)))
		ok = gm_fail(err, GM_ERR_IO, "%.130s: cannot move it to %s/%s: %s", id, r->path,
		             trash, strerror(errno));
	if (folder >= 0)
		close(folder); /* also ends the lock */
	if (to >= 0)
		close(to);
	if (ok)
		gm_runs_tick(r, true);
	return ok;
}

bool gm_runs_restore(gm_runs *r, const char *id, gm_error *err)
{
	struct stat st;
	int from = trash_folder(r, false);
	bool ok = from >= 0 || gm_fail(err, GM_ERR_IO, "the trash is empty");
	if (ok && !fstatat(r->folder, id, &st, AT_SYMLINK_NOFOLLOW))
		ok = gm_fail(err, GM_ERR_STATE, "there is a run %.130s already", id);
	if (ok && renameat(from, id, r->folder, id))
		ok = gm_fail(err, GM_ERR_IO, "%.130s is not in the trash", id);
	if (from >= 0)
		close(from);
	if (ok)
		gm_runs_tick(r, true);
	return ok;
}

json_t *gm_runs_trash(gm_runs *r)
{
	json_t *runs = json_array();
	int from = trash_folder(r, false);
	DIR *d = from >= 0 ? gm_below_list(from) : NULL;
	for (struct dirent *e; d && (e = readdir(d));) {
		int folder = gm_guard_id(e->d_name) ? gm_below_folder(from, e->d_name) : -1;
		if (folder < 0)
			continue;
		json_array_append_new(runs, json_pack("{s:s, s:I}", "id", e->d_name, "bytes",
		                                      (json_int_t)gm_below_bytes(folder)));
		close(folder);
	}
	if (d)
		closedir(d);
	if (from >= 0)
		close(from);
	return json_pack("{s:o}", "runs", runs);
}

bool gm_runs_empty_trash(gm_runs *r, uint64_t *freed, gm_error *err)
{
	json_t *list = gm_runs_trash(r), *run;
	size_t i;
	bool ok = true;
	int from = trash_folder(r, false);
	*freed = 0;
	json_array_foreach (json_object_get(list, "runs"), i, run) {
		const char *id = json_string_value(json_object_get(run, "id"));
		if (gm_below_remove(from, id))
			*freed += (uint64_t)number_of(run, "bytes");
		else
			ok = gm_fail(err, GM_ERR_IO, "%.130s in the trash cannot be removed: %s",
			             id, strerror(errno));
	}
	if (from >= 0)
		close(from);
	json_decref(list);
	return ok;
}
