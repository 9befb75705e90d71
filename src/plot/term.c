/* SPDX-License-Identifier: MIT
 *
 * term.c -- images in the terminal, by libchafa if available. See ganymede/image.h. */
#include "ganymede/image.h"
#include "gm_config.h"

#ifdef GM_HAVE_CHAFA

#include <chafa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A terminal cell is about twice as tall as wide. */
#define CELL_RATIO .5f

static int terminal_columns(int fd)
{
	struct winsize size;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool gm_term_picture(FILE *out, const gm_image *im, int columns)
{
	const int fd = fileno(out);
	const char *kind = getenv("TERM");
	if (fd < 0 || !isatty(fd) || !kind || strcmp(kind, "dumb") == 0)
		return false;
	const int width = terminal_columns(fd);
	if (columns <= 0 || columns > width)
		columns = width;

	gchar **environment = g_get_environ();
	ChafaTermInfo *term = chafa_term_db_detect(chafa_term_db_get_default(), environment);
	ChafaCanvasConfig *config = chafa_canvas_config_new();
	/* Symbols only: sixels and others depend on the terminal's state; symbols work
	 * everywhere. */
	ChafaSymbolMap *symbols = chafa_symbol_map_new();
	chafa_symbol_map_add_by_tags(symbols, CHAFA_SYMBOL_TAG_BLOCK | CHAFA_SYMBOL_TAG_SPACE);
	chafa_canvas_config_set_symbol_map(config, symbols);
	chafa_canvas_config_set_pixel_mode(config, CHAFA_PIXEL_MODE_SYMBOLS);
	const char *colour = getenv("COLORTERM");
	chafa_canvas_config_set_canvas_mode(config, colour && *colour
	                                                    ? CHAFA_CANVAS_MODE_TRUECOLOR
	                                                    : CHAFA_CANVAS_MODE_INDEXED_240);
	gint w = columns, h = columns;
	chafa_calc_canvas_geometry(im->width, im->height, &w, &h, CELL_RATIO, TRUE, FALSE);
	chafa_canvas_config_set_geometry(config, w, h);

	/* Chafa has no grey format. */
	const size_t n = (size_t)im->width * (size_t)im->height;
	guint8 *rgb = g_malloc(n * 3);
	for (size_t i = 0; i < n * 3; i++)
		rgb[i] = im->pixel[im->channels == 3 ? i : i / 3];
	ChafaCanvas *canvas = chafa_canvas_new(config);
	chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGB8, rgb, im->width, im->height,
	                             im->width * 3);
	GString *text = chafa_canvas_print(canvas, term);
	fwrite(text->str, 1, text->len, out);
	fputc('\n', out);
	fflush(out);

	g_string_free(text, TRUE);
	chafa_canvas_unref(canvas);
	g_free(rgb);
	chafa_symbol_map_unref(symbols);
	chafa_canvas_config_unref(config);
	chafa_term_info_unref(term);
	g_strfreev(environment);
	return true;
}

#else

bool gm_term_picture(FILE *out, const gm_image *im, int columns)
{
	(void)out, (void)im, (void)columns;
	return false;
}

#endif
