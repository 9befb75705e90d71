/* SPDX-License-Identifier: MIT
 *
 * run/columns.c -- columns of tables in the rows that nets read: which numbers of a row encode
 * them. Masks are variables of a net, so that tools do not need the data.
 */
#include "run/run.h"

#include <string.h>

/* 1 where the numbers of an example are those of the column f of a table */
static void mark(double *mask, const gm_field *f)
{
	for (int k = 0; k < f->width; k++)
		mask[f->offset + k] = 1;
}

static gm_node *mask_of(gm_run *r, gm_net *n, const char *name, const double *mask)
{
	return gm_net_var(n, name, GM_SHAPE(r->facts.numel),
	                  .init = mask ? GM_GIVEN(mask) : GM_ZEROS, .role = GM_STAT);
}

gm_node *gm_number_columns(gm_run *r, gm_net *n)
{
	const gm_field *f;
	double *mask = r->data ? gm_arena_calloc(r->arena, r->facts.numel, sizeof *mask) : NULL;
	for (int i = 0; mask && (f = gm_data_field_at(r->data, i)); i++)
		if (f->type == GM_FIELD_FLOAT)
			mark(mask, f);
	return mask_of(r, n, "numbers", mask);
}

gm_node *gm_without_columns(gm_run *r, gm_net *n, gm_node *rows, const char *option)
{
	double *mask = r->data ? gm_arena_calloc(r->arena, r->facts.numel, sizeof *mask) : NULL;
	for (const char *text = gm_opt_str(r, option); mask && *text;) {
		const char *name = gm_name(r, "%.*s", (int)strcspn(text, ":,"), text);
		const gm_field *f = gm_data_field(r->data, name);
		if (f)
			mark(mask, f);
		text += strcspn(text, ",");
		text += *text == ',';
	}
	gm_node *left = gm_add_c(gm_neg(mask_of(r, n, "left_out", mask)), 1);
	return gm_mul(rows, left);
}

gm_node *gm_option_field(gm_run *r, const char *option)
{
	const char *text = gm_opt_str(r, option);
	return gm_batch(r, gm_name(r, "%.*s", (int)strcspn(text, ":,"), text));
}
