/* SPDX-License-Identifier: MIT
 *
 * cli/ledger.h -- the results of `ganymede reproduce`: reproductions/NAME.json, and the page of
 * them. */
#ifndef GM_CLI_LEDGER_H
#define GM_CLI_LEDGER_H

#include <jansson.h>

#include "ganymede/base.h"

/* Adds commit, machine, version and date. */
void ledger_place(json_t *result);
/* Prints the paper's result and ours. */
void ledger_say(const json_t *result, const char *path);
/* The recipes in a folder that have a line `reproduce`, sorted. Returns their number, or -1. The
 * caller frees the names and the list. */
int ledger_names(const char *recipes, char ***names, gm_error *err);
/* The stored result of a recipe, which the caller frees, or NULL. */
json_t *ledger_result(const char *results, const char *name);
bool ledger_list(const char *recipes, const char *results, gm_error *err);
/* Writes the page, a function of the files only. */
bool ledger_page(const char *recipes, const char *results, const char *page, gm_error *err);

#endif
