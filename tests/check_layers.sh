#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check_layers.sh -- the house rules that a machine can hold. One line for each violation; exit status 1 if any.
#
#   includes go downwards only, and a model file includes ganymede/model.h and nothing else
#   no preprocessor conditions in the .c files of src/, outside src/base, src/ranks, src/tensorfile, src/plot and src/backends
#   dnnl headers only in src/backends/cpu/dnnl
#   lines of at most 100 columns, tabs of eight, outside of tables that clang-format leaves alone
#   no file over 1000 lines; an SPDX tag in every source file; no path of somebody's own machine anywhere
set -euo pipefail
export LC_ALL=C
cd "${1:-$(dirname "$0")/..}"

find_files() {
	# A build folder, whatever its name, is one that holds Meson's own.
	find . \( -name '.git' -o -name 'runs' -o -name '.cache' -o \
		-type d -exec test -d '{}/meson-private' ';' \) -prune -o -type f "$@" -print |
		sed 's|^\./||' | sort
}

mapfile -t sources < <(find_files \( -name '*.c' -o -name '*.h' -o -name '*.def' \))
mapfile -t tagged < <(find_files \( -name '*.c' -o -name '*.h' -o -name '*.def' -o -name '*.sh' -o -name '*.py' \
	-o -name '*.supp' -o -name '*.1' -o -name 'meson.build' -o -name 'meson_options.txt' -o -name 'Makefile' \
	-o -path './.ci/run' \))
mapfile -t texts < <(find_files -size -1000k ! -name '*.png' ! -name '*.jpg' ! -name '*.gz' ! -path './fuzz/corpus/*' \
	! -name 'compile_commands.json')

problems=$(
	awk '
	# May src/FOLDER include src/OTHER/...? A folder may always include its own. What is not listed may not.
	BEGIN {
		may["ranks"] = may["tensorfile"] = may["image"] = "base"
		may["plot"]     = "base image"
		may["graph"]    = "base ranks"
		may["ops"]      = "base ranks graph"
		may["backends"] = "base ranks graph ops"
		may["nn"]       = "base"
		may["control"]  = "base tensorfile"
		may["data"]     = "base tensorfile image"
		may["metrics"]  = "base tensorfile nn data"
		may["run"]      = "base ranks tensorfile nn data models"
		may["use"]      = "base image nn data models run"
		may["score"]    = "base nn data metrics models run use"
		may["report"]   = "base plot run use score"
		may["train"]    = "base ranks run use score report"
		may["lab"]      = "base tensorfile image plot nn data metrics models run use score train"
		may["texture"]  = "base image"
		may["studio"]   = "base image plot nn data metrics models run use score report train"
		may["cli"]      = "base ranks tensorfile image plot graph nn data metrics models run use score report train lab texture studio"
		# The public headers, lowest first: a folder sees those up to its own level.
		level["base"] = level["ranks"] = level["tensorfile"] = level["image"] = level["plot"] = level["control"] = 0
		level["graph"] = 1; level["ops"] = 2; level["backends"] = 2; level["nn"] = 3
		level["data"] = 3; level["metrics"] = 4; level["models"] = 5
		level["run"] = level["use"] = level["score"] = level["report"] = level["train"] = 6
		level["texture"] = 1; level["lab"] = 7; level["studio"] = 7; level["cli"] = 8
		public["base.h"] = public["image.h"] = public["env.h"] = 0; public["graph.h"] = 1; public["nn.h"] = public["bodies.h"] = public["boltzmann.h"] = public["text.h"] = public["policy.h"] = 3; public["data.h"] = 3
		public["metrics.h"] = public["features.h"] = 4; public["model.h"] = 5; public["saved.h"] = public["train.h"] = 6; public["ganymede.h"] = 8
		# Public headers that a folder does without, though they are lower than it is.
		without["data", "graph.h"] = without["data", "nn.h"] = without["data", "bodies.h"] = without["data", "boltzmann.h"] = without["data", "policy.h"] = without["nn", "data.h"] = 1
	}
	function bad(text) { print FILENAME ":" FNR ": " text }
	FNR == 1 {
		folder = ""
		if (split(FILENAME, part, "/") > 2 && part[1] == "src")
			folder = part[2]
		if (FILENAME ~ /^include\/ganymede\/[^\/]*$/) {
			header = part[3]
			if (!(header in public))
				bad("unknown public header: give it a level in tests/check_layers.sh")
		}
		if (folder != "" && !(folder in level))
			bad("unknown folder src/" folder ": give it a level in tests/check_layers.sh")
		free = FILENAME !~ /^src\/.*\.c$/ || folder == "base" || folder == "ranks" || folder == "tensorfile" || folder == "plot" || folder == "backends"
	}
	/^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)([^a-z]|$)/ && !free {
		bad("preprocessor condition outside src/base, src/ranks, src/tensorfile, src/plot and src/backends")
	}
	/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
		name = $0
		sub(/^[^<"]*[<"]/, "", name)
		sub(/[>"].*/, "", name)
		if (name ~ /(^|\/)dnnl[^\/]*\.h/ && FILENAME !~ /^src\/backends\/cpu\/dnnl\//)
			bad("oneDNN header outside src/backends/cpu/dnnl: " name)
		if (folder == "models" && FILENAME ~ /\.c$/ && FILENAME !~ /\/(models|registry)\.c$/ &&
		    name != "ganymede/model.h")
			bad("a model file includes ganymede/model.h and nothing else, not " name)
		if (name ~ /(^|\/)\.\.\//)
			bad("include from the root of src, not by ..: " name)
		if ($0 ~ /"/ && name ~ /^ganymede\//) {
			want = substr(name, 10)
			if (want in public && folder in level && public[want] > level[folder])
				bad("src/" folder " may not look up at ganymede/" want)
			else if ((folder, want) in without)
				bad("src/" folder " does without ganymede/" want)
			else if (part[1] == "include" && want in public && header in public &&
				 public[want] > public[header])
				bad("ganymede/" header " may not look up at ganymede/" want)
		} else if ($0 ~ /"/ && index(name, "/")) {
			other = substr(name, 1, index(name, "/") - 1)
			if (part[1] == "include")
				bad("a public header includes public headers only, not " name)
			else if (folder == "graph" && name == "ops/ops.def")
				; # the index of operations: names only, which the graph numbers
			else if (folder in level && other in level && other != folder &&
				 index(" " may[folder] " ", " " other " ") == 0)
				bad("src/" folder " may not include " name)
		}
	}' "${sources[@]}"

	wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 1000 {
		print $2 ": " $1 " lines; past 1000 a file is two ideas" }'

	awk '
	FNR == 1 { table = 0 }
	/clang-format off/ { table = 1 }
	/clang-format on/ { table = 0 }
	{
		columns = 0
		for (i = 1; i <= length($0); i++) {
			c = substr($0, i, 1)
			if (c == "\t") columns += 8 - columns % 8
			else if (c < "\200" || c >= "\300") columns++ # the first byte of a character
		}
		if (columns > 100 && !table) print FILENAME ":" FNR ": " columns " columns, more than 100"
	}' "${sources[@]}"

	grep -L 'SPDX-License-Identifier: MIT' "${tagged[@]}" | sed 's/$/: no SPDX-License-Identifier: MIT/' || true

	# A home or a mount point followed by a name, with nothing before the slash that would make it relative.
	grep -nIE '(^|[^[:alnum:]_.})~$-])/(home|Users|root|work|workspace|mnt)/[[:alnum:]_.]' "${texts[@]}" /dev/null |
		sed -E 's/^([^:]*:[0-9]+):.*/\1: the path of a developer'"'"'s own machine/' || true
)

if [[ -n $problems ]]; then
	printf '%s\n' "$problems"
	exit 1
fi
