#!/bin/sh
# SPDX-License-Identifier: MIT
#
# embed.sh TABLE FILE... -- writes C to standard output: the files as an array of gm_asset called TABLE.
set -eu
table=$1
shift
printf '#include "report/asset.h"\n'
n=0
for file; do
	printf 'static const uint8_t file%d[] = {' "$n"
	od -An -v -tu1 "$file" | tr -s ' ' ',' | sed 's/^,//; s/$/,/'
	printf '0};\n'
	n=$((n + 1))
done
printf 'extern const gm_asset %s[];\n' "$table"
printf 'const gm_asset %s[] = {\n' "$table"
n=0
for file; do
	name=$(basename "$file")
	case $name in
	*.html) type='text/html; charset=utf-8' ;;
	*.css) type='text/css; charset=utf-8' ;;
	*.js) type='text/javascript; charset=utf-8' ;;
	*.svg) type='image/svg+xml' ;;
	*)
		echo "embed.sh: no type for $file" >&2
		exit 1
		;;
	esac
	printf '\t{"%s", "%s", file%d, sizeof file%d - 1},\n' "$name" "$type" "$n" "$n"
	n=$((n + 1))
done
printf '\t{0},\n};\n'
