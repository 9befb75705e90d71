/* SPDX-License-Identifier: MIT
 *
 * write.c -- images into files, in the format that the file's name ends in.
 */
#include <string.h>
#include <strings.h>

#include "image/decode.h"

/* The small library (libganymede) writes PNG alone. */
#pragma weak gm_jpeg_write
#pragma weak gm_webp_write

static const struct row {
	const char *ending, *format;
	bool (*write)(const char *path, const gm_image *im, gm_error *err);
} rows[] = {
	{".png", "PNG", gm_png_write},
	{".jpg", "JPEG", gm_jpeg_write},
	{".jpeg", "JPEG", gm_jpeg_write},
	{".webp", "WebP", gm_webp_write},
};

static const struct row *row_of(const char *path, gm_error *err)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
	for (size_t i = 0; dot && i < sizeof rows / sizeof *rows; i++)
		if (!strcasecmp(dot, rows[i].ending))
			return &rows[i];
	gm_fail(err, GM_ERR_VALUE,
	        "%.300s: images are written as .png, .jpg or .webp; give the file one of these "
	        "endings",
	        path);
	return NULL;
}

const char *gm_image_format(const char *path, gm_error *err)
{
	const struct row *row = row_of(path, err);
	return row ? row->format : NULL;
}

bool gm_image_write(const char *path, const gm_image *im, gm_error *err)
{
	const struct row *row = row_of(path, err);
	if (row && !row->write)
		return gm_fail(
			err, GM_ERR_STATE,
			"%.300s: this small library writes PNG alone; libganymede-full writes %s",
			path, row->format);
	return row && row->write(path, im, err);
}
