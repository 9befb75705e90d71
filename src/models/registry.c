/* SPDX-License-Identifier: MIT
 *
 * models/registry.c -- the models that there are.
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

const gm_model *gm_model_find(const char *name)
{
	for (int i = 0; gm_models[i]; i++)
		if (!strcmp(gm_models[i]->name, name))
			return gm_models[i];
	return NULL;
}
