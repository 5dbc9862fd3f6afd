#!/bin/sh
# host-recipe.sh TREE SOURCES APTCONF RELEASE: installs a host of guests into the directory TREE: libvirt, QEMU, and what our package depends on, so
# that it can be installed where there is no archive.
set -eu
tree=$1 sources=$2 aptconf=$3

packages="systemd systemd-sysv dbus udev procps iproute2 nftables curl python3
    openssh-client libvirt-daemon-system libvirt-clients qemu-system-x86 ipxe-qemu dnsmasq-base
    adduser libyaml-0-2 libjansson4 libxml2 libcap-ng0"

mmdebstrap --mode=root --variant=minbase --skip=output/dev --aptopt="$aptconf" --include="$(echo $packages | tr ' ' ',')" "" "$tree" "$sources"

# Nothing is started by whoever installs a package: the lab starts what it needs.
printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
chmod 755 "$tree/usr/sbin/policy-rc.d"
