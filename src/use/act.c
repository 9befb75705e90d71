/* SPDX-License-Identifier: MIT
 *
 * use/act.c -- a run as a policy in its environment.
 */
#include "ganymede/saved.h"

#include <string.h>

static bool logits(void *context, const float *state, int64_t n, float *out, gm_error *err)
{
	return gm_saved_apply(context, GM_ENDPOINT_ACT, (const void *[]){state}, n, 0, out, err);
}

bool gm_saved_policy(gm_saved *s, const gm_env **env, gm_policy *p, gm_error *err)
{
	if (!gm_saved_must(s, GM_ENDPOINT_ACT, err))
		return false;
	*env = gm_env_find(gm_saved_option(s, "data"));
	if (!*env || gm_saved_facts(s)->numel != (*env)->numbers ||
	    gm_saved_shape(s, GM_ENDPOINT_ACT).dim[1] != (*env)->actions)
		return gm_fail(err, GM_ERR_STATE, "%s: its data, %.60s, is no environment (%s)",
		               gm_saved_path(s), gm_saved_option(s, "data"), gm_env_names());
	*p = (gm_policy){logits, s, gm_saved_batch(s), true};
	return true;
}
