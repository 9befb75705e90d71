/* SPDX-License-Identifier: MIT
 *
 * locale.c -- see locale.h. */
#include "base/locale.h"

#include <pthread.h>
#include <stddef.h>

static locale_t
	utf8; /* made once, never freed: as long as the process lives some thread may use it */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make(void)
{
	/* The first is part of glibc from 2.35 on and of every Debian before; all of musl's are
	 * UTF-8. */
	static const char *const names[] = {"C.UTF-8", "C.utf8", "en_US.UTF-8", "en_GB.UTF-8"};
	for (size_t i = 0; i < sizeof names / sizeof *names && !utf8; i++)
		utf8 = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
}

locale_t gm_utf8_begin(void)
{
	pthread_once(&once, make);
	return uselocale(utf8); /* (locale_t)0 only asks */
}

void gm_utf8_end(locale_t before)
{
	uselocale(before);
}
