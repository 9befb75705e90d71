/* SPDX-License-Identifier: MIT
 *
 * run/load.c -- loads a net from a file of tensors, by name; and state of a model in checkpoints
 * (gm_keep).
 */
#include "run/run.h"

#include <stdlib.h>
#include <string.h>

bool gm_tensor_has_shape(const gm_st_tensor *t, gm_shape s)
{
	bool same = t->rank == s.rank;
	for (int i = 0; same && i < s.rank; i++)
		same = t->dims[i] == s.dim[i];
	return same;
}

bool gm_tensor_copy(const gm_st_tensor *t, gm_node *to)
{
	int64_t n = gm_node_size(to);
	if ((uintptr_t)t->data % sizeof(float) == 0)
		return gm_set_f32(to, t->data, n);
	float *v = malloc(n * sizeof *v); /* tensors of other programs may not be aligned */
	if (v)
		memcpy(v, t->data, n * sizeof *v);
	bool ok = v && gm_set_f32(to, v, n);
	free(v);
	return ok;
}

bool gm_net_load(gm_run *r, gm_net *n, const char *file, const char *prefix, gm_load_report *rep)
{
	gm_load_report got = {0};
	bool ok = true;
	if (!r->building && !r->from && gm_run_ok(r)) {
		gm_st *st = gm_st_open(file, &r->err);
		size_t skip = strlen(gm_net_name(n)) + 1;
		char name[512];
		ok = st != NULL;
		for (int i = 0; st && i < gm_net_count(n); i++) {
			gm_net_entry e = gm_net_at(n, i);
			if (e.role == GM_MOMENT || e.role == GM_AVERAGE)
				continue;
			snprintf(name, sizeof name, "%s%s", prefix ? prefix : "", e.name + skip);
			const gm_st_tensor *t = gm_st_find(st, name);
			if (!t)
				got.absent++;
			else if (t->type != GM_ST_F32 ||
			         !gm_tensor_has_shape(t, gm_node_shape(e.node)))
				got.reshaped++;
			else if (gm_tensor_copy(t, e.node))
				got.loaded++;
		}
		gm_st_close(st);
	}
	if (rep)
		*rep = got;
	return ok;
}

void gm_keep(gm_run *r, const char *name, void *bytes, size_t size)
{
	gm_run_kept *k = gm_arena_alloc(r->arena, sizeof *k);
	*k = (gm_run_kept){gm_name(r, "keep/%s", name), bytes, (int64_t)size, r->kept};
	r->kept = k;
	/* Of a run inside another one nothing is trained, and its bytes are not saved. */
	if (!r->from || r->borrows)
		return;
	const gm_st_tensor *t = gm_st_find(r->from, k->name);
	if (t && t->type == GM_ST_U8 && t->rank == 1 && t->dims[0] == k->size)
		memcpy(bytes, t->data, size);
	else
		gm_run_fail(r, GM_ERR_FORMAT, "%s: %s is missing, or has another size",
		            r->from_path, k->name);
}
