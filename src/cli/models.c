/* SPDX-License-Identifier: MIT
 *
 * cli/models.c -- ganymede models.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "run/settings.h"

int cli_models(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	const char *name = NULL;
	int kind;
	while ((kind = cli_next(&a))) {
		if (kind == '?')
			return CLI_USAGE;
		if (kind == '-' && (cli_is(a.name, "help") || cli_is(a.name, "h"))) {
			cli_help("models");
			return CLI_OK;
		}
		if (kind == '-' || name)
			return cli_usage("models takes the name of one model and no options");
		name = a.value;
	}
	if (!name) {
		for (int i = 0; gm_models[i]; i++)
			printf("%-12s %s, %s\n", gm_models[i]->name, gm_models[i]->title,
			       gm_models[i]->source);
		return CLI_OK;
	}
	const gm_model *m = cli_model(name);
	if (!m)
		return CLI_USAGE;
	gm_settings s;
	gm_settings_init(&s, m);
	printf("%s: %s, %s\n\noptions of %s, with their defaults:\n", m->name, m->title, m->source,
	       m->name);
	cli_setting_lines(&s, 0, s.own);
	puts("\ncommon options of all models:");
	cli_setting_lines(&s, s.own, s.count);
	gm_settings_free(&s);
	return CLI_OK;
}
