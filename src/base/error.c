/* SPDX-License-Identifier: MIT
 *
 * error.c -- errors of the library's functions. See ganymede/base.h. */
#include "ganymede/base.h"
#include "gm_config.h"

#include <stdio.h>

static bool fail(gm_error *err, int64_t offset, gm_code code, const char *fmt, va_list args)
{
	if (!err || err->code != GM_OK)
		return false;
	err->code = code;
	err->offset = offset;
	vsnprintf(err->message, sizeof err->message, fmt, args);
	/* Control characters from an untrusted file or path must not reach the terminal. */
	for (char *c = err->message; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	return false;
}

bool gm_fail(gm_error *err, gm_code code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fail(err, -1, code, fmt, args);
	va_end(args);
	return false;
}

bool gm_fail_at(gm_error *err, int64_t offset, gm_code code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fail(err, offset, code, fmt, args);
	va_end(args);
	return false;
}

const char *gm_version(void)
{
	return GM_VERSION;
}
