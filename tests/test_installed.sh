#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_installed.sh BUILD SOURCE -- installs the library into an empty folder and builds examples/ against what lies there,
# as a person does who embeds it: headers, pkg-config file, shared library. Then runs them.
# shellcheck disable=SC2046
set -uo pipefail
build=$(realpath "$1") source=$(realpath "$2")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0
bad() {
	printf 'FAIL: %s\n' "$*"
	failures=$((failures + 1))
}
DESTDIR=$dir meson install -C "$build" --no-rebuild --quiet >"$dir/log" 2>&1 || {
	cat "$dir/log"
	exit 1
}
pc=$(dirname "$(find "$dir" -name ganymede.pc)")
prefix=$(sed -n 's/^prefix=//p' "$pc/ganymede.pc")
export PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$dir
library=$(dirname "$(find "$dir" -name libganymede.so)")
export LD_LIBRARY_PATH=$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
cd "$dir" || exit 1
[ -n "$prefix" ] || bad 'no prefix in ganymede.pc'
sanitize=$(grep -q '"-fsanitize=address' "$build/meson-info/intro-targets.json" && printf '%s' '-fsanitize=address,undefined')

compile() { # compile NAME FILE
	local cc=cc
	[[ $2 == *.cpp ]] && cc='c++ -std=c++17'
	# shellcheck disable=SC2046,SC2086 # several words each
	$cc -Wall -Werror -O1 $sanitize "$source/examples/$2" $(pkg-config --cflags --libs ganymede) -lm -o "$1" ||
		bad "$2 does not build against the installed library"
}
for file in "$source"/examples/*.c "$source"/examples/*.cpp; do
	name=$(basename "$file")
	compile "${name%.*}" "$name"
done

"$build/ganymede" train dcgan --data glyphs --size 16 --width 4 --batch 8 --steps 3 >/dev/null 2>&1 || bad 'no run to open'
export OMP_NUM_THREADS=1
./sample runs/00000-dcgan-glyphs || bad 'sample'
[ "$(head -c 4 samples.png | tail -c 3)" = PNG ] || bad 'sample wrote no PNG'
./sample nothing >out 2>&1 && bad 'sample of nothing'
grep -q 'nothing is neither a run nor a checkpoint' out || bad 'sample of nothing does not say what is wrong'
./own_gan || bad 'own_gan'
./own_model || bad 'own_model'
./call runs/00000-dcgan-glyphs || bad 'call'

# What a person who embeds a generator has to have, and what the library must not drag in.
if [ -z "$sanitize" ]; then
	needed=$(objdump -p "$library/libganymede.so" | awk '$1 == "NEEDED" { print $2 }')
	grep -qE 'curl|archive|chafa|glib|linear|lapacke|webp|jpeg|tiff|gif' <<<"$needed" && bad "libganymede.so links $needed"
	others=$(nm -D --defined-only "$library/libganymede.so" | awk '$2 == "T" && $3 !~ /^gm_/ { print $3 }')
	[ -z "$others" ] || bad "libganymede.so exports $others"
fi
[ "$failures" = 0 ]
