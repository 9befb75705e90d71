/* SPDX-License-Identifier: MIT
 *
 * run/finite.c -- values that are not finite, and the learning rate after rollbacks.
 */
#include "run/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The first tensor, over all nets in order, that has a value that is not finite. */
static bool first_broken(gm_run *r, gm_net **net, const char **tensor)
{
	for (int i = 0; i < r->nets; i++)
		for (int j = 0; j < gm_net_count(r->net[i]); j++) {
			gm_net_entry e = gm_net_at(r->net[i], j);
			int64_t n = gm_node_size(e.node), k = 0;
			float *v = malloc(n * sizeof *v);
			if (v && gm_get_f32(e.node, v, n))
				while (k < n && isfinite(v[k]))
					k++;
			free(v);
			if (v && k < n) {
				*net = r->net[i], *tensor = e.name;
				return true;
			}
		}
	return false;
}

void gm_run_nonfinite(gm_run *r, const char *what, double value)
{
	gm_net *net;
	const char *tensor;
	char where[200] = "all tensors are still finite";
	if (r->err.code)
		return;
	if (first_broken(r, &net, &tensor))
		snprintf(where, sizeof where, "first in net %s, tensor %.150s", gm_net_name(net),
		         tensor);
	r->guard.nonfinite = true;
	gm_run_fail(
		r, GM_ERR_STATE, "%s became %s at step %lld (%s): the training diverged; %s", what,
		isnan(value) ? "not a number" : "infinite",
		(long long)r->step + (r->counted && !r->finishing), where,
		strcmp(gm_settings_get(r->settings, "on-nan"), "rollback")
			? "try a lower learning rate, or --on-nan rollback"
			: "try a lower learning rate, or save more often (--save-every), so that a "
			  "rollback does not return to a state that is about to diverge");
}

double gm_run_rate_factor(const gm_run *r)
{
	return r->rollbacks
	               ? pow(gm_settings_real(r->settings, "rollback-lr"), (double)r->rollbacks)
	               : 1;
}
