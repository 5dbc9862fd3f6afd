#!/bin/sh
# Runs the EC2 plugin of Debian's ohai, unmodified, and prints its attributes as JSON: `{}` where it has read none.
#
#     ip netns exec GUEST env -i HOME=/nonexistent Tests/clients/ohai_ec2.sh
#
# ohai reads the tree of a machine whose BIOS vendor contains "Amazon" (/sys/class/dmi/id/bios_vendor), if port 80 accepts a connection. The
# vendor of this machine is another, and it may have no SMBIOS at all, so the script has a mount namespace of its own with such a file.
# Arguments are options of ohai, such as `--log_level trace`.
set -eu

clients=$(cd "$(dirname "$0")/../.." && pwd)/.build/clients
# Its gem is found there, and those that it depends on where Debian has them: the colon at the end stands for these.
export GEM_PATH="$clients/ohai/usr/share/rubygems-integration/all:"

exec unshare --mount sh -c '
    mount -t tmpfs -o mode=755 tmpfs /sys/class
    mkdir -p /sys/class/dmi/id
    echo "Amazon EC2" >/sys/class/dmi/id/bios_vendor
    exec "$@"' sh /usr/bin/ruby "$clients/ohai/usr/bin/ohai" ec2 "$@"
