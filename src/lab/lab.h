/* SPDX-License-Identifier: MIT
 *
 * lab/lab.h -- experiments with a known closed-form result. Each measures and compares values, and
 * writes numbers.json and figures (PNG, SVG) to a folder.
 *
 *	gm_lab *l = gm_lab_open(gm_experiment_find("xy"), stdout);
 *	gm_lab_set(l, "eta", "0.2", &err);
 *	bool held = gm_lab_run(l, "lab/xy", &err);        // false with err clear: a check failed
 *	gm_lab_close(l);
 */
#ifndef GM_LAB_LAB_H
#define GM_LAB_LAB_H

#include <jansson.h>
#include <signal.h>
#include <stdio.h>

#include "plot/figure.h"
#include "ganymede/model.h"

typedef struct gm_lab gm_lab;

typedef struct gm_experiment {
	const char *name, *about;
	const gm_option *options; /* ends with name NULL */
	bool (*run)(gm_lab *l);   /* false: an error, in l->err */
} gm_experiment;

extern const gm_experiment *const gm_experiments[];        /* ends with NULL */
const gm_experiment *gm_experiment_find(const char *name); /* NULL if there is none */

struct gm_lab {
	const gm_experiment *what;
	const char *value[32]; /* values of the options, owned copies */
	FILE *out;             /* output of tables */
	const char *folder;
	json_t *numbers, *checks;
	int checked, failed;
	gm_error err;
	/* if *stop is not 0 the experiment ends early; or NULL */
	const volatile sig_atomic_t *stop;
};

gm_lab *gm_lab_open(const gm_experiment *e, FILE *out);
void gm_lab_close(gm_lab *l);
/* GM_ERR_VALUE for a value that the type of the row does not allow, and for an unknown name, with a
 * suggestion. */
bool gm_lab_set(gm_lab *l, const char *name, const char *value, gm_error *err);
/* True if the experiment ran and all checks passed. */
bool gm_lab_run(gm_lab *l, const char *folder, gm_error *err);

/* ---- for the experiments --------------------------------------------------------------------- */

/* An option's value, which was checked against the type of its row. */
double gm_lab_real(gm_lab *l, const char *name);
int64_t gm_lab_int(gm_lab *l, const char *name);
bool gm_lab_flag(gm_lab *l, const char *name);
const char *gm_lab_text(gm_lab *l, const char *name);

/* Checks |measured - theory| <= tolerance, a row of the table named `what`. */
void gm_lab_check(gm_lab *l, const char *what, double measured, double theory, double tolerance);
/* Checks that measured is in [lo, hi]. */
void gm_lab_within(gm_lab *l, const char *what, double measured, double lo, double hi);
/* Stores value under name in numbers.json; takes ownership of the reference. */
void gm_lab_keep(gm_lab *l, const char *name, json_t *value);
json_t *gm_lab_numbers(const double *v, int n);
/* FOLDER/name.png and .svg; frees f. */
bool gm_lab_picture(gm_lab *l, const char *name, gm_figure *f);
/* Copies a graph's error, if there is one; true if there is no error. */
bool gm_lab_ok(gm_lab *l, const gm_graph *g);

#endif
