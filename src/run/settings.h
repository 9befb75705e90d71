/* SPDX-License-Identifier: MIT
 *
 * run/settings.h -- the options of a run: what every run has, and what its model adds, merged
 * into one table of texts. Later sources win: the defaults, a recipe, a --config file, the
 * command line.
 */
#ifndef GM_RUN_SETTINGS_H
#define GM_RUN_SETTINGS_H

#include "base/arena.h"
#include "ganymede/data.h"
#include "ganymede/train.h"
#include "run/settings.h"

enum gm_setting_flags {
	/* may differ when a run is resumed: length, names, how often things are written */
	GM_FREE = 1,
	GM_PLACE = 2 /* of this call, not of the run: outdir, name */
};

typedef struct gm_setting {
	const char *name, *help, *initial; /* initial: the default */
	gm_option_type type;
	const char *value;
	const char
		*automatic; /* what the value "auto" means, once the model has said so; or NULL */
	unsigned flags;
	bool given; /* by a recipe, a file or the command line */
} gm_setting;

struct gm_settings {
	const gm_model *model;
	gm_setting *row; /* the model's first, then the common ones */
	int count, own;  /* own: of those, the model's */
	gm_arena *arena; /* owns rows and texts */
	/* options of a record that this version does not know: kept, and written again */
	const char **unknown; /* names and values in turn */
	int unknowns;
};

/* Common rows: i = 0, 1, ... until name NULL. */
gm_setting gm_settings_common(int i);

void gm_settings_init(gm_settings *s, const gm_model *m); /* all defaults */
void gm_settings_free(gm_settings *s);
/* NULL when there is none. `_` = `-`. */
gm_setting *gm_settings_find(const gm_settings *s, const char *name);

/* The rows that are in a run's record, as a JSON object of texts; the caller frees it. And back:
 * things other than texts are GM_ERR_FORMAT, unknown names are kept. version: of the record (run/history.h). */
char *gm_settings_json(const gm_settings *s, bool pretty);
bool gm_settings_from_json(gm_settings *s, int version, const char *json, gm_error *err);
/* Keeps an option that this version does not know. */
void gm_settings_keep(gm_settings *s, const char *name, const char *value);
/* The names of options that this version does not know, with commas between, into text[room]; empty where there are none. */
void gm_settings_unknown(const gm_settings *s, char *text, size_t room);

/* In such a file # starts a comment. "model" names the model: read it first with gm_recipe_model. Keys that start with
 * "published", and "reproduce", are for the verb reproduce, and are passed over. */
/* The value of one key of the file, the last where there are several, into text[room]; empty where
 * there is none. */
bool gm_recipe_text(const char *path, const char *key, char *text, size_t room, gm_error *err);
/* The model that the file names, into model[room]; empty when it names none. */
bool gm_recipe_model(const char *path, char *model, size_t room, gm_error *err);

/* Fills *o from the rows that are options of a data set (gm_data_option); without flips and crops unless
 * `augment`. Texts in *o are those of s. */
bool gm_settings_data(const gm_settings *s, bool augment, gm_data_options *o, gm_error *err);

/* Whether every value is of its row's type; else GM_ERR_VALUE, which names the option. */
bool gm_settings_check(const gm_settings *s, gm_error *err);
/* Values of checked rows; of an unknown name, 0. "auto" is read as what it means, 0 where nobody has said that. */
int64_t gm_settings_int(const gm_settings *s, const char *name);
double gm_settings_real(const gm_settings *s, const char *name);
uint64_t gm_settings_u64(const gm_settings *s, const char *name);
bool gm_settings_flag(const gm_settings *s, const char *name);
int gm_settings_choice(const gm_settings *s, const char *name); /* the place in the type's list */
/* "1..4096", "adam|sgd|rmsprop", "yes|no", or "" for any text. */
const char *gm_setting_range(const gm_setting *row, char *text, size_t room);

/* "8x8": columns by rows. */
bool gm_parse_grid(const char *text, int *columns, int *rows, gm_error *err);
/* "loss_g:min": the name into name[room], and whether the largest value is the best. */
bool gm_parse_best(const char *text, char *name, size_t room, bool *most, gm_error *err);

#endif
