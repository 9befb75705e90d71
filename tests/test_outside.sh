#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_outside.sh PROGRAM -- runs that are moved, copied, cut and resumed, and outputs of every kind, as a user meets them.
# Options are lists of words on purpose.
# shellcheck disable=SC2086,SC1091
. "$(dirname "$0")/shell.sh"

tiny='--size 16 --width 4 --batch 4'

# is FILE MAGIC: the file starts with these bytes, in hexadecimal.
is() {
	[ "$(head -c $((${#2} / 2)) "$1" 2>/dev/null | od -An -tx1 | tr -d ' \n')" = "$2" ]
}

# ---- two runs of one number ----

# shellcheck disable=SC2154 # of shell.sh
"$program" train dcgan --data glyphs $tiny --steps 2 --save-every 1 --name a >/dev/null 2>&1
cp -r runs/00000-a runs/00000-b
refuses 1 '00000-a and 00000-b' sample 0 --grid 2x2 -o x.png
refuses 1 '00000-a and 00000-b' train --resume --steps 3
works x.png sample 00000-b --grid 2x2 -o x.png
rm -r runs/00000-b

# ---- a checkpoint that is cut short ----

cp runs/00000-a/checkpoint-000002.safetensors whole
head -c 3000 whole >runs/00000-a/checkpoint-000002.safetensors
refuses 1 'newest complete checkpoint there is .*checkpoint-000001' sample 0 --grid 2x2 -o y.png
refuses 1 'newest complete checkpoint there is .*checkpoint-000001' train --resume 0 --steps 3
mv whole runs/00000-a/checkpoint-000002.safetensors

# ---- outputs are what their names say ----

works jpg sample 0 --grid 2x2 -o x.jpg
check 'x.jpg is no JPEG' is x.jpg ffd8ff
works webp sample 0 --grid 2x2 -o x.webp
check 'x.webp is no WebP' is x.webp 52494646
works y.JPEG interpolate 0 --pairs 2 --steps 3 -o y.JPEG
check 'y.JPEG is no JPEG' is y.JPEG ffd8ff
for name in x.gif x.mp4 x.bmp; do
	refuses 2 "$name: images are written as" sample 0 --grid 2x2 -o $name
	refuses 2 "$name: images are written as" interpolate 0 --pairs 2 --steps 3 -o $name
	refuses 2 "$name: images are written as" data info glyphs -o $name
	check "$name is there" test ! -e $name
done

# ---- many samples ----

"$program" train cgan --data glyphs $tiny --steps 1 --name c >/dev/null 2>&1
works '200 samples' sample 0 --count 200 --seed 3 -o many
works '6 samples' sample 0 --count 6 --seed 3 -o few/
check 'sample 5 depends on the count' cmp many/000005.png few/000005.png
check 'not 200 images' test "$(find many -name '*.png' | wc -l)" = 200
refuses 1 'already contains samples' sample 0 --count 6 -o many
works 'examples +200$' data info many --cache off
works '9 samples with their classes' sample 1 --count 9 -o c.zip
works 'examples +9$' data info c.zip --cache off
works '9 samples with their classes' sample 1 --count 9 --class 1 -o c.npz
works 'examples +9$' data info c.npz --cache off
refuses 1 'already exists' sample 1 --count 9 --class 1 -o c.npz
works '9 samples' sample 1 --count 9 --class 1 -o c.npz --force
works '9 samples' sample 0 --count 9 -o x.npy
refuses 1 'cannot store labels' sample 1 --count 9 -o y.npy
refuses 1 'there is no class 99; this run has the classes 0 to [0-9]+.* \(or all\)' sample 1 --count 9 --class 99 -o y.npz
refuses 2 'give their number, --count' sample 0 -o y.npz
refuses 2 'needs -o FOLDER' sample 0 --count 9 -o y.png
refuses 2 'not both' sample 0 --count 9 --grid 3x3 -o y.npz
check 'y is there' test ! -e y.npz -a ! -e y.npy -a ! -e y.png
works t1.png sample 0 --grid 2x2 --truncation .5 -o t1.png
works t2.png sample 0 --grid 2x2 --truncation 40 --standing 0 -o t2.png
works t3.png sample 0 --grid 2x2 -o t3.png
check 'truncation at 40 changes something' cmp t2.png t3.png
check 'truncation at .5 changes nothing' eval '! cmp -s t1.png t3.png'
refuses 2 'at least 0.01' sample 0 --truncation 0.001 -o t4.png

# ---- translate: parts, odd sizes, endings, the input itself ----

"$program" train pix2pix --data edges2shapes --size 32 --width 4 --patch 16 --batch 2 --steps 1 --name p >/dev/null 2>&1
mkdir -p parts/train parts/test odd
for i in 1 2 3; do
	"$program" sample 0 --grid 1x1 --seed $i -o parts/train/$i.png >/dev/null
done
"$program" data info edges2shapes --size 32 --field a -o parts/test/many.png >/dev/null
cp parts/train/1.png odd/b.png
cp parts/test/many.png odd/a.png
head -c 50 odd/b.png >odd/c.png
works 'tested: [01] picture' translate 2 parts -o tested --split test --fit pad
check 'the training part was translated too' test -z "$(find tested -name '[123].png')"
refuses 1 'no folders train and test' translate 2 odd -o tested2 --split test
works 'sized: 2 pictures' translate 2 odd -o sized --size 32
refuses 2 'count is for folders' translate 2 odd/b.png -o counted --count 2
"$program" translate 2 odd -o made --fit pad >out.txt 2>err
check 'a bad picture does not end with status 1' test $? = 1
check 'the bad one is not named' grep -q 'could not be translated; the first: ' err
check 'good pictures were left out' test -e made/a.png -a -e made/b.png
works 'jpg' translate 2 odd/b.png -o y2.jpg --fit pad
check 'y2.jpg is no JPEG' is y2.jpg ffd8ff
refuses 1 'images are written as' translate 2 odd/b.png -o y2.gif --fit pad
cp odd/b.png kept.png
refuses 2 'would be overwritten' translate 2 odd/b.png -o odd/b.png --fit pad --force
refuses 1 'is the input itself' translate 2 odd -o odd --fit pad --force
check 'an input was written over' cmp kept.png odd/b.png

# ---- one rule for sizes: train, eval and fid fit pictures alike ----

mkdir wide
for i in 1 2 3 4 5; do
	"$program" sample 0 --grid 2x$i --seed $i -o wide/$i.png >/dev/null
done
"$program" train dcgan --data wide $tiny --steps 1 --name w >/dev/null 2>&1
"$program" eval 3 --metrics fid --extractor pixels --count 4 >by_eval
"$program" fid 3 wide --extractor pixels --count 4 >by_fid
"$program" fid wide 3 --extractor pixels --count 4 >by_swapped
check 'eval and fid differ' test "$(awk '$1 == "fid" { print $2 }' by_eval)" = "$(awk '$1 == "fid" { print $2 }' by_fid)"
check 'fid depends on the order' test "$(awk '$1 == "fid" { print $2 }' by_eval)" = "$(awk '$1 == "fid" { print $2 }' by_swapped)"
check 'eval does not say the fit' grep -q 'resized: triangle, antialiased, centre' by_eval
check 'fid does not say the fit' grep -q 'resized: triangle, antialiased, centre' by_fid

# ---- fine-tuning ----

works '00004-fine' train dcgan --from 0 --data wide --size 16 --lr 1e-5 --batch 2 --steps 2 --name fine
check 'not said what was taken' grep -qE 'from step 2 of runs/00000-a/checkpoint-000002.safetensors: [0-9]+ tensors$' err
check 'width is not as in that run' grep -q '"width": "4"' runs/00004-fine/options.json
check 'the record does not say where it came from' grep -qa '"origin":.*00000-a' runs/00004-fine/checkpoint-000002.safetensors
works '00004-fine' train --resume 4 --steps 3
check 'a resumed run forgot where it came from' grep -qa '"origin":.*00000-a' runs/00004-fine/checkpoint-000003.safetensors
works '00005-' train --from 0 --nz 7 --size 16 --steps 1 --name wider
check 'not said what was left' grep -q 'keep their initial values' err
refuses 1 'no tensor of .* name and shape' train vae --from 0 --size 16 --steps 1
refuses 2 'cannot be combined' train --from 0 --resume 0
refuses 1 'neither a run' train dcgan --from nothing

# ---- what is asked for is done, or refused ----

"$program" train classifier --data glyphs --size 16 --width 4 --batch 4 --steps 1 --metrics "" --name k >/dev/null 2>&1
works 'of the train split' eval 6 --metrics accuracy --split train --count 8
works 'scored +the train split' eval 6 --metrics accuracy --split train --count 8 --force
works 'of the test split' eval 6 --metrics accuracy --count 8 --force
works '3 samples' sample 0 --count 3 --seed 9 -o few --force
check 'samples of an earlier call are left' test "$(find few -name '*.png' | wc -l)" = 3
refuses 1 'option size is for data sets' fid 0 0 --extractor pixels --size 32
refuses 1 'option raw is for runs' fid wide wide --extractor pixels --size 16 --raw
refuses 1 'does not end in .npz' fid wide --save-stats foo.txt --extractor pixels --size 16
works 'foo.npz' fid wide --save-stats foo.npz --extractor pixels --size 16
refuses 1 'already exists' fid wide --save-stats foo.npz --extractor pixels --size 16
works 'foo.npz' fid wide --save-stats foo.npz --extractor pixels --size 16 --force
check 'unchanged data are called others' eval '! grep -q "was trained on" by_eval'
mv wide/5.png kept5.png
works 'is not the data that the run was trained on' eval 3 --metrics fid --extractor pixels --count 4 --force
mv wide wide2
refuses 1 'if the data were moved: --data PATH' eval 3 --metrics fid --extractor pixels --count 4 --force
mv wide2 wide
mv kept5.png wide/5.png
printf 'model = vae\nsteps = 3\n' >vae.txt
refuses 2 'vae.txt is for the model vae, not for dcgan' train dcgan --config vae.txt
refuses 1 'name is only for new runs' train --resume 0 --steps 9 --name zz
refuses 1 'is already at step 2' train --resume 0 --steps 1
mkdir -p four/cat four/dog four2/ant four2/bee
cp parts/train/1.png four/cat/1.png
cp parts/train/2.png four/cat/2.png
cp parts/train/3.png four/dog/3.png
cp parts/train/1.png four/dog/1.png
cp four/cat/* four2/ant/
cp four/dog/* four2/bee/
"$program" train cgan --data four $tiny --batch 2 --steps 1 --name one >/dev/null 2>&1
works '00008-two' train cgan --from 7 --data four2 --steps 1 --name two
check 'not said that classes are others' grep -q 'class 0 was cat there and is ant here' err

# ---- options of another verb are refused ----

refuses 2 'mirror is for data fetch' data info glyphs --mirror http://127.0.0.1/
refuses 2 'size is for data info' data list --size 3
refuses 1 'picture is for the metric nearest' eval 0 --metrics swd --picture x.png

# ---- data that were moved ----

mkdir old
"$program" sample 0 --grid 1x1 --seed 1 -o old/a.png >/dev/null
"$program" sample 0 --grid 1x1 --seed 2 -o old/b.png >/dev/null
"$program" train dcgan --data old $tiny --steps 2 --name moved >/dev/null 2>&1
cp -r old other
"$program" sample 0 --grid 1x1 --seed 3 -o other/c.png >/dev/null
mv old new
refuses 1 'give their path: --data PATH' train --resume 9 --steps 3
works moved train --resume 9 --steps 3 --data new
check 'not said that the data were moved' grep -q 'read from new, formerly old' err
works moved train --resume 9 --steps 4
refuses 1 'other data.*--from' train --resume 9 --steps 5 --data other

# ---- TensorBoard files of a run that was killed ----

"$program" train dcgan --data glyphs $tiny --steps 30 --log-every 1 --save-every 10 --tensorboard yes --name board >/dev/null 2>&1
rm runs/00010-board/checkpoint-000030.safetensors # as if it had been killed before the last one
"$program" train --resume 10 --steps 30 --log-every 1 >/dev/null 2>&1
check 'the event files overlap' test "$(cat runs/00010-board/events* | grep -oa loss_d | wc -l)" = 30


finish
