/* SPDX-License-Identifier: MIT
 *
 * nn/pool.c -- a pool of past examples, as variables of a net: Shrivastava et al. 2017, section
 * 2.3, arXiv:1612.07828, as Zhu et al. 2017 use it.
 */
#include "nn/net.h"

gm_node *gm_pool(gm_net *n, const char *name, gm_node *x, int64_t size)
{
	gm_graph *g = n->graph;
	gm_shape s = gm_node_shape(x);
	int64_t m = s.rank > 0 ? s.dim[0] : 1, each = gm_node_size(x) / (m > 0 ? m : 1);
	if (size < 1)
		return x;
	if (m > size || gm_graph_ranks(g) > 1)
		return gm_net_misuse(
			n,
			gm_net_key(
				n,
				"%s, a pool that is smaller than a batch, or of several processes",
				name));
	gm_node *pool = gm_net_var(n, gm_net_key(n, "%s/examples", name), GM_SHAPE(size, each),
	                           .role = GM_STAT);
	gm_node *count = gm_net_var(n, gm_net_key(n, "%s/count", name), GM_RANK0, .role = GM_STAT);
	gm_net_enter(n, name);
	gm_node *flat = gm_stop_gradient(gm_reshape(x, GM_SHAPE(m, each))), *one = gm_scalar(g, 1);
	gm_node *row = gm_cast(gm_iota(g, m), GM_F32), *most = gm_scalar(g, (double)size);
	/* Until it is full, a batch fills the next slots; then random distinct slots, each with
	 * probability 1/2. */
	gm_node *full = gm_sub(one, gm_less(count, most));
	gm_node *next = gm_add(row, count),
		*round = gm_mul(gm_floor(gm_mul_c(gm_add_c(next, .5), 1. / (double)size)), most);
	gm_node *any = gm_cast(gm_narrow(gm_permutation(g, size), 0, 0, m), GM_F32);
	gm_node *place = gm_cast(gm_add_c(gm_select(full, any, gm_sub(next, round)), .5), GM_I32);
	gm_node *coin = gm_bernoulli(g, .5, GM_SHAPE(m, 1));
	gm_node *old = gm_mul(full, coin), *written = gm_max(coin, gm_sub(one, full));
	gm_node *where = gm_mul(gm_one_hot(place, size), written); /* [m,size] */
	gm_node *kept =
		gm_sub(one, gm_reshape(gm_sum(where, GM_AXES(0), false), GM_SHAPE(size, 1)));
	gm_node *after[2] = {
		gm_assign(pool, gm_add(gm_mul(pool, kept), gm_matmul(where, flat, true, false))),
		gm_assign(count, gm_min(gm_add_c(count, (double)m), most))};
	gm_node *y = gm_select(old, gm_gather(pool, place), flat);
	y = gm_after(gm_reshape(y, s), gm_group(g, after, 2));
	gm_net_leave(n);
	return y;
}
