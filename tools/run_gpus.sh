#!/bin/sh
# One machine with eight GPUs: four trials at a time, each on two of them. To copy and change.
set -eu
study=${1:-fusion-method}
ablate plan "$study" --scale gpu --processes 2
ablate run "$study" --scale gpu --processes 2 --smoke    # two steps on 64 items: does every arm fit?
ablate run "$study" --scale gpu --processes 2 --workers 4
