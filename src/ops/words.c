/* SPDX-License-Identifier: MIT
 *
 * words.c -- from characters to words.
 */
#include <string.h>

#include "ops/common.h"

/* ---- words ----------------------------------------------------------------------------------- */

typedef struct words_attr {
	int64_t words, buckets;
} words_attr;

static bool infer_words(gm_node *y)
{
	const words_attr *a = y->attr;
	y->shape = y->in[0]->shape;
	if (!gm_want_i32(y, 0, "text"))
		return false;
	if (y->shape.rank < 1)
		return gm_node_fail(y, GM_ERR_SHAPE, "text has no axis of characters");
	y->shape.dim[y->shape.rank - 1] = a->words;
	return true;
}

/* FNV-1a over letters in lower case and digits; bytes from 128 on belong to letters of UTF-8. */
static void eval_words(const gm_node *y, const gm_eval *e)
{
	const words_attr *a = y->attr;
	const gm_shape s = y->in[0]->shape;
	const int64_t length = s.dim[s.rank - 1], rows = gm_shape_size(s) / length;
	for (int64_t i = 0; i < rows; i++) {
		const double *text = e->x[0] + i * length;
		double *out = e->y + i * a->words;
		int64_t n = 0;
		uint32_t h = 2166136261u;
		bool within = false;
		for (int64_t k = 0; k <= length; k++) {
			int c = k < length ? (int)text[k] : 0;
			c = c >= 'A' && c <= 'Z' ? c + 32 : c;
			const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			                    (c >= 128 && c < 256);
			if (letter)
				h = (h ^ (uint32_t)c) * 16777619u;
			else if (within && n < a->words)
				out[n++] = (double)(h % (uint32_t)a->buckets);
			h = letter ? h : 2166136261u;
			within = letter;
		}
		while (n < a->words)
			out[n++] = -1;
	}
}

static gm_node *sample_words(gm_graph *g, int i)
{
	static const gm_shape shape[] = {{1, {37}}, {2, {3, 130}}, {3, {2, 1, 9}}};
	return i < 3 ? gm_words(gm_sample_i32(g, shape[i], 30, 140), 4 + i, i ? 97 : 1) : NULL;
}

const gm_op gm_op_words = {
	.name = "words",
	.math = "y[..,k] = hash of word k of text[..]; -1 after the last",
	.infer = infer_words,
	.eval = eval_words,
	.sample = sample_words,
};

gm_node *gm_words(gm_node *text, int64_t words, int64_t buckets)
{
	words_attr a = {words, buckets};
	if (text->poison)
		return text;
	if (words < 1 || buckets < 1 || buckets > 1 << 24)
		return gm_poison(text->graph, "words", GM_ERR_VALUE,
		                 "%lld words of %lld buckets: must be at least 1, and buckets at "
		                 "most 2^24",
		                 (long long)words, (long long)buckets);
	return gm_node_new(text->graph, GM_OPID_words, &text, 1, &a, sizeof a);
}
