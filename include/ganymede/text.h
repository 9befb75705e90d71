/* SPDX-License-Identifier: MIT
 *
 * text.h -- text as numbers, and nets that read it.
 *
 * Text is i32 [m,L]: bytes of UTF-8, zeros after the end, as gm_batch(r, "caption") gives it. An
 * encoder makes a row of numbers of each:
 *
 *	gm_node *t = gm_batch(r, "caption");
 *	gm_node *bag = gm_bag_of_words(t, 512);
 *	gm_node *phi = gm_char_cnn_rnn_body(T, t, &(gm_char_cnn_rnn){.width = 512, .out = 1024});
 *	gm_node *loss = gm_joint_embedding_loss(features, phi, label);
 */
#ifndef GANYMEDE_TEXT_H
#define GANYMEDE_TEXT_H

#include "ganymede/nn.h"

GM_BEGIN_C

/* The 69 characters of Reed et al. 2016, arXiv:1605.05395: letters, digits, punctuation, space. */
GM_API extern const char gm_alphabet[];
/* One-hot characters [m,69,L]: a row for each different character of gm_alphabet, in lower case;
 * zeros for other characters and after the end. */
GM_API gm_node *gm_letters(gm_node *text);
/* Bag of words [m,buckets]: how often each word occurs (gm_words, the first 48 words), scaled to a
 * mean square of 1. A text without words gives zeros. */
GM_API gm_node *gm_bag_of_words(gm_node *text, int64_t buckets);
/* The char-CNN-RNN of Reed et al. 2016, arXiv:1605.05395, section 4, as their released code has it
 * (HybridCNN with a GRU): over the characters convolutions of width 4 to 3/4 `width`, `width` and
 * `width` channels (c0, c1, c2), each with relu, the first two with maxima of 3; a GRU of `width`
 * units over the remaining steps (gru), whose states are averaged; a dense layer (embedding) to
 * `out` numbers. L is at least 57. */
typedef struct gm_char_cnn_rnn {
	int64_t width, out;
} gm_char_cnn_rnn;
GM_API gm_node *gm_char_cnn_rnn_body(gm_net *n, gm_node *text, const gm_char_cnn_rnn *p);
/* The states [m,T,units] of a gated recurrent unit (Cho et al. 2014, arXiv:1406.1078, with the
 * update of Reed et al.'s code: h_t = (1 - u) h_(t-1) + u candidate) over x [m,T,n]; h_0 = 0.
 * Variables NAME/x (for update, reset, candidate), NAME/gates, NAME/candidate. */
GM_API gm_node *gm_gru(gm_net *n, const char *name, gm_node *x, int64_t units);
/* The symmetric structured joint embedding loss of Reed et al. 2016, eq. 3 to 5, in the form of
 * their code: with scores s_ij = <a_i, b_j>, the mean over i, j of max(0, s_ij - s_ii + 1) and of
 * max(0, s_ji - s_ii + 1), summed. a, b [m,n]; pairs whose labels (i32 [m], or NULL) are equal do
 * not count. Rank 0. */
GM_API gm_node *gm_joint_embedding_loss(gm_node *a, gm_node *b, gm_node *label);
/* x [m,C,H,W] plus a path of 1x1, 3x3 and 3x3 convolutions (NAME/a, /b, /c) with C/4 channels
 * between them and the net's normaliser after each, then the activation: GM_RELU or GM_LEAKY. */
GM_API gm_node *gm_bottleneck(gm_net *n, const char *name, gm_node *x, gm_activation act);
/* The discriminator of Reed et al. 2016, arXiv:1605.05396, for images x [m,C,H,W] and embeddings
 * phi [m,n], to logits [m,1]: gm_halving_body; 1x1 convolutions (narrow0, narrow1, ..) that halve
 * the channels to 8 `width` where there are more, as for the images of 256 pixels of Zhang et al.
 * 2017, arXiv:1612.03242; a bottleneck (r); phi through a dense layer (text) of `units` beside each
 * position, a 1x1 convolution (both), a dense layer (logit). */
typedef struct gm_caption_critic {
	int64_t width, units;
	int levels; /* halvings of H and W */
} gm_caption_critic;
GM_API gm_node *gm_caption_logit(const gm_caption_critic *p, gm_net *D, gm_node *x, gm_node *phi);
/* The generators of Zhang et al. 2017, arXiv:1612.03242, for images of `height` x `width`. */
typedef struct gm_stackgan {
	int64_t height, width, channels; /* of the images */
	int64_t filters;                 /* channels of stage I's largest map; 4 times that: of
	                                  * stage II's smallest */
	int levels;                      /* stage I: doublings from the smallest map */
} gm_stackgan;
/* Stage I: codes c [m,nc] of captions and z [m,nz] to images in (-1,1): a dense layer (in), nearest
 * neighbour doublings with 3x3 convolutions (up1, up2, .., image), bottlenecks (r0, r1) on the two
 * smallest maps. */
GM_API gm_node *gm_stackgan_draw(const gm_stackgan *p, gm_net *G, gm_node *c, gm_node *z);
/* Stage II: images x [m,channels,h,w] and codes to images 2, 4, 8, .. times as large: two halvings
 * (first, down1, down2), the code at each position (both), four residual blocks (r1 to r4),
 * doublings (up1, up2, .., image). */
GM_API gm_node *gm_stackgan_refine(const gm_stackgan *p, gm_net *G, gm_node *x, gm_node *c);
/* Conditioning augmentation (section 3.2): a dense layer (code) with leaky relu makes mean and log
 * sigma of embeddings phi [m,n]; mean + sigma e, with e [m,nc] from N(0, 1), or the mean if e is
 * NULL. *kl: KL divergence from N(0, 1), the mean over examples and numbers, rank 0. */
GM_API gm_node *gm_caption_code(gm_net *G, gm_node *phi, int64_t nc, gm_node *e, gm_node **kl);
/* For each of m examples the index of a random other one of the batch, i32 [m], new in each run: of
 * another label (i32 [m]), or any other one if label is NULL. If the whole batch has one label, any
 * index. */
GM_API gm_node *gm_mismatched(gm_graph *g, gm_node *label, int64_t m);

GM_END_C

#endif
