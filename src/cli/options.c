/* SPDX-License-Identifier: MIT
 *
 * cli/options.c -- options of commands: parsing, values, help. See cli.h.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/examples.h"
#include "data/sound.h"
#include "run/settings.h"
#include "use/action.h"

void cli_option_line(const gm_setting *row)
{
	char range[300];
	gm_setting_range(row, range, sizeof range);
	printf("  --%-14s %-15s %s%s%s%s\n", row->name, *row->initial ? row->initial : "-",
	       row->help, *range ? " [" : "", range, *range ? "]" : "");
}

void cli_setting_lines(const gm_settings *s, int from, int to)
{
	for (int i = from; i < to; i++) {
		char only[300], help[700];
		gm_setting row = s->row[i];
		if (gm_setting_only(s, &row, only, sizeof only)) {
			snprintf(help, sizeof help, "%s; only %s", row.help, only);
			row.help = help;
		}
		cli_option_line(&row);
	}
}

static int find(const cli_values *v, const char *name)
{
	for (int i = 0; v->option[i].name; i++)
		if (cli_is(name, v->option[i].name))
			return i;
	return -1;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;
	return a && b && !stat(a, &x) && !stat(b, &y) && S_ISREG(x.st_mode) &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The folder of a file that may not exist yet, and its name in it. */
static const char *in_folder(const char *path, struct stat *folder, bool *there)
{
	char text[PATH_MAX];
	const char *slash = strrchr(path, '/');
	snprintf(text, sizeof text, "%.*s", slash ? (int)(slash - path) + 1 : 1,
	         slash ? path : ".");
	*there = !stat(text, folder) && S_ISDIR(folder->st_mode);
	return slash ? slash + 1 : path;
}

/* True if two outputs, which may not exist yet, are one file. */
static bool same_output(const char *a, const char *b)
{
	struct stat x, y;
	bool has_x, has_y;
	if (!*a || !*b)
		return false;
	const char *const name = in_folder(a, &x, &has_x), *const other = in_folder(b, &y, &has_y);
	return !strcmp(a, b) || same_file(a, b) ||
	       (!strcmp(name, other) && has_x && has_y && x.st_dev == y.st_dev &&
	        x.st_ino == y.st_ino);
}

/* True for an existing file that a training wrote: checkpoints, records, measurements, samples,
 * the page. */
static bool is_of_run(const char *path)
{
	static const char *const names[] = {"checkpoint-*.safetensors",
	                                    "best*.safetensors",
	                                    "options.json",
	                                    "state.json",
	                                    "log.txt",
	                                    "*.jsonl",
	                                    "index.html",
	                                    "reals.*",
	                                    "*-init.*",
	                                    "*-[0-9][0-9][0-9][0-9][0-9][0-9].*"};
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char options[PATH_MAX];
	struct stat s;
	bool named = false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		named = named || !fnmatch(names[i], name, 0);
	return named && !stat(path, &s) &&
	       snprintf(options, sizeof options, "%.*soptions.json", (int)(name - path), path) <
	               (int)sizeof options &&
	       !stat(options, &s);
}

/* Whether a name is of a file, and not of a folder for many. */
static bool is_file_name(const char *path)
{
	static const char *const others[] = {".npy", ".npz", ".zip", ".safetensors", ".svg"};
	const char *dot = strrchr(cli_base_name(path), '.');
	bool known = gm_image_format(path, NULL) || gm_sound_format(path);
	for (size_t i = 0; dot && i < sizeof others / sizeof *others; i++)
		known = known || !strcmp(dot, others[i]);
	return known;
}

/* A folder that is there, or the next one above where it will be made, can be written into. */
static bool can_fill(const char *folder, gm_error *err)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s", folder);
	while (*path && !gm_file_exists(path)) {
		char *slash = strrchr(path, '/');
		if (slash)
			slash[slash == path] = 0;
		else
			strcpy(path, ".");
	}
	if (!gm_file_is_folder(path))
		errno = ENOTDIR;
	return (gm_file_is_folder(path) && access(path, W_OK | X_OK) == 0) ||
	       gm_fail(err, GM_ERR_IO, "option out: cannot write into %.300s: %s", folder,
	               strerror(errno));
}

/* Before the work: the output can be written. */
static int can_write(const cli_values *v, const char *option, const char *path)
{
	struct stat folder;
	gm_error why = {0}, err = {0};
	bool there, is_out = !strcmp(option, "out");
	in_folder(path, &folder, &there);
	if (is_out &&
	    (gm_file_is_folder(path) || !is_file_name(path) || (!there && v->makes_folder)))
		return can_fill(path, &err) ? CLI_OK : cli_fail(&err);
	if (there && gm_file_can_write(path, &why))
		return CLI_OK;
	if (there)
		gm_fail(&err, why.code, "option %s: %.400s", option, why.message);
	else
		gm_fail(&err, GM_ERR_IO,
		        "option %s: cannot write %.300s: its folder does not exist", option, path);
	return cli_fail(&err);
}

/* An output must be neither an input, nor another output, nor a file of a run, and it must be
 * possible to write it: also the default one, unless nothing is written. */
static int keeps(const cli_values *v)
{
	static const char *const inputs[] = {"mask", "guide", "target", "captions"};
	const char *const outputs[] = {"out",        "o",       "json",   "latents",
	                               "save-stats", "picture", v->output};
	const int count = (int)(sizeof outputs / sizeof *outputs) - !v->output;
	const char *out[sizeof outputs / sizeof *outputs];
	for (int i = 0; i < count; i++) {
		out[i] = cli_value(v, outputs[i]);
		for (int k = 0; k < i; k++)
			if (same_output(out[i], out[k]))
				return cli_usage("--%s and --%s are the same file, %s", outputs[i],
				                 outputs[k], out[i]);
		if (is_of_run(out[i]))
			return cli_usage("%s is a file of a run, and would be overwritten: choose "
			                 "another file",
			                 out[i]);
		for (int k = 0; k < CLI_OPERANDS + 4; k++) {
			const char *in = k < CLI_OPERANDS ? v->operand[k]
			                                  : cli_given(v, inputs[k - CLI_OPERANDS]);
			if (same_file(out[i], in))
				return cli_usage("%s would be overwritten by the result: choose "
				                 "another file",
				                 in);
		}
		const bool asked = cli_given(v, outputs[i]) ||
		                   (!strcmp(outputs[i], "out") && !cli_given(v, "score") &&
		                    strcmp(cli_value(v, "layer"), "list") != 0);
		const int status = *out[i] && asked ? can_write(v, outputs[i], out[i]) : CLI_OK;
		if (status)
			return status;
	}
	return CLI_OK;
}

static void give_row(cli_values *v, const char *name)
{
	for (int i = 0; v->row[i].option.name; i++)
		if (cli_is(name, v->row[i].option.name))
			v->row_given |= (uint64_t)1 << i;
}

int cli_read(cli_args *a, cli_values *v, int operands)
{
	int kind, n = 0;
	while ((kind = cli_next(a))) {
		if (kind == '?')
			return CLI_USAGE;
		if (kind == '+') {
			if (n == operands || n == CLI_OPERANDS)
				return cli_usage("%s takes %d operand%s; %.60s is too many",
				                 v->verb, operands, operands == 1 ? "" : "s",
				                 a->value);
			v->operand[n++] = a->value;
			continue;
		}
		if (cli_is(a->name, "h"))
			strcpy(a->name, "help");
		if (cli_is(a->name, "o") && find(v, "o") < 0)
			strcpy(a->name, "out");
		int i = find(v, a->name);
		if (i < 0 && v->row) {
			gm_error err = {0};
			if (gm_action_set(v->row, v->action, a->name, a->value, &err)) {
				give_row(v, a->name);
				continue;
			}
			if (err.code != GM_ERR_STATE)
				return cli_usage("%s", err.message);
		}
		if (i < 0 && v->other) {
			gm_error err = {0};
			if (v->other(v->context, a->name, a->value, &err))
				continue;
			if (err.code != GM_ERR_STATE)
				return cli_usage("%s", err.message);
		}
		if (i < 0) {
			const char *names[CLI_OPTIONS];
			int known = 0;
			for (; v->option[known].name && known < CLI_OPTIONS; known++)
				names[known] = v->option[known].name;
			for (int k = 0; v->row && v->row[k].option.name && known < CLI_OPTIONS; k++)
				names[known++] = v->row[k].option.name;
			const char *near = gm_text_nearest(a->name, names, known);
			if (near)
				return cli_usage("%s has no option %.60s; did you mean %s?",
				                 v->verb, a->name, near);
			return cli_usage("%s has no option %.60s; see: ganymede %s --help", v->verb,
			                 a->name, v->verb);
		}
		v->given[i] = a->value;
	}
	return cli_given(v, "help") ? CLI_OK : keeps(v);
}

const char *cli_given(const cli_values *v, const char *name)
{
	int i = find(v, name);
	return i < 0 ? NULL : v->given[i];
}

const char *cli_value(const cli_values *v, const char *name)
{
	int i = find(v, name);
	return i < 0 ? "" : v->given[i] ? v->given[i] : v->option[i].value;
}

int cli_useless(const cli_values *v, const char *names, const char *when)
{
	char name[64];
	for (const char *at = names; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
		bool given;
		snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "|"), at);
		given = find(v, name) >= 0 && cli_given(v, name);
		for (int i = 0; v->row && v->row[i].option.name; i++)
			given |= (v->row_given >> i & 1) && !strcmp(name, v->row[i].option.name);
		if (given)
			return cli_usage("option %s does nothing %s: leave it out", name, when);
	}
	return CLI_OK;
}

bool cli_truncation(const cli_values *v, double *limit, int64_t *standing, gm_error *err)
{
	const char *text = cli_value(v, "truncation");
	uint64_t batches = 0;
	if (!gm_text_f64(text, limit) || !(*limit >= (cli_given(v, "truncation") ? .01 : 0)))
		return gm_fail(err, GM_ERR_VALUE,
		               "option truncation: \"%.60s\" is not a number of at least 0.01",
		               text);
	const char *given = cli_given(v, "standing");
	if (!given || !strcmp(given, "auto")) {
		*standing = *limit > 0 ? CLI_STANDING_AUTO : 0;
		return true;
	}
	const bool ok = cli_whole(v, "standing", 0, 1 << 20, &batches, err);
	*standing = (int64_t)batches;
	return ok;
}

bool cli_stand(gm_saved *s, const gm_samples *d, int64_t *standing, gm_error *err)
{
	gm_error none = {0};
	if (*standing != CLI_STANDING_AUTO)
		return !*standing || gm_saved_stand(s, d, *standing, err);
	*standing = gm_saved_stand(s, d, CLI_STANDING, &none) ? CLI_STANDING : 0;
	return none.code == GM_OK || none.code == GM_ERR_VALUE ||
	       gm_fail(err, none.code, "%s", none.message);
}

bool cli_whole(const cli_values *v, const char *name, uint64_t lo, uint64_t hi, uint64_t *n,
               gm_error *err)
{
	const char *text = cli_value(v, name);
	if (gm_text_u64(text, n) && *n >= lo && *n <= hi)
		return true;
	return gm_fail(err, GM_ERR_VALUE,
	               "option %s: \"%.60s\" is not an integer from %" PRIu64 " to %" PRIu64, name,
	               text, lo, hi);
}

void cli_options_help(const cli_option *o)
{
	puts("\noptions, with their defaults:");
	for (; o->name; o++)
		printf("  --%-14s %-15s %s\n", o->name, *o->value ? o->value : "-", o->help);
}

void cli_action_help(const gm_action_row *row)
{
	for (; row && row->option.name; row++)
		cli_option_line(&(gm_setting){.name = row->option.name,
		                              .initial = row->option.value,
		                              .help = row->option.help,
		                              .type = row->option.type});
}
