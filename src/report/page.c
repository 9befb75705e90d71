/* SPDX-License-Identifier: MIT
 *
 * report/page.c -- index.html: curves from stats.jsonl, images of the run folder, and the page.
 */
#include "report/page.h"

#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

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

enum { SERIES = 64, INKS = 6 };

typedef struct series {
	char name[64];
	double *x, *y;
	int n, room;
} series;

static void add_point(series *s, double x, double y)
{
	if (s->n == s->room) {
		int room = s->room ? 2 * s->room : 256;
		double *sx = realloc(s->x, room * sizeof *sx);
		s->x = sx ? sx : s->x;
		double *sy = realloc(s->y, room * sizeof *sy);
		s->y = sy ? sy : s->y;
		if (!sx || !sy)
			return;
		s->room = room;
	}
	s->x[s->n] = x, s->y[s->n++] = y;
}

/* Reads the columns of stats.jsonl, skipping invalid lines. Returns their number. */
static int read_stats(const char *path, series *s)
{
	gm_bytes b = {0};
	int count = 0;
	if (!gm_file_open(path, &b, NULL))
		return 0;
	const char *at = (const char *)b.data, *end = at + b.size;
	for (const char *stop; at < end && (stop = memchr(at, '\n', end - at)); at = stop + 1) {
		json_t *line = json_loadb(at, stop - at, 0, NULL), *value;
		double step = json_number_value(json_object_get(line, "step"));
		const char *name;
		json_object_foreach (line, name, value) {
			int i = 0;
			if (!strcmp(name, "step") || !strcmp(name, "seen") ||
			    !json_is_number(value))
				continue;
			while (i < count && strcmp(s[i].name, name))
				i++;
			if (i == SERIES)
				continue;
			if (i == count)
				snprintf(s[count++].name, sizeof s->name, "%s", name);
			add_point(&s[i], step, json_number_value(value));
		}
		json_decref(line);
	}
	gm_file_close(&b);
	return count;
}

/* Assigns curves to charts: the first row whose prefix matches the name; the last row matches all,
 * with a separate chart for each. */
static const struct chart {
	const char *prefix, *title, *help;
	bool logarithmic, unit; /* unit: the axis is 0 to 1 */
} charts[] = {
	{"loss", "Losses", "the losses of the nets; in a GAN they need not decrease"},
	{"acc_", "Accuracy of D", "of D on real and on generated examples; .5 is chance", false,
         true},
	{"grad_", "Gradient norms", "2-norm of each net's gradient, logarithmic", true},
	{"spread", "Spread",
         "diversity of samples relative to the data: 1 is equal, 0 means all samples are alike"},
	{"metric_", "Scores", ""},
	{"lr", "Learning rates", ""},
	{"", "", ""},
};
enum { CHARTS = sizeof charts / sizeof *charts };

static int chart_of(const char *name)
{
	int i = 0;
	while (strncmp(name, charts[i].prefix, strlen(charts[i].prefix)))
		i++;
	return i;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

typedef struct frame { /* data to pixels */
	double x0, x1, y0, y1;
	bool logarithmic;
} frame;

enum { WIDE = 640, HIGH = 250, LEFT = 58, RIGHT = 14, TOP = 12, BOTTOM = 30 };

static double scaled(const frame *f, double y)
{
	return f->logarithmic ? log10(fmax(y, 1e-12)) : y;
}

static double px(const frame *f, double x)
{
	return LEFT + (x - f->x0) / (f->x1 - f->x0) * (WIDE - LEFT - RIGHT);
}

static double py(const frame *f, double y)
{
	return HIGH - BOTTOM - (scaled(f, y) - f->y0) / (f->y1 - f->y0) * (HIGH - TOP - BOTTOM);
}

/* The range from the 1st to the 99th percentile of all curves, so that a spike does not flatten the
 * rest. */
static frame frame_of(series *const *s, int n, const struct chart *c)
{
	frame f = {.x0 = 0, .x1 = 1, .y0 = 0, .y1 = 1, .logarithmic = c->logarithmic};
	int all = 0, k = 0;
	for (int i = 0; i < n; i++) {
		all += s[i]->n;
		if (s[i]->n)
			f.x1 = fmax(f.x1, s[i]->x[s[i]->n - 1]);
	}
	double *v = malloc((all + 1) * sizeof *v);
	for (int i = 0; v && i < n; i++)
		for (int j = 0; j < s[i]->n; j++)
			v[k++] = scaled(&f, s[i]->y[j]);
	if (k) {
		qsort(v, k, sizeof *v, by_value);
		f.y0 = v[k / 100], f.y1 = v[k - 1 - k / 100];
	}
	free(v);
	if (c->unit)
		f.y0 = 0, f.y1 = 1;
	double margin = (f.y1 - f.y0) * .08;
	if (!(margin > 1e-12 * fabs(f.y1)))
		margin = fabs(f.y1) > 0 ? fabs(f.y1) * .5 : .5;
	if (!c->unit && !c->logarithmic && f.y0 >= 0 && f.y0 - margin < 0)
		f.y0 = 0;
	else
		f.y0 -= c->unit ? .03 : margin;
	f.y1 += c->unit ? .03 : margin;
	return f;
}

/* 1, 2 or 5 times a power of ten, about `parts` to a span */
static double tick_step(double span, int parts)
{
	double raw = span / parts, ten = pow(10, floor(log10(raw))), m = raw / ten;
	return ten * (m < 1.5 ? 1 : m < 3.5 ? 2 : m < 7.5 ? 5 : 10);
}

/* 0.5, 20, 2.5e-4: short enough for the margin */
static const char *tick_text(double v, char text[32])
{
	int n = snprintf(text, 32, "%.3g", v);
	if (n > 6) {
		int ten = (int)floor(log10(fabs(v)) + 1e-9);
		snprintf(text, 32, "%.3ge%d", v / pow(10, ten), ten);
	}
	return text;
}

static void put_axes(FILE *o, const frame *f)
{
	double d = tick_step(f->y1 - f->y0, 4);
	if (f->logarithmic && d < 1)
		d = f->y1 - f->y0 > 2 ? 1 : d;
	for (int i = 0; ceil(f->y0 / d) + i <= f->y1 / d + 1e-9; i++) {
		double v = (ceil(f->y0 / d) + i) * d;
		double y = HIGH - BOTTOM - (v - f->y0) / (f->y1 - f->y0) * (HIGH - TOP - BOTTOM);
		char text[32];
		fprintf(o,
		        "<line class=grid x1=%d x2=%d y1=%.1f y2=%.1f /><text x=%d y=%.1f "
		        "text-anchor=end>%s</text>",
		        LEFT, WIDE - RIGHT, y, y, LEFT - 8, y + 4,
		        tick_text(f->logarithmic       ? pow(10, v)
		                  : fabs(v) < d * 1e-9 ? 0
		                                       : v,
		                  text));
	}
	d = fmax(tick_step(f->x1 - f->x0, 6), 1);
	for (int i = 0; ceil(f->x0 / d) + i <= f->x1 / d + 1e-9; i++) {
		double v = (ceil(f->x0 / d) + i) * d;
		char text[32];
		/* A centred label at the right edge would be cut off. */
		fprintf(o, "<text x=%.1f y=%d text-anchor=%s>%s</text>", px(f, v), HIGH - 9,
		        px(f, v) > WIDE - 30 ? "end" : "middle", grouped((uint64_t)v, text));
	}
}

enum { POINTS = 500 }; /* maximum number of points per curve */

/* Draws the curve thin and, if it is long, its running mean bold. Very many points are averaged in
 * groups. */
static void put_curve(FILE *o, const frame *f, const series *s, int ink)
{
	int group = (s->n + POINTS - 1) / POINTS;
	bool smooth = s->n >= 40;
	for (int pass = 0; pass <= smooth; pass++) {
		double mean = 0, weight = 0, keep = 1 - 12. / fmax(s->n, 24);
		fprintf(o, "<polyline class=\"ink%d %s\" points=\"", ink,
		        smooth && !pass ? "thin" : "bold");
		for (int i = 0; i < s->n; i += group) {
			double x = 0, y = 0;
			int m = s->n - i < group ? s->n - i : group;
			for (int j = i; j < i + m; j++) {
				x += s->x[j] / m;
				y += s->y[j] / m;
				/* with bias correction, as in Adam */
				mean = keep * mean + (1 - keep) * s->y[j];
				weight = keep * weight + (1 - keep);
			}
			fprintf(o, "%.1f,%.1f ", px(f, x), py(f, pass ? mean / weight : y));
		}
		fputs("\"/>", o);
	}
	if (s->n == 1)
		fprintf(o, "<circle class=\"dot%d\" cx=%.1f cy=%.1f r=3 />", ink, px(f, s->x[0]),
		        py(f, s->y[0]));
}

static void put_chart(FILE *o, series *const *s, int n, const struct chart *c, int number)
{
	frame f = frame_of(s, n, c);
	fputs("<section class=card><h3>", o);
	put_text(o, *c->title ? c->title : s[0]->name);
	fputs("</h3>", o);
	if (*c->help)
		fprintf(o, "<p class=help>%s</p>", c->help);
	fprintf(o,
	        "<svg viewBox=\"0 0 %d %d\" role=img><clipPath id=clip%d><rect x=%d y=%d width=%d "
	        "height=%d /></clipPath>",
	        WIDE, HIGH, number, LEFT, TOP - 3, WIDE - LEFT - RIGHT + 3,
	        HIGH - TOP - BOTTOM + 6);
	put_axes(o, &f);
	fprintf(o, "<g clip-path=\"url(#clip%d)\">", number);
	for (int i = 0; i < n; i++)
		put_curve(o, &f, s[i], i % INKS);
	fputs("</g></svg><p class=legend>", o);
	for (int i = 0; i < n; i++) {
		fprintf(o, "<span><i class=key%d></i>", i % INKS);
		put_text(o, s[i]->name);
		fprintf(o, " <b>%.4g</b></span>", s[i]->n ? s[i]->y[s[i]->n - 1] : 0);
	}
	fputs("</p></section>\n", o);
}

static void put_charts(FILE *o, series *s, int count)
{
	int number = 0;
	if (!count)
		fputs("<p class=help>No values yet.</p>", o);
	for (int c = 0; c < CHARTS; c++) {
		series *mine[SERIES];
		int n = 0;
		for (int i = 0; i < count; i++)
			if (chart_of(s[i].name) == c)
				mine[n++] = &s[i];
		if (c < CHARTS - 1 && n)
			put_chart(o, mine, n, &charts[c], number++);
		for (int i = 0; c == CHARTS - 1 && i < n; i++)
			put_chart(o, mine + i, 1, &charts[c], number++);
	}
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

static const char style[] =
	":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1c2430;--soft:#5c6675;"
	"--line:#e3e6eb;--c0:#2462c8;--c1:#d9601a;--c2:#1f8f57;--c3:#a03bb5;--c4:#b58900;"
	"--c5:#c2334d;--ok:#1f8f57;--busy:#2462c8;--bad:#c2334d}"
	"@media(prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1b2129;--ink:#e6eaf0;"
	"--soft:#9aa6b5;--line:#2c343f;--c0:#6ea3ff;--c1:#ff9c5b;--c2:#5fd39a;--c3:#dd8bee;"
	"--c4:#e5c04d;--c5:#ff7d92;--ok:#5fd39a;--busy:#6ea3ff;--bad:#ff7d92}}"
	"*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);"
	"font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
	"main{max-width:1180px;margin:0 auto;padding:28px 20px 60px}"
	"header{display:flex;flex-wrap:wrap;gap:6px 14px;align-items:center}"
	"h1{font-size:1.55rem;margin:0;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:34px 0 "
	"10px}"
	"h3{font-size:1rem;margin:0}.help,.sub{color:var(--soft);margin:2px 0 0;font-size:.87rem}"
	".badge{border:1.5px solid currentColor;border-radius:99px;padding:1px "
	"12px;font-size:.85rem;"
	"font-weight:600}.running{color:var(--busy)}.finished{color:var(--ok)}"
	".stopped{color:var(--soft)}.failed{color:var(--bad)}"
	".bar{height:8px;background:var(--line);border-radius:9px;margin:16px 0;overflow:hidden}"
	".bar i{display:block;height:100%;background:var(--busy);border-radius:9px}"
	".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}"
	".card,.facts div{background:var(--card);border:1px solid var(--line);border-radius:12px;"
	"padding:12px 16px}.facts span{display:block;color:var(--soft);font-size:.82rem}"
	".facts b{font-size:1.12rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}"
	".note{border-left:4px solid var(--c4);background:var(--card);padding:10px 14px;"
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
	".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));"
	"gap:14px}svg{width:100%;height:auto;display:block;margin-top:8px}"
	"svg text{fill:var(--soft);font-size:13px}.grid{stroke:var(--line)}"
	"polyline{fill:none;stroke-linejoin:round}.thin{stroke-width:1;opacity:.35}"
	".bold{stroke-width:2.2}.legend{margin:6px 0 0;display:flex;flex-wrap:wrap;gap:2px 18px;"
	"font-size:.87rem}.legend i{display:inline-block;width:14px;height:4px;border-radius:3px;"
	"margin-right:6px;vertical-align:middle}.legend b{font-variant-numeric:tabular-nums}"
	"table{border-collapse:collapse;width:100%;font-size:.9rem}td{padding:5px 10px 5px 0;"
	"border-top:1px solid var(--line);vertical-align:top}tr:first-child td{border:0}"
	"td:nth-child(2){font-variant-numeric:tabular-nums;overflow-wrap:anywhere}"
	"td:nth-child(3){color:var(--soft)}tr.set td:nth-child(-n+2){font-weight:650}"
	"@media(max-width:560px){td:nth-child(3){display:none}}";

static void put_inks(FILE *o)
{
	for (int i = 0; i < INKS; i++)
		fprintf(o,
		        ".ink%d{stroke:var(--c%d)}.key%d{background:var(--c%d)}.dot%d{fill:var(--c%"
		        "d)}",
		        i, i, i, i, i, i);
}

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
	fputs("<h2>Options</h2><section class=card><table>", o);
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

static void put_page(FILE *o, const gm_page *p, series *s, int count)
{
	const char *slash = strrchr(p->folder, '/'), *name = slash ? slash + 1 : p->folder;
	const gm_model *m = p->settings->model;
	fputs("<!doctype html>\n<html lang=en><meta charset=utf-8>"
	      "<meta name=viewport content=\"width=device-width,initial-scale=1\"><title>",
	      o);
	put_text(o, name);
	fprintf(o, "</title>\n<style>%s", style);
	put_inks(o);
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
	fputs("<h2>Curves</h2><div class=charts>", o);
	put_charts(o, s, count);
	fputs("</div>", o);
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
	series *s = calloc(SERIES, sizeof *s);
	FILE *o = s ? open_memstream(&text, &size) : NULL;
	if (o) {
		put_page(o, p, s, read_stats(path, s));
		for (int i = 0; i < SERIES; i++)
			free(s[i].x), free(s[i].y);
	}
	free(s);
	bool ok = o && fclose(o) == 0 && text;
	snprintf(path, sizeof path, "%s/index.html", p->folder);
	ok = ok ? gm_file_write(path, text, size, err)
	        : gm_fail(err, GM_ERR_MEMORY, "no memory for index.html");
	free(text);
	return ok;
}
