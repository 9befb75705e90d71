/* SPDX-License-Identifier: MIT
 *
 * run/settings.c -- options of a run.
 */
#include "run/settings.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "run/history.h"

static bool check_grid(const char *text, gm_error *err)
{
	int columns, rows;
	return !strcmp(text, "auto") || gm_parse_grid(text, &columns, &rows, err);
}

static bool check_best(const char *text, gm_error *err)
{
	char name[64];
	bool most;
	return !*text || gm_parse_best(text, name, sizeof name, &most, err);
}

/* Options of all runs. A model's table may change the default. */
static const gm_setting common[] = {
	{"data", "data set: an embedded name (ganymede data list) or a path", "glyphs", GM_PATH},
	{"size", "width and height of images in pixels; 0: as they are", "0", GM_INT(0, 1024)},
	{"channels", "1: grey, 3: colour, 0: as they are", "0", GM_CHOICE("0|1|3")},
	{"fit", "how images are resized: resize, pad, crop; auto: crop for folders and archives",
         "auto", GM_CHOICE("auto|resize|pad|crop")},
	{"filter",
         "filter for scaling: triangle, box, cubic, lanczos, or imresize (MATLAB's bicubic)",
         "triangle", GM_CHOICE("triangle|box|cubic|lanczos|imresize")},
	{"split", "split of the data: train, test or val", "train", GM_CHOICE("train|test|val")},
	{"parts", "auto: folders named train, test, ... are splits; off: they are not", "auto",
         GM_CHOICE("auto|off")},
	{"label-from", "source of labels: auto, folders, none, or a table with image names", "auto",
         GM_PATH},
	{"label-column", "column of a table or of label-pattern with the class", ""},
	{"label-pattern", "columns from file names, such as {age}_{gender}_*", ""},
	{"caption-column", "column of a table with captions", ""},
	{"range", "only examples FROM:TO of the data's files, such as 0:50000; empty: all", ""},
	{"pairs", "source of pairs: folders trainA and trainB, or halves of each image", "folders",
         GM_CHOICE("folders|halves")},
	{"bad-files", "unreadable files: skip (and count them) or stop", "skip",
         GM_CHOICE("skip|stop")},
	{"flip", "flip each image of a batch horizontally with probability 1/2: on or off", "off",
         GM_CHOICE("off|on")},
	{"crop", "random shift of the images of a batch by up to this many pixels", "0",
         GM_INT(0, 1024)},
	{"stack", "three grey images as the channels of one (stacked MNIST): on or off", "off",
         GM_CHOICE("off|on")},
	{"moving",
         "videos of two random images that move and bounce in frames of so many pixels (moving "
         "MNIST); 0: no",
         "0", GM_INT(0, 1024)},
	{"binarise",
         "binary pixels: no, threshold (at 1/2), fixed (sampled once for each image), stochastic "
         "(sampled for each batch); auto: what the model needs",
         "auto", GM_CHOICE("no|threshold|fixed|stochastic|auto")},
	{"per-class", "only this many examples of each class; 0: all", "0", GM_INT(0, 1 << 20)},
	{"subset-seed",
         "seed of the choice of per-class and labels-per-class",
         "0",
         {GM_OPTION_U64},
         .only = "per-class;labels-per-class;expert"},
	{"caption-length", "characters of a caption that the model reads", "201", GM_INT(1, 4096)},
	{"patches",
         "this many random patches of each image, of option size, not scaled; 0: whole images", "0",
         GM_INT(0, 4096)},
	{"reduce",
         "add a field \"low\": images reduced by this factor, bicubic as MATLAB's imresize; 0: no",
         "0", GM_INT(0, 64)},
	{"frames",
         "consecutive frames of an example, from folders, animations or arrays; 0: single images",
         "0", GM_INT(0, 1024)},
	{"frame-step", "distance between these frames", "1", GM_INT(1, 1 << 16), .only = "frames"},
	{"maps", "label maps: ending or name of their folders, such as annot or labels", ""},
	{"sample-rate", "sounds are resampled to this rate in Hz; 0: as they are", "0",
         GM_INT(0, 1 << 20)},
	{"sound-length", "samples of an example; 0: of the longest sound", "0", GM_INT(0, 1 << 20)},
	{"cache", "cache decoded images on disk: on or off", "on", GM_CHOICE("off|on"),
         .flags = GM_FREE},
	{"batch", "minibatch size", "64", GM_INT(1, 1 << 20)},
	{"sync-norm", "with several processes: batch norm over the whole batch: yes or no", "yes",
         GM_FLAG},
	{"seed",
         "seed of all random numbers: data order, initial values, noise",
         "0",
         {GM_OPTION_U64}},
	{"ema",
         "decay of the moving average of G's weights that samples are made with, at first their "
         "mean; "
         "0: none",
         "0", GM_REAL(0, .9999999)},
	{"from",
         "initialise from this run, checkpoint or file of weights: variables with equal names and "
         "shapes, and options of the same model that are not given; empty: no",
         "", GM_PATH},
	{"freeze",
         "patterns of variables that are not trained, separated by commas, such as C/features/*; "
         "empty: none",
         ""},
	{"steps", "length of the training; one step is one turn of the model's loop", "1000",
         GM_INT(0, GM_MANY), .flags = GM_FREE},
	{"epochs", "length in epochs, instead of steps", "0", GM_REAL(0, 1e6), .flags = GM_FREE},
	{"kimg", "length in thousands of examples, instead of steps", "0", GM_REAL(0, 1e9),
         .flags = GM_FREE},
	{"log-every", "steps between log lines; 0: a hundredth of the run", "0", GM_INT(0, GM_MANY),
         .flags = GM_FREE},
	{"sample-every", "steps between sample images; 0: a tenth of the run", "0",
         GM_INT(0, GM_MANY), .flags = GM_FREE},
	{"save-every", "steps between checkpoints; 0: a tenth of the run", "0", GM_INT(0, GM_MANY),
         .flags = GM_FREE},
	{"keep", "number of checkpoints to keep; 0: all", "2", GM_INT(0, GM_MANY),
         .flags = GM_FREE},
	{"on-nan", "if a value is not finite: stop, or rollback to the newest checkpoint", "stop",
         GM_CHOICE("stop|rollback"), .flags = GM_FREE},
	{"max-rollbacks", "maximum number of rollbacks", "3", GM_INT(0, 1000), .flags = GM_FREE,
         .only = "on-nan=rollback"},
	{"rollback-lr", "factor of the learning rates at each rollback", "0.5", GM_REAL(0, 1),
         .only = "on-nan=rollback"},
	{"monitors", "log accuracy of D, spread of samples and gradient norms: yes or no", "yes",
         GM_FLAG, .flags = GM_FREE},
	{"best", "also keep the checkpoint with the best logged value: loss_g:min, spread:max", "",
         GM_CHECKED(check_best), .flags = GM_FREE},
	{"metrics", "metrics during training: fid,kid,... (ganymede eval --help lists them)", "",
         .flags = GM_FREE},
	{"metrics-every", "steps between metrics; 0: a tenth of the run", "0", GM_INT(0, GM_MANY),
         .flags = GM_FREE, .only = "metrics"},
	{"metrics-count", "number of samples and of real examples for metrics", "2000",
         GM_INT(2, 1 << 24), .flags = GM_FREE, .only = "metrics"},
	{"extractor", "feature extractor of metrics; empty: inception, for points pixels", "",
         GM_PATH, .flags = GM_FREE},
	{"extractor-weights", "file with the extractor's weights", "", GM_PATH, .flags = GM_FREE},
	{"tensorboard", "also write event files for TensorBoard: yes or no", "no", GM_FLAG,
         .flags = GM_FREE},
	{"grid", "columns x rows of the sample images; auto: 8x8, or a row for each class", "auto",
         GM_CHECKED(check_grid), .flags = GM_FREE},
	{"backend", "backend: cpu, or ref (slow reference); auto: cpu", "auto", .flags = GM_FREE},
	{"precision",
         "precision of products: fp32, or bf16 (operands rounded, "
         "sums in fp32)",
         "fp32", GM_CHOICE("fp32|bf16"), .flags = GM_FREE},
	{"tune", "use the fastest convolution algorithms, measured once: off, on, or again", "off",
         GM_CHOICE("off|on|again"), .flags = GM_FREE},
	{"tuned", "the choices of --tune, recorded to be the same when resumed", "",
         .flags = GM_FREE},
	{"outdir", "folder of run folders", "runs", .flags = GM_FREE | GM_PLACE},
	{"name", "name of the run folder after its number; default: model and data", "",
         .flags = GM_FREE | GM_PLACE},
	{0},
};

enum { COMMON = sizeof common / sizeof *common - 1 };

gm_setting gm_settings_common(int i)
{
	return common[i < COMMON ? i : COMMON];
}

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
			return false;
	return !*a && !*b;
}

gm_setting *gm_settings_find(const gm_settings *s, const char *name)
{
	for (int i = 0; i < s->count; i++)
		if (same_name(s->row[i].name, name))
			return &s->row[i];
	return NULL;
}

void gm_settings_init(gm_settings *s, const gm_model *m)
{
	int own = 0;
	while (m && m->options[own].name)
		own++;
	*s = (gm_settings){.model = m, .arena = gm_arena_new()};
	s->row = gm_arena_calloc(s->arena, own + COMMON, sizeof *s->row);
	for (int i = 0; i < own; i++) {
		const gm_option *o = &m->options[i];
		gm_setting *mine = gm_settings_find(s, o->name);
		if (mine)
			mine->only = mine->only ? mine->only : o->only;
		else
			s->row[s->count++] = (gm_setting){.name = o->name,
			                                  .help = o->help,
			                                  .initial = o->value,
			                                  .type = o->type,
			                                  .only = o->only,
			                                  .flags = o->resume ? GM_FREE : 0};
	}
	s->own = s->count;
	for (int i = 0; i < COMMON; i++) {
		gm_setting *mine = gm_settings_find(s, common[i].name);
		if (mine)
			mine->flags = common[i].flags, mine->type = common[i].type,
			mine->only = mine->only ? mine->only : common[i].only;
		else
			s->row[s->count++] = common[i];
	}
	for (int i = 0; i < s->count; i++)
		s->row[i].value = s->row[i].initial;
}

void gm_settings_free(gm_settings *s)
{
	gm_arena_free(s->arena);
	*s = (gm_settings){0};
}

static bool set_row(gm_settings *s, const char *name, const char *value, gm_error *err)
{
	gm_setting *row = gm_settings_find(s, name);
	if (!row) {
		const char **names = gm_arena_alloc(s->arena, s->count * sizeof *names);
		for (int i = 0; i < s->count; i++)
			names[i] = s->row[i].name;
		const char *near = gm_text_nearest(name, names, s->count),
			   *model = s->model ? s->model->name : "this";
		if (near)
			return gm_fail(err, GM_ERR_VALUE,
			               "%s has no option %.60s; did you mean %s?", model, name,
			               near);
		return gm_fail(err, GM_ERR_VALUE, "%s has no option %.60s; see: ganymede models %s",
		               model, name, model);
	}
	row->value = gm_arena_strdup(s->arena, value);
	row->given = true;
	return true;
}

/* A length in one unit replaces lengths in other units from a recipe, a file or a checkpoint. */
static bool replace_lengths(gm_settings *s, const char *name, gm_error *err)
{
	static const char *const units[] = {"epochs", "kimg",
	                                    "steps"}; /* earlier names have priority */
	bool ok = true, beats = false;
	for (size_t i = 0; ok && i < sizeof units / sizeof *units && !beats; i++) {
		beats = same_name(name, units[i]);
		ok = beats || set_row(s, units[i], "0", err);
	}
	return ok;
}

static bool set(gm_settings *s, const char *name, const char *value, gm_error *err)
{
	bool length = same_name(name, "steps") || same_name(name, "kimg");
	return set_row(s, name, value, err) && (!length || replace_lengths(s, name, err));
}

typedef struct setting {
	gm_settings *s;
	const char *name, *value;
	gm_error *err;
	bool (*set)(gm_settings *s, const char *name, const char *value, gm_error *err);
	bool ok;
} setting;

static void set_it(void *ctx)
{
	setting *w = ctx;
	w->ok = w->set(w->s, w->name, w->value, w->err);
}

bool gm_settings_set(gm_settings *s, const char *name, const char *value, gm_error *err)
{
	setting w = {s, name, value, err, set, false};
	return gm_memory_guard(set_it, &w)
	               ? w.ok
	               : gm_fail(err, GM_ERR_MEMORY, "out of memory for options");
}

const char *gm_settings_get(const gm_settings *s, const char *name)
{
	const gm_setting *row = gm_settings_find(s, name);
	return row ? row->value : "";
}

char *gm_settings_json(const gm_settings *s, bool pretty)
{
	json_t *o = json_object();
	for (int i = 0; i < s->count; i++)
		if (!(s->row[i].flags & GM_PLACE))
			json_object_set_new(o, s->row[i].name, gm_json_text(s->row[i].value));
	for (int i = 0; i < s->unknowns; i++)
		json_object_set_new(o, s->unknown[2 * i], json_string(s->unknown[2 * i + 1]));
	char *text = json_dumps(o, pretty ? JSON_INDENT(2) : JSON_COMPACT);
	json_decref(o);
	return text;
}

void gm_settings_keep(gm_settings *s, const char *name, const char *value)
{
	const char **more = gm_arena_alloc(s->arena, 2 * (s->unknowns + 1) * sizeof *more);
	if (s->unknowns)
		memcpy(more, s->unknown, 2 * s->unknowns * sizeof *more);
	more[2 * s->unknowns] = gm_arena_strdup(s->arena, name);
	more[2 * s->unknowns + 1] = gm_arena_strdup(s->arena, value);
	s->unknown = more, s->unknowns++;
}

void gm_settings_unknown(const gm_settings *s, char *text, size_t room)
{
	size_t n = 0;
	*text = 0;
	for (int i = 0; i < s->unknowns && n < room; i++)
		n += snprintf(text + n, room - n, "%s%s", i ? ", " : "", s->unknown[2 * i]);
}

bool gm_settings_from_json(gm_settings *s, int version, const char *json, gm_error *err)
{
	json_error_t where;
	json_t *o = json_loads(json ? json : "", JSON_REJECT_DUPLICATES, &where);
	bool ok = json_is_object(o);
	if (!ok)
		gm_fail(err, GM_ERR_FORMAT, "the recorded options are not a JSON object: %.200s",
		        where.text);
	const char *name;
	json_t *value;
	json_object_foreach (o, name, value) {
		char *text = gm_json_text_of(value);
		if (ok && !text)
			ok = gm_fail(err, GM_ERR_FORMAT, "the recorded option %.60s is not text",
			             name);
		if (ok) {
			const char *now = name, *value_now = text;
			gm_history_option(version, s->model ? s->model->name : NULL, &now,
			                  &value_now);
			gm_setting *row = gm_settings_find(s, now);
			ok = !row || set_row(s, now, value_now, err);
			if (row)
				row->given = false; /* a record has all options */
			else
				gm_settings_keep(s, name, text);
		}
		free(text);
	}
	json_decref(o);
	return ok;
}

/* Calls each(key, value) for every line; both are trimmed and may be written to. */
typedef bool line_fn(void *ctx, const char *key, const char *value, gm_error *err);

static char *trim(char *s)
{
	while (*s == ' ' || *s == '\t' || *s == '\r')
		s++;
	char *end = s + strlen(s);
	while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		*--end = 0;
	return s;
}

static bool each_line(const char *path, line_fn *each, void *ctx, gm_error *err)
{
	gm_bytes b = {0};
	if (!gm_file_open(path, &b, err))
		return false;
	bool ok = b.size <= 1 << 20 ||
	          gm_fail(err, GM_ERR_FORMAT, "%s: too long for a file of options", path);
	char *text = ok ? strndup((const char *)b.data, b.size) : NULL, *rest = text;
	gm_file_close(&b);
	for (int number = 1; ok && rest; number++) {
		char *line = strsep(&rest, "\n"), *hash = strchr(line, '#');
		if (hash)
			*hash = 0;
		line = trim(line);
		char *equals = strchr(line, '=');
		if (!*line)
			continue;
		if (!equals) {
			ok = gm_fail(err, GM_ERR_FORMAT, "%s: line %d is not key = value: %.80s",
			             path, number, line);
			break;
		}
		*equals = 0;
		gm_error inner = {0};
		if (!each(ctx, trim(line), trim(equals + 1), &inner))
			ok = gm_fail(err, inner.code, "%s: line %d: %.300s", path, number,
			             inner.message);
	}
	free(text);
	return ok;
}

static bool set_line(void *ctx, const char *key, const char *value, gm_error *err)
{
	if (same_name(key, "model") || !strncmp(key, "published", 9) ||
	    same_name(key, "reproduce") || same_name(key, "needs"))
		return true;
	return gm_settings_set(ctx, key, value, err);
}

static bool set_file(gm_settings *s, const char *path, const char *none, gm_error *err)
{
	(void)none;
	return each_line(path, set_line, s, err);
}

bool gm_settings_file(gm_settings *s, const char *path, gm_error *err)
{
	setting w = {s, path, NULL, err, set_file, false};
	return gm_memory_guard(set_it, &w) ? w.ok
	                                   : gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", path);
}

typedef struct text_line {
	const char *key;
	char *text;
	size_t room;
} text_line;

static bool find_text(void *ctx, const char *key, const char *value, gm_error *err)
{
	text_line *t = ctx;
	(void)err;
	if (same_name(key, t->key))
		snprintf(t->text, t->room, "%s", value);
	return true;
}

bool gm_recipe_text(const char *path, const char *key, char *text, size_t room, gm_error *err)
{
	text_line t = {key, text, room};
	*text = 0;
	return each_line(path, find_text, &t, err);
}

bool gm_recipe_model(const char *path, char *model, size_t room, gm_error *err)
{
	return gm_recipe_text(path, "model", model, room, err);
}

bool gm_settings_data(const gm_settings *s, bool augment, gm_data_options *o, gm_error *err)
{
	const char *name;
	for (int i = 0; (name = gm_data_option_names(i, NULL)); i++) {
		const gm_setting *row = gm_settings_find(s, name);
		if (row && (augment || (strcmp(name, "flip") && strcmp(name, "crop"))) &&
		    !gm_data_option(o, name, row->automatic ? row->automatic : row->value, err))
			return false;
	}
	return true;
}

/* ---- types --------------------------------------------------------------------------------- */

typedef struct option_value {
	int64_t whole; /* also index of a choice; flag: 0 or 1 */
	uint64_t u64;
	double real;
} option_value;

/* The i-th word of "a|b|c" or of a table; NULL after the last. */
static const char *word_of(const gm_option_type *t, int i, char word[64])
{
	if (t->row)
		return t->row(i);
	const char *at = t->choices;
	for (; i > 0 && at; i--)
		at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL;
	if (!at)
		return NULL;
	snprintf(word, 64, "%.*s", (int)strcspn(at, "|"), at);
	return word;
}

/* "a, b or c", or with another word between all of them */
static void list_words(const gm_option_type *t, const char *between, const char *last, char *text,
                       size_t room)
{
	char word[64], after[64];
	const char *w;
	size_t n = 0;
	*text = 0;
	for (int i = 0; (w = word_of(t, i, word)) && n < room; i++)
		n += snprintf(text + n, room - n, "%s%s",
		              !i                         ? ""
		              : word_of(t, i + 1, after) ? between
		                                         : last,
		              w);
}

static bool read_int(const gm_setting *row, const char *text, option_value *v, gm_error *err)
{
	const gm_option_type *t = &row->type;
	if (!gm_text_i64(text, &v->whole))
		return gm_fail(err, GM_ERR_VALUE, "option %s: \"%.60s\" is not an integer",
		               row->name, text);
	v->real = (double)v->whole;
	return (v->real >= t->lo && v->real <= t->hi) ||
	       gm_fail(err, GM_ERR_VALUE, "option %s: %lld is not in %lld..%lld", row->name,
	               (long long)v->whole, (long long)t->lo, (long long)t->hi);
}

static bool read_real(const gm_setting *row, const char *text, option_value *v, gm_error *err)
{
	const gm_option_type *t = &row->type;
	if (!gm_text_f64(text, &v->real))
		return gm_fail(err, GM_ERR_VALUE, "option %s: \"%.60s\" is not a number", row->name,
		               text);
	return (v->real >= t->lo && v->real <= t->hi) ||
	       gm_fail(err, GM_ERR_VALUE, "option %s: %.10g is not in %.10g..%.10g", row->name,
	               v->real, t->lo, t->hi);
}

static bool read_u64(const gm_setting *row, const char *text, option_value *v, gm_error *err)
{
	return gm_text_u64(text, &v->u64) ||
	       gm_fail(err, GM_ERR_VALUE,
	               "option %s: \"%.60s\" is not an integer of at most 64 bits", row->name,
	               text);
}

/* Index of the first n letters of text in the list, or -1. */
static int word_at(const gm_option_type *t, const char *text, size_t n)
{
	char word[64], asked[64];
	const char *w;
	snprintf(asked, sizeof asked, "%.*s", (int)(n < 63 ? n : 63), text);
	for (int i = 0; (w = word_of(t, i, word)); i++)
		if (same_name(w, asked))
			return i;
	return -1;
}

static bool read_choice(const gm_setting *row, const char *text, option_value *v, gm_error *err)
{
	char all[300];
	const char *at = text;
	bool ok = true;
	for (; ok && at; at = strchr(at, '+') && row->type.sum ? strchr(at, '+') + 1 : NULL) {
		v->whole = word_at(&row->type, at, row->type.sum ? strcspn(at, "+") : strlen(at));
		ok = v->whole >= 0;
	}
	list_words(&row->type, ", ", " or ", all, sizeof all);
	return ok ||
	       gm_fail(err, GM_ERR_VALUE, "option %s: \"%.60s\" is not %s", row->name, text, all);
}

static bool read_flag(const gm_setting *row, const char *text, option_value *v, gm_error *err)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
	for (int i = 0; i < 8; i++)
		if (!strcmp(words[i], text)) {
			v->whole = i % 2;
			return true;
		}
	return gm_fail(err, GM_ERR_VALUE, "option %s: \"%.60s\" is not yes or no", row->name, text);
}

static bool read_text(const gm_setting *row, const char *text, option_value *v, gm_error *err)
{
	gm_error inner = {0};
	*v = (option_value){0};
	if (!row->type.check || row->type.check(text, &inner))
		return true;
	return gm_fail(err, GM_ERR_VALUE, "option %s: %.300s", row->name, inner.message);
}

static bool read_value(const gm_setting *row, option_value *v, gm_error *err)
{
	static bool (*const readers[])(const gm_setting *, const char *, option_value *,
	                               gm_error *) = {
		[GM_OPTION_TEXT] = read_text, [GM_OPTION_PATH] = read_text,
		[GM_OPTION_INT] = read_int,   [GM_OPTION_REAL] = read_real,
		[GM_OPTION_U64] = read_u64,   [GM_OPTION_CHOICE] = read_choice,
		[GM_OPTION_FLAG] = read_flag};
	const char *text = row->value;
	*v = (option_value){0};
	if (!strcmp(text, "auto") && !strcmp(row->initial, "auto")) {
		if (!row->automatic)
			return true;
		text = row->automatic;
	}
	return readers[row->type.kind](row, text, v, err);
}

bool gm_setting_check(const gm_setting *row, gm_error *err)
{
	option_value v;
	return read_value(row, &v, err);
}

bool gm_settings_check(const gm_settings *s, gm_error *err)
{
	for (int i = 0; i < s->count; i++)
		if (!gm_setting_check(&s->row[i], err))
			return false;
	return true;
}

static option_value value_of(const gm_settings *s, const char *name)
{
	const gm_setting *row = gm_settings_find(s, name);
	option_value v = {0};
	if (row)
		read_value(row, &v, NULL);
	return v;
}

int64_t gm_settings_int(const gm_settings *s, const char *name)
{
	return value_of(s, name).whole;
}

double gm_settings_real(const gm_settings *s, const char *name)
{
	return value_of(s, name).real;
}

uint64_t gm_settings_u64(const gm_settings *s, const char *name)
{
	return value_of(s, name).u64;
}

bool gm_settings_flag(const gm_settings *s, const char *name)
{
	return value_of(s, name).whole;
}

int gm_settings_choice(const gm_settings *s, const char *name)
{
	return (int)value_of(s, name).whole;
}

const char *gm_setting_word(const gm_setting *row, int i, char word[64])
{
	if (row->type.kind == GM_OPTION_FLAG)
		return i == 0 ? "yes" : i == 1 ? "no" : NULL;
	return row->type.kind == GM_OPTION_CHOICE ? word_of(&row->type, i, word) : NULL;
}

const char *gm_setting_group(const char *name)
{
	/* The last common option of each group, in the order of the table. */
	static const struct {
		const char *group, *last;
	} groups[] = {
		{"Data", "cache"}, {"Game", "freeze"}, {"Length", "kimg"}, {"Records", "name"}};
	static const char *const nets[] = {"net",     "nz",          "width",      "width-d",
	                                   "layers",  "kernel",      "blocks",     "embed",
	                                   "chunk",   "codes",       "categories", "attention",
	                                   "decoder", "normalise-g", "normalise-d"};
	size_t group = 0;
	for (int i = 0; i < COMMON; i++) {
		if (same_name(common[i].name, name))
			return groups[group].group;
		group += !strcmp(common[i].name, groups[group].last);
	}
	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
		if (same_name(nets[i], name))
			return "Net";
	return "Game";
}

const char *gm_setting_range(const gm_setting *row, char *text, size_t room)
{
	const gm_option_type *t = &row->type;
	*text = 0;
	if (t->kind == GM_OPTION_INT && t->hi >= GM_MANY)
		snprintf(text, room, ">= %lld", (long long)t->lo);
	else if (t->kind == GM_OPTION_INT)
		snprintf(text, room, "%lld..%lld", (long long)t->lo, (long long)t->hi);
	else if (t->kind == GM_OPTION_REAL && t->hi >= 1e9)
		snprintf(text, room, ">= %.10g", t->lo);
	else if (t->kind == GM_OPTION_REAL)
		snprintf(text, room, "%.10g..%.10g", t->lo, t->hi);
	else if (t->kind == GM_OPTION_CHOICE)
		list_words(t, "|", "|", text, room);
	else if (t->kind == GM_OPTION_FLAG)
		snprintf(text, room, "yes|no");
	return text;
}

bool gm_parse_grid(const char *text, int *columns, int *rows, gm_error *err)
{
	int64_t a = 0, b = 0;
	if (!gm_text_size(text, &a, &b) || a < 1 || b < 1 || a > 256 || b > 256)
		return gm_fail(err, GM_ERR_VALUE,
		               "grid \"%.60s\" is not COLUMNSxROWS, such as 8x8, up to 256x256",
		               text);
	*columns = (int)a, *rows = (int)b;
	return true;
}

bool gm_parse_best(const char *text, char *name, size_t room, bool *most, gm_error *err)
{
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || colon - text >= (ptrdiff_t)room ||
	    (strcmp(colon, ":min") && strcmp(colon, ":max")))
		return gm_fail(err, GM_ERR_VALUE,
		               "\"%.60s\" is not NAME:min or NAME:max, such as loss_g:min", text);
	snprintf(name, room, "%.*s", (int)(colon - text), text);
	*most = !strcmp(colon, ":max");
	return true;
}

typedef struct making {
	gm_settings *s;
	const gm_model *m;
} making;

static void make(void *ctx)
{
	const making *w = ctx;
	gm_settings_init(w->s, w->m);
}

gm_settings *gm_settings_new(const gm_model *m)
{
	gm_settings *s = calloc(1, sizeof *s);
	if (s && gm_memory_guard(make, &(making){s, m}))
		return s;
	free(s);
	return NULL;
}

void gm_settings_delete(gm_settings *s)
{
	if (s)
		gm_settings_free(s);
	free(s);
}
