#!/bin/sh
# Trials that span two machines of four GPUs each, to which ssh works without a password. To copy and change.
# Both see this folder at the same path; the first one, on which this runs, takes part.
set -eu
study=${1:-fusion-method}
cat >hosts <<END
$(hostname) slots=4
node-b slots=4
END
export NCCL_SOCKET_IFNAME=${NCCL_SOCKET_IFNAME:-eth0}    # the network that both share
ablate run "$study" --scale gpu --hostfile hosts
