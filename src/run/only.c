/* SPDX-License-Identifier: MIT
 *
 * run/only.c -- options that have an effect only with certain values of others (gm_option.only).
 */
#include "run/run.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* One condition, "NAME", "NAME=a|b", or one of them after "!". */
typedef struct condition {
	bool no; /* it must not hold */
	char option[64];
	const char *words; /* not ended; NULL: whether the option is in use */
	size_t size;
} condition;

/* Reads the condition at text; returns its end: a comma, a semicolon or the end of the text. */
static const char *read_condition(const char *text, condition *c)
{
	*c = (condition){.no = *text == '!'};
	text += c->no;
	size_t n = strcspn(text, "=,;");
	snprintf(c->option, sizeof c->option, "%.*s", (int)n, text);
	text += n;
	if (*text == '=') {
		c->words = ++text;
		c->size = strcspn(text, ",;");
		text += c->size;
	}
	return text;
}

static bool equal(const char *a, size_t n, const char *b, size_t m)
{
	char one[64], other[64];
	double x, y;
	snprintf(one, sizeof one, "%.*s", (int)n, a);
	snprintf(other, sizeof other, "%.*s", (int)m, b);
	return !strcmp(one, other) || (gm_text_f64(one, &x) && gm_text_f64(other, &y) && x == y);
}

/* Whether a value, or a part of a sum, is one of the words. */
static bool among(const char *value, const condition *c)
{
	for (const char *v = value;; v++) {
		const size_t n = strcspn(v, "+");
		for (const char *w = c->words, *end = w + c->size; w < end; w++) {
			size_t m = strcspn(w, "|");
			m = w + m > end ? (size_t)(end - w) : m;
			if (equal(v, n, w, m))
				return true;
			w += m;
		}
		v += n;
		if (!*v)
			return false;
	}
}

static bool is_number(const gm_setting *row)
{
	return row->type.kind == GM_OPTION_INT || row->type.kind == GM_OPTION_REAL;
}

/* The word of a value that switches an option off. */
static const char *off(const gm_setting *row)
{
	return is_number(row)                       ? "0"
	       : row->type.kind == GM_OPTION_FLAG   ? "no"
	       : row->type.kind == GM_OPTION_CHOICE ? "none"
	                                            : "";
}

static bool in_use(const gm_setting *row, const char *value)
{
	static const char *const no[] = {"no", "false", "off", "0", "none", ""};
	double x;
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (!strcmp(value, no[i]))
			return false;
	return !is_number(row) || !gm_text_f64(value, &x) || x != 0;
}

/* An "auto" whose value the model has not set yet fulfils any condition. */
static bool holds(const gm_settings *s, const condition *c)
{
	const gm_setting *row = gm_settings_find(s, c->option);
	if (!row)
		return c->no;
	const char *value = row->value;
	bool fits = c->words && among(value, c);
	if (!fits && !strcmp(value, "auto") && !strcmp(row->initial, "auto")) {
		if (!row->automatic && !(c->words && equal(c->words, c->size, "auto", 4)))
			return true;
		value = row->automatic ? row->automatic : value;
	}
	fits = fits || (c->words ? among(value, c) : in_use(row, value));
	return fits != c->no;
}

/* "a, b or c" */
static void say_words(const condition *c, FILE *to)
{
	const char *w = c->words, *end = w + c->size;
	for (; w < end; w++)
		if (*w != '|')
			fputc(*w, to);
		else
			fputs(memchr(w + 1, '|', (size_t)(end - w - 1)) ? ", " : " or ", to);
}

/* "with --net conv or dcgan" */
static void say(const gm_setting *row, const condition *c, FILE *to)
{
	if (!c->words && !*off(row)) {
		fprintf(to, "%s --%s", c->no ? "without" : "with", row->name);
	} else if (c->words) {
		fprintf(to, "with --%s %s", row->name, c->no ? "other than " : "");
		say_words(c, to);
	} else {
		const bool yes = row->type.kind == GM_OPTION_FLAG && !c->no;
		fprintf(to, "with --%s %s%s", row->name, c->no || yes ? "" : "other than ",
		        yes ? "yes" : off(row));
	}
}

bool gm_setting_only(const gm_settings *s, const gm_setting *row, char *text, size_t room)
{
	FILE *to = row->only ? fmemopen(text, room, "w") : NULL;
	const char *at = row->only, *between = "";
	*text = 0;
	while (to && *at) {
		condition c;
		const bool either = at > row->only && at[-1] == ';';
		at = read_condition(at, &c);
		at += *at != 0;
		const gm_setting *other = gm_settings_find(s, c.option);
		if (!other)
			continue;
		fputs(!*between ? "" : either ? " or " : " and ", to);
		say(other, &c, to);
		between = " ";
	}
	if (to)
		fclose(to);
	return *text;
}

/* The first condition of the row that does not hold, if no alternative holds. */
static bool fails(const gm_settings *s, const char *only, condition *first)
{
	bool all = true;
	*first = (condition){0};
	for (const char *at = only; *at;) {
		condition c;
		at = read_condition(at, &c);
		if (!holds(s, &c)) {
			if (!*first->option)
				*first = c;
			all = false;
		}
		if (*at != ',' && all)
			return false;
		if (*at == ';')
			all = true;
		at += *at != 0;
	}
	return true;
}

static bool is_default(const gm_setting *row)
{
	return equal(row->value, strlen(row->value), row->initial, strlen(row->initial));
}

bool gm_settings_effects(const gm_settings *s, gm_error *err)
{
	for (int i = 0; i < s->count; i++) {
		const gm_setting *row = &s->row[i];
		condition c;
		char text[300];
		if (!row->given || !row->only || is_default(row) || !fails(s, row->only, &c))
			continue;
		const gm_setting *other = gm_settings_find(s, c.option);
		const char *value = other ? other->value : "";
		gm_setting_only(s, row, text, sizeof text);
		return gm_fail(err, GM_ERR_VALUE,
		               "option %s has an effect only %s, and this run has %s--%s%s%.60s: "
		               "change that, or leave option %s at its default, %s",
		               row->name, text, *value ? "" : "no ", c.option, *value ? " " : "",
		               other && other->automatic && !strcmp(value, "auto")
		                       ? other->automatic
		                       : value,
		               row->name, *row->initial ? row->initial : "empty");
	}
	return true;
}

/* Whether weights have a moving average. */
static bool averages(const gm_run *r)
{
	for (int i = 0; i < r->nets; i++)
		for (int k = 0; k < gm_net_count(r->net[i]); k++)
			if (gm_net_at(r->net[i], k).average)
				return true;
	return false;
}

void gm_run_effects(gm_run *r)
{
	static const gm_option game[] = {GM_GAME_OPTIONS("", "", ""), {0}};
	const gm_settings *s = r->settings;
	const gm_setting *ema = gm_settings_find(s, "ema");
	gm_settings_effects(s, &r->err);
	if (ema->given && r->ema > 0 && !averages(r))
		gm_run_error(
			r,
			"option ema has no effect: %s keeps no moving averages; leave the option "
			"out",
			r->model->name);
	if (r->plays || !gm_settings_find(s, "objective"))
		return;
	for (const gm_option *o = game; o->name; o++) {
		const gm_setting *row = gm_settings_find(s, o->name);
		if (row && row->given && !is_default(row) && strcmp(o->name, "normalise-g"))
			gm_run_error(
				r,
				"option %s has no effect: this run of %s has no game between G "
				"and D; leave the option out",
				o->name, r->model->name);
	}
}
