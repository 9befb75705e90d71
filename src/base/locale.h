/* SPDX-License-Identifier: MIT
 *
 * locale.h -- a locale whose text is UTF-8, for libraries that convert names to "the current
 * locale" and lose what that cannot hold. The program itself stays in the locale C.
 *
 *	const locale_t before = gm_utf8_begin();
 *	... archive_read_next_header(...) ...
 *	gm_utf8_end(before);
 *
 * It acts on the calling thread alone. */
#ifndef GANYMEDE_BASE_LOCALE_H
#define GANYMEDE_BASE_LOCALE_H

#include <locale.h>

/* Where the system has no such locale (before glibc 2.35 without any installed) nothing changes. */
locale_t gm_utf8_begin(void);
void gm_utf8_end(locale_t before);

#endif
