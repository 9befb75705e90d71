/* SPDX-License-Identifier: MIT
 *
 * run/parts.c -- functions that several models use: named noise, halving of image sizes, DCGAN's
 * options.
 */
#include "run/run.h"

gm_node *gm_noise(gm_run *r, const char *name, gm_latent_kind kind, int64_t m, int64_t n)
{
	gm_graph *g = r->graph;
	gm_node *z;
	if (kind == GM_LATENT_ONE_HOT)
		z = gm_one_hot(gm_cast(gm_mul_c(gm_uniform(g, GM_SHAPE(m)), (double)n), GM_I32), n);
	else if (kind == GM_LATENT_UNIFORM)
		z = gm_signed(gm_uniform(g, GM_SHAPE(m, n)));
	else
		z = gm_randn(g, GM_SHAPE(m, n));
	return gm_latent(r, name, z, kind);
}

gm_node *gm_example_rows(gm_run *r, gm_node *x)
{
	return gm_reshape(r->facts.points ? x : gm_unit(x), GM_SHAPE(-1, r->facts.numel));
}

gm_node *gm_rows_example(gm_run *r, gm_node *rows)
{
	const gm_facts *f = &r->facts;
	return f->points ? rows
	                 : gm_reshape(gm_signed(rows),
	                              GM_SHAPE(-1, f->channels, f->height, f->width));
}

int gm_want_halvings(gm_run *r, int least, int most, int64_t smallest)
{
	const gm_facts *f = &r->facts;
	int64_t h = f->own_height, w = f->own_width;
	int times = 0;
	while (times < most && h > 0 && w > 0 && h % 2 == 0 && w % 2 == 0 && h / 2 >= smallest &&
	       w / 2 >= smallest)
		h /= 2, w /= 2, times++;
	if (times < least)
		gm_run_fail(r, GM_ERR_VALUE,
		            "%s needs pictures whose width and height can be halved %d time%s, to "
		            "%d or more; these are %dx%d: try --size 32",
		            r->model->name, least, least == 1 ? "" : "s", (int)smallest,
		            (int)f->own_width, (int)f->own_height);
	return times;
}

gm_dcgan gm_opt_dcgan(gm_run *r)
{
	const gm_facts *f = &r->facts;
	gm_dcgan p = {.channels = f->channels,
	              .height = f->height,
	              .width = f->width,
	              .filters = gm_opt_int(r, "width"),
	              .kernel = (int)gm_opt_int(r, "kernel"),
	              .std = .02};
	gm_want_halvings(r, 1, 1, 4);
	gm_dcgan_fit(&p);
	return p;
}

gm_pixelcnn gm_opt_pixelcnn(gm_run *r)
{
	enum { OUTPUTS = 4096 };
	const int64_t channels = r->facts.channels;
	gm_opt_auto(r, "levels", channels == 1 ? "2" : "256");
	const gm_pixelcnn p = {.features = gm_opt_int(r, "features"),
	                       .layers = (int)gm_opt_int(r, "layers"),
	                       .kernel = (int)gm_opt_int(r, "kernel"),
	                       .first = (int)gm_opt_int(r, "first"),
	                       .levels = gm_opt_int(r, "levels"),
	                       .gated = true};
	if (p.kernel % 2 == 0 || p.first % 2 == 0)
		gm_run_error(r, "options kernel and first are odd, for a window has a centre");
	if (channels * p.levels > OUTPUTS)
		gm_run_error(r, "option levels: %d levels of %d channels; there can be %d in all",
		             (int)p.levels, (int)channels, OUTPUTS);
	if (p.features < channels)
		gm_run_error(r, "option features: at least one for each of %d channels",
		             (int)channels);
	return p;
}

int gm_opt_patch(gm_run *r)
{
	const gm_facts *f = &r->facts;
	int64_t least = f->own_height < f->own_width ? f->own_height : f->own_width;
	int layers = gm_opt_choice(r, "patch");
	if (!layers || least >> layers >= 3)
		return layers;
	gm_run_fail(r, GM_ERR_VALUE,
	            "--patch %s needs pictures of %d pixels or more; these are %dx%d: try a "
	            "smaller patch, or a "
	            "larger --size",
	            gm_opt_str(r, "patch"), 3 << layers, (int)f->own_width, (int)f->own_height);
	return 0;
}

bool gm_want_binary(gm_run *r, const char *otherwise)
{
	gm_opt_auto(r, "binarise", "%s", otherwise);
	int how = gm_opt_choice(r, "binarise");
	if (r->data && !gm_data_binarise(r->data, (gm_binarise)how, &r->err))
		return false;
	return how != GM_BINARISE_NO;
}

gm_node *gm_own_size(gm_run *r, gm_node *x)
{
	const gm_facts *f = &r->facts;
	return f->height == f->own_height && f->width == f->own_width
	               ? x
	               : gm_full(r->graph, 0,
	                         GM_SHAPE(r->batch, gm_node_shape(x).dim[1], f->own_height,
	                                  f->own_width));
}
