/* SPDX-License-Identifier: MIT
 *
 * cli/lab.c -- ganymede lab.
 */
#include "cli/cli.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/progress.h"
#include "lab/lab.h"
#include "run/settings.h"

static void list(FILE *out)
{
	for (int i = 0; gm_experiments[i]; i++)
		fprintf(out, "  %-10s %s\n", gm_experiments[i]->name, gm_experiments[i]->about);
}

static void help(const gm_experiment *e)
{
	cli_help("lab");
	putchar('\n');
	if (!e) {
		list(stdout);
		return;
	}
	printf("%s: %s\n", e->name, e->about);
	for (const gm_option *o = e->options; o->name; o++)
		cli_option_line(&(gm_setting){
			.name = o->name, .initial = o->value, .help = o->help, .type = o->type});
	printf("  -%-15s %-15s %s\n", "o", "lab/NAME", "folder for numbers.json and figures");
}

static const gm_experiment *find(const char *name)
{
	const gm_experiment *e = gm_experiment_find(name);
	const char *names[16], *near = NULL;
	int n = 0;
	for (int i = 0; gm_experiments[i] && n < 16; i++)
		names[n++] = gm_experiments[i]->name;
	if (!e)
		near = gm_text_nearest(name, names, n);
	if (near)
		cli_usage("there is no experiment %.60s; did you mean %s?", name, near);
	else if (!e)
		cli_usage("there is no experiment %.60s; see: ganymede lab --help", name);
	return e;
}

int cli_lab(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	const char *name = NULL, *folder = NULL;
	char path[PATH_MAX];
	bool want_help = false;
	gm_error err = {0};
	int kind;
	while ((kind = cli_next(&a))) {
		if (kind == '?')
			return CLI_USAGE;
		if (kind == '+' && name)
			return cli_usage("lab takes one experiment, not %.60s and %.60s", name,
			                 a.value);
		else if (kind == '+')
			name = a.value;
		else if (cli_is(a.name, "help") || cli_is(a.name, "h"))
			want_help = true;
		else if (cli_is(a.name, "o"))
			folder = a.value;
	}
	const gm_experiment *e = name ? find(name) : NULL;
	if (name && !e)
		return CLI_USAGE;
	if (want_help) {
		help(e);
		return CLI_OK;
	}
	if (!e) {
		cli_usage("lab needs an experiment:");
		list(stderr);
		return CLI_USAGE;
	}
	/* The first signal asks a long experiment to finish early; a second one ends at once. */
	cli_catch_signals();
	gm_lab *l = gm_lab_open(e, stdout);
	l->stop = &cli_stopped;
	int status = CLI_OK;
	a.at = 1;
	while (!status && (kind = cli_next(&a)))
		if (kind == '-' && !cli_is(a.name, "o") && !gm_lab_set(l, a.name, a.value, &err))
			status = cli_usage("%s", err.message);
	snprintf(path, sizeof path, "lab/%s", e->name);
	if (!status && !gm_lab_run(l, folder ? folder : path, &err))
		status = err.code ? cli_fail(&err) : CLI_FAILED;
	gm_lab_close(l);
	return status;
}
