/* SPDX-License-Identifier: MIT
 *
 * nn/progan.c -- nets that grow. src/models/progan.c says where they differ from the paper.
 */
#include "nn/net.h"

#include <math.h>

static const double slope = .2;

static int64_t maps(const gm_progan *p, int s)
{
	const int64_t n = p->base >> s;
	return n < 1 ? 1 : n < p->width ? n : p->width;
}

static const char *named(const gm_progan *p, gm_net *n, int s, const char *layer)
{
	return gm_net_key(n, "%d/%s", (int)p->small_height << s, layer);
}

static gm_node *conv(gm_net *n, const char *name, gm_node *x, int64_t out)
{
	return gm_leaky_relu(gm_conv(n, name, x, .out = out, .kernel = 3, .pad = 1), slope);
}

/* For a layer of gain 1 instead of sqrt(2). */
static gm_node *lower(gm_node *x)
{
	return gm_mul_c(x, sqrt(.5));
}

static gm_node *halved(gm_node *x)
{
	return gm_avg_pool(x, (gm_pool_options){.kernel = {2, 2}});
}

/* (1 - a) now + a old */
static gm_node *blend(const gm_progan *p, int s, gm_node *now, gm_node *old)
{
	gm_node *a = gm_clamp(gm_add_c(gm_neg(p->place), s), 0, 1);
	return gm_add(gm_mul(now, gm_add_c(gm_neg(a), 1)), gm_mul(old, a));
}

/* Whether layer rgb of stage s can have an effect. */
static bool shows(const gm_progan *p, int s)
{
	return p->all || s >= p->stage - 1;
}

static gm_node *to_rgb(const gm_progan *p, gm_net *G, int s, gm_node *x)
{
	return gm_conv(G, named(p, G, s, "rgb"), lower(x), .out = p->channels, .kernel = 1);
}

gm_node *gm_progan_up(const gm_progan *p, gm_net *G, gm_node *z)
{
	const gm_shape small = GM_SHAPE(-1, maps(p, 1), p->small_height, p->small_width);
	/* the gain of the dense layer is sqrt(2) / 4 */
	z = gm_mul_c(gm_norm(G, "z/norm", z), .25);
	gm_node *x = gm_linear(G, "dense", z, .out = maps(p, 1) * p->small_height * p->small_width);
	x = gm_norm(G, "dense/norm", gm_leaky_relu(gm_reshape(x, small), slope));
	gm_node *rgb = NULL;
	for (int s = 0; s <= p->stage; s++) {
		if (s > 0) {
			x = conv(G, named(p, G, s, "a"), gm_upsample_nearest(x, 2), maps(p, s + 1));
			x = gm_norm(G, named(p, G, s, "a/norm"), x);
		}
		x = conv(G, named(p, G, s, "b"), x, maps(p, s + 1));
		x = gm_norm(G, named(p, G, s, "b/norm"), x);
		if (shows(p, s))
			rgb = rgb ? blend(p, s, to_rgb(p, G, s, x), gm_upsample_nearest(rgb, 2))
			          : to_rgb(p, G, s, x);
	}
	return rgb;
}

static gm_node *from_rgb(const gm_progan *p, gm_net *D, int s, gm_node *x)
{
	x = gm_conv(D, named(p, D, s, "rgb"), x, .out = maps(p, s + 1), .kernel = 1);
	return gm_leaky_relu(x, slope);
}

gm_node *gm_progan_score(const gm_progan *p, gm_net *D, gm_node *x)
{
	gm_node *h = from_rgb(p, D, p->stage, x);
	for (int s = p->stage; s > 0; s--) {
		h = conv(D, named(p, D, s, "b"), h, maps(p, s + 1));
		h = halved(conv(D, named(p, D, s, "a"), h, maps(p, s)));
		x = halved(x);
		if (shows(p, s - 1))
			h = blend(p, s, h, from_rgb(p, D, s - 1, x));
	}
	h = p->group > 0 ? gm_minibatch_stddev(h, p->group) : h;
	h = conv(D, named(p, D, 0, "b"), h, maps(p, 1));
	h = gm_leaky_relu(gm_linear(D, "dense", h, .out = maps(p, 0)), slope);
	return gm_linear(D, "score", lower(gm_features(D, h)), .out = 1);
}

gm_node *gm_progan_real(const gm_progan *p, gm_node *x)
{
	while (gm_node_shape(x).rank == 4 && gm_node_shape(x).dim[2] > p->small_height << p->stage)
		x = halved(x);
	return p->stage > 0 ? blend(p, p->stage, x, gm_upsample_nearest(halved(x), 2)) : x;
}
