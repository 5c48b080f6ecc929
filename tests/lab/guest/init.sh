#!/bin/busybox sh
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash
# The guest's first process: binds the cards for DPDK, starts the gateway, and does what the second serial port says.
# The kernel's command line has foregate.driver=DRIVER and foregate.nics=ADDRESS,ADDRESS.
#
# A line `NUMBER COMMAND` is run by the shell; its output is followed by `@@NUMBER STATUS`. `NUMBER kill` kills the
# gateway and starts it again; `NUMBER off` ends it and switches the machine off. `@@0 0` says that the cards are bound
# and the gateway was started.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
chmod 755 / # DPDK loads no plugin from below a folder that anybody may write to
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
exec </dev/console >/dev/console 2>&1

option() { tr ' ' '\n' </proc/cmdline | sed -n "s/^foregate\.$1=//p"; }

# What dpdk-devbind.py does, by hand: it is written in Python, which is not here.
bind() {
    local device=/sys/bus/pci/devices/$1 bound
    echo "$2" >"$device/driver_override"
    [ ! -e "$device/driver" ] || echo "$1" >"$device/driver/unbind"
    echo "$1" >/sys/bus/pci/drivers_probe
    bound=$(readlink "$device/driver")
    echo "guest: $1 $(cat "$device/vendor"):$(cat "$device/device") bound to ${bound##*/}"
    [ "${bound##*/}" = "$2" ]
}

driver=$(option driver)
depmod
modprobe tun
modprobe "$driver"
[ "$driver" != vfio-pci ] || modprobe vfio_iommu_type1
for nic in $(option nics | tr ',' ' '); do
    bind "$nic" "$driver" || echo "guest: $nic is not bound to $driver"
done
ip link set lo up
start() {
    foregate run --config /etc/foregate/foregate.yaml &
    gateway=$!
}
start

stty -F /dev/ttyS1 raw -echo
exec 3</dev/ttyS1 4>/dev/ttyS1
echo "@@0 0" >&4
while read -r number command <&3; do
    status=0
    case $command in
    off) break ;;
    kill) kill -9 "$gateway" && wait "$gateway"; start ;;
    *) (eval "$command") >&4 2>&4 3<&- </dev/null; status=$? ;;
    esac
    echo "@@$number $status" >&4
done
kill -TERM "$gateway"
wait "$gateway"
echo "guest: foregate ended with $?"
poweroff -f
