/* SPDX-License-Identifier: MIT
 *
 * Written by metrics.py --write; not by hand. */
GOLDEN(fid, 2.333508756550154)
GOLDEN(fid_few, 0.992935230514258)
GOLDEN(kid, 0.4573116585170425)
GOLDEN(precision_3, 0.84)
GOLDEN(recall_3, 0.815)
GOLDEN(density_3, 0.8055555555555555)
GOLDEN(coverage_3, 0.695)
GOLDEN(precision_5, 0.9233333333333333)
GOLDEN(recall_5, 0.915)
GOLDEN(density_5, 0.7553333333333334)
GOLDEN(coverage_5, 0.835)
GOLDEN(one_nn, 0.775)
GOLDEN(one_nn_real, 0.795)
GOLDEN(one_nn_fake, 0.755)
GOLDEN(is, 2.3715240933899824)
GOLDEN(is_std, 0.21463156561118737)
