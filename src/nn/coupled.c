/* SPDX-License-Identifier: MIT
 *
 * nn/coupled.c -- nets of two domains that share their inner layers (gm_coupled).
 */
#include "nn/net.h"

#include <stdio.h>

enum { NAME = 32 };

gm_node *gm_both(gm_node *a, gm_node *b)
{
	return !a ? b : !b ? a : GM_CONCAT(0, a, b);
}

gm_node *gm_half(gm_node *x, int i)
{
	const int64_t m = gm_node_shape(x).dim[0] / 2;
	return gm_narrow(x, 0, i * m, m > 0 ? m : 1);
}

/* The name of a layer of one domain, or of both. */
static const char *of(const gm_coupled *p, const char *name, int domain, bool shared,
                      char text[NAME])
{
	if (shared && p->share)
		return name;
	snprintf(text, NAME, "%s/%s", domain ? "b" : "a", name);
	return text;
}

static gm_node *layer(const gm_coupled *p, const char *name, gm_node *x, gm_block_args a)
{
	a.act = a.plain ? GM_LINEAR : GM_LEAKY, a.slope = .01;
	return gm_block_(p->G, name, x, a);
}

/* A layer on images of domain 0, of 1, or (2) of both, which are the halves of x. */
static gm_node *inner(const gm_coupled *p, const char *name, gm_node *x, int domain,
                      gm_block_args a)
{
	char text[NAME];
	if (domain < 2 || p->share)
		return layer(p, of(p, name, domain, true, text), x, a);
	gm_node *first = layer(p, of(p, name, 0, true, text), gm_half(x, 0), a);
	return gm_both(first, layer(p, of(p, name, 1, true, text), gm_half(x, 1), a));
}

gm_node *gm_coupled_encode(const gm_coupled *p, gm_node *a, gm_node *b, gm_node **sigma)
{
	gm_block_args five = {.out = p->width, .kernel = 5, .stride = 2, .pad = 2};
	const gm_block_args last = {.out = 8 * p->width, .kernel = 1, .plain = true};
	const int domain = a && b ? 2 : b != NULL;
	a = a ? layer(p, "a/in", gm_with_coordinates(a), five) : NULL;
	b = b ? layer(p, "b/in", gm_with_coordinates(b), five) : NULL;
	five.out *= 2;
	gm_node *h = inner(p, "e1", gm_both(a, b), domain, five);
	h = inner(p, "e2", h, domain,
	          (gm_block_args){.out = 4 * p->width, .kernel = (int)p->side / 4});
	h = inner(p, "e3", h, domain, (gm_block_args){.out = 8 * p->width, .kernel = 1});
	gm_node *mean = inner(p, "mean", h, domain, last);
	gm_node *deviation = gm_softplus(inner(p, "sigma", h, domain, last));
	if (sigma)
		*sigma = deviation;
	return mean;
}

gm_node *gm_coupled_decode(const gm_coupled *p, gm_node *z, int domain)
{
	char text[NAME];
	z = inner(p, "d1", z, domain,
	          (gm_block_args){.out = 8 * p->width, .kernel = (int)p->side / 8, .up = true});
	z = inner(p, "d2", z, domain, (gm_block_args){.out = 4 * p->width, GM_BY_TWO, .up = true});
	z = inner(p, "d3", z, domain, (gm_block_args){.out = 2 * p->width, GM_BY_TWO, .up = true});
	z = layer(p, of(p, "out", domain, false, text), z,
	          (gm_block_args){.out = p->width, GM_BY_TWO, .up = true});
	return gm_tanh(gm_conv(p->G, of(p, "image", domain, false, text), z, .out = p->channels,
	                       .kernel = 1));
}

/* The largest of 2x2 values of relu(convolution), with dropout before it. */
static gm_node *maxima(const gm_coupled *p, const char *name, gm_node *x, int k, double keep)
{
	x = keep < 1 ? gm_dropout(x, .keep = keep) : x;
	x = gm_conv(p->D, name, x, .out = p->width_d << k, .kernel = 5, .pad = 2,
	            .bias = GM_CONSTANT(.1));
	return gm_max_pool(gm_relu(x), (gm_pool_options){.kernel = {2, 2}});
}

gm_node *gm_coupled_features(const gm_coupled *p, gm_node *a, gm_node *b, bool drop)
{
	static const char *const name[] = {"c0", "c1", "c2", "c3"};
	static const double keep[] = {1, .9, .7, .5, .5};
	gm_node *x[2] = {a, b}, *h = NULL;
	char text[NAME];
	for (int i = 0; i < 2; i++)
		for (int k = 0; x[i] && k < (p->share ? 1 : 4); k++)
			x[i] = maxima(p, of(p, name[k], i, false, text), x[i], k,
			              drop ? keep[k] : 1);
	h = gm_both(x[0], x[1]);
	for (int k = 1; k < 4 && p->share; k++)
		h = maxima(p, name[k], h, k, drop ? keep[k] : 1);
	return drop ? gm_dropout(h, .keep = keep[4]) : h;
}
