#!/bin/sh
# Workers as jobs of a Slurm cluster, each with four GPUs, submitted from a login node. To copy and change.
# Needs: pip install "ablation-runner[slurm]"
set -eu
study=${1:-fusion-method}
ablate run "$study" --scale gpu --processes 4 --workers 3 --cluster slurm \
    --cluster-option partition=gpu --cluster-option time=8:00:00 \
    --cluster-option gpus=4 --cluster-option cpus=32 --cluster-option memory=200G
