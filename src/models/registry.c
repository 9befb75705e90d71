/* SPDX-License-Identifier: MIT
 *
 * models/registry.c -- the table of models.
 */
#include "ganymede/model.h"

#include <stddef.h>
#include <string.h>

#define GM_MODEL(name) extern const gm_model gm_model_##name;
#include "models/models.def"
#undef GM_MODEL

const gm_model *const gm_models[] = {
#define GM_MODEL(name) &gm_model_##name,
#include "models/models.def"
#undef GM_MODEL
	NULL,
};

enum { OUTSIDE = 64 };
static const gm_model *outside[OUTSIDE];

bool gm_model_register(const gm_model *m, gm_error *err)
{
	if (gm_model_find(m->name))
		return gm_fail(err, GM_ERR_VALUE, "there is a model called %.60s already", m->name);
	for (int i = 0; i < OUTSIDE; i++)
		if (!outside[i]) {
			outside[i] = m;
			return true;
		}
	return gm_fail(err, GM_ERR_STATE, "no room for the model %.60s: %d are registered", m->name,
	               OUTSIDE);
}

const gm_model *gm_model_find(const char *name)
{
	for (int i = 0; gm_models[i]; i++)
		if (!strcmp(gm_models[i]->name, name))
			return gm_models[i];
	for (int i = 0; i < OUTSIDE && outside[i]; i++)
		if (!strcmp(outside[i]->name, name))
			return outside[i];
	return NULL;
}
