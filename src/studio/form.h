/* SPDX-License-Identifier: MIT
 *
 * studio/form.h -- the form of a new run: the options of all models as JSON, and the check of what
 * was filled in.
 */
#ifndef GM_STUDIO_FORM_H
#define GM_STUDIO_FORM_H

#include <jansson.h>

#include "run/settings.h"

enum { GM_FORM_OPTIONS = 128, GM_FORM_TEXT = 256, GM_FORM_ROOTS = 16 };

/* The folders in which a run may read files. */
typedef struct gm_places {
	char root[GM_FORM_ROOTS][4096]; /* absolute, without links */
	int roots;
	char outdir[4096];
} gm_places;

/* GM_ERR_IO if there is no such folder. */
bool gm_places_add(gm_places *p, const char *folder, gm_error *err);
/* Whether the value of an option that names a file may be used: names of data sets and runs, and
 * files in the places. */
bool gm_places_allow(const gm_places *p, const char *value, gm_error *err);
/* Checks all options that name files; field[64] is the first one that fails. */
bool gm_places_allow_all(const gm_places *p, const gm_settings *s, char field[64], gm_error *err);

/* {models: [..], groups: [..], recipes: [..]} */
json_t *gm_form_models(void);
/* {sets: [{name, about, fetched}]} */
json_t *gm_form_data(void);

typedef struct gm_form {
	gm_settings settings;
	char recipe[4096];                  /* its file, or "" */
	const char *given[GM_FORM_OPTIONS]; /* names of the options in the request */
	int count;
	json_t *problems; /* [{field, message}] */
} gm_form;

/* Reads {model, recipe, options} and checks every option; the form may have problems. False with
 * GM_ERR_VALUE if there is no such model or recipe. gm_form_free releases it in any case. */
bool gm_form_read(gm_form *f, const gm_places *p, const json_t *body, gm_error *err);
void gm_form_free(gm_form *f);

/* The command line, from malloc and ending with NULL: PROGRAM train MODEL --name=value .. and, if
 * `more` is not NULL, that. */
char **gm_form_argv(const gm_form *f, const char *program, const char *more);
/* The same as text for a shell; the caller frees it. */
char *gm_form_command(const gm_form *f);
/* Text for a shell, quoted if needed, appended to f. */
void gm_form_quote(FILE *f, const char *text);

/* " --name value", appended to f for a shell. */
void gm_form_option(FILE *f, const char *name, const char *value);

#endif
