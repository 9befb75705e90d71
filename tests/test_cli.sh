#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_cli.sh PROGRAM -- the program from outside: exit statuses, messages, bad input, kills, and that nothing is ever
# overwritten. Says what it skips.
# Options are lists of words on purpose; bytes are made by printf formats.
# shellcheck disable=SC2086,SC2059,SC2015,SC1091
. "$(dirname "$0")/shell.sh"

# ---- the command line ----

works 'ganymede train' --help
works 'ganymede sample' -h
works '^ganymede [0-9]+\.[0-9]+\.[0-9]+$' --version
for verb in train runs sample reconstruct models data; do
	works "usage: ganymede $verb" $verb --help
	works "usage: ganymede $verb" $verb -h
	works '^ganymede [0-9]' $verb --version
done
works '--width' train dcgan --help
works '^dcgan .*1511.06434' models
works '--objective' models gan
works '--lr-tune .*; only with --tune-after other than 0' models forecast
works '--buckets .*; only without --stage1 and without --text' models stackgan
works '^ring8' data list
works 'endless' data info glyphs
works '64 x 64, 3 channels' data info shapes --size 64

for shell in bash zsh fish; do
	works '--?(l )?sample-every' completion $shell
	works 'dcgan' completion $shell
	"$program" completion $shell >completion.$shell
	if command -v $shell >/dev/null; then
		check "completion $shell: no valid script" $shell -n completion.$shell
	else
		echo "SKIPPED: whether $shell takes its completion (no $shell)"
	fi
done
completes() { # WANTED WORDS...: bash offers it for the last word
	local want=$1
	shift
	bash -c 'source completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ganymede
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | grep -x -- "$want" >offered
}
check 'completion: verbs' completes train ganymede tr
check 'completion: models' completes dcgan ganymede train dc
check "completion: a model's options" completes --kernel ganymede train dcgan --ke
check 'completion: common options of all models' completes --sample-every ganymede train dcgan --sam
check 'completion: data sets' completes ring8 ganymede train gan --data ri
check 'completion: another model has no kernel' test -z "$(completes --kernel ganymede train gan --ke && echo has)"
refuses 2 'bash, zsh or fish' completion tcsh

refuses 2 'did you mean train' trian
refuses 2 'frobnicate' frobnicate
refuses 2 'needs a model' train
refuses 2 'did you mean dcgan' train dcgna
refuses 2 'no model xyz' train xyz
refuses 2 'did you mean width' train dcgan --widht 3
refuses 2 'no option nonsense' train dcgan --nonsense 3
refuses 1 'tune.*maybe.*off, on or again' train dcgan --data glyphs --tune maybe
refuses 1 'precision.*fp64.*fp32 or bf16' train dcgan --data glyphs --precision fp64
GANYMEDE_SIMD=base works '^slow/00000-dcgan-glyphs$' train dcgan --data glyphs --width 4 --batch 4 \
	--steps 1 --precision bf16 --outdir slow
check 'precision: not a word of fp32' grep -q 'precision: fp32, because bf16 needs AVX512-BF16' slow/00000-dcgan-glyphs/log.txt
check 'precision: not recorded' grep -q '"precision": "bf16"' slow/00000-dcgan-glyphs/options.json
refuses 2 'needs a value' train dcgan --width
refuses 2 'one model' train dcgan gan
refuses 2 'needs a run' sample
refuses 2 'did you mean grid' sample x --gird 8x8
refuses 2 'grid' sample x --grid 8
refuses 2 'seed' sample x --seed dice
refuses 2 'needs a run' reconstruct
refuses 2 'needs a run' inpaint
refuses 2 'did you mean ways' inpaint x --wyas 3
refuses 2 'option hide' inpaint x --hide nose
refuses 2 'did you mean split' reconstruct x --spilt test
refuses 2 'is too many' reconstruct x y z
refuses 2 'needs a run' interpolate
refuses 2 'did you mean pairs' interpolate x --piars 8
refuses 2 'needs a run' traverse
refuses 2 'needs a run' arithmetic
refuses 2 'did you mean minus' arithmetic x --mines 3
refuses 2 'did you mean from' traverse x --form 8
refuses 1 'nowhere' traverse nowhere
refuses 2 'did you mean gan' models gn
refuses 2 'data list' data
refuses 2 'needs a set' data info
refuses 2 'did you mean size' data info glyphs --szie 3
refuses 1 'glyhps' data info glyhps
refuses 1 'option lr' train gan --data ring8 --lr fast
refuses 1 'option batch' train gan --data ring8 --batch 0
refuses 1 'points' train dcgan --data ring8
refuses 1 'halve' train dcgan --data glyphs --size 9
refuses 1 'points' train cgan --data ring8
refuses 1 'pack' train cgan --data glyphs --condition auxiliary --pack 2
refuses 1 'halved 2 times' train infogan --data glyphs --size 18
refuses 1 'pack' train infogan --data glyphs --pack 2
refuses 1 'codes' train infogan --data glyphs --codes 0 --continuous 0
refuses 1 'no run' train --resume
refuses 1 'nowhere' sample nowhere
check 'a refused run left a folder' [ ! -e runs ]

# ---- runs ----

small='--data ring8 --width 16 --batch 16'
works '^runs/00000-gan-ring8$' train gan $small --steps 20 --log_every 5
works '^runs/00001-mine$' train gan $small --steps 3 --name mine
works '^elsewhere/00000-gan-ring8$' train gan $small --steps=3 --outdir=elsewhere
check 'stats.jsonl has not four lines' [ "$(grep -c '"loss_d"' runs/00000-gan-ring8/stats.jsonl)" = 4 ]
works 'samples.png' sample runs/00000-gan-ring8
works 'samples-2.png' sample 0
check 'equal samples differ' cmp -s samples.png samples-2.png
works 'a.png' sample runs/00000-gan-ring8/checkpoint-000020.safetensors --seed 7 -o a.png
works 'a.png' sample 00000-gan-ring8 --seed 8 -o a.png
check 'another seed gave the same samples' test "$(cmp -s a.png samples.png && echo same)" != same
works '^runs/00002-dcgan-glyphs$' train dcgan --data glyphs --width 4 --batch 4 --steps 2
works 'grid.png' sample 2 --grid 5x3 -o grid.png
works '^elsewhere/00001-vae-glyphs$' train vae --data glyphs --size 8 --width 4 --nz 2 --batch 4 --steps 2 --outdir elsewhere
works 'r.png: 6 of glyphs, test split.*PSNR [0-9.]+ dB' reconstruct elsewhere/00001-vae-glyphs --grid 2x3 -o r.png
works 'p.png: 1 of r.png' reconstruct elsewhere/00001-vae-glyphs r.png -o p.png
works 'm.png' sample elsewhere/00001-vae-glyphs --manifold --grid 5x5 -o m.png
refuses 1 'vae draws nothing' reconstruct elsewhere/00001-vae-glyphs --grid 1x2 --draws 2 --seed 3 -o never.png
refuses 1 'option draws: .0. is not' reconstruct elsewhere/00001-vae-glyphs --draws 0
works 'standing   3' eval 2 --metrics kid --extractor pixels --count 8 --standing 3 --truncation 2 --force
refuses 1 'uses no batch norm' sample elsewhere/00001-vae-glyphs --standing 3
works 'standing   20' eval 2 --metrics kid --extractor pixels --count 8 --truncation 2 --force
works 'truncation 2' eval 2 --metrics kid --extractor pixels --count 8 --truncation 2 --standing 0 --force
check '--standing 0 measured statistics' test "$("$program" eval 2 --metrics kid --extractor pixels --count 8 --truncation 2 --standing 0 --force | grep -c '^  standing')" = 0
works 'm.png' sample elsewhere/00001-vae-glyphs --truncation 2 -o m.png --grid 2x2
refuses 1 'option standing: .-1. is not' eval 2 --metrics kid --extractor pixels --standing -1
refuses 2 'option truncation: .x. is not' sample 2 --truncation x
refuses 2 'option mix: "" is empty: give a sum such as' sample 2 --mix ''
refuses 2 'option along: "" is empty' sample 2 --along ''
refuses 1 'option ema: 1 is not in 0[.][.]0.9999999' train gan --data ring8 --ema 1 --outdir seen
refuses 1 'range: "5:2" is an empty FROM:TO: .* such as 2:6' train gan --range 5:2 --outdir seen
refuses 1 'endpoint .reconstruct.; dcgan has: generate' reconstruct 2
refuses 1 'two normal latents' sample 2 --manifold
works '^elsewhere/[0-9]*-pixelcnn-glyphs$' train pixelcnn --data glyphs --size 8 --features 4 --layers 2 --batch 4 --steps 1 --grid 2x2 --outdir elsewhere
works 'c.png: 2 of glyphs, test split, right hidden.* 3 completions' inpaint elsewhere/00002-pixelcnn-glyphs --hide right --ways 3 --grid 1x2 -o c.png
works '3 of glyphs, test split, 2,3,4,5 hidden: 1 completion' inpaint elsewhere/00002-pixelcnn-glyphs --hide 2,3,4,5 --count 3 -o filled
works '3 of glyphs, .* 2 completions' inpaint elsewhere/00002-pixelcnn-glyphs --count 3 --ways 2 -o filled
check 'completions have no file each' [ -e filled/000002.png -a -e filled/000002-2.png ]
refuses 1 'filled/000000.png already exists.*--force' inpaint elsewhere/00002-pixelcnn-glyphs --count 1 -o filled
works 'filled/000001.png hidden' inpaint elsewhere/00002-pixelcnn-glyphs filled/000000.png --mask filled/000001.png -o c.png
refuses 2 'would be overwritten' inpaint elsewhere/00002-pixelcnn-glyphs c.png -o c.png
refuses 2 'would be overwritten' inpaint elsewhere/00002-pixelcnn-glyphs --mask c.png -o ./c.png
refuses 1 'not within the run' inpaint elsewhere/00002-pixelcnn-glyphs --hide 2,3,400,5
refuses 2 'hide or --mask' inpaint elsewhere/00002-pixelcnn-glyphs --hide top --mask c.png
refuses 2 'are for -o FOLDER' inpaint elsewhere/00002-pixelcnn-glyphs --count 3
works 'nearest neighbour  L1 .* dB' inpaint elsewhere/00002-pixelcnn-glyphs --score --count 2 --hide 2,3,4,5
refuses 1 'all is hidden' inpaint elsewhere/00002-pixelcnn-glyphs --score --count 2 --hide all
refuses 2 'option score' inpaint elsewhere/00002-pixelcnn-glyphs --score --ways 2
works 'ganymede inpaint .*--hide middle' train context-encoder --data shapes --size 32 --width 4 --batch 4 --steps 1 --outdir ways
works 'ganymede translate .* PICTURE' train cyclegan --data circles2squares --width 2 --blocks 1 --size 32 --batch 1 --steps 1 --outdir ways
works 'nearest' eval elsewhere/00002-pixelcnn-glyphs --metrics nearest --count 8 --turns 9
refuses 1 'turns: 65 is not in 1 to 64' eval elsewhere/00002-pixelcnn-glyphs --metrics nearest --count 8 --turns 65
works 'c.png: step' sample elsewhere/00002-pixelcnn-glyphs --over-time --turns 9 --grid 3x2 -o c.png
refuses 1 'has no steps to show' sample 2 --over-time
refuses 1 'has no turns' sample 2 --turns 3
refuses 1 'endpoint .complete.; dcgan has: generate' inpaint 2 --method complete
works 'context loss [0-9]' inpaint 2 --hide random:.5 --iterations 3 --starts 2 --ways 2 --grid 1x2 -o c.png
works '^truth .* seam' inpaint 2 --hide middle --iterations 2 --starts 2 --count 3 --score
refuses 1 'all is hidden' inpaint 2 --hide all
refuses 2 'option weights: .none. is not window or all' inpaint 2 --weights none
refuses 1 'need as many starts' inpaint 2 --ways 9
works 'mix.png' sample 2 --mix '1 seed=5 psi=.8; -1 seed=6' --to '1 seed=7' --grid 5x1 -o mix.png
refuses 2 'sample takes --mix or --seed' sample 2 --mix '1 seed=5' --seed 3
refuses 2 'begins with --mix' sample 2 --to '1 seed=5'
refuses 1 'nose' sample 2 --mix '1 nose=5'
works 'p.png: 2 of glyphs, test split, original . projection' project 2 --evaluations 3 --grid 1x2 -o p.png --latents z.npy
check 'projected latents' grep -aq "'shape': (2, 100)" z.npy
works '^sample 0: [0-9]+ \([0-9.]+\) [0-9]+ .*by pixels' sample 2 --grid 1x2 --nearest 3 -o near.png
refuses 2 'by does nothing without --nearest' sample 2 --by features
refuses 2 'pixels or features' sample 2 --nearest 3 --by nose
refuses 2 'nearest: .21. is not' sample 2 --nearest 21
refuses 2 'count does nothing with --nearest' sample 2 --nearest 2 --count 2 -o many.npy
refuses 2 'weights does nothing without --by features' sample 2 --nearest 2 --weights w
refuses 2 'directions does nothing without directions' sample 2 --directions 9
refuses 2 'directions: .65. is not' sample 2 --directions 65 --along 0:1
works 'l.png' sample 2 --grid 2x2 --seed 1 --along 0:1.5,1:-1 --psi .8 --codes z:0=1 -o l.png
refuses 1 'is not NAME=VALUE' sample 2 --codes nose=1
refuses 2 'sample takes --codes or --count' sample 2 --codes z:0=1 --count 3 -o many
refuses 1 'ganymede train projection' project 2 --how hybrid
works '^ways/[0-9]*-projection-glyphs$' train projection --of runs/00002-dcgan-glyphs --data glyphs --width 4 --batch 4 --steps 2 --outdir ways
works '^hybrid  *RMSE: mean' project ways/*-projection-glyphs --samples --score --count 2 --evaluations 4
refuses 2 'option starts: 0' project 2 --starts 0
refuses 2 'starts does nothing with --how network' project 2 --how network --starts 4
refuses 2 'grid does nothing with --score' project 2 --score --grid 2x2
echo '{"strokes": [{}]}' >bad.json
echo '{"strokes": [{"tool": "colour", "width": 4, "colour": "#ffffff", "points": [[9, 9], [15, 9]]}]}' >strokes.json
works 'e.png: [1-4] candidates of 4 starts' edit 2 strokes.json --starts 4 --iterations 3 --frames 5 -o e.png
works 'colour error of the best' edit 2 strokes.json p.png --starts 4 --iterations 3 -o e.png
refuses 1 'stroke 1: its tool' edit 2 bad.json
works 't.jpg: [0-9]*x[0-9]*, the photo after the edit' edit 2 strokes.json p.png --starts 4 --iterations 3 -o e.png --transfer t.jpg
refuses 2 'smooth does nothing without a photo' edit 2 strokes.json --smooth 3
refuses 2 'transfer does nothing without a photo' edit 2 strokes.json --transfer t.png
refuses 2 'between does nothing without --transfer' edit 2 strokes.json p.png --between 4
refuses 2 'candidate does nothing without --frames' edit 2 strokes.json --candidate 2
refuses 1 'option candidate: 99, but there are' edit 2 strokes.json --starts 4 --iterations 1 --frames 3 --candidate 99 -o e2.png
mkdir -p o
refuses 2 'are the same file, o/../o/x.png' edit 2 strokes.json p.png -o o/x.png --transfer o/../o/x.png
refuses 1 'option transfer: cannot write nodir/x.png: its folder does not exist' edit 2 strokes.json p.png --transfer nodir/x.png
refuses 1 'option out: cannot write nodir/x.png: its folder does not exist' morph 2 p.png p.png -o nodir/x.png
refuses 2 '--transfer and --out are the same file' edit 2 strokes.json p.png -o e.png --transfer e.png
refuses 2 'edit needs a run and a script' edit 2
works 'm.png: photo . 4 frames . photo' morph 2 p.png e.png --frames 4 -o m.png
works 'm.webp: 4 images of 40x40' morph 2 p.png e.png --frames 4 -o m.png --transfer m.webp --side 40
refuses 2 'not FILE.webp' morph 2 p.png e.png --transfer m.png
refuses 2 'side does nothing without --transfer' morph 2 p.png e.png --side 40
refuses 1 'not class-conditional' inpaint elsewhere/00002-pixelcnn-glyphs --class 3
refuses 1 'nowhere' reconstruct elsewhere/00001-vae-glyphs nowhere.png
printf 'model = gan\ndata = ring8\nwidth = 16\nbatch = 16\nsteps = 9\n' >my.recipe
works '^runs/00003-gan-ring8$' train --recipe my.recipe --steps 2
check 'the command line does not win over the recipe' [ -e runs/00003-gan-ring8/checkpoint-000002.safetensors ]

works 'D/h0/weight +16 x 2 +32' train gan $small --dry-run
works '1000 points: [0-9.e-]+ s' train gan $small --dry-run --steps 100
check 'a dry run left a run' [ ! -e runs/00004-gan-ring8 ]
refuses 2 'dry-run is only for new runs' train --resume runs/00000-gan-ring8 --dry-run
works '^00000-gan-ring8 +gan +20/20 +finished +.*loss_d' runs
works '^00002-dcgan-glyphs +dcgan +2/2 +finished' runs runs
works 'no runs' runs elsewhere/00000-gan-ring8
refuses 1 'nowhere' runs nowhere

cp -r runs before
refuses 1 'option width was 16' train --resume runs/00000-gan-ring8 --width 32 --steps 40
refuses 1 'run of gan' train dcgan --resume runs/00000-gan-ring8
refuses 2 'no option' train --resume runs/00000-gan-ring8 --nz-zz 3
refuses 1 'cannot|could|no such|directory' sample 0 -o no/such/folder.png
check 'a refused command changed a run' diff -r before runs

# ---- walks through latents ----

tiny='--data glyphs --size 16 --width 4 --batch 4 --steps 1 --outdir walks'
works 'walks/' train infogan $tiny --name codes
works 'walks/' train cgan $tiny --name told
works 'walks/' train gan --data ring8 --width 8 --batch 8 --steps 1 --outdir walks --name plain
codes=$(echo walks/*-codes) told=$(echo walks/*-told) plain=$(echo walks/*-plain)
works '^way.png: 3 interpolations of 4 points' interpolate "$codes" --pairs 3 --steps 4 -o way.png
works '^way.webp: ' interpolate "$told" --class 3 --spherical -o way.webp
works '^interpolation.png: 8 interpolations of 10' interpolate "$plain"
works '^interpolation-2.png: ' interpolate "$plain" --linear
works '^arithmetic.png: samples with their numbers' arithmetic "$told" --grid 4x2
works '^sum.png: sums of latents and of pixels' arithmetic "$codes" --plus 3+7+9,12 --minus 0+1 -o sum.png
check 'no PNG of sums' test -s sum.png
refuses 1 'is not the number of a sample' arithmetic "$codes" --plus 3+nine
refuses 1 'for images, not for points' arithmetic "$plain" --plus 3
refuses 2 'without terms' arithmetic "$codes" --noise .1
check 'an animation is no WebP' grep -q WEBP way.webp
refuses 1 'has no latents to interpolate' interpolate elsewhere/00002-pixelcnn-glyphs
refuses 1 'option psi' sample elsewhere/00002-pixelcnn-glyphs --psi .5
refuses 1 'it has none' sample elsewhere/00002-pixelcnn-glyphs --codes c1=3
refuses 2 'count is for --score' project "$plain" --count 3
refuses 2 'neither --how nor --latents' project "$plain" --score --latents z.npy
refuses 2 'neither --how nor --latents' project "$plain" --score --how network
refuses 1 'spherical or linear' interpolate "$plain" --linear --spherical
refuses 1 'class' interpolate "$plain" --class 1
refuses 1 'class' interpolate "$told" --class 10
refuses 1 'option steps' interpolate "$plain" --steps 1
works '^traverse-c1.png: c1, 10 values' traverse "$codes"
check 'traverse: no picture of c2' [ -e traverse-c2.png ]
check 'traverse: no picture of c3' [ -e traverse-c3.png ]
check 'traverse: noise was drawn like a code' [ ! -e traverse-z.png ]
works '^t-c2.png: c2 from -1 to 1' traverse "$codes" --from -1 --to=1 -o t.png
works '^z3.png: z from -2 to 2' traverse "$codes" --code z:3 -o z3.png
works '^traverse-z.png: z from' traverse "$plain"
works '^told.png' traverse "$told" --class 2 -o told.png
works 'walks/' train classifier $tiny --name names
refuses 1 'endpoint "generate"' interpolate walks/*-names
works '^class-accuracy .* of 20 samples' eval "$told" --metrics class-accuracy --count 20 --extractor "classifier:$(echo walks/*-names)"
refuses 1 'needs a class-conditional model' eval "$codes" --metrics class-accuracy --count 20 --extractor "classifier:$(echo walks/*-names)"
works '^code-error .* of 20 tests' eval "$codes" --metrics code-error --count 20
refuses 1 'endpoint "generate"' traverse walks/*-names
refuses 1 'z, c1, c2, c3, not' traverse "$codes" --code c4
refuses 1 '0 to 9' traverse "$codes" --code c1:10
refuses 1 'option to' traverse "$codes" --to far
mkdir one && cp told.png one
refuses 2 'option step-size: 5 is not in 0.001..1' lab dirac --step-size 5
works 'seen/00000-v' train video --width 2 --width-d 2 --batch 2 --steps 1 --grid 1x2 --outdir seen --name v
check 'no animation in the run folder' test -s seen/00000-v/fakes-000001.webp
works '^v.webp: 3 of moving-shapes, test split' predict seen/*-v --count 3 -o v.webp
works '^v.png: 1 of forking-shapes, train split' predict seen/*-v forking-shapes --count 1 -o v.png
works '^psnr-2-flow' eval seen/*-v --metrics frames --count 4
mkdir -p films/v && cp v.webp films/v/
works 'seen/00001-p' train video --data films --frames 3 --given 2 --size 16 --scales 2 --adv 0 --width 2 --batch 2 --steps 1 --grid 1x1 --outdir seen --name p
works '^p.webp: 2 of films, train split' predict seen/*-p --count 2 -o p.webp
refuses 1 'does not have videos of 16 frames of 32x32' predict seen/*-v shapes
refuses 1 'predict' predict "$plain"
refuses 2 'needs a run' predict
works 'seen/00002-f' train forecast --width 2 --batch 2 --steps 1 --grid 1x2 --outdir seen --name f
check 'no animation in the run folder' test -s seen/00002-f/fakes-000001.webp
works '^f.webp: 3 of crossing-shapes, test split' predict seen/*-f --count 3 -o f.webp
works '^moving-iou-3-flow' eval seen/*-f --metrics forecast --count 4
works 'ganymede predict seen/0000[0-9]-o' train forecast --segments objects --adv .1 --mode batch --ahead 2 --scales 1 --width 2 --width-d 2 --batch 2 --steps 1 --grid 1x1 --outdir seen --name o
works '^found-2' eval seen/*-o --metrics forecast --count 4
"$program" data info crossing-shapes --field maps -o maps.png >/dev/null
mkdir -p drive/train drive/trainannot
for i in 1 2 3 4; do cp maps.png drive/train/f$i.png; cp maps.png drive/trainannot/f$i.png; done
works 'steps' train forecast --data drive --maps annot --frames 3 --given 2 --ahead 1 --size 32 --width 2 --batch 2 --steps 1 --grid 1x1 --outdir seen --name drive
works '^d.webp: 2 of drive, train split' predict seen/*-drive --count 2 -o d.webp
works 'steps' train video --data drive/train --moving 32 --size 16 --frames 5 --adv 0 --width 2 --batch 2 --steps 1 --grid 1x1 --outdir seen --name bounce
works '^b.webp: 3 of drive/train, train split' predict seen/*-bounce --count 3 -o b.webp
works '^psnr-1-flow' eval seen/*-bounce --metrics frames --split train --count 4
refuses 1 'moving .32. and per-class exclude each other' train video --data drive/train --moving 32 --per-class 2 --outdir seen
mkdir -p snaps/train snaps/trainannot
for i in 1 2 3; do
	{ echo P3 16 16 255 && for ((k = 0; k < 256; k++)); do echo $k $((255 - k)) $((k * 7 % 256)); done; } >snaps/train/f$i.ppm
	cp snaps/train/f$i.ppm snaps/trainannot/
done
refuses 1 'more than 64 different values: .*looks like a photograph' train forecast --data snaps --maps annot --frames 3 --given 2 --ahead 1 --outdir seen
refuses 1 'does not have maps of 16 frames of 32x32' predict seen/*-f shapes
refuses 1 'of label maps: forecast' eval seen/*-f --metrics frames --count 4
refuses 1 'of videos: frames' eval seen/*-v --metrics forecast --count 4
refuses 1 'both are 0' train forecast --lp 0 --gdl 0 --outdir seen
refuses 1 'both are 0' train forecast --lp 0 --gdl 0 --adv 1 --tune-after 5 --outdir seen
refuses 1 '--mode single' train forecast --mode batch --tune-after 5 --outdir seen
refuses 1 'sequences of 20 maps' train forecast --given 17 --outdir seen
refuses 1 'even sides' train forecast --size 33 --outdir seen
refuses 1 'no class 99 of 5' train forecast --moving-classes 1,99 --outdir seen
refuses 1 'no class 77 of 5' train forecast --unlabelled 77 --outdir seen
refuses 1 'list of classes' train forecast --moving-classes 1,,2 --outdir seen
refuses 1 'needs the field "maps".*--maps' train forecast --data shapes --outdir seen
refuses 1 'nothing is trained' train video --lp 0 --gdl 0 --adv 0 --outdir seen
refuses 1 'multiples of 8' train video --data moving-shapes --size 20 --outdir seen
refuses 1 'none to predict' train video --given 16 --outdir seen
refuses 1 'needs the field "video".*--frames N' train video --data shapes --outdir seen
works 'heard/00000-t' train wavenet --sound-length 256 --layers 6 --width 4 --skip 4 --batch 4 --steps 1 --grid 2x1 --conditional yes --outdir heard --name t
check 'no receptive field in log.txt' grep -q 'receptive field: 128 samples, 16.0 ms' heard/00000-t/log.txt
works '^t.wav: 8 sounds, 0.26 s at 8000 Hz' sample heard/*-t -o t.wav
works '^t.wav: 8 sounds' sample heard/*-t --temperature .5 -o t.wav
refuses 1 'temperature: "0"|temperature: 0 is not in' sample heard/*-t --temperature 0 -o t.wav
refuses 1 'temperature: gan has none' sample "$plain" --temperature .5
works '3 samples with their classes' sample heard/*-t --count 3 -o heard/many
check 'no third sound' test -s heard/many/000002.wav
works '^bits  *[78].* per sample, of 2560 samples of the test split' eval heard/*-t --metrics bits --count 10
works 'C4  *[0-9]' data info tones --sound-length 100
refuses 2 'is a sound, but gan samples points' sample "$plain" -o t.wav
refuses 1 'this run is for sounds' inpaint heard/*-t --hide right
refuses 1 'has no sounds' train wavenet --data shapes --outdir heard
refuses 1 'one: has pictures, not sounds' train wavenet --data one --outdir heard
refuses 1 'trained on pictures, but tones has sounds' train dcgan --data tones --outdir heard
refuses 1 'sounds have no size' data info tones --size 32
works 'heard/00001-ear' train classifier --data tones --width 4 --steps 1 --batch 4 --metrics '' --sound-length 640 --outdir heard --name ear
works 'heard/00002-w' train wavenet --sound-length 640 --layers 2 --width 4 --skip 4 --batch 4 --steps 1 --grid 1x1 --conditional yes --outdir heard --name w
works '^class-accuracy .* of 16 samples' eval heard/*-w --metrics class-accuracy --count 16 --extractor classifier:heard/00001-ear
refuses 1 'needs labels, but one has none' train cgan --data one --size 16
works 'walks/' train catgan --data circles --categories 2 --width 8 --batch 8 --steps 1 --outdir walks --name circles
works 'walks/' train aae --prior mixture --size 8 --width 8 --batch 8 --steps 1 --outdir walks --name lobes
works '^plane.png: 50 of circles, test split, classify' plane walks/*-circles --count 50
works '^k.svg: 50 of circles, test split, k-means' plane walks/*-circles --count 50 --by k-means -o k.svg
works '^lobes.png: 50 of glyphs, train split, codes' plane walks/*-lobes --count 50 --split train -o lobes.png
refuses 1 'codes of 2 dimensions' plane "$told"
refuses 1 'endpoint "classify"' plane "$plain"
refuses 1 'classify, encode or k-means' plane walks/*-circles --by chance
refuses 1 'encode is for pictures' plane walks/*-circles --by encode
refuses 2 'needs a run' plane
works '^gam-samples .*: a tie' eval "$plain" "$plain" --metrics gam --count 20
refuses 1 'eval --metrics gam RUN1 RUN2' eval "$plain" --metrics gam
refuses 1 'second run is for the metric gam' eval "$plain" "$plain" --metrics modes
works '^k-means .* of 60 tests; 2 codes represent' eval walks/*-circles --metrics k-means --count 60
# ---- translate ----

"$program" train pix2pix --width 2 --batch 2 --steps 2 --outdir tr --name there >/dev/null 2>&1
"$program" train pix2pix --data labels2shapes --direction b-to-a --width 2 --batch 2 --steps 2 --outdir tr --name back >/dev/null 2>&1
"$program" train dcgan --width 4 --batch 4 --steps 1 --outdir tr >/dev/null 2>&1
there=tr/00000-there back=tr/00001-back
mkdir -p many/deep pairs/trainA pairs/trainB
works '3 pictures' translate $there edges2shapes --count 3 -o given
"$program" data info edges2shapes --field a -o odd.png >/dev/null
cp given/000000.png many/one.png
cp given/000001.png many/deep/two.png
cp given/000002.png pairs/trainA/x.png
cp odd.png pairs/trainB/x.png
works 'against b: L1 0\.[0-9]+, PSNR [0-9.]+ dB, SSIM' translate $there edges2shapes --split test --count 2
works 'read back from results' translate $there labels2shapes --read-back $back --count 2
refuses 1 'needs a model with the endpoint "translate/back"' translate $there labels2shapes --back --count 2
refuses 2 'for runs that read captions' translate $there labels2shapes --caption 'a red circle' --count 2
refuses 2 'back or --endpoint' translate $there labels2shapes --back --endpoint translate/back
"$program" train cyclegan --data circles2squares --width 2 --blocks 1 --size 16 --patch 16 --batch 1 --steps 1 --outdir tr --name cyc >/dev/null 2>&1
works '2 pictures' translate tr/00003-cyc circles2squares --count 2 -o forth
works '2 pictures' translate tr/00003-cyc circles2squares --count 2 -o back --back
works '2 pictures' translate tr/00003-cyc circles2squares --count 2 -o back2 --endpoint translate/back
check '--back is not translate/back' diff -r back back2
check '--back did what translate does' test "$(diff -r forth back >/dev/null && echo same)" != same
refuses 1 'does not map pictures to pictures' translate tr/00003-cyc circles2squares --count 2 -o no --endpoint discriminate/a
refuses 1 'does not generate samples' sample tr/00003-cyc --endpoint translate/back
refuses 1 'no endpoint "classify/none"' eval tr/00003-cyc --metrics psnr --endpoint classify/none
works '1 picture,' translate 0 --outdir tr many/one.png -o made/one.png
works '2 pictures' translate $there many -o made2
check 'a folder within the input' [ -e made2/deep/two.png ]
works '1 picture,' translate $there pairs -o made3
check 'the other side of pairs was translated' [ -e made3/trainA/x.png ]
check 'the other side of pairs was translated too' [ ! -e made3/trainB ]
works '1 picture,' translate $there odd.png -o padded.png --fit pad
works '1 picture,' translate $there many/one.png -o again.png
works '1 picture,' translate $there many/one.png -o other.png --seed 7
check 'the same seed gave another picture' cmp again.png made/one.png
check 'the seed of the noise does nothing' test "$(cmp -s other.png made/one.png && echo same)" != same
cp -r made2 kept
refuses 1 'made2/.* already exists.*--force' translate $there many -o made2
check 'a refused translation wrote something' diff -r made2 kept
works '2 pictures' translate $there many -o made2 --force --seed 9
check '--force overwrote nothing' test "$(cmp -s made2/one.png kept/one.png && echo same)" != same
refuses 1 'next supported size is [0-9]+x[0-9]+: --fit pad' translate $there odd.png -o no.png
refuses 1 'pictures of 16x32; the next .* is 32x32' translate $there many/one.png -o no.png --pairs halves
printf 'no picture' >many/bad.png
refuses 1 '1 file could not be translated.*bad.png' translate $there many -o made4
check 'what could be read was not made' [ -e made4/one.png ]
cp many/one.png many/one.jpg
refuses 1 'would both be written to' translate $there many -o made5
refuses 1 'endpoint "translate"' translate tr/00002-dcgan-glyphs many/one.png -o no.png
refuses 1 'other --direction' translate $there labels2shapes --read-back $there
refuses 1 'needs pairs.*circles2squares' train pix2pix --data circles2squares --outdir tr
refuses 1 'no pairs for scoring' translate $there shapes
refuses 2 'needs -o' translate $there many/one.png
refuses 2 'needs a run' translate $there
refuses 2 'did you mean seed' translate $there many --sede 3
refuses 2 'exact or pad' translate $there many -o x --fit crop
check 'a refused translation left a picture' [ ! -e no.png ]

# ---- kills ----

wait_for() {
	for _ in $(seq 600); do
		[ -e "$1" ] && return 0
		sleep .05
	done
	return 1
}

"$program" train gan $small --steps 60 --sample-every 60 --name whole >/dev/null 2>&1
"$program" train gan $small --steps 60 --sample-every 60 --name cut --save-every 1 --keep 0 >/dev/null 2>&1 &
victim=$!
wait_for runs/00005-cut/checkpoint-000017.safetensors
kill -9 $victim
wait $victim 2>/dev/null
works '^00005-cut +gan +[0-9]+/60 +(killed|finished)' runs
rm -f runs/00005-cut/checkpoint-00006?.safetensors # in case it was faster than the kill
works '00005-cut' train --resume runs/00005-cut --save-every 0 --keep 2
check 'resumed after kill -9: another checkpoint' cmp runs/0000[45]-*/checkpoint-000060.safetensors
check 'resumed after kill -9: other logs' cmp runs/0000[45]-*/stats.jsonl

for signal in INT:130 TERM:143; do
	"$program" train gan $small --steps 10000000 --log-every 1 --save-every 9999999 --outdir s$signal >/dev/null 2>&1 &
	victim=$!
	wait_for s$signal/00000-gan-ring8/fakes-init.png
	sleep .3
	kill -${signal%:*} $victim
	wait $victim
	status=$?
	check "SIG$signal: status $status" [ $status = "${signal#*:}" ]
	check "SIG$signal: nothing saved" compgen -G "s$signal/00000-gan-ring8/checkpoint-*" >/dev/null
	works '00000-gan-ring8' sample s$signal/00000-gan-ring8 -o s.png
done

# A disk that takes no more: an error, no half-written file, and what was there before stays.
(
	ulimit -f 300
	"$program" train dcgan --data glyphs --width 8 --batch 4 --steps 5 --name full >out 2>err
)
check 'full disk: no failure' [ $? = 1 ]
check "full disk: $(cat err)" grep -q '^ganymede: .*checkpoint' err
check 'full disk: a checkpoint was left' [ -z "$(compgen -G 'runs/*-full/*.safetensors*')" ]

# No memory, at whatever point: one line that says so. Programs under AddressSanitizer need all addresses that there are.
if ! grep -q __asan_init "$program"; then
	# What the libraries want before main differs between systems; OpenBLAS's set-up asks for memory for ever where it is short.
	least=120000
	while [ $least -lt 1000000 ] && ! (ulimit -v $least && OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 timeout -s KILL 5 "$program" --version) >/dev/null 2>&1; do
		least=$((least + 20000))
	done
	for more in 30000 80000 120000; do
		room=$((least + more))
		(
			ulimit -v $room
			# OpenBLAS's threads would ask for memory for ever.
			OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 timeout -s KILL 60 "$program" train gan --data glyphs --net mlp --width 4096 --steps 2 --name huge >out 2>err
		)
		status=$?
		check "$room KB of memory: status $status" [ $status = 1 ]
		check "$room KB of memory: $(cat err)" grep -q -E '^ganymede: .*(no|out of) memory' err
	done
fi

# Folders without permission. Root has every permission, so root becomes nobody for this.
mkdir closed dark open && chmod 500 closed && chmod 000 dark && chmod 777 open . && rm -f out err
as=()
[ "$(id -u)" != 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if "${as[@]}" test -x "$program" 2>/dev/null; then
	real=$program
	printf '#!/bin/sh\nexec %s "$@"\n' "${as[*]} $real" >as-nobody && chmod 755 as-nobody
	# shellcheck disable=SC2154 # of shell.sh
	program=$dir/as-nobody
	refuses 1 'closed' train gan $small --steps 2 --outdir closed/runs
	refuses 1 'dark' data info dark/images-idx3-ubyte
	refuses 1 'dark' sample dark/checkpoint.safetensors
	refuses 1 'closed' sample runs/00000-gan-ring8 -o closed/a.png
	cp -r runs/00000-gan-ring8 shut && chmod 555 shut
	refuses 1 'shut/.*cannot|cannot write .*shut' train --resume shut --steps 40
	works 'shut.png' sample shut -o shut.png
	program=$real
else
	echo 'SKIPPED: folders without permission (root, and no way to be somebody else)'
fi
check 'a closed folder was written to' [ -z "$(ls -A closed)" ]

# ---- files that are not what they claim ----

be32() { printf "\\x$(printf %02x $(($1 >> 24 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 & 255)))"; }
images() { # COUNT BYTES
	printf '\0\0\x08\x03'
	be32 "$1"
	be32 8
	be32 8
	head -c "$2" /dev/zero
}
labels() { # BYTES...
	printf '\0\0\x08\x01'
	be32 $#
	for l in "$@"; do printf "\\x$(printf %02x "$l")"; done
}
set_of() { # NAME: a folder with good files, to be spoiled
	mkdir "$1"
	images 6 384 >"$1/train-images-idx3-ubyte"
	labels 0 1 2 0 1 2 >"$1/train-labels-idx1-ubyte"
}
spoiled() { # PATTERN PATH: refused by both verbs, without leaving a run
	refuses 1 "$1" data info "$2"
	refuses 1 "$1" train gan --data "$2" --steps 1 --outdir spoiled
}

set_of good
works 'examples +6' data info good
works 'gan-good' train gan --net mlp --width 8 --data good --steps 2 --batch 4
set_of short && images 6 383 >short/train-images-idx3-ubyte
spoiled 'train-images.*(trunc|short|ends|end)' short
set_of long && images 6 385 >long/train-images-idx3-ubyte
spoiled 'train-images' long
set_of header && printf '\0\0\x08\x03\0\0' >header/train-images-idx3-ubyte
spoiled 'train-images' header
set_of empty && : >empty/train-images-idx3-ubyte
spoiled 'train-images' empty
set_of magic && printf 'PK\x03\x04rubbish-rubbish-rubbish' >magic/train-images-idx3-ubyte
spoiled 'train-images' magic
set_of zero && images 0 0 >zero/train-images-idx3-ubyte && labels >zero/train-labels-idx1-ubyte
spoiled 'train-images|no (images|pictures|examples)|zero|empty' zero
set_of huge && { printf '\0\0\x08\x03\x7f\xff\xff\xff\x7f\xff\xff\xff\x7f\xff\xff\xff' >huge/train-images-idx3-ubyte; }
spoiled 'train-images' huge
set_of count && labels 0 1 2 >count/train-labels-idx1-ubyte
spoiled 'label' count
refuses 1 'class|label' data info good --classes 10
set_of gz && gzip -c good/train-images-idx3-ubyte | head -c 40 >gz/train-images-idx3-ubyte.gz && rm gz/train-images-idx3-ubyte
spoiled 'gz' gz
spoiled 'missing-folder' missing-folder/data

# Photographs of 24 megapixels: what is held at once does not grow with their number.
mkdir photos
for i in 1 2 3 4 5 6; do { printf 'P5\n6000 4000\n255\n'; head -c 24000000 /dev/zero; } >photos/$i.jpg; done
printf 'P6\n6000 4000\n255\n' >photos/cut.jpg
if (ulimit -v 3000000 && "$program" --version) >/dev/null 2>&1; then # not where a sanitizer maps the world
	out=$(ulimit -v 3000000 && OMP_NUM_THREADS=8 "$program" data info photos --size 64 --cache off 2>&1)
	check 'large photographs do not fit' grep -q 'examples   6' <<<"$out"
fi
works 'bad files  1' data info photos --size 64 --cache off
rm -r photos
check 'a refused data set left a run' [ ! -e spoiled ]

sound=runs/00000-gan-ring8/checkpoint-000020.safetensors
unsound() { # PATTERN PATH
	refuses 1 "$1" sample "$2" -o never.png
	refuses 1 "$1" train gan --resume "$2"
}
size=$(stat -c %s $sound)
for n in 0 7 8 9 500 $((size / 2)) $((size - 1)); do
	head -c "$n" $sound >cut.safetensors
	unsound 'cut.safetensors|trunc|short|header' cut.safetensors
done
printf '\xff\xff\xff\xff\xff\xff\xff\x7f{}' >hostile.safetensors
unsound 'header|length|large' hostile.safetensors
header() { # JSON, then N bytes of data
	local n=${#1}
	printf "\\x$(printf %02x $((n & 255)))\\x$(printf %02x $((n >> 8)))\0\0\0\0\0\0%s" "$1"
	head -c "$2" /dev/zero
}
header '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}' 12 >overlap.safetensors
unsound 'overlap|offset|gap' overlap.safetensors
header '{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}' 8 >big.safetensors
unsound 'shape|size|large|overflow|element' big.safetensors
header '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' 8 >foreign.safetensors
unsound 'not a checkpoint of ganymede' foreign.safetensors
header '{"a":' 0 >torn.safetensors
unsound 'torn|header|json' torn.safetensors
unsound 'png|safetensors|header|large' samples.png
check 'a refused checkpoint made a picture' [ ! -e never.png ]

# ---- looking inside a run ----

GANYMEDE_CHECK=1 works seen train gan $small --steps 2 --name seen
GANYMEDE_PROFILE=1 "$program" train gan $small --steps 2 >out 2>err
check 'GANYMEDE_PROFILE=1 printed no table' grep -q 'instructions, .* MB' err
works '"share_of_sgemm"' bench points --width 16 --batch 16 --seconds .05 --json
works 'points[+]ema' bench points --width 16 --batch 16 --seconds .05 --averages
GANYMEDE_SIMD=base works '"precision": "fp32"' bench points --width 16 --batch 16 --seconds .05 --json --precision bf16
check 'bench: not a word of fp32' grep -q 'because bf16 needs AVX512-BF16' err
refuses 1 'progan begins with images of 4 to 9 pixels' train progan --data shapes --size 30 --steps 1
{
	printf 'P5 24 24 255\n'
	head -c 576 "$program"
} >texture.pgm
works 'mean squared difference on seams' texture quilt texture.pgm --block 6 --size 40x30 -o quilt.png
refuses 2 'texture has two tasks' texture sew x.png
refuses 2 'texture quilt needs a picture' texture quilt
refuses 2 'fewer than a block of 50' texture quilt texture.pgm --block 50 -o quilt.png
refuses 2 'is not WIDTHxHEIGHT' texture quilt quilt.png --size 40 -o other.png
refuses 2 'is not WIDTHxHEIGHT.* up to 16383' texture quilt texture.pgm --size 1000000x1 -o other.png
refuses 1 'option out: cannot write nodir/q.png: its folder' texture quilt texture.pgm --block 6 -o nodir/q.png
refuses 1 'option out: cannot write texture.pgm/q.png' texture quilt texture.pgm --block 6 -o texture.pgm/q.png
refuses 1 'option json: cannot write .*irectory' texture synthesise texture.pgm --json . -o other.png
refuses 2 'would be overwritten' texture quilt quilt.png --block 6 -o quilt.png
refuses 2 'is for texture transfer' texture quilt quilt.png --passes 2 -o other.png
works 'walks/' train dcgan --data glyphs --size 16 --width 2 --nz 2 --batch 4 --steps 1 --outdir walks --name body
mkdir photos
refuses 1 'photos is not a picture' morph $(echo walks/*-body) photos attack.png
"$program" train classifier --net dcgan --features 0 --data glyphs --size 16 --width 2 --batch 4 --steps 1 --metrics "" --outdir walks \
	--from walks/*-body --freeze '8x8/*,C/4x4/*' --head new >out 2>err
check 'not said what was taken' grep -q 'C/4x4/weight .4,2,4,4.: taken from D/4x4/weight; frozen' err
check 'not said what is new' grep -q 'C/logits/weight .10,64.: new, as asked for' err
refuses 1 'no parameter is called "7x7/[*]"' train classifier --data glyphs --size 16 --width 2 --batch 4 --freeze '7x7/*' --steps 1
works 'trpo' train trpo --data mountaincar --steps 2 --timesteps 300 --width 8 --outdir acting --metrics ""
acting=$(echo acting/*-trpo-mountaincar)
works '^return ' eval "$acting" --count 2
works 'mountaincar: 3 episodes, return -' act "$acting" --episodes 3 --json act.json -o act.safetensors
check 'act: no episodes or numbers' test -s act.safetensors -a -s act.json
works '200 steps' act "$acting" --sample --width 128 -o act.webp
check 'act: no film' test -s act.webp
works 'an episode as a film' train bc --data mountaincar --expert act.safetensors --trajectories 3 --steps 2 --outdir acting --metrics ""
# options that are refused leave no run behind, also if only the first turn finds out
refuses 1 'option batch: 5000 episodes .*--timesteps 100: at most' train trpo --batch 5000 --timesteps 100 --steps 1 --outdir refused
refuses 1 'option every: every 9999th .*longest episode has 200' train bc --data mountaincar --expert act.safetensors --trajectories 3 --every 9999 --steps 2 --outdir refused
"$program" train gan --data ring8 --batch 8 --steps 200 --best nonsense:min --outdir refused >out 2>err
check 'best: no error' grep -q '^ganymede: option best: no logged value is named nonsense' err
check 'a refused training left something' test -z "$(ls refused 2>/dev/null)"
refuses 1 'has only 3 episodes' train bc --data mountaincar --expert act.safetensors --trajectories 4 --steps 2 --outdir acting
refuses 1 'endpoint "act"' act $(echo walks/*-body) -o act.webp
refuses 2 'ends in .webp' act "$acting" -o act.png
refuses 2 'is for a file of weights' act "$acting" --data cartpole
refuses 2 'has weights only: --data' act act.safetensors
refuses 1 'there is no array "obsnorm.*policies of openai' act act.safetensors --data cartpole
head -c 200 act.safetensors >cut.safetensors
refuses 1 'or truncated' act cut.safetensors --data cartpole
refuses 2 'width is for a film' act "$acting" --width 100
cp act.safetensors kept.safetensors
refuses 2 'would be overwritten' act act.safetensors --data cartpole --json act.safetensors
refuses 2 'is a file of a run' act 0 --json runs/00000-gan-ring8/checkpoint-000020.safetensors
refuses 2 'is a file of a run' eval 2 --metrics kid --json ./runs/00002-dcgan-glyphs/options.json
refuses 2 'is a file of a run' sample 2 -o runs/00002-dcgan-glyphs/reals.png
refuses 2 'is a file of a run' sample 2 -o runs/00002-dcgan-glyphs/stats.jsonl
refuses 2 'would be overwritten' fid act.safetensors glyphs --json act.safetensors
check 'numbers overwrote the episodes' cmp act.safetensors kept.safetensors
works 'gail' train gail --data mountaincar --expert act.safetensors --trajectories 3 --timesteps 300 --width 8 --steps 1 --outdir acting --metrics ""
rm act.safetensors
refuses 1 'cannot open act.safetensors' train --resume $(echo acting/*-gail-mountaincar) --steps 2
works 'trpo' train trpo --data mountaincar --steps 1 --timesteps 300 --width 8 --freeze 'policy/*' --outdir acting --metrics ""
refuses 2 'too long a film' act "$acting" --episodes 30 -o act.webp
refuses 2 'act needs a policy' act
works 'classifier' train classifier --data glyphs --size 16 --per-class 2 --batch 16 --width 2 --features 8 --steps 3 --metrics "" --outdir walks --name attacked
attacked=$(echo walks/*-attacked)
refuses 1 'option truncation: metric accuracy draws no samples: leave' eval "$attacked" --metrics accuracy --truncation .5
refuses 1 'option standing: metric accuracy .*command of its own' eval 2 --metrics kid,accuracy --standing 2
refuses 1 'option turns: the metrics accuracy draw no samples' eval "$attacked" --metrics accuracy --turns 3
refuses 1 'with two splits: train and test' eval "$attacked" --metrics accuracy --split val
refuses 1 'is not train, test or val' eval "$attacked" --metrics accuracy --split dev
refuses 1 'metric svm has its own splits' eval "$attacked" --metrics svm --split val
mkdir -p parts/{train,test,val}/{a,b}
for part in train test val; do cp texture.pgm parts/$part/a/0.pgm && cp good/*.png parts/$part/b/ 2>/dev/null; cp texture.pgm parts/$part/b/0.pgm; done
cp texture.pgm parts/val/a/1.pgm
works 'classifier' train classifier --data parts --size 16 --channels 1 --batch 2 --width 2 --features 8 --steps 1 --metrics "" --outdir walks --name parts
works 'in 3 of the val split' eval $(echo walks/*-parts) --metrics accuracy --split val --json val.json
check 'eval --split val: not recorded' grep -q '"scored": "val"' val.json
works '1 step along the gradient.s sign' attack "$attacked" --count 20 --grid 2x2 --json attack.json -o attack.png
check 'attack: no picture or numbers' test -s attack.png -a -s attack.json
works 'on the other run' attack "$attacked" --count 8 --steps 3 --transfer "$attacked" --random-start -o attack.png
works 'taken for the target' attack "$attacked" --count 20 --target 3 --norm l2 --epsilon 2 -o attack.png
works 'without labels' attack "$attacked" texture.pgm -o attack.png
refuses 1 'option out: cannot write nodir/a.png' attack "$attacked" -o nodir/a.png
refuses 1 'option json: cannot write nodir/a.json' attack "$attacked" --json nodir/a.json -o attack.png
refuses 2 'is not in 0 to 1' attack "$attacked" --epsilon 8 -o attack.png
refuses 2 'is not a number' attack "$attacked" --epsilon some -o attack.png
refuses 2 'neither max nor l2' attack "$attacked" --norm l1 -o attack.png
refuses 2 "none of this run's classes" attack "$attacked" --target ten -o attack.png
refuses 2 'none of true, predicted, auto' attack "$attacked" --labels some -o attack.png
refuses 2 'has no labels' attack "$attacked" texture.pgm --labels true -o attack.png
refuses 2 'several steps' attack "$attacked" --random-start -o attack.png
refuses 2 'would be overwritten' attack "$attacked" attack.png -o attack.png
cp attack.png kept.png
refuses 2 'would be overwritten' attack "$attacked" kept.png --json kept.png -o other.png
refuses 2 'are the same file' attack "$attacked" kept.png --json other.png -o other.png
refuses 2 'would be overwritten' texture synthesise kept.png --json ./kept.png -o other.png
check 'numbers overwrote the picture' cmp attack.png kept.png
refuses 1 'endpoint "classify"' attack "$told" -o attack.png
works 'objective .* rises' dream "$attacked" attack.png --octaves 2 --steps 2 -o dream.png
check 'dream: no picture' test -s dream.png
works 'C/16x16/b' dream "$attacked" --layer list
refuses 2 'needs a net and an image' dream "$attacked"
refuses 2 'there is no layer C/7' dream "$attacked" attack.png --layer C/7 -o dream.png
refuses 2 'units, from 0' dream "$attacked" attack.png --unit 900 -o dream.png
refuses 2 'images of 616x220 do not fit layer C/logits' dream "$attacked" attack.png --layer C/logits --octaves 1 -o dream.png
refuses 2 'cannot be combined' dream "$attacked" attack.png --unit 1 --guide quilt.png -o dream.png
refuses 2 'is not a number other than 0' dream "$attacked" attack.png --rate 0 -o dream.png
refuses 2 'give their file' dream squeezenet attack.png -o dream.png
refuses 2 'a run has its own' dream "$attacked" attack.png --weights x -o dream.png
refuses 2 'would be overwritten' dream "$attacked" attack.png -o attack.png
works 'phases across scales .* 96 numbers' texture synthesise attack.png --size 70x64 --iterations 2 --without 3,7 --json numbers.json -o synthesised.png
check 'synthesise: no numbers' grep -q 'phases across scales' numbers.json
refuses 2 'sides of at least 64' texture synthesise texture.pgm -o other.png
refuses 2 'none of the groups 0 to 7' texture synthesise attack.png --without 8 -o other.png
refuses 2 'texture synthesise needs a picture' texture synthesise
refuses 2 'is not WIDTHxHEIGHT' texture synthesise attack.png --size 64 -o other.png
refuses 2 'would be overwritten' texture synthesise attack.png -o attack.png
works '"step_seconds"' bench points --width 16 --seconds .05 --json --sample
works '"step_seconds"' bench wavenet --width 4 --skip 4 --layers 2 --sound-length 32 --seconds .05 --json --sample
refuses 2 'did you mean points' bench pionts
refuses 2 'srresnet-x4 does not generate from noise' bench srresnet-x4 --sample
refuses 2 'sampling by averages costs the same' bench points --sample --averages

finish
