/* SPDX-License-Identifier: MIT
 *
 * studio/routes.c -- what each address answers, but for the series of a run (curves.c) and the
 * rooms for images (rooms.c). The table is at the end.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/machine.h"
#include "base/text.h"
#include "run/folder.h"
#include "run/run.h"
#include "studio/below.h"
#include "studio/body.h"
#include "studio/curves.h"
#include "studio/internal.h"

enum { LOG_BYTES = 64 << 10, PICTURE_BYTES = 64 << 20, CHECK_SECONDS = 20 };
/* bodies with pixels in base64: 1024 x 1024 of RGB and a mask are 5.6 MB */
enum { PIXEL_BYTES = 6 << 20, PHOTO_BYTES = 17 << 20 };

void gm_call_error(gm_call *c, unsigned status, const char *code, const char *field,
                   const char *fmt, ...)
{
	char message[700];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	size_t n = strlen(message);
	while (n && !gm_text_is_utf8(message, n)) /* cut within a character, or not ours */
		message[--n] = 0;
	json_decref(c->answer);
	json_t *e = json_pack("{s:s, s:s}", "code", code, "message", message);
	if (field)
		json_object_set_new(e, "field", json_string(field));
	c->answer = json_pack("{s:o}", "error", e);
	c->status = status;
}

/* The folder of the call's run, to be closed; -1 after answering that there is none. */
static int folder_of(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	int folder = gm_runs_folder(&s->runs, c->id, &err);
	if (folder < 0)
		gm_call_error(c, 404, "no_run", NULL, "%s", err.message);
	return folder;
}

static bool has_run(gm_studio *s, gm_call *c)
{
	int folder = folder_of(s, c);
	if (folder >= 0)
		close(folder);
	return folder >= 0;
}

/* Errors of actions: of the state of things 409, of values 422, else 500. */
void gm_call_failed(gm_call *c, const gm_error *err, const char *field)
{
	if (err->code == GM_ERR_STATE)
		gm_call_error(c, 409, "busy", field, "%s", err->message);
	else if (err->code == GM_ERR_VALUE || err->code == GM_ERR_FORMAT)
		gm_call_error(c, 422, "refused", field, "%s", err->message);
	else
		gm_call_error(c, 500, "internal", field, "%s", err->message);
}

static void answer(gm_call *c, unsigned status, json_t *o)
{
	c->status = status;
	c->answer = o;
}

/* An integer of the query, or its default; false after an error. */
static bool whole(gm_call *c, const char *name, int64_t low, int64_t high, int64_t *v)
{
	char text[32];
	int given = gm_guard_query(c->query, name, text, sizeof text);
	if (!given || (given > 0 && gm_text_i64(text, v) && *v >= low && *v <= high))
		return true;
	gm_call_error(c, 400, "bad_value", name,
	              "%s: \"%s\" is not an integer from %" PRId64 " to %" PRId64, name, text, low,
	              high);
	return false;
}

bool gm_call_only(gm_call *c, const char *names)
{
	gm_error err = {0};
	if (gm_body_only(c->body, names, &err))
		return true;
	gm_call_error(c, 400, "bad_value", NULL, "%s", err.message);
	return false;
}

/* ---- about the studio ------------------------------------------------------------------------ */

static void hello(gm_studio *s, gm_call *c)
{
	const char *slash = strrchr(s->runs.path, '/'), *name;
	json_t *sets = json_array();
	for (int i = 0; (name = gm_data_names(i, NULL)); i++)
		json_array_append_new(sets, json_string(name));
	answer(c, 200,
	       json_pack(
		       "{s:s, s:I, s:s, s:s, s:i, s:{s:b, s:b, s:b, s:b, s:b}, s:{s:i, s:i}, s:o}",
		       "version", gm_version(), "cores", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN),
		       "outdir", slash && slash[1] ? slash + 1 : s->runs.path, "outdir_path",
		       s->runs.path, "runs_at_once", s->tasks.at_once, "rooms", "runs", 1,
		       "latents", 1, "edit", 1, "inpaint", 1, "translate", 1, "limits", "select", 8,
		       "list", GM_RUNS_SHOWN, "embedded_data", sets));
}

static void models(gm_studio *s, gm_call *c)
{
	answer(c, 200, json_incref(s->models));
}

static void data(gm_studio *s, gm_call *c)
{
	(void)s;
	answer(c, 200, gm_form_data());
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void list(gm_studio *s, gm_call *c)
{
	int64_t after = -1;
	if (!whole(c, "after", 0, INT64_MAX, &after))
		return;
	json_t *o = gm_runs_list(&s->runs, after);
	json_object_set_new(o, "waiting", gm_tasks_waiting(&s->tasks));
	answer(c, 200, o);
}

static void log_text(gm_studio *s, gm_call *c)
{
	int64_t from = 0, start = 0;
	size_t n = 0;
	if (!whole(c, "from", -1, INT64_MAX, &from))
		return;
	int folder = folder_of(s, c);
	if (folder < 0)
		return;
	c->data = gm_below_read(folder, "log.txt", from, LOG_BYTES, &n, &start);
	close(folder);
	c->data = c->data ? c->data : calloc(1, 1);
	c->bytes = n;
	c->type = "text/plain; charset=utf-8";
	c->status = 200;
	strcpy(c->headers[0][0], "Gm-From");
	snprintf(c->headers[0][1], sizeof c->headers[0][1], "%" PRId64, start);
	strcpy(c->headers[1][0], "Gm-Next");
	snprintf(c->headers[1][1], sizeof c->headers[1][1], "%" PRId64, start + (int64_t)n);
}

/* Splits NAME-STEP.png, NAME-init.png and reals.png into name and step; false for others. */
static bool picture_of(const char *file, char kind[64], int64_t *step)
{
	size_t n = strlen(file);
	if (n < 5 || n > 80 || strcmp(file + n - 4, ".png") != 0)
		return false;
	char stem[80];
	snprintf(stem, sizeof stem, "%.*s", (int)(n - 4), file);
	char *dash = strrchr(stem, '-');
	*step = 0;
	if (!strcmp(stem, "reals")) {
		strcpy(kind, stem);
		return true;
	}
	if (!dash || dash == stem ||
	    (strcmp(dash + 1, "init") != 0 &&
	     (strspn(dash + 1, "0123456789") != strlen(dash + 1) || strlen(dash + 1) < 6 ||
	      strlen(dash + 1) > 15 || !gm_text_i64(dash + 1, step))))
		return false;
	*dash = 0;
	snprintf(kind, 64, "%.63s", stem);
	for (const char *k = kind; *k; k++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *k))
			return false;
	return true;
}

typedef struct picture {
	char kind[64];
	int64_t step, bytes;
} picture;

static int by_kind_and_step(const void *pa, const void *pb)
{
	const picture *a = pa, *b = pb;
	int order = strcmp(a->kind, b->kind);
	return order ? order : (a->step > b->step) - (a->step < b->step);
}

static void pictures(gm_studio *s, gm_call *c)
{
	enum { MOST = 65536 };
	int folder = folder_of(s, c), n = 0, room = 0;
	if (folder < 0)
		return;
	picture *p = NULL;
	DIR *d = gm_below_list(folder);
	for (struct dirent *e; d && n < MOST && (e = readdir(d));) {
		picture one;
		struct stat st;
		if (!picture_of(e->d_name, one.kind, &one.step) ||
		    fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		if (n == room) {
			picture *more =
				realloc(p, (size_t)(room = room ? 2 * room : 64) * sizeof *more);
			if (!more)
				break;
			p = more;
		}
		one.bytes = st.st_size;
		p[n++] = one;
	}
	if (d)
		closedir(d);
	close(folder);
	if (n)
		qsort(p, (size_t)n, sizeof *p, by_kind_and_step);
	json_t *kinds = json_array(), *steps = NULL, *bytes = NULL;
	for (int i = 0; i < n; i++) {
		if (!i || strcmp(p[i].kind, p[i - 1].kind) != 0) {
			steps = json_array(), bytes = json_array();
			json_array_append_new(kinds, json_pack("{s:s, s:o, s:o}", "name", p[i].kind,
			                                       "steps", steps, "bytes", bytes));
		}
		json_array_append_new(steps, json_integer(p[i].step));
		json_array_append_new(bytes, json_integer(p[i].bytes));
	}
	free(p);
	answer(c, 200, json_pack("{s:o}", "kinds", kinds));
}

static void one_picture(gm_studio *s, gm_call *c)
{
	char kind[64] = "fakes", file[128], again[64];
	int64_t step;
	size_t n = 0;
	gm_guard_query(c->query, "kind", kind, sizeof kind);
	int folder = folder_of(s, c);
	if (folder < 0)
		return;
	if (!strcmp(kind, "reals"))
		snprintf(file, sizeof file, "reals.png");
	else if (c->number)
		snprintf(file, sizeof file, "%s-%06" PRId64 ".png", kind, c->number);
	else
		snprintf(file, sizeof file, "%s-init.png", kind);
	c->data = picture_of(file, again, &step)
	                  ? gm_below_read(folder, file, 0, PICTURE_BYTES, &n, NULL)
	                  : NULL;
	close(folder);
	/* Only what begins as a PNG file does is sent as one. */
	if (!c->data || n < 8 || memcmp(c->data, "\x89PNG\r\n\x1a\n", 8) != 0) {
		free(c->data);
		c->data = NULL;
		gm_call_error(c, 404, "no_picture", NULL, "%s has no picture %s of step %" PRId64,
		              c->id, kind, c->number);
		return;
	}
	c->bytes = n;
	c->type = "image/png";
	c->status = 200;
}

/* The options in options.json of a run, [{name, value, default, help, group, changed}]. */
static json_t *options_of(const json_t *record, const gm_model *m)
{
	const json_t *set = json_object_get(record, "options");
	json_t *rows = json_array(), *value;
	const char *name;
	gm_settings s;
	gm_settings_init(&s, m);
	for (int i = 0; i < s.count; i++) {
		const char *text = json_string_value(json_object_get(set, s.row[i].name));
		if (!text || s.row[i].flags & GM_PLACE)
			continue;
		json_array_append_new(
			rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "name", s.row[i].name,
		                        "value", text, "default", s.row[i].initial, "help",
		                        s.row[i].help, "group", gm_setting_group(s.row[i].name),
		                        "changed", strcmp(text, s.row[i].initial) != 0));
	}
	/* Options of a model or version that this program does not know. */
	json_object_foreach ((json_t *)set, name, value)
		if (json_is_string(value) && !gm_settings_find(&s, name))
			json_array_append_new(rows,
			                      json_pack("{s:s, s:O, s:s, s:s, s:s, s:b}", "name",
			                                name, "value", value, "default", "", "help",
			                                "", "group", "Game", "changed", 1));
	gm_settings_free(&s);
	return rows;
}

/* The command that makes a run with the same options. */
static char *command_of(const char *model, const json_t *options)
{
	char *text = NULL;
	size_t size, i;
	json_t *row;
	FILE *f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	fputs("ganymede train ", f);
	gm_form_quote(f, model);
	json_array_foreach ((json_t *)options, i, row) {
		if (json_is_true(json_object_get(row, "changed")))
			gm_form_option(f, json_string_value(json_object_get(row, "name")),
			               json_string_value(json_object_get(row, "value")));
	}
	fclose(f);
	return text;
}

static json_t *checkpoints_of(int folder)
{
	json_t *found = json_array();
	DIR *d = gm_below_list(folder);
	for (struct dirent *e; d && (e = readdir(d));) {
		struct stat st;
		long step = 0;
		int end = 0;
		if (strlen(e->d_name) > 80 ||
		    (sscanf(e->d_name, "checkpoint-%ld.safetensors%n", &step, &end) < 1 &&
		     strcmp(e->d_name, "best.safetensors") != 0) ||
		    fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		json_array_append_new(found,
		                      json_pack("{s:s, s:I, s:I}", "name", e->d_name, "step",
		                                (json_int_t)step, "bytes", (json_int_t)st.st_size));
	}
	if (d)
		closedir(d);
	return found;
}

/* [{metric, rows: [..]}] from metric-NAME.jsonl: the newest rows of each. */
static json_t *scores_of(int folder)
{
	enum { BYTES = 256 << 10, ROWS = 200 };
	json_t *all = json_array();
	DIR *d = gm_below_list(folder);
	for (struct dirent *e; d && json_array_size(all) < 32 && (e = readdir(d));) {
		size_t n = strlen(e->d_name), size = 0;
		int64_t start = 0;
		if (n < 14 || n > 80 || strncmp(e->d_name, "metric-", 7) != 0 ||
		    strcmp(e->d_name + n - 6, ".jsonl") != 0)
			continue;
		char *text = gm_below_read(folder, e->d_name, -1, BYTES, &size, &start), *at = text,
		     *end = text ? text + size : NULL, *stop;
		json_t *rows = json_array();
		for (; at && (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1) {
			json_t *row = json_loadb(at, (size_t)(stop - at), 0, NULL);
			if (json_is_object(row))
				json_array_append(rows, row);
			json_decref(row);
			if (json_array_size(rows) > ROWS)
				json_array_remove(rows, 0);
		}
		free(text);
		json_array_append_new(all, json_pack("{s:s#, s:o}", "metric", e->d_name + 7,
		                                     (int)n - 13, "rows", rows));
	}
	if (d)
		closedir(d);
	return all;
}

static void about(gm_studio *s, gm_call *c)
{
	int folder = folder_of(s, c);
	if (folder < 0)
		return;
	size_t n;
	char *text = gm_below_read(folder, "options.json", 0, 1 << 20, &n, NULL), where[4300];
	json_t *record = text ? json_loadb(text, n, 0, NULL) : NULL;
	free(text);
	const char *model = json_string_value(json_object_get(record, "model"));
	const gm_model *m = model ? gm_model_find(model) : NULL;
	json_t *options = options_of(record, m);
	char *command = command_of(model ? model : "", options);
	snprintf(where, sizeof where, "%s/%s", s->runs.path, c->id);
	answer(c, 200,
	       json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s}", "model", model ? model : "",
	                 "title", m ? m->title : "", "source", m ? m->source : "", "folder", where,
	                 "options", options, "checkpoints", checkpoints_of(folder), "scores",
	                 scores_of(folder), "command", command ? command : ""));
	if (!c->answer)
		gm_call_error(c, 500, "internal", NULL, "%s: its record is not text", c->id);
	free(command);
	json_decref(record);
	close(folder);
}

/* ---- training -------------------------------------------------------------------------------- */

/* Parameters and memory of a valid form, by a dry run of its own process. */
static void dry_run(gm_studio *s, gm_form *f, json_t *o)
{
	char **argv = gm_form_argv(f, s->tasks.program, "--dry-run"), text[8192];
	char **more = NULL;
	int n = 0;
	while (argv && argv[n])
		n++;
	more = realloc(argv, ((size_t)n + 2) * sizeof *more);
	if (!more)
		return;
	more[n] = strdup("--json");
	more[n + 1] = NULL;
	int status = gm_task_run(more, CHECK_SECONDS, text, sizeof text);
	for (int i = 0; more[i]; i++)
		free(more[i]);
	free(more);
	char *line = strstr(text, "{\"parameters\"");
	json_t *got = status || !line ? NULL : json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	if (got) {
		json_object_update(o, got);
		json_decref(got);
		return;
	}
	const char *why = strstr(text, "ganymede: ");
	char message[600];
	snprintf(message, sizeof message, "%.500s",
	         status < 0 ? "the check took too long: the data may be large"
	         : why      ? why + 10
	                    : "the check failed");
	message[strcspn(message, "\n")] = 0;
	/* The engine's sentences name the option first. */
	char field[64] = "";
	if (!strncmp(message, "option ", 7))
		snprintf(field, sizeof field, "%.*s", (int)strcspn(message + 7, ": "), message + 7);
	size_t k = strlen(message);
	while (k && !gm_text_is_utf8(message, k))
		message[--k] = 0;
	json_array_append_new(json_object_get(o, "problems"),
	                      json_pack("{s:s, s:s}", "field",
	                                gm_settings_find(&f->settings, field) ? field : "",
	                                "message", message));
}

static void check(gm_studio *s, gm_call *c, gm_form *f)
{
	char *command = gm_form_command(f);
	json_t *o =
		json_pack("{s:O, s:s}", "problems", f->problems, "command", command ? command : "");
	free(command);
	if (!json_array_size(f->problems))
		dry_run(s, f, o);
	answer(c, 200, o);
}

/* Starts a training and answers with its run, or its place in the list of waiting ones. */
static void start(gm_studio *s, gm_call *c, char **argv, json_t *what, const char *known,
                  unsigned status)
{
	gm_error err = {0};
	char id[GM_PATH_ID];
	int64_t number = 0;
	if (!argv) {
		json_decref(what);
		gm_call_error(c, 500, "internal", NULL, "out of memory");
		return;
	}
	if (!gm_tasks_start(&s->tasks, argv, what, known, id, &number, &err)) {
		gm_call_failed(c, &err, NULL);
		return;
	}
	gm_runs_tick(&s->runs, true);
	if (number)
		answer(c, 202, json_pack("{s:I}", "waiting", (json_int_t)number));
	else
		answer(c, status, json_pack("{s:s}", "id", id));
}

static void new_run(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	gm_form f;
	int64_t dry = 0;
	char *outdir = NULL;
	if (!whole(c, "dry", 0, 1, &dry))
		return;
	if (!gm_form_read(&f, &s->places, c->body, &err)) {
		gm_call_failed(c, &err, NULL);
	} else if (dry) {
		check(s, c, &f);
	} else if (json_array_size(f.problems)) {
		const json_t *p = json_array_get(f.problems, 0);
		gm_call_error(c, 422, "refused", json_string_value(json_object_get(p, "field")),
		              "%s", json_string_value(json_object_get(p, "message")));
	} else if (asprintf(&outdir, "--outdir=%s", s->runs.path) > 0) {
		json_t *options = json_object();
		for (int i = 0; i < f.count; i++)
			json_object_set_new(options, f.given[i],
			                    json_string(gm_settings_get(&f.settings, f.given[i])));
		start(s, c, gm_form_argv(&f, s->tasks.program, outdir),
		      json_pack("{s:s, s:o}", "model", f.settings.model->name, "options", options),
		      NULL, 201);
		free(outdir);
	}
	gm_form_free(&f);
}

/* A checkpoint of a run, a regular file, by its name; NULL: the newest. */
static bool find_checkpoint(gm_studio *s, const char *id, int folder, const char *name,
                            char checkpoint[PATH_MAX], gm_error *err)
{
	char path[4300];
	struct stat st;
	snprintf(path, sizeof path, "%s/%s", s->runs.path, id);
	if (name && (strchr(name, '/') || !gm_text_ends(name, ".safetensors") ||
	             snprintf(checkpoint, PATH_MAX, "%s/%s", path, name) >= PATH_MAX))
		return gm_fail(err, GM_ERR_VALUE, "\"%.60s\" is no checkpoint of a run", name);
	if (!name && !gm_folder_checkpoint(path, s->runs.path, checkpoint, NULL, err))
		return false;
	const char *slash = strrchr(checkpoint, '/');
	const char *file = slash ? slash + 1 : checkpoint;
	int fd = gm_below_open(folder, file, &st);
	if (fd < 0 && fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW))
		return gm_fail(err, GM_ERR_VALUE,
		               "%.100s has no %.60s: choose another of its checkpoints", id, file);
	if (fd < 0)
		return gm_fail(err, GM_ERR_VALUE, "%.130s: its checkpoint is not a regular file",
		               name ? name : id);
	close(fd);
	return true;
}

bool gm_call_checkpoint(gm_studio *s, gm_call *c, char path[PATH_MAX])
{
	gm_error err = {0};
	int folder = folder_of(s, c);
	if (folder < 0)
		return false;
	const json_t *name = json_object_get(c->body, "checkpoint");
	const bool ok = (!name || json_is_string(name) ||
	                 gm_fail(&err, GM_ERR_VALUE, "checkpoint is not a name")) &&
	                find_checkpoint(s, c->id, folder, json_string_value(name), path, &err);
	close(folder);
	if (!ok)
		gm_call_failed(c, &err, NULL);
	return ok;
}

/* Whether the record in a run's checkpoint (NULL: the newest) names only files of the places. */
static bool record_allowed(gm_studio *s, const char *id, int folder, const char *name,
                           gm_error *err)
{
	char checkpoint[PATH_MAX], field[64];
	gm_record rec = {0};
	if (!find_checkpoint(s, id, folder, name, checkpoint, err))
		return false;
	gm_st *file = gm_checkpoint_open(checkpoint, err);
	bool ok = file && gm_record_read(file, checkpoint, &rec, err);
	ok = ok && gm_places_allow_all(&s->places, &rec.settings, field, err);
	gm_record_free(&rec);
	gm_st_close(file);
	return ok;
}

json_t *gm_call_checkpoints(gm_studio *s, gm_call *c)
{
	json_t *all = json_array();
	const int folder = folder_of(s, c);
	struct dirent **entry = NULL;
	const int n = folder < 0 ? -1 : scandirat(folder, ".", &entry, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (gm_text_ends(entry[i]->d_name, ".safetensors"))
			json_array_append_new(all, json_string(entry[i]->d_name));
		free(entry[i]);
	}
	free(entry);
	if (folder >= 0)
		close(folder);
	return all;
}

bool gm_call_data(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	const int folder = folder_of(s, c);
	if (folder < 0)
		return false;
	const bool ok = record_allowed(
		s, c->id, folder, json_string_value(json_object_get(c->body, "checkpoint")), &err);
	close(folder);
	if (!ok)
		gm_call_failed(c, &err, NULL);
	return ok;
}

static void resume(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	const json_t *steps = json_object_get(c->body, "steps");
	if (!gm_call_only(c, "steps"))
		return;
	if (steps && (!json_is_integer(steps) || json_integer_value(steps) < 1 ||
	              json_integer_value(steps) > 1000000000)) {
		gm_call_error(c, 400, "bad_value", "steps",
		              "steps is not an integer from 1 to 1000000000");
		return;
	}
	int folder = folder_of(s, c);
	if (folder < 0)
		return;
	bool ok = !gm_folder_busy(folder, ".") ||
	          gm_fail(&err, GM_ERR_STATE, "%.130s is being trained already", c->id);
	ok = ok && record_allowed(s, c->id, folder, NULL, &err);
	close(folder);
	if (!ok) {
		gm_call_failed(c, &err, NULL);
		return;
	}
	char **argv = calloc(8, sizeof *argv);
	json_t *options = json_object();
	if (argv) {
		int n = 0;
		argv[n++] = strdup(s->tasks.program);
		argv[n++] = strdup("train");
		if (asprintf(&argv[n++], "--resume=%s/%s", s->runs.path, c->id) < 0)
			argv[n - 1] = NULL;
		if (steps && asprintf(&argv[n], "--steps=%" JSON_INTEGER_FORMAT,
		                      json_integer_value(steps)) > 0)
			json_object_set(options, "steps", (json_t *)steps);
	}
	start(s, c, argv, json_pack("{s:s, s:o}", "model", c->id, "options", options), c->id, 202);
}

static void stop(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	if (!gm_call_only(c, "") || !has_run(s, c))
		return;
	if (!gm_runs_stop(&s->runs, c->id, &err)) {
		gm_call_failed(c, &err, NULL);
		return;
	}
	gm_runs_tick(&s->runs, false);
	answer(c, 202, json_object());
}

static void kill_run(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	if (!gm_call_only(c, ""))
		return;
	if (gm_tasks_kill(&s->tasks, c->id, &err))
		answer(c, 202, json_object());
	else
		gm_call_error(c, 422, "refused", NULL, "%s", err.message);
}

static void forget_waiting(gm_studio *s, gm_call *c)
{
	if (gm_tasks_forget(&s->tasks, c->number))
		answer(c, 200, json_object());
	else
		gm_call_error(c, 404, "no_run", NULL,
		              "number %" PRId64 " does not wait: it may have begun", c->number);
}

/* ---- notes and trash ------------------------------------------------------------------------- */

static void note(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	const json_t *text = json_object_get(c->body, "note"),
		     *colour = json_object_get(c->body, "colour"),
		     *pinned = json_object_get(c->body, "pinned");
	if (!gm_call_only(c, "note|colour|pinned") || !has_run(s, c))
		return;
	if (text && (!json_is_string(text) || json_string_length(text) > 2000))
		gm_call_error(c, 400, "bad_value", "note",
		              "note is not a text of at most 2000 bytes");
	else if (colour && !json_is_null(colour) &&
	         (!json_is_integer(colour) || json_integer_value(colour) < 0 ||
	          json_integer_value(colour) > 7))
		gm_call_error(c, 400, "bad_value", "colour",
		              "colour is not an integer from 0 to 7");
	else if (pinned && !json_is_boolean(pinned))
		gm_call_error(c, 400, "bad_value", "pinned", "pinned is neither true nor false");
	else if (!gm_runs_note(&s->runs, c->id, c->body, &err))
		gm_call_failed(c, &err, NULL);
	else
		answer(c, 200, json_object());
}

static bool confirmed(gm_call *c, const char *what)
{
	if (!strcmp(c->confirm, what))
		return true;
	gm_call_error(c, 400, "bad_value", NULL,
	              "removing needs the header Gm-Confirm with the value %s", what);
	return false;
}

static void delete_run(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	if (!confirmed(c, c->id) || !has_run(s, c))
		return;
	if (gm_runs_delete(&s->runs, c->id, &err))
		answer(c, 202, json_pack("{s:s}", "trash", c->id));
	else
		gm_call_failed(c, &err, NULL);
}

static void trash(gm_studio *s, gm_call *c)
{
	answer(c, 200, gm_runs_trash(&s->runs));
}

static void restore(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	if (!gm_call_only(c, ""))
		return;
	if (gm_runs_restore(&s->runs, c->id, &err))
		answer(c, 200, json_pack("{s:s}", "id", c->id));
	else if (err.code == GM_ERR_IO)
		gm_call_error(c, 404, "no_run", NULL, "%s", err.message);
	else
		gm_call_failed(c, &err, NULL);
}

static void empty_trash(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	uint64_t freed;
	if (!confirmed(c, "all"))
		return;
	if (gm_runs_empty_trash(&s->runs, &freed, &err))
		answer(c, 200, json_pack("{s:I}", "freed", (json_int_t)freed));
	else
		gm_call_failed(c, &err, NULL);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void poll_events(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	char topics[1500] = "";
	int64_t after = 0;
	gm_guard_query(c->query, "topics", topics, sizeof topics);
	if (!whole(c, "after", 0, INT64_MAX, &after))
		return;
	json_t *o = gm_hub_poll(&s->hub, topics, (uint64_t)after, &err);
	if (o)
		answer(c, 200, o);
	else
		gm_call_error(c, 400, "bad_value", "topics", "%s", err.message);
}

/* clang-format off */
const gm_route gm_routes[] = {
	{"GET",    "/api/hello", hello},
	{"GET",    "/api/models", models},
	{"GET",    "/api/data", data},
	{"GET",    "/api/runs", list},
	{"POST",   "/api/runs", new_run},
	{"GET",    "/api/runs/ID/about", about},
	{"GET",    "/api/runs/ID/stats", gm_curves},
	{"GET",    "/api/runs/ID/log", log_text},
	{"GET",    "/api/runs/ID/net", gm_room_net},
	{"POST",   "/api/runs/ID/draw", gm_room_draw},
	{"POST",   "/api/runs/ID/directions", gm_room_directions},
	{"POST",   "/api/runs/ID/animate", gm_room_animate},
	{"POST",   "/api/runs/ID/nearest", gm_room_nearest, .most = PIXEL_BYTES},
	{"POST",   "/api/runs/ID/translate", gm_room_translate, .most = PIXEL_BYTES},
	{"POST",   "/api/runs/ID/mask", gm_room_mask},
	{"POST",   "/api/runs/ID/example", gm_room_example},
	{"POST",   "/api/runs/ID/inpaint", gm_room_inpaint, .most = PIXEL_BYTES},
	{"POST",   "/api/runs/ID/edit", gm_room_edit, .most = PIXEL_BYTES},
	{"POST",   "/api/runs/ID/fit", gm_room_fit, .most = PHOTO_BYTES},
	{"POST",   "/api/runs/ID/morph", gm_room_morph, .most = PIXEL_BYTES},
	{"POST",   "/api/runs/ID/transfer", gm_room_transfer, .most = PHOTO_BYTES},
	{"GET",    "/api/jobs/NUMBER", gm_room_job},
	{"GET",    "/api/jobs/NUMBER/result", gm_room_result},
	{"GET",    "/api/jobs/NUMBER/input", gm_room_input},
	{"DELETE", "/api/jobs/NUMBER", gm_room_cancel},
	{"GET",    "/api/runs/ID/pictures", pictures},
	{"GET",    "/api/runs/ID/pictures/NUMBER", one_picture},
	{"POST",   "/api/runs/ID/stop", stop},
	{"POST",   "/api/runs/ID/kill", kill_run},
	{"POST",   "/api/runs/ID/resume", resume},
	{"PATCH",  "/api/runs/ID", note},
	{"DELETE", "/api/runs/ID", delete_run},
	{"DELETE", "/api/waiting/NUMBER", forget_waiting},
	{"GET",    "/api/trash", trash},
	{"DELETE", "/api/trash", empty_trash},
	{"POST",   "/api/trash/ID/restore", restore},
	{"GET",    "/api/poll", poll_events},
	{"GET",    "/api/events", NULL, .stream = true},
	{0},
};
/* clang-format on */
