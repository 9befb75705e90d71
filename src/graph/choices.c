/* SPDX-License-Identifier: MIT
 *
 * choices.c -- what tuning chose for a graph, as text and back.
 */
#include <string.h>

#include "graph/graph.h"

static gm_choice *find(const gm_graph *g, const char *key)
{
	for (gm_choice *c = g->choices; c; c = c->next)
		if (!strcmp(c->key, key))
			return c;
	return NULL;
}

static gm_choice *add(gm_graph *g, const char *key, const char *way)
{
	gm_choice *c = gm_arena_calloc(g->arena, 1, sizeof *c);
	*c = (gm_choice){gm_arena_strdup(g->arena, key), gm_arena_strdup(g->arena, way), false,
	                 g->choices};
	return g->choices = c;
}

void gm_choices_read(gm_graph *g, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, ";"), k = strcspn(text, "=;");
		if (text[n] == ';' && k > 0 && k + 1 < n)
			add(g, gm_arena_printf(g->arena, "%.*s", (int)k, text),
			    gm_arena_printf(g->arena, "%.*s", (int)(n - k - 1), text + k + 1));
		text += n + (text[n] == ';');
	}
}

gm_tune gm_plan_tune(const gm_plan *p)
{
	return gm_plan_graph((gm_plan *)p)->tune;
}

const char *gm_plan_tuned(gm_plan *p, const char *key)
{
	gm_choice *c = find(gm_plan_graph(p), key);
	if (!c)
		return NULL;
	c->used = true;
	return c->way;
}

void gm_plan_note_tuned(gm_plan *p, const char *key, const char *way)
{
	add(gm_plan_graph(p), key, way)->used = true;
}

const char *gm_graph_tuned(gm_graph *g)
{
	size_t n = 1;
	for (const gm_choice *c = g->choices; c; c = c->next)
		n += c->used ? strlen(c->key) + strlen(c->way) + 2 : 0;
	char *text = gm_arena_try(g->arena, n), *at = text + n - 1;
	if (!text) {
		gm_graph_no_memory(g);
		return "";
	}
	*at = 0;
	for (const gm_choice *c = g->choices; c; c = c->next) { /* the newest last */
		if (!c->used)
			continue;
		size_t k = strlen(c->key), w = strlen(c->way);
		at -= k + w + 2;
		memcpy(at, c->key, k);
		at[k] = '=';
		memcpy(at + k + 1, c->way, w);
		at[k + w + 1] = ';';
	}
	return text;
}
