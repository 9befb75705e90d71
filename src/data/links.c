/* SPDX-License-Identifier: MIT
 *
 * links.c -- see links.h. */
#include "data/links.h"

#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 1024  /* per file: links of links can grow exponentially */
#define STEPS_MAX 16384 /* links followed per query, for the same reason */
#define NAME_MAX_BYTES 4096
#define DEPTH_MAX 128

typedef struct link {
	const char *name, *target; /* target: from the top, clean; NULL: outside of the archive */
	bool used, circle;
} link;

struct gm_links {
	gm_arena *arena, *answer;
	link *link; /* by target, then by name */
	link **by_name;
	size_t count, room;
	uint64_t steps;
	const char *names[NAMES_MAX];
};

gm_links *gm_links_new(void)
{
	gm_links *l = calloc(1, sizeof *l);
	if (l)
		l->arena = gm_arena_new();
	return l;
}

void gm_links_free(gm_links *l)
{
	if (!l)
		return;
	gm_arena_free(l->arena);
	gm_arena_free(l->answer);
	free(l->link), free(l->by_name);
	free(l);
}

/* Joins folder and path and removes "." and ".."; NULL if it leads out of the archive or is
 * absolute. */
static const char *join(gm_arena *a, const char *folder, size_t folder_n, const char *path)
{
	size_t n = folder_n;
	const size_t room = folder_n + strlen(path) + 2;
	char *to = gm_arena_alloc(a, room);
	memcpy(to, folder, folder_n);
	if (*path == '/')
		return NULL;
	while (*path) {
		const size_t part = strcspn(path, "/");
		if (part == 2 && path[0] == '.' && path[1] == '.') {
			if (n == 0)
				return NULL;
			while (n > 0 && to[n - 1] != '/')
				n--;
			n -= n > 0;
		} else if (part > 0 && !(part == 1 && *path == '.')) {
			if (n > 0)
				to[n++] = '/';
			memcpy(to + n, path, part);
			n += part;
		}
		path += part + (path[part] == '/');
	}
	to[n] = 0;
	return to;
}

static size_t folder_of(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? (size_t)(slash - name) : 0;
}

bool gm_links_add(gm_links *l, const char *name, const char *target, bool hard)
{
	if (l->count == l->room) {
		const size_t room = l->room ? l->room * 2 : 64;
		link *more = realloc(l->link, room * sizeof *more);
		if (!more)
			return false;
		l->link = more, l->room = room;
	}
	while (hard && (*target == '/' || (target[0] == '.' && target[1] == '/')))
		target += *target == '/' ? 1 : 2;
	l->link[l->count++] = (link){
		.name = gm_arena_strdup(l->arena, name),
		.target = join(l->arena, name, hard ? 0 : folder_of(name), target),
	};
	return true;
}

static int by_target(const void *x, const void *y)
{
	const link *a = x, *b = y;
	const int order = strcmp(a->target ? a->target : "\xff", b->target ? b->target : "\xff");
	return order ? order : strcmp(a->name, b->name);
}

static int by_name(const void *x, const void *y)
{
	return strcmp((*(link *const *)x)->name, (*(link *const *)y)->name);
}

bool gm_links_ready(gm_links *l)
{
	if (l->count)
		qsort(l->link, l->count, sizeof *l->link, by_target);
	l->by_name = malloc((l->count + 1) * sizeof *l->by_name);
	if (!l->by_name)
		return false;
	for (size_t i = 0; i < l->count; i++)
		l->by_name[i] = &l->link[i];
	if (l->count)
		qsort(l->by_name, l->count, sizeof *l->by_name, by_name);
	return true;
}

static const link *find(const gm_links *l, const char *name)
{
	size_t lo = 0, hi = l->count;
	while (lo < hi) {
		const size_t mid = (lo + hi) / 2;
		const int order = strcmp(l->by_name[mid]->name, name);
		if (order == 0)
			return l->by_name[mid];
		*(order < 0 ? &lo : &hi) = order < 0 ? mid + 1 : mid;
	}
	return NULL;
}

/* Writes the real path of a folder to `real`; false if it cannot be resolved. */
static bool resolve(gm_links *l, const char *name, char real[NAME_MAX_BYTES])
{
	if (snprintf(real, NAME_MAX_BYTES, "%s", name) >= NAME_MAX_BYTES)
		return false;
	for (int links = 0; links < 40 && l->steps < STEPS_MAX; links++) {
		bool changed = false;
		for (char *end = real + strlen(real); end > real && !changed; end--) {
			if (*end && *end != '/')
				continue;
			const char was = *end;
			*end = 0;
			const link *k = find(l, real);
			*end = was;
			if (!k)
				continue;
			l->steps++;
			char rest[NAME_MAX_BYTES];
			snprintf(rest, sizeof rest, "%s", end);
			/* Below the top itself there is no slash in front. */
			if (!k->target ||
			    snprintf(real, NAME_MAX_BYTES, "%s%s", k->target,
			             *k->target ? rest : rest + (*rest == '/')) >= NAME_MAX_BYTES)
				return false;
			changed = true;
		}
		if (!changed)
			return true;
	}
	return false;
}

/* True if name passes the same folder twice, an endless loop in a file system. */
static bool in_circle(gm_links *l, const char *name)
{
	char part[NAME_MAX_BYTES], *real[DEPTH_MAX], room[NAME_MAX_BYTES];
	int n = 0;
	bool twice = strlen(name) >= sizeof part;
	if (twice)
		return true;
	for (const char *slash = strchr(name, '/'); slash && !twice;
	     slash = strchr(slash + 1, '/')) {
		memcpy(part, name, (size_t)(slash - name));
		part[slash - name] = 0;
		twice = n == DEPTH_MAX || !resolve(l, part, room) || !*room;
		for (int i = 0; i < n && !twice; i++)
			twice = strcmp(real[i], room) == 0;
		if (!twice && !(real[n++] = strdup(room)))
			twice = n--;
	}
	for (int i = 0; i < n; i++)
		free(real[i]);
	return twice;
}

/* The first link whose target is the first n characters of path, by binary search. */
static size_t first_to(const gm_links *l, const char *path, size_t n)
{
	size_t lo = 0, hi = l->count;
	while (lo < hi) {
		const size_t mid = (lo + hi) / 2;
		const char *t = l->link[mid].target ? l->link[mid].target : "\xff";
		const int order = n ? strncmp(t, path, n) : 0;
		*(order < 0 ? &lo : &hi) = order < 0 ? mid + 1 : mid;
	}
	return lo;
}

static bool have(const gm_links *l, size_t names, const char *name)
{
	for (size_t i = 0; i < names; i++)
		if (strcmp(l->names[i], name) == 0)
			return true;
	return false;
}

/* Adds the names that path has by links to its first n letters: itself, or a folder above it. */
static size_t add_names(gm_links *l, size_t names, const char *own, const char *path, size_t n)
{
	for (size_t i = first_to(l, path, n); i < l->count && names < NAMES_MAX; i++) {
		link *k = &l->link[i];
		if (!k->target)
			continue;
		if (strncmp(k->target, path, n) != 0 || k->target[n])
			break;
		const char *name =
			gm_arena_printf(l->answer, "%s%s%s", k->name, n == 0 ? "/" : "", path + n);
		if (in_circle(l, name)) {
			k->circle = true;
			continue;
		}
		k->used = true;
		if (strcmp(name, own) != 0 && !have(l, names, name))
			l->names[names++] = name;
	}
	return names;
}

const char *const *gm_links_to(gm_links *l, const char *name, size_t *n)
{
	gm_arena_free(l->answer);
	l->answer = gm_arena_new();
	l->steps = 0;
	size_t names = 0;
	for (size_t at = 0; at <= names && names < NAMES_MAX; at++) {
		const char *path = at == 0 ? name : l->names[at - 1];
		for (size_t end = strlen(path) + 1; end-- > 0;)
			if (!path[end] || path[end] == '/' || end == 0)
				names = add_names(l, names, name, path, end);
	}
	*n = names;
	return l->names;
}

const char *gm_links_lost(const gm_links *l, size_t i, bool *circle)
{
	for (size_t k = 0; k < l->count; k++)
		if (!l->link[k].used && i-- == 0) {
			*circle = l->link[k].circle;
			return l->link[k].name;
		}
	return NULL;
}
