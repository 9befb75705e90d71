/* SPDX-License-Identifier: MIT
 *
 * studio/studio.h -- the studio: an HTTP server on this machine whose page shows all runs of a
 * folder and trains new ones.
 *
 *	gm_studio *s = gm_studio_start(
 *		&(gm_studio_options){.outdir = "runs", .program = "ganymede"}, &err);
 *	puts(gm_studio_address(s)); // http://127.0.0.1:7717/#t=TOKEN
 *	...
 *	gm_studio_stop(s); // runs that it started go on
 */
#ifndef GM_STUDIO_STUDIO_H
#define GM_STUDIO_STUDIO_H

#include "ganymede/base.h"

enum { GM_STUDIO_NAMES = 16, GM_STUDIO_TOKEN = 33 };

/* Zero fields take the default. */
typedef struct gm_studio_options {
	const char *outdir; /* the folder of runs, which must exist */
	/* program that trains: executed as PROGRAM train MODEL --name=value .. */
	const char *program;
	const char *listen; /* IPv4 address; default 127.0.0.1 */
	int port;           /* 0: any free one */
	/* names of this machine in addresses of the page; none: the loopback ones. Requests for
	 * other names are refused (DNS rebinding) */
	const char *const *name;
	int names;
	/* files named in options of runs must be in outdir or in one of these folders */
	const char *const *root;
	int roots;
	/* 32 hexadecimal digits that every request must carry; NULL: a random one */
	const char *token;
	int runs; /* trained at the same time; default 1 */
} gm_studio_options;

typedef struct gm_studio gm_studio;

/* NULL with an error if the folder or the port cannot be used. Texts of o are copied. */
gm_studio *gm_studio_start(const gm_studio_options *o, gm_error *err);
const char *gm_studio_address(const gm_studio *s); /* with the token */
int gm_studio_port(const gm_studio *s);
void gm_studio_stop(gm_studio *s); /* NULL is allowed */

#endif
