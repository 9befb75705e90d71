/* SPDX-License-Identifier: MIT
 *
 * nn/condition.c -- class conditioning of discriminators, one row each.
 */
#include "nn/net.h"

/* An embedding of y, as large as the image, is an additional channel; packs have several labels. No
 * weight normalisation: its purpose is to bound D's gradient with respect to x, and y is
 * discrete. */
static gm_node *concat_input(gm_net *D, gm_node *x, gm_node *y, int64_t classes)
{
	gm_shape s = gm_node_shape(x), labels = gm_node_shape(y);
	if (s.rank != 4)
		return gm_net_misuse(D, "label, a channel beside what are no pictures");
	gm_node *table = gm_net_var(D, "label/weight", GM_SHAPE(classes, s.dim[2] * s.dim[3]),
	                            .init = GM_NORMAL(0, 1));
	gm_shape map = GM_SHAPE(-1, labels.rank > 1 ? labels.dim[1] : 1, s.dim[2], s.dim[3]);
	return GM_CONCAT(1, x, gm_reshape(gm_gather(table, y), map));
}

gm_node *gm_projection(gm_net *D, gm_node *logit, gm_node *h, gm_node *y, int64_t classes)
{
	h = gm_reshape(h, GM_SHAPE(gm_node_shape(h).dim[0], -1));
	gm_node *v = gm_embedding(D, "projection", y, .rows = classes,
	                          .dim = gm_node_shape(h).dim[1], .init = D->style.init);
	if (gm_node_shape(v).rank == 3)
		v = gm_sum(v, GM_AXES(1), false);
	return gm_add(logit, gm_sum(gm_mul(h, v), GM_AXES(1), true));
}

/* L_C = E[-log P(y|x)] of real and generated examples is added to D's loss, that of generated ones
 * to G's. */
static gm_node *auxiliary_head(gm_game *m, gm_node *y, int64_t classes, double weight)
{
	gm_node *real = gm_linear(m->D, "class", m->f_real, .out = classes);
	gm_node *fake = gm_linear(m->D, "class", m->f_fake, .out = classes);
	gm_node *c_real = gm_mean_all(gm_softmax_xent(real, y));
	gm_node *c_fake = gm_mean_all(gm_softmax_xent(fake, y));
	m->loss_d = gm_add(m->loss_d, gm_mul_c(gm_add(c_real, c_fake), weight));
	m->loss_g = gm_add(m->loss_g, gm_mul_c(c_fake, weight));
	return real;
}

const gm_condition gm_conditions[] = {
	{"concat", "Mirza & Osindero 2014, arXiv:1411.1784", .input = concat_input},
	{"projection", "Miyato & Koyama 2018, eq. 6, arXiv:1802.05637", .logit = gm_projection},
	{"auxiliary", "AC-GAN: Odena et al. 2017, section 3, arXiv:1610.09585",
         .head = auxiliary_head},
	{0},
};

const char *gm_condition_name(int i)
{
	return gm_conditions[i].name;
}
