/* SPDX-License-Identifier: MIT
 *
 * cli/runs.c -- ganymede runs.
 */
#include "cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/state.h"

static int not_hidden(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void put_run(const char *name, const gm_state *s)
{
	char step[64];
	if (s->total > 0)
		snprintf(step, sizeof step, "%" PRId64 "/%" PRId64, s->step, s->total);
	else
		snprintf(step, sizeof step, "%" PRId64, s->step);
	printf("%-28s %-10s %-15s %-9s %s\n", name, s->model, step, s->state,
	       *s->trouble ? s->trouble : s->last);
}

int cli_runs(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	const char *outdir = NULL;
	int kind, runs = 0;
	while ((kind = cli_next(&a))) {
		if (kind == '?')
			return CLI_USAGE;
		if (kind == '-' && (cli_is(a.name, "help") || cli_is(a.name, "h"))) {
			cli_help("runs");
			puts("\nOUTDIR is the folder of runs, as of train; default: runs.\n"
			     "States: running; finished; stopped, by a signal; failed, with the "
			     "reason; killed: it can be resumed.");
			return CLI_OK;
		}
		if (kind == '-')
			return cli_usage("runs has no option %.60s; see: ganymede runs --help",
			                 a.name);
		if (outdir)
			return cli_usage("runs takes one folder, not %.60s and %.60s", outdir,
			                 a.value);
		outdir = a.value;
	}
	outdir = outdir ? outdir : "runs";
	struct dirent **list;
	int n = scandir(outdir, &list, not_hidden, alphasort);
	if (n < 0) {
		gm_error err = {0};
		gm_fail(&err, GM_ERR_IO, "cannot list %.300s: %s", outdir, strerror(errno));
		return cli_fail(&err);
	}
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];
		gm_state s;
		if (snprintf(path, sizeof path, "%s/%s", outdir, list[i]->d_name) < PATH_MAX &&
		    gm_state_read(path, &s)) {
			put_run(list[i]->d_name, &s);
			runs++;
		}
		free(list[i]);
	}
	free(list);
	if (!runs)
		printf("no runs in %s\n", outdir);
	return CLI_OK;
}
