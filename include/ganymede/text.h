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
/* For each of m examples the index of a random other one of the batch, i32 [m], new in each run: of
 * another label (i32 [m]), or any other one if label is NULL. If the whole batch has one label, any
 * index. */
GM_API gm_node *gm_mismatched(gm_graph *g, gm_node *label, int64_t m);

GM_END_C

#endif
