/* SPDX-License-Identifier: MIT
 *
 * find.c -- backends by name.
 */
#include <string.h>

#include "backends/backends.h"

const gm_backend *gm_backend_find(const char *name)
{
	static const gm_backend *const all[] = {&gm_backend_cpu, &gm_backend_ref};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}
