/* SPDX-License-Identifier: MIT
 *
 * cli/ledger.c -- see ledger.h. The page is generated from recipes and results; a test checks that
 * it is up to date.
 */
#include "cli/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "run/settings.h"

/* ---- where ----------------------------------------------------------------------------------- */

/* The first line that a command prints, or "". */
static void line_of(const char *command, char *text, size_t room)
{
	FILE *f = popen(command, "r");
	*text = 0;
	if (f && !fgets(text, (int)room, f))
		*text = 0;
	if (f)
		pclose(f);
	text[strcspn(text, "\n")] = 0;
}

static void processor(char *text, size_t room)
{
	char line[256];
	FILE *f = fopen("/proc/cpuinfo", "r");
	snprintf(text, room, "unknown");
	while (f && fgets(line, sizeof line, f)) {
		char *colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) || !colon)
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(text, room, "%s", colon + 2);
		break;
	}
	if (f)
		fclose(f);
}

void ledger_place(json_t *o)
{
	char text[128], name[200];
	time_t now = time(NULL);
	struct tm t;
	line_of("git rev-parse HEAD 2>/dev/null", text, sizeof text);
	json_object_set_new(o, "commit", *text ? json_string(text) : json_null());
	processor(text, sizeof text);
	snprintf(name, sizeof name, "%s, %ld processors", text, sysconf(_SC_NPROCESSORS_ONLN));
	json_object_set_new(o, "machine", json_string(name));
	json_object_set_new(o, "ganymede", json_string(gm_version()));
	strftime(text, sizeof text, "%Y-%m-%d", gmtime_r(&now, &t));
	json_object_set_new(o, "date", json_string(text));
}

/* ---- in words -------------------------------------------------------------------------------- */

static const char *text_of(const json_t *o, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : otherwise;
}

/* "225.1 +- 1.2" of a summary */
static void put_summary(const json_t *s, char *text, size_t room)
{
	const json_t *mean = json_object_get(s, "mean"), *e = json_object_get(s, "standard_error");
	if (!mean)
		snprintf(text, room, "-");
	else if (e)
		snprintf(text, room, "%.4g +- %.2g", json_number_value(mean), json_number_value(e));
	else
		snprintf(text, room, "%.4g", json_number_value(mean));
}

/* The result, in one line. */
static void ours(const json_t *o, char *text, size_t room)
{
	char one[64];
	size_t n = 0;
	*text = 0;
	if (json_object_get(o, "last")) {
		put_summary(json_object_get(o, "last"), one, sizeof one);
		n += snprintf(text + n, room - n, "%s %s (last)", text_of(o, "metric", ""), one);
		if (json_object_get(o, "best")) {
			put_summary(json_object_get(o, "best"), one, sizeof one);
			snprintf(text + n, room - n, ", %s (best)", one);
		}
		return;
	}
	if (json_integer_value(json_object_get(o, "checks")))
		n += snprintf(text + n, room - n,
		              "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " checks hold",
		              json_integer_value(json_object_get(o, "checks_held")),
		              json_integer_value(json_object_get(o, "checks")));
	const char *name;
	json_t *value;
	json_object_foreach (json_object_get(o, "numbers"), name, value) {
		if (!json_is_object(value) || n > room - 100)
			continue;
		put_summary(value, one, sizeof one);
		n += snprintf(text + n, room - n, "%s%.40s %s", n ? ", " : "", name, one);
	}
}

/* The number of trainings and steps. */
static void length(const json_t *o, char *text, size_t room)
{
	const json_t *runs = json_object_get(o, "runs"), *options = json_object_get(o, "options");
	const char *trials = text_of(options, "trials", NULL),
		   *steps = text_of(options, "steps", NULL);
	*text = 0;
	if (runs)
		snprintf(text, room, "%zu of %" JSON_INTEGER_FORMAT " steps", json_array_size(runs),
		         json_integer_value(json_object_get(json_array_get(runs, 0), "step")));
	else if (trials && steps)
		snprintf(text, room, "%s of %s steps", trials, steps);
}

static void protocol(const json_t *o, char *text, size_t room)
{
	const json_t *p = json_object_get(o, "protocol"), *real = json_object_get(p, "real");
	const char *x = text_of(p, "extractor", NULL), *sha = text_of(p, "extractor_sha256", "");
	size_t n = snprintf(text, room, "`%s`", text_of(o, "how", ""));
	if (x)
		n += snprintf(text + n, room - n, "; extractor %s%s%.12s", x, *sha ? " " : "", sha);
	if (real)
		n += snprintf(text + n, room - n, "; data %s, %s split", text_of(real, "hash", ""),
		              text_of(real, "split", ""));
	if (json_object_get(p, "count"))
		snprintf(text + n, room - n, "; %" JSON_INTEGER_FORMAT " of each side",
		         json_integer_value(json_object_get(p, "count")));
}

/* What the time of a result is of, if not of everything. */
static const char *time_of(const json_t *o, char *text, size_t room)
{
	const json_int_t steps = json_integer_value(json_object_get(o, "timed_steps"));
	snprintf(text, room, "%s",
	         json_object_get(o, "trained") || json_object_get(o, "timed_steps")
	                 ? ", for scoring only, of an existing run"
	                 : "");
	if (steps)
		snprintf(text, room,
		         ", for scoring and %" JSON_INTEGER_FORMAT " steps of an existing run",
		         steps);
	return text;
}

void ledger_say(const json_t *o, const char *path)
{
	char text[600];
	printf("\n%s\n", text_of(o, "recipe", ""));
	printf("  published  %s\n", text_of(o, "published", "-"));
	ours(o, text, sizeof text);
	printf("  ours       %s\n", text);
	length(o, text, sizeof text);
	if (*text)
		printf("  trainings  %s\n", text);
	if (json_object_get(o, "published-note"))
		printf("  note       %s\n", text_of(o, "published-note", ""));
	printf("  time       %.1f s, %.1f s of CPU time%s\n",
	       json_number_value(json_object_get(o, "wall_seconds")),
	       json_number_value(json_object_get(o, "processor_seconds")),
	       time_of(o, text, sizeof text));
	printf("  stored in    %s\n", path);
}

/* ---- recipes and results --------------------------------------------------------------------- */

static int is_recipe(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');
	return e->d_name[0] != '.' && dot && !strcmp(dot, ".recipe");
}

int ledger_names(const char *recipes, char ***names, gm_error *err)
{
	struct dirent **list;
	int n = scandir(recipes, &list, is_recipe, alphasort), kept = 0;
	*names = NULL;
	if (n < 0) {
		gm_fail(err, GM_ERR_IO, "cannot list %.300s: %s", recipes, strerror(errno));
		return -1;
	}
	*names = calloc(n + 1, sizeof **names);
	bool ok = *names != NULL;
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX], how[400] = "";
		snprintf(path, sizeof path, "%.2000s/%s", recipes, list[i]->d_name);
		ok = ok && gm_recipe_text(path, "reproduce", how, sizeof how, err);
		if (ok && *how) {
			*strrchr(list[i]->d_name, '.') = 0;
			(*names)[kept++] = strdup(list[i]->d_name);
		}
		free(list[i]);
	}
	free(list);
	return ok ? kept : -1;
}

json_t *ledger_result(const char *results, const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%.2000s/%s.json", results, name);
	return gm_file_exists(path) ? json_load_file(path, 0, NULL) : NULL;
}

bool ledger_list(const char *recipes, const char *results, gm_error *err)
{
	char **name;
	int n = ledger_names(recipes, &name, err);
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX], published[400] = "", text[600] = "not run yet";
		json_t *o = ledger_result(results, name[i]);
		snprintf(path, sizeof path, "%.2000s/%s.recipe", recipes, name[i]);
		gm_recipe_text(path, "published", published, sizeof published, NULL);
		if (o)
			ours(o, text, sizeof text);
		printf("%-24s %s\n%-24s   ours: %s\n", name[i], published, "", text);
		json_decref(o);
		free(name[i]);
	}
	free(name);
	return n >= 0;
}

/* ---- the page -------------------------------------------------------------------------------- */

static void put_row(FILE *f, const char *recipes, const char *name, const json_t *o)
{
	char path[PATH_MAX], published[400] = "", source[400] = "", note[400] = "", text[600];
	snprintf(path, sizeof path, "%.2000s/%s.recipe", recipes, name);
	gm_recipe_text(path, "published", published, sizeof published, NULL);
	gm_recipe_text(path, "published-source", source, sizeof source, NULL);
	gm_recipe_text(path, "published-note", note, sizeof note, NULL);
	fprintf(f, "## %s\n\n| | |\n| --- | --- |\n| published | %s |\n", name, published);
	fprintf(f, "| source | %s |\n", source);
	if (*note)
		fprintf(f, "| note | %s |\n", note);
	if (!o) {
		fputs("| ours | not run yet |\n\n", f);
		return;
	}
	ours(o, text, sizeof text);
	fprintf(f, "| **ours** | **%s** |\n", text);
	length(o, text, sizeof text);
	char steps[40] = "", epochs[40] = "";
	gm_recipe_text(path, "steps", steps, sizeof steps, NULL);
	gm_recipe_text(path, "epochs", epochs, sizeof epochs, NULL);
	const char *all = *steps ? steps : epochs;
	if (*text && *all)
		fprintf(f, "| trainings | %s; the recipe has %s %s |\n", text, all,
		        *steps ? "steps" : "epochs");
	else if (*text)
		fprintf(f, "| trainings | %s |\n", text);
	protocol(o, text, sizeof text);
	fprintf(f, "| protocol | %s |\n", text);
	fprintf(f, "| time | %.0f s, %.0f s of CPU time%s |\n",
	        json_number_value(json_object_get(o, "wall_seconds")),
	        json_number_value(json_object_get(o, "processor_seconds")),
	        time_of(o, text, sizeof text));
	fprintf(f, "| where | %s; commit %.12s; %s |\n", text_of(o, "machine", ""),
	        text_of(o, "commit", "unknown"), text_of(o, "date", ""));
	fprintf(f, "| command | `%s` |\n\n", text_of(o, "command", ""));
}

bool ledger_page(const char *recipes, const char *results, const char *page, gm_error *err)
{
	char **name, *text = NULL;
	size_t size = 0;
	int n = ledger_names(recipes, &name, err);
	FILE *f = n < 0 ? NULL : open_memstream(&text, &size);
	if (n >= 0 && !f)
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
	if (f)
		fputs("<!-- SPDX-License-Identifier: MIT -->\n# Reproductions\n\n"
		      "Results of papers and ours, as measured by `ganymede reproduce`. Generated "
		      "by `ganymede reproduce --docs` from\n`recipes/` and `reproductions/`; a "
		      "test checks that it is up to date. With several trainings, values are mean "
		      "+-\nstandard error; \"last\" is the end of the training, \"best\" the "
		      "checkpoint kept by `--best`.\n\n",
		      f);
	for (int i = 0; i < n; i++) {
		json_t *o = ledger_result(results, name[i]);
		if (f)
			put_row(f, recipes, name[i], o);
		json_decref(o);
		free(name[i]);
	}
	free(name);
	bool ok = f && !fclose(f);
	if (ok && size > 1 && text[size - 2] == '\n')
		size--; /* one newline at the end */
	ok = ok && gm_file_write(page, text, size, err);
	free(text);
	return ok;
}
