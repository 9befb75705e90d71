/* SPDX-License-Identifier: MIT
 *
 * cli/cli.h -- shared functions of the commands.
 */
#ifndef GM_CLI_CLI_H
#define GM_CLI_CLI_H

#include "ganymede/base.h"

/* Exit statuses: 0, 1 for any failure, 2 for an invalid command line. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* Print one line on stderr and return the exit status; after a signal this is 128 plus its number,
 * as in shells. */
int cli_fail(const gm_error *err);
int cli_usage(const char *fmt, ...) GM_PRINTF(1, 2);

/* Iterates over options. Sets *name and *value for "--name value", "--name=value" and "-o value",
 * and returns '-'; returns '+' with *value for anything else, and 0 at the end. Names in flags
 * (ends with NULL) take no value; for names in maybe (ends with NULL) the value is "" when what
 * follows is another option or nothing. '?' is a usage error that was printed. */
typedef struct cli_args {
	int argc, at;
	char **argv;
	const char *const *flags, *const *maybe;
	char name[64];
	const char *value;
} cli_args;
int cli_next(cli_args *a);
bool cli_is(const char *name, const char *option); /* `_` = `-` */

/* Parses options by a table, and operands. A name that is not in the table is passed to `other`, if
 * that is not NULL (which returns GM_ERR_STATE for an unknown name). */
enum { CLI_OPTIONS = 32, CLI_OPERANDS = 4 };
typedef struct cli_option {
	const char *name, *value, *help; /* value: the default */
} cli_option;
typedef struct cli_values {
	const char *verb, *about; /* about: for --help, or NULL */
	const char *output;       /* a further option that names an output file, or NULL */
	bool makes_folder;        /* of option out, where there is none */
	const cli_option *option; /* ends with name NULL */
	/* further options: those of an action (use/action.h), and its struct; or NULL */
	const struct gm_action_row *row;
	void *action;
	uint64_t row_given; /* bit i: row i was given */
	bool (*other)(void *context, const char *name, const char *value, gm_error *err);
	void *context;
	const char *given[CLI_OPTIONS], *operand[CLI_OPERANDS];
} cli_values;
/* CLI_OK, or CLI_USAGE, also if an output file is an input or another output; CLI_FAILED if it
 * cannot be written. */
int cli_read(cli_args *a, cli_values *v, int operands);
const char *cli_given(const cli_values *v, const char *name); /* the given value, or NULL */
const char *cli_value(const cli_values *v, const char *name); /* the given value or the default */
bool cli_whole(const cli_values *v, const char *name, uint64_t lo, uint64_t hi, uint64_t *n,
               gm_error *err);
/* CLI_USAGE, with an error, if one of the options (names joined by |, of either table) was given;
 * when: why it would do nothing, such as "without a photo". */
int cli_useless(const cli_values *v, const char *names, const char *when);
/* Options truncation and standing of `sample` and `eval`: 0 if they are not given, standing then
 * CLI_STANDING_AUTO where there is a truncation, 0 where it is given as 0. */
enum { CLI_STANDING_AUTO = -1, CLI_STANDING = 20 };
bool cli_truncation(const cli_values *v, double *limit, int64_t *standing, gm_error *err);
/* Measures standing statistics, if wanted; CLI_STANDING_AUTO becomes CLI_STANDING, or 0 for
 * endpoints without batch norm. */
struct gm_saved;
struct gm_samples;
bool cli_stand(struct gm_saved *s, const struct gm_samples *d, int64_t *standing, gm_error *err);
/* clang-format off */
#define CLI_TRUNCATION                                                                             \
	{"truncation", "0", "truncation trick: resample normal latents above this; 0: off"},       \
	{                                                                                          \
		"standing", "auto",                                                                \
			"batch norm by the statistics of this many batches of samples; 0: by the " \
			"running ones; auto: 20 with a truncation, else 0"                         \
	}
/* clang-format on */
void cli_options_help(const cli_option *o);
void cli_action_help(const struct gm_action_row *row); /* NULL is allowed */

/* Prints a line of help for an option of a run: name, default, description, allowed values. */
struct gm_setting;
struct gm_settings;
void cli_option_line(const struct gm_setting *row);
/* Lines of rows from..to-1 of a run's options, with when each has an effect. */
void cli_setting_lines(const struct gm_settings *s, int from, int to);

/* The model called name, or NULL after a usage error with a suggestion. */
struct gm_model;
const struct gm_model *cli_model(const char *name);

typedef struct cli_verb {
	const char *name, *usage, *about;
	int (*run)(int argc, char **argv); /* argv[0] is the verb */
} cli_verb;

int cli_train(int argc, char **argv);
int cli_completion(int argc, char **argv);
int cli_runs(int argc, char **argv);
int cli_inpaint(int argc, char **argv);
int cli_reconstruct(int argc, char **argv);
int cli_act(int argc, char **argv);
int cli_predict(int argc, char **argv);
int cli_attack(int argc, char **argv);
int cli_dream(int argc, char **argv);
int cli_project(int argc, char **argv);
int cli_edit(int argc, char **argv);
int cli_morph(int argc, char **argv);
int cli_sample(int argc, char **argv);
int cli_interpolate(int argc, char **argv);
int cli_arithmetic(int argc, char **argv);
int cli_traverse(int argc, char **argv);
int cli_plane(int argc, char **argv);
int cli_models(int argc, char **argv);
int cli_translate(int argc, char **argv);
/* The same; the scores, numbers by their names, are also added to the JSON object `scores`. */
struct json_t;
int cli_translate_scored(int argc, char **argv, struct json_t *scores);
int cli_project_scored(int argc, char **argv, struct json_t *scores);
int cli_inpaint_scored(int argc, char **argv, struct json_t *scores);
int cli_data(int argc, char **argv);
int cli_lab(int argc, char **argv);
int cli_texture(int argc, char **argv);
int cli_studio(int argc, char **argv);
int cli_eval(int argc, char **argv);
int cli_reproduce(int argc, char **argv);
int cli_fid(int argc, char **argv);
int cli_bench(int argc, char **argv);

const cli_verb *cli_verbs(void); /* ends with name NULL */

/* Prints "usage: ganymede TEXT" and the description of a command. */
void cli_help(const char *verb);

struct gm_speed;
/* Measures features of 32 images by the network `name` with random weights, for limit seconds. */
bool cli_bench_network(const char *name, double limit, struct gm_speed *v, gm_error *err);

#endif
