# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The steps that the scripts share: packages, hugepages, build. Sourced by them, from the root of the tree.

PACKAGES="libdpdk-dev dpdk libpcap-dev libhyperscan-dev libtbb-dev libeigen3-dev libgtest-dev libgmock-dev libyaml-cpp-dev libcli-dev
 libedit-dev libsqlite3-dev prometheus-cpp-dev nlohmann-json3-dev libspdlog-dev libcli11-dev libmnl-dev libc-ares-dev libssl-dev
  libidn2-dev publicsuffix
 meson ninja-build g++ pkg-config
 iproute2 ethtool nginx-light postgresql-15 postgresql-client-15 dnsmasq-base tcpdump curl openssl iputils-ping python3
 telnet procps"
HUGEPAGES_WANTED=512 # of 2 MiB
HUGEPAGES_FILE=/proc/sys/vm/nr_hugepages
hugepages_added=0

need_root() {
    [ "$(id -u)" = 0 ] || { echo "$0: needs root: it makes network namespaces" >&2; exit 1; }
}

missing_packages() {
    # shellcheck disable=SC2086
    for package in $PACKAGES; do
        dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || printf '%s ' "$package"
    done
}

# No service is started by an installation: the lab starts what it needs, in its own namespaces.
install_packages() {
    local missing guard=/usr/sbin/policy-rc.d own_guard=
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    echo "installing: $missing"
    if [ ! -e "$guard" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$guard" && chmod 755 "$guard"
        own_guard=$guard
    fi
    local status=0
    # shellcheck disable=SC2086
    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing; } \
        >"$ROOT/out/setup.log" 2>&1 || status=$?
    [ -z "$own_guard" ] || rm -f "$own_guard"
    [ "$status" = 0 ] || { tail -n 20 "$ROOT/out/setup.log" >&2; echo "packages could not be installed" >&2; return 1; }
}

# Reserves hugepages if a quarter of the free memory covers them; without them foregate uses normal pages.
reserve_hugepages() {
    local before free_kib
    [ -w "$HUGEPAGES_FILE" ] || { echo "hugepages: not available here, normal pages"; return 0; }
    before=$(cat "$HUGEPAGES_FILE")
    free_kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
    [ "$before" -lt "$HUGEPAGES_WANTED" ] || return 0
    if [ $(((HUGEPAGES_WANTED - before) * 2048 * 4)) -gt "$free_kib" ]; then
        echo "hugepages: too little free memory, normal pages"
        return 0
    fi
    echo "$HUGEPAGES_WANTED" >"$HUGEPAGES_FILE" 2>/dev/null || true
    hugepages_added=$(($(cat "$HUGEPAGES_FILE") - before))
    echo "hugepages: $hugepages_added more of 2 MiB reserved"
}

give_back_hugepages() {
    [ "$hugepages_added" -gt 0 ] || return 0
    echo $(($(cat "$HUGEPAGES_FILE") - hugepages_added)) >"$HUGEPAGES_FILE" 2>/dev/null || true
    hugepages_added=0
}

# build DIRECTORY [MESON-OPTION...] -- [NINJA-TARGET...]
build() {
    local directory=$1 options=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift || true
    if [ ! -f "$directory/build.ninja" ]; then
        meson setup "$directory" "${options[@]}" >"$ROOT/out/${directory##*/}.meson.log" 2>&1 ||
            { tail -n 20 "$ROOT/out/${directory##*/}.meson.log" >&2; return 1; }
    fi
    ninja -C "$directory" "$@" >"$ROOT/out/${directory##*/}.log" 2>&1 ||
        { grep -A 12 -m 3 'FAILED\|error:' "$ROOT/out/${directory##*/}.log" >&2; return 1; }
}
