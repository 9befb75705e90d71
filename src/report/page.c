/* SPDX-License-Identifier: MIT
 *
 * report/page.c -- index.html: curves from stats.jsonl, images of the run folder, and the page.
 */
#include "report/page.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/asset.h"
#include "report/series.h"

/* ---- text ------------------------------------------------------------------------------------ */

static void put_text(FILE *f, const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		case '&':
			fputs("&amp;", f);
			break;
		case '"':
			fputs("&quot;", f);
			break;
		default:
			fputc(*s, f);
		}
}

/* 1234567 as 1,234,567 */
static const char *grouped(uint64_t v, char text[32])
{
	char plain[24];
	int n = snprintf(plain, sizeof plain, "%" PRIu64, v), k = 0;
	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			text[k++] = ',';
		text[k++] = plain[i];
	}
	text[k] = 0;
	return text;
}

/* RFC 4648 */
static void put_base64(FILE *f, const uint8_t *p, size_t n)
{
	static const char digit[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? p[i + 1] : 0) << 8 |
		             (i + 2 < n ? p[i + 2] : 0);
		fputc(digit[v >> 18], f);
		fputc(digit[v >> 12 & 63], f);
		fputc(i + 1 < n ? digit[v >> 6 & 63] : '=', f);
		fputc(i + 2 < n ? digit[v & 63] : '=', f);
	}
}

/* ---- curves ---------------------------------------------------------------------------------- */

enum { BUCKETS = 500 };         /* of a curve */
static const double HALF = .02; /* half-life of the smoothed curves, of the run's steps */

static void put_asset(FILE *o, const char *name)
{
	for (const gm_asset *a = gm_report_assets; a->name; a++)
		if (!strcmp(a->name, name))
			fwrite(a->data, 1, a->size, o);
}

/* The curves as JSON, which chart.js draws: the same charts as in the studio. */
static void put_charts(FILE *o, const gm_page *p, const gm_series *s)
{
	const gm_span span = {.buckets = BUCKETS, .half = HALF * (double)p->total};
	if (!s->columns) {
		fputs("<p class=help>No values yet.</p>", o);
		return;
	}
	fputs("<noscript><p class=help>The curves need JavaScript; the values are in "
	      "stats.jsonl.</p></noscript><div class=charts><script type=application/json "
	      "class=chart-data>{\"series\": {",
	      o);
	for (int i = 0; i < s->columns; i++) {
		fputs(i ? ", " : "", o);
		gm_series_put_column(o, &s->column[i], &span);
	}
	fputs("}}</script></div>\n<script type=module>\n", o);
	put_asset(o, "chart.js");
	fputs("\nmount_all(document);\n</script>\n", o);
	if (s->skipped + s->left_out)
		fprintf(o, "<p class=help>%" PRIu64 " lines of stats.jsonl could not be read.</p>",
		        s->skipped + s->left_out);
}

/* ---- pictures -------------------------------------------------------------------------------- */

enum { STRIP = 12 };

/* Image files are NAME-STEP.png: returns the start of STEP, or NULL for other files. */
static const char *step_in(const char *file)
{
	const char *dash = strrchr(file, '-');
	size_t digits = dash ? strspn(dash + 1, "0123456789") : 0;
	return digits >= 6 && !strcmp(dash + 1 + digits, ".png") ? dash + 1 : NULL;
}

/* True if both are of the same endpoint: equal up to the step. */
static bool same_kind(const char *a, const char *b)
{
	size_t n = (size_t)(step_in(a) - a);
	return n == (size_t)(step_in(b) - b) && !memcmp(a, b, n);
}

static int by_step(const void *pa, const void *pb)
{
	const char *a = *(char *const *)pa, *b = *(char *const *)pb;
	if (!same_kind(a, b))
		return strcmp(a, b);
	uint64_t x = strtoull(step_in(a), NULL, 10), y = strtoull(step_in(b), NULL, 10);
	return (x > y) - (x < y);
}

/* fakes-NNNNNN.png in order, or those of other endpoints by name; the caller frees each and the
 * list. */
static char **list_pictures(const char *folder, bool fakes, int *count)
{
	char **list = NULL;
	int n = 0, room = 0;
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!step_in(e->d_name) || !strncmp(e->d_name, "fakes-", 6) != fakes)
			continue;
		if (n == room) {
			char **more = realloc(list, (room = room ? 2 * room : 64) * sizeof *list);
			if (!more)
				break;
			list = more;
		}
		list[n] = strdup(e->d_name);
		n += list[n] != NULL;
	}
	if (d)
		closedir(d);
	if (list)
		qsort(list, n, sizeof *list, by_step);
	*count = n;
	return list;
}

static void free_list(char **list, int n)
{
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void put_picture(FILE *o, const char *folder, const char *file, const char *caption)
{
	char path[PATH_MAX];
	gm_bytes b = {0};
	if (snprintf(path, sizeof path, "%s/%s", folder, file) >= PATH_MAX ||
	    !gm_file_open(path, &b, NULL))
		return;
	fputs("<figure><img alt=\"", o);
	put_text(o, caption);
	fputs("\" src=\"data:image/png;base64,", o);
	put_base64(o, b.data, b.size);
	fputs("\"><figcaption>", o);
	put_text(o, caption);
	fputs("</figcaption></figure>\n", o);
	gm_file_close(&b);
}

static const char *caption_of(const char *file, char text[64])
{
	char number[32];
	if (!strcmp(file, "fakes-init.png"))
		return "before training";
	snprintf(text, 64, "step %s", grouped(strtoull(step_in(file), NULL, 10), number));
	return text;
}

/* The newest image of each endpoint other than that of fakes-*.png. */
static void put_others(FILE *o, const char *folder)
{
	int n;
	char **other = list_pictures(folder, false, &n), text[64], caption[160];
	for (int i = 0; i < n; i++) {
		if (i + 1 < n && same_kind(other[i], other[i + 1]))
			continue;
		snprintf(caption, sizeof caption, "%.*s, %s",
		         (int)(step_in(other[i]) - 1 - other[i]), other[i],
		         caption_of(other[i], text));
		put_picture(o, folder, other[i], caption);
	}
	free_list(other, n);
}

static void put_pictures(FILE *o, const char *folder, bool averaged)
{
	int n;
	char **fakes = list_pictures(folder, true, &n), text[64];
	fprintf(o, "<div class=\"pair%s\">", averaged ? " wide" : "");
	if (n) {
		char caption[160];
		snprintf(caption, sizeof caption, "newest samples, %s%s",
		         caption_of(fakes[n - 1], text),
		         averaged ? ": weights, and moving average" : "");
		put_picture(o, folder, fakes[n - 1], caption);
	}
	put_picture(o, folder, "reals.png", "training data");
	put_others(o, folder);
	fputs("</div><h2>The same latents over time</h2>", o);
	fprintf(o, "<div class=\"strip%s\">", averaged ? " wide" : "");
	put_picture(o, folder, "fakes-init.png", "before training");
	int some = n < STRIP ? n : STRIP;
	for (int i = 0; i < some; i++) {
		/* evenly spaced, always including the newest */
		const char *file = fakes[n - 1 - (int64_t)(some - 1 - i) * n / some];
		put_picture(o, folder, file, caption_of(file, text));
	}
	fputs("</div>", o);
	free_list(fakes, n);
}

/* ---- the page -------------------------------------------------------------------------------- */

/* Colours and charts are in palette.css. */
static const char style[] =
	"*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);"
	"font:16px/1.5 var(--font)}"
	"main{max-width:1180px;margin:0 auto;padding:28px 20px 60px}"
	"header{display:flex;flex-wrap:wrap;gap:6px 14px;align-items:center}"
	"h1{font-size:1.55rem;margin:0;overflow-wrap:anywhere}"
	"h2{font-size:1.1rem;margin:34px 0 10px}"
	".help,.sub{color:var(--soft);margin:2px 0 0;font-size:.87rem}"
	".badge{border:1.5px solid currentColor;border-radius:99px;padding:1px 12px;"
	"font-size:.85rem;font-weight:600}.running{color:var(--accent)}.finished{color:var(--ok)}"
	".stopped{color:var(--soft)}.failed{color:var(--bad)}"
	".bar{height:8px;background:var(--line);border-radius:9px;margin:16px 0;overflow:hidden}"
	".bar i{display:block;height:100%;background:var(--accent);border-radius:9px}"
	".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}"
	".card,.facts div{background:var(--card);border:1px solid var(--line);border-radius:10px;"
	"padding:12px 16px}.facts span{display:block;color:var(--soft);font-size:.82rem}"
	".facts b{font-size:1.12rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}"
	".note{border-left:4px solid var(--warn);background:var(--card);padding:10px 14px;"
	"margin:14px 0 0;border-radius:6px}.note.bad{border-color:var(--bad)}"
	".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:16px;"
	"margin-top:22px}figure{margin:0}figure img{width:100%;display:block;border-radius:10px;"
	"image-rendering:pixelated;border:1px solid var(--line)}figcaption{color:var(--soft);"
	"font-size:.84rem;margin-top:5px;text-align:center}"
	".strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:12px}"
	".strip img{image-rendering:auto}"
	".pair.wide{grid-template-columns:minmax(0,2fr) minmax(0,1fr)}"
	".strip.wide{grid-template-columns:repeat(auto-fill,minmax(270px,1fr))}"
	"@media(max-width:760px){.pair.wide{grid-template-columns:1fr}}"
	".options{border-collapse:collapse;width:100%;font-size:.9rem}"
	".options td{padding:5px 10px 5px 0;border-top:1px solid var(--line);vertical-align:top}"
	".options tr:first-child td{border:0}"
	".options td:nth-child(2){font-variant-numeric:tabular-nums;overflow-wrap:anywhere}"
	".options td:nth-child(3){color:var(--soft)}"
	".options tr.set td:nth-child(-n+2){font-weight:650}"
	"@media(max-width:560px){.options td:nth-child(3){display:none}}";

static void put_fact(FILE *o, const char *name, const char *value)
{
	fputs("<div><span>", o);
	put_text(o, name);
	fputs("</span><b>", o);
	put_text(o, value);
	fputs("</b></div>", o);
}

static void put_facts(FILE *o, const gm_page *p)
{
	char a[32], b[32], text[96];
	snprintf(text, sizeof text, "%s of %s", grouped(p->step, a), grouped(p->total, b));
	put_fact(o, "step", text);
	snprintf(text, sizeof text, "%s seen", p->what);
	put_fact(o, text, grouped(p->seen, a));
	put_fact(o, "data", gm_settings_get(p->settings, "data"));
	put_fact(o, "parameters", p->nets);
	if (p->per_second > 0) {
		snprintf(a, sizeof a, "%.*f", p->per_second < 10 ? 2 : 0, p->per_second);
		snprintf(text, sizeof text, "%s a second", p->what);
		put_fact(o, text, a);
	}
	if (!strcmp(p->state, "running") && p->left > 0) {
		int64_t s = llround(p->left);
		snprintf(text, sizeof text, "%d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60),
		         (int)(s % 60));
		put_fact(o, "remaining time", text);
	}
}

static void put_notes(FILE *o, const gm_page *p)
{
	if (*p->trouble) {
		fputs("<p class=\"note bad\">", o);
		put_text(o, p->trouble);
		fputs("</p>", o);
	}
	char *copy = strdup(p->notes), *rest = copy;
	for (char *line; copy && (line = strsep(&rest, "\n"));)
		if (*line) {
			fputs("<p class=note>", o);
			put_text(o, line);
			fputs("</p>", o);
		}
	free(copy);
}

/* Options that differ from the default come first, in bold. */
static void put_options(FILE *o, const gm_settings *s)
{
	fputs("<h2>Options</h2><section class=card><table class=options>", o);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < s->count; i++) {
			const gm_setting *row = &s->row[i];
			bool changed = strcmp(row->value, row->initial) != 0;
			if (changed == pass || (row->flags & GM_PLACE))
				continue;
			fprintf(o, "<tr%s><td>", changed ? " class=set" : "");
			put_text(o, row->name);
			fputs("<td>", o);
			put_text(o, row->value);
			fputs("<td>", o);
			put_text(o, row->help);
			fputs("</tr>\n", o);
		}
	fputs("</table></section>", o);
}

static void put_page(FILE *o, const gm_page *p, const gm_series *s)
{
	const char *slash = strrchr(p->folder, '/'), *name = slash ? slash + 1 : p->folder;
	const gm_model *m = p->settings->model;
	fputs("<!doctype html>\n<html lang=en><meta charset=utf-8>"
	      "<meta name=viewport content=\"width=device-width,initial-scale=1\"><title>",
	      o);
	put_text(o, name);
	fputs("</title>\n<style>", o);
	put_asset(o, "palette.css");
	fputs(style, o);
	fputs("</style>\n<main><header><h1>", o);
	put_text(o, name);
	fprintf(o, "</h1><span class=\"badge %s\">%s</span></header><p class=sub>", p->state,
	        p->state);
	fprintf(o, "%s: ", m->name);
	put_text(o, m->title);
	fputs(", ", o);
	put_text(o, m->source);
	fprintf(o, "</p><div class=bar><i style=\"width:%.1f%%\"></i></div><div class=facts>",
	        p->total > 0 ? 100. * (double)p->step / (double)p->total : 100.);
	put_facts(o, p);
	fputs("</div>", o);
	put_notes(o, p);
	put_pictures(o, p->folder, strtod(gm_settings_get(p->settings, "ema"), NULL) > 0);
	fputs("<h2>Curves</h2>", o);
	put_charts(o, p, s);
	put_options(o, p->settings);
	fprintf(o,
	        "<p class=help>Updated by ganymede %s during the run. Bold options differ from "
	        "their defaults.</p></main></html>\n",
	        gm_version());
}

bool gm_page_write(const gm_page *p, gm_error *err)
{
	char path[PATH_MAX], *text = NULL;
	size_t size = 0;
	if (snprintf(path, sizeof path, "%s/stats.jsonl", p->folder) >= PATH_MAX)
		return gm_fail(err, GM_ERR_VALUE, "the path of index.html is too long");
	gm_series s = {0};
	gm_bytes b = {0};
	if (gm_file_open(path, &b, NULL)) {
		gm_series_read(&s, b.data, b.size);
		gm_file_close(&b);
	}
	FILE *o = open_memstream(&text, &size);
	if (o)
		put_page(o, p, &s);
	gm_series_free(&s);
	bool ok = o && fclose(o) == 0 && text;
	snprintf(path, sizeof path, "%s/index.html", p->folder);
	ok = ok ? gm_file_write(path, text, size, err)
	        : gm_fail(err, GM_ERR_MEMORY, "no memory for index.html");
	free(text);
	return ok;
}
