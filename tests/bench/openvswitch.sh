#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# openvswitch.sh CPU DEVICE0 DEVICE1: Open vSwitch with DPDK, one polling thread on CPU, connection tracking of everything
# that goes from one device (a vdev string) to the other. Prints the packets a second that left by both, three times.
# Needs a gigabyte of free hugepages: this program knows no other memory. All of it lives in a temporary folder and ends with the script; a running Open vSwitch is not touched.
set -euo pipefail
cpu=$1 devices=("$2" "$3")
folder=$(mktemp -d)
export OVS_RUNDIR=$folder OVS_DBDIR=$folder OVS_LOGDIR=$folder OVS_SYSCONFDIR=$folder
vswitchd=/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk
pids=()
finish() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap finish EXIT
vsctl() { ovs-vsctl --db="unix:$folder/db.sock" --timeout=60 "$@"; }
wait_for() { # FILE: it is there when its daemon is
    for _ in $(seq 600); do
        [ -e "$1" ] && return 0
        kill -0 "$2" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$folder"/*.log >&2
    return 1
}

ovsdb-tool create "$folder/conf.db" /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server "$folder/conf.db" --remote="punix:$folder/db.sock" --unixctl="$folder/db.ctl" \
    --log-file="$folder/db.log" -vconsole:off &
pids+=($!)
wait_for "$folder/db.sock" "${pids[0]}"
vsctl --no-wait init
vsctl --no-wait set Open_vSwitch . other_config:dpdk-init=true \
    other_config:dpdk-lcore-mask=0x1 other_config:pmd-cpu-mask="$(printf '0x%x' $((1 << cpu)))" \
    other_config:dpdk-socket-mem=960 "other_config:dpdk-extra=--no-pci --no-telemetry --single-file-segments"
"$vswitchd" "unix:$folder/db.sock" --unixctl="$folder/vs.ctl" --log-file="$folder/vs.log" -vconsole:off &
pids+=($!)
wait_for "$folder/vs.ctl" "${pids[1]}"
vsctl add-br br0 -- set bridge br0 datapath_type=netdev fail_mode=secure
for i in 0 1; do
    vsctl add-port br0 "p$i" -- set Interface "p$i" type=dpdk ofport_request=$((i + 1)) "options:dpdk-devargs=${devices[$i]}"
    [ "$(vsctl get Interface "p$i" error)" = '[]' ] || { vsctl get Interface "p$i" error >&2; exit 1; }
done
ovs-ofctl add-flows "$folder/br0.mgmt" - <<FLOWS
table=0,priority=100,ip,ct_state=-trk,actions=ct(table=1)
table=1,priority=100,in_port=1,ip,ct_state=+trk+new,actions=ct(commit),output:2
table=1,priority=100,in_port=1,ip,ct_state=+trk+est,actions=output:2
table=1,priority=100,in_port=2,ip,ct_state=+trk+new,actions=ct(commit),output:1
table=1,priority=100,in_port=2,ip,ct_state=+trk+est,actions=output:1
FLOWS
sent() { ovs-ofctl dump-ports "$folder/br0.mgmt" | sed -n 's/.*tx pkts=\([0-9]*\),.*/\1/p' | awk '{ sum += $1 } END { printf "%d", sum }'; }
sleep 5 # every connection has been seen and every cache filled
for _ in 1 2 3; do
    before=$(sent) start=$(date +%s%N)
    sleep 1
    after=$(sent) end=$(date +%s%N)
    awk -v a="$before" -v b="$after" -v ns="$((end - start))" 'BEGIN { printf "%.0f\n", (b - a) / ns * 1e9 }'
done
