#!/bin/sh
# Runs a command beside a Slurm of its own: one machine, one partition called "local", no accounting, no cgroups.
#
#     tools/local_slurm.sh ablate run depth.toml --cluster slurm --cluster-option partition=local
#
# Needs munge and Slurm's daemons (Debian: apt install munge slurm-wlm). Everything it writes lies in one temporary
# folder, which goes away with the daemons when the command ends.
set -eu
if [ $# -eq 0 ]; then
    echo "usage: $0 COMMAND [ARGUMENT ...]" >&2
    exit 2
fi
export PATH="$PATH:/usr/sbin:/sbin"
for program in munged munge slurmctld slurmd sinfo; do
    if ! command -v "$program" >/dev/null; then
        echo "$0: $program is not installed; on Debian: apt install munge slurm-wlm" >&2
        exit 3
    fi
done

folder=$(mktemp -d "${TMPDIR:-/tmp}/local-slurm-XXXXXX")
host=$(hostname -s)
user=$(id -un)
port=$((20000 + $$ % 10000 * 2))
daemons=""
stop() {
    trap - EXIT INT TERM
    for daemon in $daemons; do kill "$daemon" 2>/dev/null || true; done
    for daemon in $daemons; do wait "$daemon" 2>/dev/null || true; done
    rm -rf "$folder"
}
trap stop EXIT
trap 'stop; exit 130' INT TERM

chmod 755 "$folder"
mkdir -m 700 "$folder/key"
mkdir -m 755 "$folder/munge" "$folder/state" "$folder/spool"
head -c 1024 /dev/urandom >"$folder/key/munge.key"
chmod 400 "$folder/key/munge.key"
cat >"$folder/slurm.conf" <<END
ClusterName=local
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=local Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF="$folder/slurm.conf"

munged --foreground --force --key-file="$folder/key/munge.key" --socket="$folder/munge/socket" \
    --pid-file="$folder/munge/pid" --seed-file="$folder/key/seed" --log-file="$folder/munge/log" 2>"$folder/munged.err" &
daemons="$!"
slurmctld -D >/dev/null 2>&1 &
daemons="$daemons $!"
slurmd -D >/dev/null 2>&1 &
daemons="$! $daemons"

tries=0
until sinfo --noheader --format=%t 2>/dev/null | grep -q idle; do
    tries=$((tries + 1))
    if [ "$tries" -gt 60 ]; then
        echo "$0: Slurm has not started within a minute:" >&2
        tail -n 5 "$folder"/*.err "$folder"/munge/log "$folder"/*.log >&2 || true
        exit 4
    fi
    sleep 1
done

status=0
"$@" || status=$?
exit "$status"
