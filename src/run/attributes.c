/* SPDX-License-Identifier: MIT
 *
 * run/attributes.c -- attributes of examples: fields of integers as numbers 0 and 1 that nets read
 * and predict, and values of them as text.
 */
#include "run/attributes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "run/stream.h"

/* "gender" or "age:20:40": values below 20, below 40, and the rest. */
static bool read_name(gm_run *r, const char *text, size_t n, gm_attribute *a)
{
	char word[24];
	size_t at = strcspn(text, ":,");
	if (!at || at >= sizeof a->name)
		return false;
	snprintf(a->name, sizeof a->name, "%.*s", (int)at, text);
	while (at < n) {
		const size_t length = strcspn(text + ++at, ":,");
		int64_t cut;
		if (length >= sizeof word || a->cuts == GM_ATTRIBUTE_CUTS)
			return false;
		snprintf(word, sizeof word, "%.*s", (int)length, text + at);
		if (!gm_text_i64(word, &cut) || (a->cuts && cut <= a->cut[a->cuts - 1]))
			return false;
		a->cut[a->cuts++] = cut;
		at += length;
	}
	(void)r;
	return true;
}

/* The input of a field, and how many classes it has. */
static gm_node *field_of(gm_run *r, gm_stream *s, const char *name, int64_t *classes)
{
	const gm_facts *f = s ? gm_stream_facts(s) : &r->facts;
	gm_run_field *field = s ? s->field : r->field;
	const int fields = s ? s->fields : r->fields;
	*classes = strcmp(name, "label") ? 0 : f->classes;
	for (int i = 0; i < fields; i++)
		if (!strcmp(field[i].name, name))
			*classes = field[i].whole ? field[i].classes : 0;
	gm_node *y = s ? gm_stream_batch(s, name) : gm_batch(r, name);
	if (gm_run_ok(r) && (*classes < 2 || gm_node_dtype(y) != GM_I32 ||
	                     gm_node_shape(y).rank > 2 || !strcmp(name, "index")))
		gm_run_fail(r, GM_ERR_VALUE,
		            "attribute %s: this field is no class (ganymede data info lists the "
		            "fields)",
		            name);
	return y;
}

/* y i32 [m] to the number of its interval. */
static gm_node *interval(gm_node *y, const gm_attribute *a)
{
	gm_node *sum = NULL, *x = gm_cast(y, GM_F32);
	for (int i = 0; i < a->cuts; i++) {
		gm_node *above = gm_less(gm_scalar(gm_node_graph(y), (double)a->cut[i] - .5), x);
		sum = sum ? gm_add(sum, above) : above;
	}
	return gm_cast(sum, GM_I32);
}

/* Sets width and kind of a and gives its numbers [m, width]. */
static gm_node *numbers_of(gm_run *r, gm_stream *s, gm_attribute *a)
{
	gm_node *y = field_of(r, s, a->name, &a->classes);
	if (!gm_run_ok(r))
		return gm_full(r->graph, 0, GM_SHAPE(s ? s->rows : r->batch, 1));
	if (gm_node_shape(y).rank == 2) {
		a->width = gm_node_shape(y).dim[1];
		return gm_cast(y, GM_F32);
	}
	const int64_t values = a->cuts ? a->cuts + 1 : a->classes;
	y = a->cuts ? interval(y, a) : y;
	a->exclusive = values > 2;
	a->width = a->exclusive ? values : 1;
	return a->exclusive ? gm_one_hot(y, values)
	                    : gm_reshape(gm_cast(y, GM_F32), GM_SHAPE(-1, 1));
}

gm_attributes *gm_attributes_open(gm_run *r, const char *option, gm_stream *s)
{
	gm_attributes *a = gm_arena_calloc(r->arena, 1, sizeof *a);
	const char *text = gm_opt_str(r, option);
	a->run = r;
	for (size_t n; *text && gm_run_ok(r); text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		gm_attribute *one = &a->of[a->count];
		if (a->count == GM_ATTRIBUTES || !read_name(r, text, n, one)) {
			gm_run_fail(r, GM_ERR_VALUE,
			            "option %s: \"%.60s\" is not a list of at most %d fields, such "
			            "as gender,race,age:20:40 (intervals up to 20, up to 40 and "
			            "above)",
			            option, gm_opt_str(r, option), GM_ATTRIBUTES);
			break;
		}
		gm_node *y = numbers_of(r, s, one);
		one->at = a->width, a->width += one->width;
		a->batch = a->count++ ? GM_CONCAT(1, a->batch, y) : y;
	}
	if (!a->count) {
		if (gm_run_ok(r))
			gm_run_fail(r, GM_ERR_VALUE, "option %s: no field is given", option);
		a->batch = gm_full(r->graph, 0, GM_SHAPE(s ? s->rows : r->batch, 1));
		a->width = 1;
	}
	gm_attributes **last = &r->attributes;
	while (*last)
		a->first = (*last)->first + (*last)->width, last = &(*last)->next;
	*last = a;
	return a;
}

gm_node *gm_attributes_batch(const gm_attributes *a)
{
	return a->batch;
}

static gm_node *part(const gm_attribute *a, gm_node *x)
{
	return gm_narrow(x, 1, a->at, a->width);
}

/* The numbers of a in x [m, all numbers]. */
static gm_node *part_of_set(const gm_attributes *a, gm_node *x)
{
	return gm_narrow(x, 1, a->first, a->width);
}

/* Cross-entropy of logits [m, all numbers] and the numbers [m,n] of a. */
static gm_node *cross_entropy(const gm_attributes *a, gm_node *logits, gm_node *target)
{
	logits = part_of_set(a, logits);
	gm_node *sum = gm_scalar(a->run->graph, 0);
	for (int i = 0; i < a->count; i++) {
		gm_node *x = part(&a->of[i], logits), *t = part(&a->of[i], target);
		gm_node *each = a->of[i].exclusive
		                        ? gm_softmax_xent(x, t)
		                        : gm_sum(gm_sigmoid_xent(x, t), GM_AXES(1), false);
		sum = gm_add(sum, gm_mean_all(each));
	}
	return sum;
}

/* 0 or 1 for each score: separate ones above 0, of exclusive ones the largest. */
static gm_node *decided(const gm_attribute *a, gm_node *score)
{
	return a->exclusive ? gm_one_hot(gm_argmax(score, 1), a->width)
	                    : gm_less(gm_scalar(gm_node_graph(score), 0), score);
}

int64_t gm_attributes_all(gm_run *r)
{
	int64_t n = 0;
	for (const gm_attributes *a = r->attributes; a; a = a->next)
		n += a->width;
	return n;
}

static int sets_of(const gm_run *r)
{
	int n = 0;
	for (const gm_attributes *a = r->attributes; a; a = a->next)
		n++;
	return n;
}

gm_node *gm_attributes_vector(const gm_attributes *a, gm_node *numbers)
{
	gm_graph *g = a->run->graph;
	const int64_t m = gm_node_shape(numbers).dim[0];
	gm_node *y = NULL;
	for (int mask = 0; mask < (sets_of(a->run) > 1 ? 2 : 1); mask++)
		for (const gm_attributes *b = a->run->attributes; b; b = b->next) {
			gm_node *one = mask     ? gm_full(g, a == b, GM_SHAPE(m, 1))
			               : a == b ? numbers
			                        : gm_full(g, 0, GM_SHAPE(m, b->width));
			y = y ? GM_CONCAT(1, y, one) : one;
		}
	return y;
}

gm_node *gm_attributes_logits(gm_run *r, gm_net *D, gm_node *h)
{
	return gm_linear(D, "domain", h, .out = gm_attributes_all(r), .no_bias = true);
}

gm_node *gm_attributes_head(const gm_attributes *a, gm_game *m, gm_node *to, double weight)
{
	gm_node *real = gm_attributes_logits(a->run, m->D, m->f_real);
	gm_node *fake = gm_attributes_logits(a->run, m->D, m->f_fake);
	gm_node *loss = cross_entropy(a, fake, to);
	m->loss_d = gm_add(m->loss_d, gm_mul_c(cross_entropy(a, real, a->batch), weight));
	m->loss_g = gm_add(m->loss_g, gm_mul_c(loss, weight));
	return loss;
}

/* The numbers of a by logits [m,n], changed by a request [m,n]. */
static gm_node *change(const gm_attributes *a, gm_node *logits, gm_node *to)
{
	gm_node *all = NULL, *zero = gm_scalar(a->run->graph, 0);
	for (int i = 0; i < a->count; i++) {
		const gm_attribute *one = &a->of[i];
		gm_node *want = part(one, to);
		gm_node *asked = one->exclusive
		                         ? gm_less(zero, gm_reduce_max(want, GM_AXES(1), true))
		                         : gm_abs(gm_sign(want));
		gm_node *y = gm_select(asked, decided(one, want), decided(one, part(one, logits)));
		all = all ? GM_CONCAT(1, all, y) : y;
	}
	return all ? all : logits;
}

gm_node *gm_attributes_change(gm_run *r, gm_node *logits, gm_node *to)
{
	gm_node *y = NULL;
	for (const gm_attributes *a = r->attributes; a; a = a->next) {
		gm_node *ask = part_of_set(a, to);
		gm_node *c = gm_attributes_vector(a, change(a, part_of_set(a, logits), ask));
		gm_node *asked = gm_reduce_max(gm_abs(ask), GM_AXES(1), true);
		y = y ? gm_select(asked, c, y) : c;
	}
	return y;
}

gm_node *gm_attributes_request(gm_run *r, int i, int64_t rows)
{
	const int64_t n = gm_attributes_all(r);
	for (const gm_attributes *a = r->attributes; a; a = a->next)
		for (int k = 0; k < a->count; k++) {
			const gm_attribute *one = &a->of[k];
			const int values = (int)(one->exclusive ? one->width : 2 * one->width);
			if (i >= values) {
				i -= values;
				continue;
			}
			const int64_t at = a->first + one->at + (one->exclusive ? i : i / 2);
			gm_node *column = gm_one_hot(
				gm_cast(gm_full(r->graph, (double)at, GM_SHAPE(rows)), GM_I32), n);
			return one->exclusive || i % 2 ? column : gm_neg(column);
		}
	return NULL;
}

void gm_attributes_list(const gm_run *r, char *text, size_t room)
{
	size_t n = 0;
	for (const gm_attributes *a = r->attributes; a; a = a->next)
		for (int i = 0; i < a->count && n < room; i++) {
			const gm_attribute *one = &a->of[i];
			n += (size_t)snprintf(text + n, room - n, "%s%s=", n ? ", " : "",
			                      one->name);
			if (n < room && one->cuts)
				n += (size_t)snprintf(text + n, room - n, "NUMBER");
			else if (n < room && !one->exclusive && one->width > 1)
				n += (size_t)snprintf(text + n, room - n, "(0|1)x%d",
				                      (int)one->width);
			else if (n < room)
				n += (size_t)snprintf(text + n, room - n, "0..%d",
				                      (int)one->classes - 1);
		}
}

/* value into to; a vector of flags is NAME.INDEX=0 or 1 */
static bool set_value(const gm_run *r, const gm_attribute *a, const char *index, const char *text,
                      float *to, gm_error *err)
{
	int64_t v = -1, k = 0;
	const char *const *names = !strcmp(a->name, "label") ? r->facts.class_names : NULL;
	for (int64_t i = 0; names && i < a->classes; i++)
		if (!strcmp(names[i], text))
			v = i;
	if (v < 0 && !gm_text_i64(text, &v))
		v = -1;
	const bool flags = !a->exclusive && a->width > 1;
	if (v < 0 || (!a->cuts && v >= a->classes) || flags != (index != NULL) ||
	    (index && (!gm_text_i64(index, &k) || k < 0 || k >= a->width)))
		return gm_fail(err, GM_ERR_VALUE,
		               "option to: \"%.40s\" is not a value of attribute %s%s", text,
		               a->name, flags ? ".NUMBER" : "");
	int64_t at = v;
	if (a->cuts)
		for (at = 0; at < a->cuts && v >= a->cut[at];)
			at++;
	for (int64_t i = 0; a->exclusive && i < a->width; i++)
		to[a->at + i] = i == at ? 1 : 0;
	if (!a->exclusive)
		to[a->at + k] = at ? 1 : -1;
	return true;
}

bool gm_attributes_parse(const gm_run *r, const char *text, float *to, gm_error *err)
{
	char all[400], word[100];
	gm_attributes_list(r, all, sizeof all);
	for (size_t n; *text; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		snprintf(word, sizeof word, "%.*s", (int)n, text);
		char *equals = strchr(word, '='), *dot = NULL;
		if (equals)
			*equals = 0, dot = strchr(word, '.');
		if (dot)
			*dot++ = 0;
		bool known = false;
		for (const gm_attributes *a = r->attributes; equals && a; a = a->next)
			for (int i = 0; i < a->count && !known; i++) {
				known = !strcmp(a->of[i].name, word);
				if (known &&
				    !set_value(r, &a->of[i], dot, equals + 1, to + a->first, err))
					return false;
			}
		if (!known)
			return gm_fail(
				err, GM_ERR_VALUE,
				"option to: \"%.60s\" is not ATTRIBUTE=VALUE; this run has %s",
				text, all);
	}
	return true;
}
