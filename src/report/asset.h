/* SPDX-License-Identifier: MIT
 *
 * report/asset.h -- files embedded in the program by scripts/embed.sh.
 */
#ifndef GM_REPORT_ASSET_H
#define GM_REPORT_ASSET_H

#include <stddef.h>
#include <stdint.h>

typedef struct gm_asset {
	const char *name, *type; /* type: of HTTP */
	const uint8_t *data;
	size_t size;
} gm_asset;

/* chart.js and palette.css, for pages of runs; ends with name NULL */
extern const gm_asset gm_report_assets[];

#endif
