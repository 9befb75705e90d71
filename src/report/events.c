/* SPDX-License-Identifier: MIT
 *
 * report/events.c -- event files for TensorBoard.
 */
#include "report/events.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

uint32_t gm_crc32c(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t crc = ~0u;
	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (0x82f63b78u & -(crc & 1));
	}
	return ~crc;
}

static void put_fixed(FILE *f, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		fputc((int)(v >> 8 * i & 255), f);
}

static uint32_t masked(const void *bytes, size_t n)
{
	uint32_t crc = gm_crc32c(bytes, n);
	return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void put_record(FILE *f, const void *data, size_t n)
{
	uint8_t length[8];
	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)((uint64_t)n >> 8 * i);
	fwrite(length, 1, 8, f);
	put_fixed(f, masked(length, 8), 4);
	fwrite(data, 1, n, f);
	put_fixed(f, masked(data, n), 4);
}

/* ---- protocol buffers: key = field << 3 | type ----------------------------------------------- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static void put_varint(FILE *f, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		fputc((int)(v & 127) | 128, f);
	fputc((int)v, f);
}

static void put_number(FILE *f, int field, uint64_t v)
{
	put_varint(f, field << 3 | VARINT);
	put_varint(f, v);
}

static void put_bytes(FILE *f, int field, const void *p, size_t n)
{
	put_varint(f, field << 3 | BYTES);
	put_varint(f, n);
	fwrite(p, 1, n, f);
}

typedef struct message { /* built in memory, because its length is written before it */
	FILE *f;
	char *text;
	size_t n;
} message;

static bool open_message(message *m)
{
	*m = (message){0};
	m->f = open_memstream(&m->text, &m->n);
	return m->f != NULL;
}

/* Event: wall_time 1, step 2, file_version 3, summary 5. */
static void put_event(FILE *f, int64_t step, int field, const void *p, size_t n)
{
	message e;
	double time = (double)step;
	uint64_t bits;
	memcpy(&bits, &time, sizeof bits);
	if (!open_message(&e))
		return;
	put_varint(e.f, 1 << 3 | FIXED64);
	put_fixed(e.f, bits, 8);
	put_number(e.f, 2, (uint64_t)step);
	put_bytes(e.f, field, p, n);
	fclose(e.f);
	put_record(f, e.text, e.n);
	free(e.text);
}

/* Summary: value 1, with the content of v. */
static void put_value(FILE *f, int64_t step, message *v)
{
	message s;
	fclose(v->f);
	if (open_message(&s)) {
		put_bytes(s.f, 1, v->text, v->n);
		fclose(s.f);
		put_event(f, step, 5, s.text, s.n);
		free(s.text);
	}
	free(v->text);
}

void gm_events_begin(FILE *f)
{
	put_event(f, 0, 3, "brain.Event:2", 13);
}

/* Value: tag 1, simple_value 2, image 4. */
void gm_events_scalar(FILE *f, int64_t step, const char *tag, double value)
{
	message v;
	float number = (float)value;
	uint32_t bits;
	memcpy(&bits, &number, sizeof bits);
	if (!open_message(&v))
		return;
	put_bytes(v.f, 1, tag, strlen(tag));
	put_varint(v.f, 2 << 3 | FIXED32);
	put_fixed(v.f, bits, 4);
	put_value(f, step, &v);
}

static uint32_t big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Image: height 1, width 2, colorspace 3, encoded_image_string 4. */
void gm_events_png(FILE *f, int64_t step, const char *tag, const void *png, size_t n)
{
	const uint8_t *p = png;
	message v, i;
	if (n < 33 || !open_message(&i))
		return;
	put_number(i.f, 1, big_endian(p + 20)); /* of IHDR */
	put_number(i.f, 2, big_endian(p + 16));
	put_number(i.f, 3, p[25] == 2 ? 3 : 1);
	put_bytes(i.f, 4, png, n);
	fclose(i.f);
	if (open_message(&v)) {
		put_bytes(v.f, 1, tag, strlen(tag));
		put_bytes(v.f, 4, i.text, i.n);
		put_value(f, step, &v);
	}
	free(i.text);
}

/* ---- resuming -------------------------------------------------------------------------------- */

static bool take_varint(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
	*v = 0;
	for (int shift = 0; *p < end && shift < 64; shift += 7) {
		uint8_t b = *(*p)++;
		*v |= (uint64_t)(b & 127) << shift;
		if (b < 128)
			return true;
	}
	return false;
}

/* The field step of an Event, 0 if it is missing; false if the message is invalid. */
static bool step_of(const uint8_t *p, size_t n, int64_t *step)
{
	const uint8_t *end = p + n;
	*step = 0;
	while (p < end) {
		uint64_t key, v;
		if (!take_varint(&p, end, &key))
			return false;
		size_t skip = 0;
		switch (key & 7) {
		case VARINT:
			if (!take_varint(&p, end, &v))
				return false;
			if (key >> 3 == 2)
				*step = (int64_t)v;
			break;
		case BYTES:
			if (!take_varint(&p, end, &v) || v > (size_t)(end - p))
				return false;
			skip = (size_t)v;
			break;
		case FIXED64:
			skip = 8;
			break;
		case FIXED32:
			skip = 4;
			break;
		default:
			return false;
		}
		if (skip > (size_t)(end - p))
			return false;
		p += skip;
	}
	return true;
}

size_t gm_events_until(const uint8_t *bytes, size_t n, int64_t step)
{
	size_t at = 0;
	while (n - at >= 16) {
		uint64_t length = 0;
		int64_t its;
		for (int i = 0; i < 8; i++)
			length |= (uint64_t)bytes[at + i] << 8 * i;
		if (length > n - at - 16 || !step_of(bytes + at + 12, (size_t)length, &its) ||
		    its > step)
			break;
		at += (size_t)length + 16;
	}
	return at;
}

bool gm_events_rewind(const char *folder, int64_t step, gm_error *err)
{
	bool ok = true;
	DIR *d = opendir(folder);
	for (struct dirent *e; ok && d && (e = readdir(d));) {
		char path[PATH_MAX];
		gm_bytes b = {0};
		if (strncmp(e->d_name, "events.out.tfevents.", 20) ||
		    snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= PATH_MAX ||
		    !gm_file_open(path, &b, NULL))
			continue;
		size_t keep = gm_events_until(b.data, b.size, step), all = b.size;
		gm_file_close(&b);
		if (keep < all && truncate(path, (off_t)keep))
			ok = gm_fail(err, GM_ERR_IO, "%s: cannot truncate it to step %lld: %s",
			             path, (long long)step, strerror(errno));
	}
	if (d)
		closedir(d);
	return ok;
}
