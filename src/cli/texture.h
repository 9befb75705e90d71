/* SPDX-License-Identifier: MIT
 *
 * cli/texture.h -- the tasks of ganymede texture.
 */
#ifndef GM_CLI_TEXTURE_H
#define GM_CLI_TEXTURE_H

#include "cli/cli.h"

/* WIDTHxHEIGHT of option size; 0, 0 for NULL. */
bool cli_texture_size(const char *text, int *width, int *height, gm_error *err);
int cli_texture_synthesise(int argc, char **argv);

#endif
