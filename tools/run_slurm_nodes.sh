#!/bin/sh
#SBATCH --nodes=2 --ntasks-per-node=1 --gpus-per-node=4 --cpus-per-task=32 --time=08:00:00 --requeue
# One Slurm job whose trials span its nodes: sbatch run_slurm_nodes.sh STUDY. To copy and change.
# ssh between the job's nodes has to work without a password.
set -eu
study=${1:-fusion-method}
scontrol show hostnames "$SLURM_JOB_NODELIST" | sed 's/$/ slots=4/' >"hosts-$SLURM_JOB_ID"
ablate run "$study" --scale gpu --hostfile "hosts-$SLURM_JOB_ID"
