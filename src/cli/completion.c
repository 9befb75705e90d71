/* SPDX-License-Identifier: MIT
 *
 * cli/completion.c -- ganymede completion: prints scripts for shell completion of commands, models,
 * data sets and options, generated from the program's tables.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "ganymede/data.h"
#include "run/settings.h"

/* Options of train that are not settings: name, whether they have a value, help. */
static const struct extra {
	const char *name;
	bool value;
	const char *help;
} extras[] = {
	{"resume", true, "resume a run; default: the newest in outdir"},
	{"recipe", true, "take model and options from a recipe"},
	{"config", true, "take options from a file of key = value lines"},
	{"dry-run", false, "only print nets, memory and time of the run"},
	{"json", false, "with dry-run: parameters and memory as JSON, without the time"},
	{"help", false, "all options"},
};
enum { EXTRAS = sizeof extras / sizeof *extras };

/* Text inside '...' of a shell; also: a second character that gets a backslash, or 0. */
static void put_quoted(const char *s, char also)
{
	for (; *s; s++)
		if (*s == '\'')
			fputs("'\\''", stdout);
		else if (also && *s == also)
			printf("\\%c", *s);
		else
			putchar(*s);
}

static void put_data_names(void)
{
	const char *about, *name;
	for (int i = 0; (name = gm_data_names(i, &about)); i++)
		printf("%s%s", i ? " " : "", name);
}

static void bash_options(const gm_model *m)
{
	gm_settings s;
	gm_settings_init(&s, m);
	for (int i = 0; i < s.count; i++)
		printf("%s--%s", i ? " " : "", s.row[i].name);
	for (int i = 0; i < EXTRAS; i++)
		printf(" --%s", extras[i].name);
	gm_settings_free(&s);
}

/* Writes "a b c" for a row whose values are words; false for other rows. */
static bool value_words(const gm_setting *row, char *text, size_t room)
{
	if (row->type.kind != GM_OPTION_CHOICE && row->type.kind != GM_OPTION_FLAG)
		return false;
	gm_setting_range(row, text, room);
	for (char *c = text; *c; c++)
		if (*c == '|')
			*c = ' ';
	return true;
}

/* Calls put for each row whose values are words: the common ones with model "*", then those of each
 * model. */
static void each_choice(void (*put)(const char *model, const char *option, const char *words))
{
	char text[300];
	for (int i = 0; gm_models[i]; i++) {
		gm_settings s;
		gm_settings_init(&s, gm_models[i]);
		for (int k = 0; k < s.own; k++)
			if (value_words(&s.row[k], text, sizeof text))
				put(gm_models[i]->name, s.row[k].name, text);
		gm_settings_free(&s);
	}
	for (int i = 0; gm_settings_common(i).name; i++) {
		gm_setting row = gm_settings_common(i);
		if (value_words(&row, text, sizeof text))
			put("*", row.name, text);
	}
}

static void bash_choice(const char *model, const char *option, const char *words)
{
	printf("\t\t%s\\ --%s) words='%s' ;;\n", model, option, words);
}

static void zsh_choice(const char *model, const char *option, const char *words)
{
	printf("\t\t%s\\ --%s) list=(%s) ;;\n", model, option, words);
}

static void bash(void)
{
	puts("# bash completion for ganymede; written by: ganymede completion bash\n"
	     "_ganymede() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
	     "\tif [ \"$COMP_CWORD\" = 1 ]; then");
	printf("\t\twords='");
	for (const cli_verb *v = cli_verbs(); v->name; v++)
		printf("%s ", v->name);
	puts("--help --version'\n"
	     "\telif [ \"$prev\" = --data ]; then");
	printf("\t\twords='");
	put_data_names();
	puts("'\n"
	     "\telif [ \"${COMP_WORDS[1]}\" = train ] && [[ $prev == --* ]]; then\n"
	     "\t\tcase \"${COMP_WORDS[2]} $prev\" in");
	each_choice(bash_choice);
	puts("\t\tesac\n"
	     "\telif [ \"${COMP_WORDS[1]}\" = train ] && [[ $cur == -* ]]; then\n"
	     "\t\tcase ${COMP_WORDS[2]} in");
	for (int i = 0; gm_models[i]; i++) {
		printf("\t\t%s) words='", gm_models[i]->name);
		bash_options(gm_models[i]);
		puts("' ;;");
	}
	printf("\t\t*) words='");
	bash_options(NULL);
	puts("' ;;\n"
	     "\t\tesac\n"
	     "\telif [ \"$COMP_CWORD\" = 2 ]; then\n"
	     "\t\tcase ${COMP_WORDS[1]} in");
	printf("\t\ttrain | models) words='");
	for (int i = 0; gm_models[i]; i++)
		printf("%s%s", i ? " " : "", gm_models[i]->name);
	puts("' ;;\n"
	     "\t\tdata) words='list info fetch' ;;\n"
	     "\t\tcompletion) words='bash zsh fish' ;;\n"
	     "\t\tesac\n"
	     "\tfi\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	     "}\n"
	     "complete -o default -F _ganymede ganymede");
}

static void zsh_options(const gm_model *m)
{
	gm_settings s;
	gm_settings_init(&s, m);
	for (int i = 0; i < s.count; i++) {
		printf("\t\t\t'--%s:", s.row[i].name);
		put_quoted(s.row[i].help, ':');
		puts("'");
	}
	for (int i = 0; i < EXTRAS; i++)
		printf("\t\t\t'--%s:%s'\n", extras[i].name, extras[i].help);
	gm_settings_free(&s);
}

static void zsh(void)
{
	puts("#compdef ganymede\n# zsh completion; written by: ganymede completion zsh\n"
	     "_ganymede() {\n"
	     "\tlocal -a list\n"
	     "\tif ((CURRENT == 2)); then\n"
	     "\t\tlist=(");
	for (const cli_verb *v = cli_verbs(); v->name; v++) {
		printf("\t\t\t'%s:", v->name);
		put_quoted(v->about, ':');
		puts("'");
	}
	puts("\t\t)\n"
	     "\t\t_describe command list\n"
	     "\telif [[ $words[CURRENT-1] == --data ]]; then\n"
	     "\t\tlist=(");
	const char *about, *name;
	for (int i = 0; (name = gm_data_names(i, &about)); i++) {
		printf("\t\t\t'%s:", name);
		put_quoted(about ? about : "", ':');
		puts("'");
	}
	puts("\t\t)\n"
	     "\t\t_describe 'data set' list\n"
	     "\t\t_files\n"
	     "\telif [[ $words[2] == train && $words[CURRENT-1] == --* ]]; then\n"
	     "\t\tcase \"$words[3] $words[CURRENT-1]\" in");
	each_choice(zsh_choice);
	puts("\t\tesac\n"
	     "\t\t_describe value list\n"
	     "\t\t_files\n"
	     "\telif [[ $words[2] == train && $PREFIX == -* ]]; then\n"
	     "\t\tcase $words[3] in");
	for (int i = 0; gm_models[i]; i++) {
		printf("\t\t%s) list=(\n", gm_models[i]->name);
		zsh_options(gm_models[i]);
		puts("\t\t) ;;");
	}
	puts("\t\t*) list=(");
	zsh_options(NULL);
	puts("\t\t) ;;\n"
	     "\t\tesac\n"
	     "\t\t_describe option list\n"
	     "\telif ((CURRENT == 3)) && [[ $words[2] == (train|models) ]]; then\n"
	     "\t\tlist=(");
	for (int i = 0; gm_models[i]; i++) {
		printf("\t\t\t'%s:", gm_models[i]->name);
		put_quoted(gm_models[i]->title, ':');
		puts("'");
	}
	puts("\t\t)\n"
	     "\t\t_describe model list\n"
	     "\telse\n"
	     "\t\t_files\n"
	     "\tfi\n"
	     "}\n"
	     "_ganymede \"$@\"");
}

static void fish_option(const char *when, const char *name, const char *help, bool value,
                        const gm_setting *row)
{
	char words[300];
	printf("complete -c ganymede -n '%s' -l %s%s", when, name, value ? " -r" : "");
	if (row && value_words(row, words, sizeof words))
		printf(" -f -a '%s'", words);
	printf(" -d '");
	for (; *help; help++)
		printf(*help == '\'' || *help == '\\' ? "\\%c" : "%c", *help);
	puts("'");
}

static void fish(void)
{
	puts("# fish completion for ganymede; written by: ganymede completion fish");
	for (const cli_verb *v = cli_verbs(); v->name; v++)
		printf("complete -c ganymede -n __fish_use_subcommand -f -a %s -d \"%s\"\n",
		       v->name, v->about);
	for (int i = 0; gm_models[i]; i++) {
		gm_settings s;
		char when[160];
		printf("complete -c ganymede -n '__fish_seen_subcommand_from train models' -f -a "
		       "%s -d \"%s\"\n",
		       gm_models[i]->name, gm_models[i]->title);
		snprintf(when, sizeof when,
		         "__fish_seen_subcommand_from train; and __fish_seen_subcommand_from %s",
		         gm_models[i]->name);
		gm_settings_init(&s, gm_models[i]);
		for (int k = 0; k < s.own; k++)
			fish_option(when, s.row[k].name, s.row[k].help, true, &s.row[k]);
		gm_settings_free(&s);
	}
	for (int i = 0; gm_settings_common(i).name; i++) {
		gm_setting row = gm_settings_common(i);
		fish_option("__fish_seen_subcommand_from train", row.name, row.help, true, &row);
	}
	for (int i = 0; i < EXTRAS; i++)
		fish_option("__fish_seen_subcommand_from train", extras[i].name, extras[i].help,
		            extras[i].value, NULL);
}

int cli_completion(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*write)(void);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
	const char *shell = argc > 1 ? argv[1] : "";
	if (!strcmp(shell, "--help") || !strcmp(shell, "-h")) {
		cli_help("completion");
		puts("\nmake install installs all three. Without installing, for bash:\n  source "
		     "<(ganymede completion bash)");
		return CLI_OK;
	}
	for (size_t i = 0; argc == 2 && i < sizeof shells / sizeof *shells; i++)
		if (!strcmp(shells[i].name, shell)) {
			shells[i].write();
			return CLI_OK;
		}
	return cli_usage("completion takes the name of a shell: bash, zsh or fish");
}
