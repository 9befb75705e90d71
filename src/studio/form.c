/* SPDX-License-Identifier: MIT
 *
 * studio/form.c -- see form.h.
 */
#include "studio/form.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "ganymede/train.h"
#include "studio/below.h"
#include "studio/body.h"
#include "studio/guard.h"

#include <dirent.h>
#include <unistd.h>

/* ---- places ---------------------------------------------------------------------------------- */

bool gm_places_add(gm_places *p, const char *folder, gm_error *err)
{
	if (p->roots == GM_FORM_ROOTS)
		return gm_fail(err, GM_ERR_VALUE, "more than %d folders of data", GM_FORM_ROOTS);
	if (!realpath(folder, p->root[p->roots]))
		return gm_fail(err, GM_ERR_IO, "%.300s: %s", folder, strerror(errno));
	p->roots++;
	return true;
}

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);
	return !strncmp(path, folder, n) && (!path[n] || path[n] == '/' || folder[n - 1] == '/');
}

static bool in_places(const gm_places *p, const char *path)
{
	bool found = is_below(path, p->outdir);
	for (int i = 0; i < p->roots; i++)
		found = found || is_below(path, p->root[i]);
	return found;
}

bool gm_places_allow(const gm_places *p, const char *value, gm_error *err)
{
	char path[4096], joined[8300];
	const char *name = strncmp(value, "classifier:", 11) ? value : value + 11;
	if (!*name || !strncmp(name, "set:", 4))
		return true;
	if (strncmp(name, "./", 2) != 0 && !strchr(name, '/')) {
		/* The name or number of a run in OUTDIR, unless it is a link to somewhere else. */
		snprintf(joined, sizeof joined, "%s/%s", p->outdir, name);
		if (realpath(joined, path) && !in_places(p, path))
			return gm_fail(err, GM_ERR_VALUE,
			               "%.120s is a link to a place outside of --data-root", name);
		if (access(name, F_OK))
			return true; /* the name of a data set, or of nothing */
	}
	if (!realpath(name, path) || !in_places(p, path))
		return gm_fail(err, GM_ERR_VALUE,
		               "%.120s is not there, or outside of --data-root, the folders "
		               "whose files this studio may read",
		               name);
	return true;
}

bool gm_places_allow_all(const gm_places *p, const gm_settings *s, char field[64], gm_error *err)
{
	for (int i = 0; i < s->count; i++)
		if (s->row[i].type.kind == GM_OPTION_PATH &&
		    !gm_places_allow(p, s->row[i].value, err)) {
			snprintf(field, 64, "%s", s->row[i].name);
			return false;
		}
	return true;
}

/* ---- the empty form -------------------------------------------------------------------------- */

static json_t *row_json(const gm_settings *s, const gm_setting *row)
{
	static const char *const kinds[] = {
		[GM_OPTION_TEXT] = "text", [GM_OPTION_PATH] = "path", [GM_OPTION_INT] = "int",
		[GM_OPTION_REAL] = "real", [GM_OPTION_U64] = "u64",   [GM_OPTION_CHOICE] = "choice",
		[GM_OPTION_FLAG] = "flag",
	};
	gm_option_kind kind = row->type.kind;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "name", row->name, "kind",
	                      kinds[kind], "default", row->initial, "help", row->help, "group",
	                      gm_setting_group(row->name), "resume", (row->flags & GM_FREE) != 0);
	if (kind == GM_OPTION_INT || kind == GM_OPTION_REAL) {
		json_object_set_new(o, "low", json_real(row->type.lo));
		json_object_set_new(o, "high", json_real(row->type.hi));
	}
	char word[64], only[300];
	if (gm_setting_only(s, row, only, sizeof only))
		json_object_set_new(o, "only", json_string(only));
	const char *w = gm_setting_word(row, 0, word);
	json_t *words = w ? json_array() : NULL;
	for (int i = 1; w; w = gm_setting_word(row, i++, word))
		json_array_append_new(words, json_string(w));
	if (words)
		json_object_set_new(o, "choices", words);
	if (row->type.sum)
		json_object_set_new(o, "sum", json_true());
	return o;
}

/* The comment at the beginning of a recipe, without the line of the licence. */
static json_t *recipe_about(const char *path)
{
	char text[400] = "", line[256];
	size_t n = 0;
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f) && *line == '#') {
		char *at = line + 1 + (line[1] == ' ');
		at[strcspn(at, "\n")] = 0;
		if (!strncmp(at, "SPDX", 4))
			continue;
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? " " : "", at);
		if (n >= sizeof text)
			break;
	}
	if (f)
		fclose(f);
	size_t k = strlen(text);
	while (k && !gm_text_is_utf8(text, k))
		text[--k] = 0;
	return json_string(text);
}

/* {name: value} of the options that a recipe sets. */
static json_t *recipe_options(const char *path, const char *model)
{
	json_t *o = json_object();
	const gm_model *m = gm_model_find(model);
	gm_settings s;
	gm_settings_init(&s, m);
	if (m && gm_settings_file(&s, path, NULL))
		for (int i = 0; i < s.count; i++)
			if (s.row[i].given)
				json_object_set_new(o, s.row[i].name, json_string(s.row[i].value));
	gm_settings_free(&s);
	return o;
}

static int is_recipe(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');
	return dot && dot != e->d_name && !strcmp(dot, ".recipe");
}

static json_t *recipes_json(void)
{
	json_t *list = json_array();
	struct dirent **entry;
	int n = scandir("recipes", &entry, is_recipe, alphasort);
	for (int i = 0; i < n; i++) {
		char path[512], model[64];
		gm_error err = {0};
		snprintf(path, sizeof path, "recipes/%s", entry[i]->d_name);
		if (gm_recipe_model(path, model, sizeof model, &err) && *model)
			json_array_append_new(
				list, json_pack("{s:s#, s:s, s:o, s:o}", "name", entry[i]->d_name,
			                        (int)strlen(entry[i]->d_name) - 7, "model", model,
			                        "about", recipe_about(path), "options",
			                        recipe_options(path, model)));
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return list;
}

json_t *gm_form_models(void)
{
	json_t *models = json_array();
	for (int i = 0; gm_models[i]; i++) {
		const gm_model *m = gm_models[i];
		json_t *rows = json_array();
		gm_settings s;
		gm_settings_init(&s, m);
		for (int j = 0; j < s.count; j++)
			if (!(s.row[j].flags & GM_PLACE))
				json_array_append_new(rows, row_json(&s, &s.row[j]));
		gm_settings_free(&s);
		json_array_append_new(models,
		                      json_pack("{s:s, s:s, s:s, s:o}", "name", m->name, "title",
		                                m->title, "source", m->source, "options", rows));
	}
	return json_pack("{s:o, s:[sssss], s:o}", "models", models, "groups", "Game", "Net", "Data",
	                 "Length", "Records", "recipes", recipes_json());
}

json_t *gm_form_data(void)
{
	json_t *sets = json_array();
	const char *name, *about;
	for (int i = 0; (name = gm_data_names(i, &about)); i++)
		json_array_append_new(sets, json_pack("{s:s, s:s, s:b}", "name", name, "about",
		                                      about, "fetched", 0));
	for (int i = 0; (name = gm_data_fetch_names(i, &about)); i++)
		json_array_append_new(sets, json_pack("{s:s, s:s, s:b}", "name", name, "about",
		                                      about, "fetched", 1));
	return json_pack("{s:o}", "sets", sets);
}

/* ---- a form that was filled in --------------------------------------------------------------- */

static void problem(gm_form *f, const char *field, const char *message)
{
	if (json_array_size(f->problems) < GM_FORM_OPTIONS)
		json_array_append_new(f->problems,
		                      json_pack("{s:s, s:s}", "field", field, "message", message));
}

static bool has_controls(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			return true;
	return false;
}

static void read_option(gm_form *f, const gm_places *p, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	gm_error err = {0};
	const gm_setting *row = gm_settings_find(&f->settings, name);
	if (row && row->flags & GM_PLACE)
		gm_fail(&err, GM_ERR_VALUE,
		        "option %s cannot be set here: the studio's runs are "
		        "in its folder",
		        row->name);
	else if (!text || json_string_length(value) != strlen(text))
		gm_fail(&err, GM_ERR_VALUE, "option %.60s: the value is not text", name);
	else if (strlen(text) > GM_FORM_TEXT)
		gm_fail(&err, GM_ERR_VALUE, "option %.60s: more than %d bytes", name, GM_FORM_TEXT);
	else if (has_controls(text))
		gm_fail(&err, GM_ERR_VALUE, "option %.60s: the value has control characters", name);
	else if (gm_settings_set(&f->settings, name, text, &err)) {
		row = gm_settings_find(&f->settings, name);
		f->given[f->count++] = row->name;
		if (gm_setting_check(row, &err) && row->type.kind == GM_OPTION_PATH)
			gm_places_allow(p, text, &err);
	}
	if (err.code)
		problem(f, row ? row->name : name, err.message);
}

/* The file of a recipe by its name. */
static bool find_recipe(gm_form *f, const char *name, gm_error *err)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return gm_fail(err, GM_ERR_VALUE, "there is no recipe %.60s", name);
	snprintf(f->recipe, sizeof f->recipe, "recipes/%.120s.recipe", name);
	return gm_file_exists(f->recipe) ||
	       gm_fail(err, GM_ERR_VALUE, "there is no recipe %.60s", name);
}

bool gm_form_read(gm_form *f, const gm_places *p, const json_t *body, gm_error *err)
{
	const json_t *options = json_object_get(body, "options");
	const char *model = json_string_value(json_object_get(body, "model")),
		   *recipe = json_string_value(json_object_get(body, "recipe")), *name;
	char named[64];
	json_t *value;
	*f = (gm_form){.problems = json_array()};
	if (!gm_body_only(body, "model|recipe|options", err))
		return false;
	if (options && !json_is_object(options))
		return gm_fail(err, GM_ERR_VALUE, "options is not an object of texts");
	if (json_object_size(options) > GM_FORM_OPTIONS)
		return gm_fail(err, GM_ERR_VALUE, "more than %d options", GM_FORM_OPTIONS);
	if (recipe) {
		if (!find_recipe(f, recipe, err) ||
		    !gm_recipe_model(f->recipe, named, sizeof named, err))
			return false;
		if (model && strcmp(model, named) != 0)
			return gm_fail(err, GM_ERR_VALUE,
			               "the recipe %.60s is for the model %s, not for %.60s",
			               recipe, named, model);
		model = named;
	}
	const gm_model *m = model ? gm_model_find(model) : NULL;
	if (!m)
		return gm_fail(err, GM_ERR_VALUE, "there is no model %.60s", model ? model : "");
	gm_settings_init(&f->settings, m);
	if (recipe && !gm_settings_file(&f->settings, f->recipe, err))
		return false;
	json_object_foreach ((json_t *)options, name, value)
		read_option(f, p, name, value);
	gm_error inner = {0};
	char field[64];
	/* What another run's record brings by option from is checked as well. */
	if (!json_array_size(f->problems) && !gm_train_from(&f->settings, &inner))
		problem(f, "from", inner.message);
	if (!json_array_size(f->problems) && !gm_places_allow_all(p, &f->settings, field, &inner))
		problem(f, field, inner.message);
	return true;
}

void gm_form_free(gm_form *f)
{
	json_decref(f->problems);
	if (f->settings.arena)
		gm_settings_free(&f->settings);
	*f = (gm_form){0};
}

char **gm_form_argv(const gm_form *f, const char *program, const char *more)
{
	char **argv = calloc((size_t)f->count + 6, sizeof *argv);
	int n = 0;
	bool ok = argv != NULL;
	if (!ok)
		return NULL;
	argv[n++] = strdup(program);
	argv[n++] = strdup("train");
	if (*f->recipe)
		ok = asprintf(&argv[n++], "--recipe=%s", f->recipe) > 0;
	else
		argv[n++] = strdup(f->settings.model->name);
	for (int i = 0; ok && i < f->count; i++)
		ok = asprintf(&argv[n++], "--%s=%s", f->given[i],
		              gm_settings_get(&f->settings, f->given[i])) > 0;
	if (more)
		argv[n++] = strdup(more);
	return argv;
}

void gm_form_quote(FILE *f, const char *text)
{
	bool plain = *text != 0;
	for (const char *c = text; *c; c++)
		plain = plain && (isalnum((unsigned char)*c) || strchr("-_./:=,+@%", *c));
	if (plain) {
		fputs(text, f);
		return;
	}
	fputc('\'', f);
	for (const char *c = text; *c; c++)
		if (*c == '\'')
			fputs("'\\''", f);
		else
			fputc(*c, f);
	fputc('\'', f);
}

void gm_form_option(FILE *f, const char *name, const char *value)
{
	/* "--name VALUE" would take a value that begins with - for an option */
	bool joined = !*value || *value == '-';
	fprintf(f, " --%s%c", name, joined ? '=' : ' ');
	if (*value)
		gm_form_quote(f, value);
}

char *gm_form_command(const gm_form *f)
{
	char *text = NULL;
	size_t size;
	FILE *o = open_memstream(&text, &size);
	if (!o)
		return NULL;
	fputs("ganymede train ", o);
	if (*f->recipe)
		fprintf(o, "--recipe %.*s", (int)strlen(f->recipe) - 15, f->recipe + 8);
	else
		fputs(f->settings.model->name, o);
	for (int i = 0; i < f->count; i++)
		gm_form_option(o, f->given[i], gm_settings_get(&f->settings, f->given[i]));
	fclose(o);
	return text;
}
