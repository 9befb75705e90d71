/* SPDX-License-Identifier: MIT
 *
 * sound.c -- see sound.h. */
#include "data/sound.h"

#include "base/machine.h"
#include "base/progress.h"
#include "data/set.h"
#include "data/tree.h"

#include <math.h>
#include <samplerate.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_MAX ((size_t)512 << 20)
#define SAMPLES_MAX ((int64_t)1 << 28) /* of one recording; a few bytes of FLAC can be any length */

/* ---- one recording --------------------------------------------------------------------------- */

typedef struct source {
	const uint8_t *bytes;
	sf_count_t size, at;
} source;

static sf_count_t on_length(void *of)
{
	return ((source *)of)->size;
}

static sf_count_t on_seek(sf_count_t offset, int whence, void *of)
{
	source *s = of;
	const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->size;
	if (offset < -from || offset > s->size - from)
		return -1;
	return s->at = from + offset;
}

static sf_count_t on_read(void *to, sf_count_t n, void *of)
{
	source *s = of;
	n = n < s->size - s->at ? n : s->size - s->at;
	memcpy(to, s->bytes + s->at, (size_t)n);
	s->at += n;
	return n;
}

static sf_count_t on_tell(void *of)
{
	return ((source *)of)->at;
}

/* All samples as the mean of the channels; NULL where they cannot be read. */
static float *read_mono(SNDFILE *f, const SF_INFO *info, int64_t *n)
{
	enum { BLOCK = 4096 };
	float *x = NULL, *block = malloc(BLOCK * (size_t)info->channels * sizeof *block);
	int64_t room = 0, got = block ? 1 : 0;
	*n = 0;
	while (got > 0 && *n < SAMPLES_MAX) {
		if (room - *n < BLOCK) {
			room = room ? 2 * room : 4 * BLOCK;
			float *more = realloc(x, (size_t)room * sizeof *x);
			if (!more)
				break;
			x = more;
		}
		got = sf_readf_float(f, block, BLOCK);
		for (int64_t i = 0; i < got; i++) {
			float sum = 0;
			for (int c = 0; c < info->channels; c++)
				sum += block[i * info->channels + c];
			x[(*n)++] = sum / (float)info->channels;
		}
	}
	free(block);
	if (got == 0 && *n > 0)
		return x;
	free(x);
	return NULL;
}

/* Resampled from one rate to another; frees x. */
static float *resample(float *x, int64_t *n, int from, int to)
{
	const double ratio = (double)to / from;
	const int64_t room = (int64_t)((double)*n * ratio) + 16;
	float *y = room < SAMPLES_MAX ? malloc((size_t)room * sizeof *y) : NULL;
	SRC_DATA job = {.data_in = x,
	                .data_out = y,
	                .input_frames = (long)*n,
	                .output_frames = (long)room,
	                .src_ratio = ratio};
	const bool ok = y && src_is_valid_ratio(ratio) &&
	                src_simple(&job, SRC_SINC_BEST_QUALITY, 1) == 0 &&
	                job.output_frames_gen > 0;
	*n = job.output_frames_gen;
	free(x);
	if (ok)
		return y;
	free(y);
	return NULL;
}

/* The bytes that a WAVE or AIFF file should have by its header; 0: it does not say. libsndfile
 * reads what there is of a truncated one. */
static uint64_t declared(const uint8_t *p, size_t n)
{
	const bool wave = n >= 12 && memcmp(p, "RIFF", 4) == 0,
		   aiff = n >= 12 && memcmp(p, "FORM", 4) == 0;
	uint32_t size = 0;
	for (int i = 0; i < 4 && (wave || aiff); i++)
		size |= (uint32_t)p[4 + i] << (wave ? 8 * i : 24 - 8 * i);
	/* writers into pipes leave 0 or the largest number */
	return size == 0 || size >= UINT32_MAX - 64 ? 0 : (uint64_t)size + 8;
}

bool gm_sound_decode(const char *name, const uint8_t *bytes, size_t size, int *rate,
                     int16_t **sample, int64_t *n, gm_error *err)
{
	static SF_VIRTUAL_IO io = {on_length, on_seek, on_read, NULL, on_tell};
	if (declared(bytes, size) > (uint64_t)size + 1) /* odd chunks are padded, or not */
		return gm_fail(err, GM_ERR_FORMAT, "%s: truncated: %zu of %llu bytes", name, size,
		               (unsigned long long)declared(bytes, size));
	source s = {bytes, (sf_count_t)size, 0};
	SF_INFO info = {0};
	SNDFILE *f = sf_open_virtual(&io, SFM_READ, &info, &s);
	if (!f || info.channels < 1 || info.channels > 64 || info.samplerate < 1) {
		if (f)
			sf_close(f);
		return gm_fail(err, GM_ERR_FORMAT, "%s: a sound that cannot be read: %.120s", name,
		               sf_strerror(NULL));
	}
	float *x = read_mono(f, &info, n);
	const int64_t missing = x ? info.frames - *n : 0;
	sf_close(f);
	if (x && missing > 0) {
		free(x);
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: truncated: %lld of %lld samples are missing", name,
		               (long long)missing, (long long)info.frames);
	}
	*rate = *rate ? *rate : info.samplerate;
	if (x && *rate != info.samplerate)
		x = resample(x, n, info.samplerate, *rate);
	*sample = x ? malloc((size_t)*n * sizeof **sample) : NULL;
	for (int64_t i = 0; *sample && i < *n; i++) {
		const float v = isfinite(x[i]) ? x[i] * 32768 : 0;
		(*sample)[i] = (int16_t)lrintf(v < -32768 ? -32768 : v > 32767 ? 32767 : v);
	}
	free(x);
	return *sample || gm_fail(err, GM_ERR_FORMAT, "%s: no samples that can be read", name);
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct sink {
	uint8_t *bytes;
	sf_count_t size, room, at;
} sink;

static sf_count_t to_length(void *of)
{
	return ((sink *)of)->size;
}

static sf_count_t to_seek(sf_count_t offset, int whence, void *of)
{
	sink *s = of;
	const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->size;
	if (offset < -from || offset > s->size - from)
		return -1;
	return s->at = from + offset;
}

static sf_count_t to_write(const void *from, sf_count_t n, void *of)
{
	sink *s = of;
	if (n > s->room - s->at) {
		const sf_count_t room = 2 * (s->at + n);
		uint8_t *more = realloc(s->bytes, (size_t)room);
		if (!more)
			return 0;
		s->bytes = more, s->room = room;
	}
	memcpy(s->bytes + s->at, from, (size_t)n);
	s->at += n;
	s->size = s->at > s->size ? s->at : s->size;
	return n;
}

static sf_count_t to_tell(void *of)
{
	return ((sink *)of)->at;
}

static const struct {
	const char *ending, *name;
	int format;
} written[] = {{".wav", "WAVE", SF_FORMAT_WAV}, {".flac", "FLAC", SF_FORMAT_FLAC}};

static int row_of(const char *path)
{
	const char *dot = strrchr(path, '.');
	for (int i = 0; dot && i < (int)(sizeof written / sizeof *written); i++)
		if (!strcasecmp(dot, written[i].ending))
			return i;
	return -1;
}

const char *gm_sound_format(const char *path)
{
	return row_of(path) < 0 ? NULL : written[row_of(path)].name;
}

bool gm_sound_encode(const char *name, const float *x, int64_t n, int rate, uint8_t **bytes,
                     size_t *size, gm_error *err)
{
	static SF_VIRTUAL_IO io = {to_length, to_seek, NULL, to_write, to_tell};
	sink s = {0};
	const int row = row_of(name);
	if (row < 0)
		return gm_fail(err, GM_ERR_VALUE, "%s: sounds are written as .wav or .flac", name);
	SF_INFO info = {.samplerate = rate,
	                .channels = 1,
	                .format = written[row].format | SF_FORMAT_PCM_16};
	SNDFILE *f = sf_open_virtual(&io, SFM_WRITE, &info, &s);
	bool ok = f && sf_command(f, SFC_SET_CLIPPING, NULL, SF_TRUE) == SF_TRUE &&
	          sf_writef_float(f, x, n) == n;
	ok = f && sf_close(f) == 0 && ok;
	*bytes = s.bytes, *size = (size_t)s.size;
	if (!ok)
		free(s.bytes), *bytes = NULL;
	return ok || gm_fail(err, GM_ERR_STATE, "%s: cannot be written as %s at %d Hz", name,
	                     written[row].name, rate);
}

/* ---- all of a folder or archive -------------------------------------------------------------- */

static bool is_sound(const gm_album *a, uint64_t other)
{
	static const char *const kinds[] = {"a WAVE sound", "a FLAC sound", "an AIFF sound",
	                                    "an Ogg sound or video", "an MP3 sound"};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(a->text + a->other[other].reason, kinds[i]) == 0)
			return true;
	return false;
}

uint64_t gm_sounds_among(const gm_album *a)
{
	uint64_t n = 0;
	for (uint64_t i = 0; i < a->others; i++)
		n += is_sound(a, i);
	return n;
}

typedef struct reader {
	gm_pictures *p;
	const char *path;
	const gm_data_options *o;
	gm_album_entry *entry; /* [others]: slot UINT64_MAX where it was not read */
	int16_t *sample;
	uint64_t n, room, bads;
	int rate;
	gm_error why; /* of the first bad file */
	const char *first_bad;
	gm_error *err;
} reader;

static bool keep(reader *r, uint64_t k, const int16_t *sample, int64_t n)
{
	if (n > INT32_MAX)
		return gm_fail(r->err, GM_ERR_FORMAT, "%s: a recording is too long", r->path);
	while (r->room - r->n < (uint64_t)n) {
		r->room = r->room ? r->room * 2 : 1 << 16;
		int16_t *more = r->room < gm_machine_memory() / 2
		                        ? realloc(r->sample, r->room * sizeof *more)
		                        : NULL;
		if (!more)
			return gm_fail(r->err, GM_ERR_MEMORY,
			               "%s: the recordings do not fit in memory", r->path);
		r->sample = more;
	}
	memcpy(r->sample + r->n, sample, (size_t)n * sizeof *sample);
	r->entry[k].slot = r->n;
	r->entry[k].width = (int32_t)n, r->entry[k].height = 1;
	r->entry[k].hash = gm_hash(0, sample, (size_t)n * sizeof *sample);
	r->n += (uint64_t)n;
	return true;
}

/* Files without a usable recording are counted as bad, or an error. */
static bool read_one(reader *r, gm_tree *t, const gm_tree_file *f, uint64_t k)
{
	const gm_album *a = &r->p->album;
	uint8_t *bytes = NULL;
	size_t size;
	int16_t *sample = NULL;
	int64_t n = 0;
	int rate = r->o->sample_rate;
	gm_error why = {0};
	bool ok = gm_tree_read(t, FILE_MAX, &bytes, &size, &why) &&
	          gm_sound_decode(f->name, bytes, size, &rate, &sample, &n, &why);
	free(bytes);
	if (ok && r->rate && rate != r->rate) {
		free(sample);
		return gm_fail(
			r->err, GM_ERR_VALUE,
			"%s: recordings of %d and %d Hz (%.200s): --sample-rate N resamples all",
			r->path, r->rate, rate, f->name);
	}
	if (ok) {
		r->rate = rate;
		ok = keep(r, k, sample, n);
		free(sample);
		return ok;
	}
	if (r->o->bad_files == GM_BAD_STOP)
		return gm_fail(r->err, why.code, "%s: %s", r->path, why.message);
	if (!r->bads++)
		r->why = why, r->first_bad = a->text + a->other[k].name;
	return true;
}

/* Which of the others is called name; they are sorted by name. UINT64_MAX: none that is a sound. */
static uint64_t find(const gm_album *a, const char *name)
{
	uint64_t low = 0, high = a->others;
	while (low < high) {
		const uint64_t middle = (low + high) / 2;
		const int order = strcmp(a->text + a->other[middle].name, name);
		if (order == 0)
			return is_sound(a, middle) ? middle : UINT64_MAX;
		low = order < 0 ? middle + 1 : low;
		high = order < 0 ? high : middle;
	}
	return UINT64_MAX;
}

static bool read_all(reader *r)
{
	const gm_album *a = &r->p->album;
	gm_error why = {0};
	gm_tree_file f;
	uint64_t done, total;
	gm_tree *t = gm_tree_open(r->path, r->err);
	bool ok = t != NULL;
	while (ok && gm_tree_next(t, &f, &why)) {
		const char *unit = gm_tree_place(t, &done, &total);
		const uint64_t k = find(a, f.name);
		ok = gm_progress_tell("reading sounds", done, total, unit, r->err) &&
		     (k == UINT64_MAX || read_one(r, t, &f, k));
	}
	gm_progress_end();
	gm_tree_close(t);
	return ok && (!why.code || gm_fail(r->err, why.code, "%s", why.message));
}

bool gm_sounds_take(gm_pictures *p, const char *path, const gm_data_options *o, bool *found,
                    gm_error *err)
{
	gm_album *a = &p->album;
	uint64_t n = 0, others = 0;
	*found = false;
	for (uint64_t i = 0; i < a->others; i++)
		*found |= is_sound(a, i);
	if (!*found)
		return true;
	reader r = {.p = p, .path = path, .o = o, .err = err};
	r.entry = calloc(a->others + 1, sizeof *r.entry);
	gm_album_left *left = malloc((a->others + 1) * sizeof *left);
	p->split_entries = r.entry, p->split_others = left; /* freed with p */
	if (!r.entry || !left)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", path);
	for (uint64_t i = 0; i < a->others; i++)
		r.entry[i].slot = UINT64_MAX, r.entry[i].name = a->other[i].name;
	const bool ok = read_all(&r);
	p->sound = r.sample;
	if (!ok)
		return false;
	for (uint64_t i = 0; i < a->others; i++)
		if (r.entry[i].slot != UINT64_MAX)
			r.entry[n++] = r.entry[i];
		else if (!is_sound(a, i))
			left[others++] = a->other[i];
	if (n == 0)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: none of its %llu sounds can be read; the first: %.300s", path,
		               (unsigned long long)r.bads, r.why.message);
	if (r.bads)
		gm_pictures_note(p,
		                 "%llu sound%s cannot be read and %s left out; the first: %.300s",
		                 (unsigned long long)r.bads, r.bads == 1 ? "" : "s",
		                 r.bads == 1 ? "is" : "are", r.why.message);
	p->bad_sounds = r.bads, p->rate = r.rate;
	a->entry = r.entry, a->entries = n;
	a->other = left, a->others = others;
	return true;
}

/* ---- examples -------------------------------------------------------------------------------- */

bool gm_sounds_fit(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	int64_t longest = 0, total = 0;
	for (uint64_t i = 0; i < p->count; i++) {
		const int32_t n = p->album.entry[p->entry[i]].width;
		longest = n > longest ? n : longest;
		total += n;
	}
	if (!o->sound_length && longest > GM_SOUND_MAX)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: the longest recording has %lld samples: --sound-length N for "
		               "examples of N samples",
		               path, (long long)longest);
	p->width = o->sound_length ? o->sound_length : (int)longest;
	gm_number *more = realloc(p->number, (size_t)(p->numbers + 1) * sizeof *more);
	if (!more)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", path);
	p->number = more;
	gm_number *d = p->number + p->numbers;
	*d = (gm_number){.name = "samples", .classes = p->width + 1};
	d->value = malloc((p->count + 1) * sizeof *d->value);
	if (!d->value)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", path);
	p->numbers++;
	for (uint64_t i = 0; i < p->count; i++) {
		const int32_t n = p->album.entry[p->entry[i]].width;
		d->value[i] = n < p->width ? n : p->width;
	}
	p->about = gm_arena_printf(p->arena, "recordings%s, %d Hz, of %.2f s on average",
	                           p->label ? " with labels" : "", p->rate,
	                           (double)total / (double)p->count / p->rate);
	p->format = "sounds";
	return true;
}
