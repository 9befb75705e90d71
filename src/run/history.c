/* SPDX-License-Identifier: MIT
 *
 * run/history.c -- see history.h.
 */
#include "run/history.h"

#include <stddef.h>
#include <string.h>

/* For records up to version `last`; model NULL: all models. value NULL: any value, not changed. */
static const struct {
	int last;
	const char *model, *name, *value, *name_now, *value_now;
} options[] = {
	{1, NULL, "backend", "onednn", "backend", "cpu"},
	{2, "vae", "binarise", "stochastic", "binarise", "auto"},
	{2, "pixelcnn", "binarise", "stochastic", "binarise", "auto"},
	{0},
};

static const struct {
	int last;
	const char *model, *name, *name_now;
} tensors[] = {
	{0},
};

static const struct {
	int last;
	const char *model, *name; /* of a variable; or "*" and the end of the name */
	double value;
} added[] = {
	{1, "infogan", "D/half/bias"},
	{1, "infogan", "G/picture/bias"},
	/* Averages had their whole decay from the first update on. */
	{3, NULL, "*.averaged", 1e9},
	{0},
};

static bool of(const char *row, const char *model)
{
	return !row || (model && !strcmp(row, model));
}

void gm_history_option(int version, const char *model, const char **name, const char **value)
{
	for (int i = 0; options[i].last; i++)
		if (version <= options[i].last && of(options[i].model, model) &&
		    !strcmp(options[i].name, *name) &&
		    (!options[i].value || !strcmp(options[i].value, *value))) {
			*name = options[i].name_now;
			*value = options[i].value_now ? options[i].value_now : *value;
		}
}

const char *gm_history_tensor(int version, const char *model, const char *name)
{
	for (int i = 0; tensors[i].last; i++)
		if (version <= tensors[i].last && of(tensors[i].model, model) &&
		    !strcmp(tensors[i].name_now, name))
			return tensors[i].name;
	return name;
}

/* True if name is the variable, its optimiser state or its moving average (VARIABLE.adam.m), or
 * ends as the row says. */
static bool is_of(const char *name, const char *variable)
{
	size_t n = strlen(variable), all = strlen(name);
	if (*variable == '*')
		return all >= n && !strcmp(name + all - (n - 1), variable + 1);
	return !strncmp(name, variable, n) && (!name[n] || name[n] == '.');
}

bool gm_history_lacks(int version, const char *model, const char *name, double *value)
{
	for (int i = 0; added[i].last; i++)
		if (version <= added[i].last && of(added[i].model, model) &&
		    is_of(name, added[i].name)) {
			*value = added[i].value;
			return true;
		}
	return false;
}
