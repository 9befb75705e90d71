/* SPDX-License-Identifier: MIT
 *
 * run/settings.h -- the options of a run: common ones and those of its model, in one table of
 * texts. Later sources override earlier ones: the defaults, a recipe, a --config file, the command
 * line.
 */
#ifndef GM_RUN_SETTINGS_H
#define GM_RUN_SETTINGS_H

#include "base/arena.h"
#include "ganymede/data.h"
#include "ganymede/train.h"
#include "run/settings.h"

enum gm_setting_flags {
	/* may be changed when a run is resumed: length, names, intervals */
	GM_FREE = 1,
	GM_PLACE = 2 /* belongs to this call, not to the run: outdir, name */
};

typedef struct gm_setting {
	const char *name, *help, *initial; /* initial: the default */
	gm_option_type type;
	const char *value;
	const char *automatic; /* value of "auto", once the model has set it; or NULL */
	const char *only;      /* of gm_option */
	unsigned flags;
	bool given; /* set by a recipe, a file or the command line */
} gm_setting;

struct gm_settings {
	const gm_model *model;
	gm_setting *row; /* the model's first, then the common ones */
	int count, own;  /* own: number of the model's options */
	gm_arena *arena; /* owns rows and texts */
	/* options of a record unknown to this version: kept, and written to new records */
	const char **unknown; /* names and values in turn */
	int unknowns;
};

/* Common rows: i = 0, 1, ... until name NULL. */
gm_setting gm_settings_common(int i);

void gm_settings_init(gm_settings *s, const gm_model *m); /* all defaults */
void gm_settings_free(gm_settings *s);
/* NULL if there is none. `_` equals `-`. */
gm_setting *gm_settings_find(const gm_settings *s, const char *name);

/* The recorded rows as a JSON object of texts; the caller frees it. The inverse: values that are
 * not texts are GM_ERR_FORMAT, unknown names are kept. version: of the record (run/history.h). */
char *gm_settings_json(const gm_settings *s, bool pretty);
bool gm_settings_from_json(gm_settings *s, int version, const char *json, gm_error *err);
/* Stores an option that this version does not know. */
void gm_settings_keep(gm_settings *s, const char *name, const char *value);
/* Writes the names of unknown options to text[room], separated by commas; empty if there are
 * none. */
void gm_settings_unknown(const gm_settings *s, char *text, size_t room);

/* In such a file # starts a comment. "model" is the model: read it first with gm_recipe_model. Keys
 * "published...", "reproduce" and "needs" are for `ganymede reproduce` and are ignored here. */
/* Writes the value of a key of the file (the last one, if repeated) to text[room]; empty if there
 * is none. */
bool gm_recipe_text(const char *path, const char *key, char *text, size_t room, gm_error *err);
/* Writes the model named in the file to model[room]; empty if there is none. */
bool gm_recipe_model(const char *path, char *model, size_t room, gm_error *err);

/* Fills *o from the rows that are options of a data set (gm_data_option); flips and crops only if
 * `augment`. Texts in *o are owned by s. */
bool gm_settings_data(const gm_settings *s, bool augment, gm_data_options *o, gm_error *err);

/* Checks the type of every value; GM_ERR_VALUE names the option. */
bool gm_settings_check(const gm_settings *s, gm_error *err);
/* Checks one row: its value against its type. */
bool gm_setting_check(const gm_setting *row, gm_error *err);
/* GM_ERR_VALUE if an option is given that has no effect with the values of the others
 * (gm_option.only), other than with its default. Values of "auto" that the model has not set yet
 * count as any value: call it again once it has. */
bool gm_settings_effects(const gm_settings *s, gm_error *err);
/* Writes when the row has an effect, as "with --net conv or dcgan", to text[room]; false, and an
 * empty text, if always. */
bool gm_setting_only(const gm_settings *s, const gm_setting *row, char *text, size_t room);
/* Values of checked rows; 0 for an unknown name. "auto" gives the value set for it, or 0 if none
 * was set. */
int64_t gm_settings_int(const gm_settings *s, const char *name);
double gm_settings_real(const gm_settings *s, const char *name);
uint64_t gm_settings_u64(const gm_settings *s, const char *name);
bool gm_settings_flag(const gm_settings *s, const char *name);
int gm_settings_choice(const gm_settings *s, const char *name); /* index in the type's list */
/* The group that a form shows an option in: "Game", "Net", "Data", "Length" or "Records". */
const char *gm_setting_group(const char *name);
/* The i-th word of a choice or a flag, written to word[64] or a constant; NULL after the last. */
const char *gm_setting_word(const gm_setting *row, int i, char word[64]);
/* "1..4096", "adam|sgd|rmsprop", "yes|no", or "" for any text. */
const char *gm_setting_range(const gm_setting *row, char *text, size_t room);

/* "8x8": columns by rows. */
bool gm_parse_grid(const char *text, int *columns, int *rows, gm_error *err);
/* Parses "loss_g:min": writes the name to name[room]; *most is true for max. */
bool gm_parse_best(const char *text, char *name, size_t room, bool *most, gm_error *err);

#endif
