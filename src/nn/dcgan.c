/* SPDX-License-Identifier: MIT
 *
 * nn/dcgan.c -- the convolutional nets of Radford et al. 2016, arXiv:1511.06434, figure 1 and
 * section 3, for images of any size that can be halved. Other models add conditions, penalties,
 * normalisers and heads. src/models/dcgan.c says where they differ from the paper.
 */
#include "nn/net.h"

#include <string.h>

bool gm_dcgan_fit(gm_dcgan *p)
{
	p->levels = 0, p->small_height = p->height, p->small_width = p->width;
	while (p->small_height % 2 == 0 && p->small_width % 2 == 0 && p->small_height >= 8 &&
	       p->small_width >= 8)
		p->small_height /= 2, p->small_width /= 2, p->levels++;
	bool fits = p->levels > 0;
	if (!fits)
		p->levels = 1; /* so that building can continue after the error */
	return fits;
}

static gm_conv_args args(const gm_dcgan *p, const gm_net *n, int64_t out)
{
	bool odd = p->kernel % 2;
	return (gm_conv_args){.out = out,
	                      .kernel = p->kernel,
	                      .stride = 2,
	                      .pad = (p->kernel - 1) / 2,
	                      .no_bias = gm_net_centres(n),
	                      .out_pad = odd,
	                      .init = GM_NORMAL(0, p->std)};
}

/* Layers are named by the size of their output map. */
static const char *name_of(gm_net *n, int64_t h, int64_t w)
{
	return gm_net_key(n, "%dx%d", (int)h, (int)w);
}

static gm_node *norm(const gm_dcgan *p, gm_net *n, const char *name, gm_node *x)
{
	return gm_norm(n, gm_net_key(n, "%s/norm", name), x, .gain = GM_NORMAL(1, p->std));
}

gm_node *gm_dcgan_up(const gm_dcgan *p, gm_net *G, gm_node *z)
{
	int64_t f = p->filters << (p->levels - 1), h = p->small_height, w = p->small_width;
	const char *name = name_of(G, h, w);
	gm_node *x = gm_linear(G, name, z, .out = f * h * w, .no_bias = gm_net_centres(G),
	                       .init = GM_NORMAL(0, p->std));
	x = gm_relu(norm(p, G, name, gm_reshape(x, GM_SHAPE(-1, f, h, w))));
	for (int i = 1; i < p->levels; i++) {
		f /= 2, h *= 2, w *= 2;
		name = name_of(G, h, w);
		x = gm_relu(norm(p, G, name, gm_conv_transposed_(G, name, x, args(p, G, f))));
	}
	name = name_of(G, p->height, p->width);
	return gm_tanh(gm_conv_transposed_(G, name, x, args(p, G, p->channels)));
}

gm_node *gm_dcgan_down(const gm_dcgan *p, gm_net *D, gm_node *x)
{
	int64_t f = p->filters, h = p->height, w = p->width;
	for (int i = 0; i < p->levels; i++, f *= 2) {
		h /= 2, w /= 2;
		const char *name = name_of(D, h, w);
		x = gm_conv_(D, name, x, args(p, D, f));
		if (i > 0)
			x = norm(p, D, name, x);
		x = gm_net_note(D, name, gm_leaky_relu(x, .2), true);
	}
	return x;
}

/* Windows that overlap where the side is no multiple of 4, so that 4 of them cover it. */
static gm_node *pooled(gm_node *y)
{
	enum { GRID = 4 };
	const gm_shape s = gm_node_shape(y);
	gm_pool_options o = {.kernel = {1, 1}, .stride = {1, 1}};
	for (int i = 0; i < 2; i++)
		if (s.dim[2 + i] > GRID) {
			o.stride[i] = (int)s.dim[2 + i] / GRID;
			o.kernel[i] = (int)s.dim[2 + i] - (GRID - 1) * o.stride[i];
		}
	return gm_reshape(gm_max_pool(y, o), GM_SHAPE(s.dim[0], -1));
}

gm_node *gm_dcgan_features(const gm_dcgan *p, gm_net *D)
{
	const char *name;
	gm_node *all = NULL, *y;
	int64_t h = p->height, w = p->width;
	for (int i = 0; i < p->levels; i++) {
		h /= 2, w /= 2;
		const char *wanted = name_of(D, h, w);
		for (int k = 0; (y = gm_net_layer(D, k, &name)); k++)
			if (!strcmp(name, wanted)) {
				y = pooled(gm_net_without_reference(D, y));
				all = all ? gm_concat((gm_node *[]){all, y}, 2, 1) : y;
				break;
			}
	}
	return all;
}

gm_node *gm_dcgan_generator(void *dcgan, gm_net *G, gm_node *z, gm_node *with)
{
	(void)with;
	return gm_dcgan_up(dcgan, G, z);
}

gm_node *gm_dcgan_discriminator(void *dcgan, gm_net *D, gm_node *x, gm_node *with)
{
	(void)with;
	gm_node *h = gm_features(D, gm_dcgan_down(dcgan, D, x));
	return gm_linear(D, "logit", h, .out = 1, .no_bias = gm_net_centres(D));
}
