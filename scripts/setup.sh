#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# setup.sh [build|test|dev] -- installs what is missing to build, to test, or to work on Ganymede.
#
# Asks the package manager first and does nothing when everything is there. Runs apt by itself; other managers' package
# names are printed, because a script that nobody could try should not run as root on somebody's machine.
set -euo pipefail

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

goal=${1:-build}
case $goal in
build | test | dev) ;;
*)
	printf 'usage: scripts/setup.sh [build|test|dev]\n' >&2
	exit 2
	;;
esac

# One row for each thing needed. "-": the family ships it inside another row's package, or has no package of that name
# that we know. The last column is how to see that it is there without a package manager: a program, or a pkg-config
# module. oneDNN has no pkg-config file everywhere, so its header is looked for.
#
# goal  apt               dnf                 pacman              zypper               brew          seen by
table='
build   gcc               gcc                 gcc                 gcc                  -             program:cc
build   make              make                make                make                 make          program:make
build   libc6-dev         glibc-devel         -                   glibc-devel          -             header:stdio.h
build   meson             meson               meson               meson                meson         program:meson
build   ninja-build       ninja-build         ninja               ninja                ninja         program:ninja
build   pkg-config        pkgconf-pkg-config  pkgconf             pkgconf-pkg-config   pkgconf       program:pkg-config
build   libdnnl-dev       onednn-devel        onednn              onednn-devel         onednn        header:dnnl.h
build   libopenblas-dev   openblas-devel      openblas            openblas-devel       openblas      module:openblas
build   liblapacke-dev    lapack-devel        lapacke             lapacke-devel        lapack        header:lapacke.h
build   libpng-dev        libpng-devel        libpng              libpng16-devel       libpng        module:libpng
build   libjpeg-dev       libjpeg-turbo-devel libjpeg-turbo     libjpeg8-devel       jpeg-turbo    module:libjpeg
build   libwebp-dev       libwebp-devel       libwebp             libwebp-devel        webp          module:libwebp
build   libgif-dev        giflib-devel        giflib              giflib-devel         giflib        header:gif_lib.h
build   libsndfile1-dev   libsndfile-devel    libsndfile          libsndfile-devel     libsndfile    module:sndfile
build   libsamplerate0-dev libsamplerate-devel libsamplerate      libsamplerate-devel  libsamplerate module:samplerate
build   libtiff-dev       libtiff-devel       libtiff             libtiff-devel        libtiff       module:libtiff-4
build   libarchive-dev    libarchive-devel    libarchive          libarchive-devel     libarchive    module:libarchive
build   libcurl4-openssl-dev libcurl-devel    curl                libcurl-devel        curl          module:libcurl
build   nettle-dev        nettle-devel        nettle              libnettle-devel      nettle        module:nettle
build   zlib1g-dev        zlib-devel          zlib                zlib-devel           zlib          module:zlib
build   libmicrohttpd-dev libmicrohttpd-devel libmicrohttpd     libmicrohttpd-devel  libmicrohttpd module:libmicrohttpd
build   libjansson-dev    jansson-devel       jansson             libjansson-devel     jansson       module:jansson
build   liblinear-dev     liblinear-devel     liblinear           liblinear-devel      liblinear     header:linear.h
build   libfftw3-dev      fftw-devel          fftw                fftw3-devel          fftw          module:fftw3
build   libnlopt-dev      nlopt-devel         nlopt               nlopt-devel          nlopt         module:nlopt
build   libchafa-dev      chafa-devel         chafa               chafa-devel          chafa         module:chafa
build   libglib2.0-dev    glib2-devel         glib2-devel         glib2-devel          glib          module:glib-2.0
test    libmatio-dev      matio-devel         -                   libmatio-devel       libmatio      module:matio
test    libopenmpi-dev    openmpi-devel       openmpi             openmpi-devel        open-mpi      -
test    openmpi-bin       -                   -                   -                    -             -
test    libcmocka-dev     libcmocka-devel     cmocka              libcmocka-devel      cmocka        module:cmocka
test    chromium-driver   chromedriver        -                   chromedriver         -             program:chromedriver
test    python3-selenium  python3-selenium    python-selenium     python3-selenium     -             -
dev     clang             clang               clang               clang                llvm          program:clang
dev     clang-format      clang-tools-extra   -                   clang-tools          clang-format  program:clang-format
dev     clang-tidy        -                   -                   -                    -             program:clang-tidy
dev     libclang-rt-dev   compiler-rt         compiler-rt         -                    -             -
dev     libomp-dev        libomp-devel        openmp              libomp-devel         libomp        -
dev     shellcheck        ShellCheck          shellcheck          ShellCheck           shellcheck    program:shellcheck
'

case $goal in
build) want='^build$' ;;
test) want='^(build|test)$' ;;
dev) want='^(build|test|dev)$' ;;
esac

# column N: that column of every wanted row, without the dashes.
column() {
	local row
	while read -r -a row; do
		if [[ ${#row[@]} -gt 0 && ${row[0]} =~ $want && ${row[$1]} != - ]]; then
			printf '%s\n' "${row[$1]}"
		fi
	done <<<"$table"
}

# ---- apt: Debian, Ubuntu and their children ------------------------------------------------------------------------

apt_missing() {
	local names installed
	mapfile -t names < <(column 1)
	# dpkg-query exits 1 and complains when it does not know a name: that is an answer, not an error.
	installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${names[@]}" 2>/dev/null |
		sed -n 's/^installed //p') || true
	printf '%s\n' "${names[@]}" | grep -vxF -e "${installed:-none}" || true
}

apt_install() {
	local missing as_root=() env=(DEBIAN_FRONTEND=noninteractive)
	mapfile -t missing < <(apt_missing)
	if [[ ${#missing[@]} -eq 0 ]]; then
		return 0
	fi
	say "missing: ${missing[*]}"
	local by_hand="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
	if [[ $(id -u) -ne 0 ]]; then
		if ! command -v sudo >/dev/null 2>&1; then
			die "these need an administrator, and there is no sudo here. As root: $by_hand"
		fi
		as_root=(sudo)
		if ! sudo -n true 2>/dev/null; then
			if [[ ! -t 0 ]]; then
				die "sudo would ask for a password and nobody is there to type it. As root: $by_hand"
			fi
			say "installing them with apt-get needs an administrator: sudo may ask for your password"
		fi
	fi
	# A stale mirror index is not fatal by itself: what matters is whether the install below works.
	"${as_root[@]}" env "${env[@]}" apt-get -q -o DPkg::Lock::Timeout=120 update </dev/null >&2 ||
		say "apt-get update failed; trying with the package lists that are here"
	"${as_root[@]}" env "${env[@]}" apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "${missing[@]}" \
		</dev/null >&2 || die "apt-get could not install them. See above, or try as root: $by_hand"
	mapfile -t missing < <(apt_missing)
	if [[ ${#missing[@]} -gt 0 ]]; then
		die "apt-get finished, but still missing: ${missing[*]}"
	fi
}

# ---- everything else: look for the things themselves ------------------------------------------------------------------

seen() {
	local name=${1#*:}
	case $1 in
	program:*) command -v "$name" >/dev/null 2>&1 ;;
	module:*) pkg-config --exists "$name" 2>/dev/null ;;
	header:*) printf '#include <%s>\n' "$name" | "${CC:-cc}" -E -x c - >/dev/null 2>&1 ;;
	*) return 0 ;;
	esac
}

by_hand() {
	local what missing=()
	while read -r what; do
		seen "$what" || missing+=("${what#*:}")
	done < <(column 6)
	if [[ ${#missing[@]} -eq 0 ]]; then
		return 0
	fi
	say "not found: ${missing[*]}"
	if [[ -n $1 ]]; then
		say "this machine's package manager is $2, which this script does not run. Please install:"
		say "  $2 $3 $(column "$1" | sort -u | tr '\n' ' ')"
	else
		say "no package manager that this script knows. What Ganymede needs (docs/dependencies.md says why):"
		say "  a C17 compiler with OpenMP, meson >= 1.0, ninja, pkg-config, oneDNN 2.6+ or 3.x, OpenBLAS with"
		say "  LAPACKE, libpng, libjpeg, libwebp, giflib, libtiff 4.5+, libsndfile, libsamplerate, libarchive, libcurl, nettle,"
		say "  zlib, jansson, liblinear, FFTW 3, NLopt, chafa"
		say "  and GLib; cmocka and matio for the tests; clang for fuzzing and linting"
	fi
	exit 1
}

if command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1; then
	apt_install
elif command -v dnf >/dev/null 2>&1; then
	by_hand 2 dnf install
elif command -v pacman >/dev/null 2>&1; then
	by_hand 3 pacman '-S --needed'
elif command -v zypper >/dev/null 2>&1; then
	by_hand 4 zypper install
elif command -v brew >/dev/null 2>&1; then
	by_hand 5 brew install
else
	by_hand '' '' ''
fi
