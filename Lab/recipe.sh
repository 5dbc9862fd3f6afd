#!/bin/sh
# recipe.sh TREE SOURCES APTCONF RELEASE: installs the guest's Debian (12 or 13) into the directory TREE, as its cloud images have it.
# What this script says is what the guest is: the lab builds it anew when one byte of it changes.
set -eu
tree=$1 sources=$2 aptconf=$3 release=$4

# With what cloud-init asks for the address that it needs before the network is up.
case $release in
12) dhcp=isc-dhcp-client ;;
*) dhcp=dhcpcd-base ;;
esac

# What Debian's "genericcloud" has for cloud-init, the network and logging in, the agent by which the lab looks inside, and what our own
# package depends on, so that it can be installed where there is no archive.
packages="systemd systemd-sysv systemd-resolved dbus udev linux-image-cloud-amd64 initramfs-tools
    cloud-init cloud-guest-utils netplan.io $dhcp iproute2 openssh-server sudo locales
    ca-certificates curl e2fsprogs qemu-guest-agent
    libvirt0 libxml2 libjansson4 libnftables1 nftables adduser procps"

# Before the kernel is installed: its initrd gets the drivers of these guests and no others, so that it unpacks soon.
# shellcheck disable=SC2016 # mmdebstrap's shell gives the hook its directory
early='mkdir -p "$1/etc/initramfs-tools/conf.d"
    printf "MODULES=list\nCOMPRESS=lz4\n" >"$1/etc/initramfs-tools/conf.d/lab"
    printf "ext4\nvirtio_pci\nvirtio_blk\n" >"$1/etc/initramfs-tools/modules"'

mmdebstrap --mode=root --variant=minbase --skip=output/dev --aptopt="$aptconf" --essential-hook="$early" \
    --include="$(echo $packages | tr ' ' ',')" "" "$tree" "$sources"

# As an image is that has never been started: nobody's name, keys or resolver.
rm -f "$tree"/etc/ssh/ssh_host_* "$tree"/etc/hostname "$tree"/var/lib/dbus/machine-id
echo uninitialized >"$tree/etc/machine-id"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$tree/etc/hosts"
printf '/dev/vda / ext4 rw,discard,errors=remount-ro 0 1\n' >"$tree/etc/fstab"
# What Debian's cloud images have as well; a user data that asks for it is no work for the guest.
echo LANG=C.UTF-8 >"$tree/etc/default/locale"
ln -sf ../run/systemd/resolve/stub-resolv.conf "$tree/etc/resolv.conf"

# Debian's cloud images have networkd; timers would only take processor time from a short life.
chroot "$tree" systemctl --quiet enable systemd-networkd.service
chroot "$tree" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer
