/* SPDX-License-Identifier: MIT
 *
 * nn/pyramid.c -- image pyramids.
 */
#include "nn/net.h"

#include <math.h>

enum { TAPS = 5, REACH = TAPS / 2 };

/* Of each channel by itself. */
static gm_node *blurred(gm_node *x)
{
	const int64_t channels = gm_node_shape(x).dim[1];
	double weight[TAPS * TAPS], sum = 0;
	for (int i = 0; i < TAPS * TAPS; i++) {
		const int u = i / TAPS - REACH, v = i % TAPS - REACH;
		sum += weight[i] = exp(-(u * u + v * v) / 2.);
	}
	for (int i = 0; i < TAPS * TAPS; i++)
		weight[i] /= sum;
	gm_node *w =
		gm_array(gm_node_graph(x), weight, GM_SHAPE(1, 1, TAPS, TAPS), gm_node_dtype(x));
	w = gm_broadcast(w, GM_SHAPE(channels, 1, TAPS, TAPS));
	return gm_conv2d(gm_pad_reflect(x, REACH, REACH, REACH, REACH), w,
	                 (gm_conv_options){.groups = channels});
}

void gm_laplacian(gm_node *x, int levels, gm_node **level)
{
	for (int j = 0; j < levels; j++) {
		gm_node *low = blurred(x);
		level[j] = gm_sub(x, low);
		x = gm_avg_pool(low, (gm_pool_options){.kernel = {2, 2}});
	}
	level[levels] = x;
}

void gm_pyramid(gm_node *x, int levels, gm_node **image)
{
	for (int k = levels; k >= 0; k--) {
		image[k] = x;
		x = k > 0 ? gm_avg_pool(x, (gm_pool_options){.kernel = {2, 2}}) : x;
	}
}

gm_node *gm_pyramid_up(gm_node *x)
{
	return gm_upsample_bilinear(x, 2);
}
