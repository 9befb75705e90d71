/* SPDX-License-Identifier: MIT
 *
 * inception.c -- Inception v3 (Szegedy et al., "Rethinking the Inception architecture for computer
 * vision", CVPR 2016, table 1 and figures 5-7) with the weights of 2015-12-05, which the Inception
 * score (Salimans et al. 2016) and FID (Heusel et al. 2017) are defined by.
 *
 * Its oddities, which are part of those scores: average pools do not count their padding; the last
 * block pools by maximum where the paper has an average; there are 1008 classes, of which 1000 were
 * trained. Two ways of showing it pictures are in use, and give different scores:
 *
 *	inception-tf  the authors' graph: resized as TensorFlow 1 did, pixel i at i * in / 299, then
 *	              (x - 128) / 128 of bytes; logits without the bias of the last layer, as the
 *	              Inception score's code takes them
 *	inception     pytorch-fid's port: pixel centres at halves, bytes to [-1, 1]; logits with
 *	              bias
 *
 * Names of tensors are torchvision's, which pytorch-fid's and torch-fidelity's files have. */
#include "metrics/network.h"

#define SIDE 299
#define CLASSES 1008
#define BATCH 8

typedef gm_network net;

/* Convolution, batch norm, ReLU: name, input, channels, kernel. VALID pads not at all; with SAME
 * the size stays. */
#define VALID(name, x, ...)                                                                        \
	gm_network_conv_relu(n, name, x, (gm_network_conv){__VA_ARGS__, .norm = true})
#define SAME(name, x, ...) VALID(name, x, __VA_ARGS__, .same = true)

static gm_node *average(gm_node *x)
{
	return gm_avg_pool(
		x, (gm_pool_options){.kernel = {3, 3}, .stride = {1, 1}, .pad = {1, 1, 1, 1}});
}

static gm_node *largest(gm_node *x)
{
	return gm_max_pool(x, (gm_pool_options){.kernel = {3, 3}, .stride = {2, 2}});
}

/* Figure 5, with 5 x 5 kept in one branch. 35 x 35. */
static gm_node *block_a(net *n, const char *name, gm_node *x, int pool)
{
	gm_network_within(n, name);
	gm_node *a = SAME("branch1x1", x, 64, 1);
	gm_node *b = SAME("branch5x5_1", x, 48, 1);
	b = SAME("branch5x5_2", b, 64, 5);
	gm_node *c = SAME("branch3x3dbl_1", x, 64, 1);
	c = SAME("branch3x3dbl_2", c, 96, 3);
	c = SAME("branch3x3dbl_3", c, 96, 3);
	gm_node *d = SAME("branch_pool", average(x), pool, 1);
	return GM_CONCAT(1, a, b, c, d);
}

/* Figure 10: 35 x 35 to 17 x 17. */
static gm_node *block_b(net *n, const char *name, gm_node *x)
{
	gm_network_within(n, name);
	gm_node *a = VALID("branch3x3", x, 384, 3, .stride = 2);
	gm_node *b = SAME("branch3x3dbl_1", x, 64, 1);
	b = SAME("branch3x3dbl_2", b, 96, 3);
	b = VALID("branch3x3dbl_3", b, 96, 3, .stride = 2);
	return GM_CONCAT(1, a, b, largest(x));
}

/* Figure 6, n = 7. 17 x 17. */
static gm_node *block_c(net *n, const char *name, gm_node *x, int c7)
{
	gm_network_within(n, name);
	gm_node *a = SAME("branch1x1", x, 192, 1);
	gm_node *b = SAME("branch7x7_1", x, c7, 1);
	b = SAME("branch7x7_2", b, c7, 1, 7);
	b = SAME("branch7x7_3", b, 192, 7, 1);
	gm_node *c = SAME("branch7x7dbl_1", x, c7, 1);
	c = SAME("branch7x7dbl_2", c, c7, 7, 1);
	c = SAME("branch7x7dbl_3", c, c7, 1, 7);
	c = SAME("branch7x7dbl_4", c, c7, 7, 1);
	c = SAME("branch7x7dbl_5", c, 192, 1, 7);
	gm_node *d = SAME("branch_pool", average(x), 192, 1);
	return GM_CONCAT(1, a, b, c, d);
}

/* 17 x 17 to 8 x 8. */
static gm_node *block_d(net *n, const char *name, gm_node *x)
{
	gm_network_within(n, name);
	gm_node *a = SAME("branch3x3_1", x, 192, 1);
	a = VALID("branch3x3_2", a, 320, 3, .stride = 2);
	gm_node *b = SAME("branch7x7x3_1", x, 192, 1);
	b = SAME("branch7x7x3_2", b, 192, 1, 7);
	b = SAME("branch7x7x3_3", b, 192, 7, 1);
	b = VALID("branch7x7x3_4", b, 192, 3, .stride = 2);
	return GM_CONCAT(1, a, b, largest(x));
}

/* Figure 7. 8 x 8. max: the oddity of the last block. */
static gm_node *block_e(net *n, const char *name, gm_node *x, bool max)
{
	gm_network_within(n, name);
	gm_node *a = SAME("branch1x1", x, 320, 1);
	gm_node *b = SAME("branch3x3_1", x, 384, 1);
	gm_node *b1 = SAME("branch3x3_2a", b, 384, 1, 3);
	gm_node *b2 = SAME("branch3x3_2b", b, 384, 3, 1);
	gm_node *c = SAME("branch3x3dbl_1", x, 448, 1);
	c = SAME("branch3x3dbl_2", c, 384, 3);
	gm_node *c1 = SAME("branch3x3dbl_3a", c, 384, 1, 3);
	gm_node *c2 = SAME("branch3x3dbl_3b", c, 384, 3, 1);
	gm_node *p = max ? gm_max_pool(x, (gm_pool_options){.kernel = {3, 3},
	                                                    .stride = {1, 1},
	                                                    .pad = {1, 1, 1, 1}})
	                 : average(x);
	gm_node *d = SAME("branch_pool", p, 192, 1);
	return GM_CONCAT(1, a, b1, b2, c1, c2, d);
}

/* Table 1, from 299 x 299 x 3 to pool3's 2048. */
static gm_node *body(net *n, gm_node *x)
{
	gm_network_within(n, "");
	x = VALID("Conv2d_1a_3x3", x, 32, 3, .stride = 2);
	x = VALID("Conv2d_2a_3x3", x, 32, 3);
	x = SAME("Conv2d_2b_3x3", x, 64, 3);
	x = largest(x);
	x = VALID("Conv2d_3b_1x1", x, 80, 1);
	x = VALID("Conv2d_4a_3x3", x, 192, 3);
	x = largest(x);
	x = block_a(n, "Mixed_5b", x, 32);
	x = block_a(n, "Mixed_5c", x, 64);
	x = block_a(n, "Mixed_5d", x, 64);
	x = block_b(n, "Mixed_6a", x);
	x = block_c(n, "Mixed_6b", x, 128);
	x = block_c(n, "Mixed_6c", x, 160);
	x = block_c(n, "Mixed_6d", x, 160);
	x = block_c(n, "Mixed_6e", x, 192);
	x = block_d(n, "Mixed_7a", x);
	x = block_e(n, "Mixed_7b", x, false);
	x = block_e(n, "Mixed_7c", x, true);
	return gm_mean(x, GM_AXES(2, 3), false);
}

static void build(net *n, gm_node *x, gm_node **features, gm_node **logits)
{
	*features = body(n, x);
	gm_network_within(n, "");
	*logits = gm_network_linear(n, "fc", *features, CLASSES, true);
}

static void build_tf(net *n, gm_node *x, gm_node **features, gm_node **logits)
{
	*features = body(n, x);
	gm_network_within(n, "");
	*logits = gm_network_linear(n, "fc", *features, CLASSES, false);
}

static void *open_net(gm_extractor_info *info, const gm_network_plan *plan, const char *weights,
                      const char *resize, gm_error *err)
{
	info->resize = resize;
	info->features = 2048, info->classes = CLASSES;
	info->side = SIDE, info->channels = 3;
	return gm_network_open(plan, weights, err);
}

static void *open_inception(const gm_extractor_kind *kind, const char *weights,
                            gm_extractor_info *info, gm_error *err)
{
	static const gm_network_plan plan = {
		.rule = {.side = SIDE, .scale = {1, 1, 1}},
		.batch = BATCH,
		.build = build,
		.spare = ".num_batches_tracked",
	};
	(void)kind;
	return open_net(info, &plan, weights,
	                "bilinear to 299 x 299, pixel centres at halves, no antialiasing; [-1, 1]",
	                err);
}

static void *open_tf(const gm_extractor_kind *kind, const char *weights, gm_extractor_info *info,
                     gm_error *err)
{
	/* (b - 128) / 128 of b = (x + 1) 127.5 */
	enum { N = 128 };
	static const float scale = 127.5f / N, shift = (127.5f - N) / N;
	const gm_network_plan plan = {
		.rule = {.side = SIDE,
	                 .corners = true,
	                 .scale = {scale, scale, scale},
	                 .shift = {shift, shift, shift}},
		.batch = BATCH,
		.build = build_tf,
		.spare = ".num_batches_tracked",
	};
	(void)kind;
	return open_net(info, &plan, weights,
	                "bilinear to 299 x 299, pixel i at i * in / 299 (TensorFlow 1), no "
	                "antialiasing; (byte - 128) / 128",
	                err);
}

const gm_extractor_kind gm_extractor_inception = {
	.name = "inception",
	.about = "Inception v3 of 2015-12-05 as pytorch-fid shows it pictures: 2048 features",
	.fetched = "inception",
	.open = open_inception,
	.run = gm_network_run,
	.free = gm_network_free,
	.step = gm_network_step,
};

const gm_extractor_kind gm_extractor_inception_tf = {
	.name = "inception-tf",
	.about = "the same as TensorFlow's graph of 2015-12-05 has it: 2048 features, 1008 classes",
	.fetched = "inception",
	.open = open_tf,
	.run = gm_network_run,
	.free = gm_network_free,
	.step = gm_network_step,
};
