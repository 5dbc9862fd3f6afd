#!/bin/sh
# Unpacks Debian's own cloud-init package to .build/clients/cloud-init, unmodified, and installs the Python libraries
# that the package depends on. cloud-init itself is never installed: the machine gets none of its services, and its
# other dependencies (dhclient, gdisk, locales, …) are not needed to run a data source.
set -eu
export DEBIAN_FRONTEND=noninteractive

root=$(cd "$(dirname "$0")/../.." && pwd)
clients=$root/.build/clients
unpacked=$clients/cloud-init

say() { echo "install-cloud-init: $*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        say "not root, so: sudo $*"
        sudo -E "$@"
    fi
}

# Runs an apt-get command; if it fails, once more after an update: lists may be absent, or older than the archive.
with_fresh_lists() {
    "$@" && return
    say "apt-get update, then once more: $*"
    as_root apt-get update -q >&2
    "$@"
}

# The names of the Python packages among the first alternatives of Depends, one a line.
python_depends() {
    sed -n 's/^Depends: *//p' "$unpacked/DEBIAN/control" | tr ',' '\n' |
        sed -e 's/|.*//' -e 's/(.*//' -e 's/:.*//' -e 's/[[:space:]]//g' | grep '^python3'
}

for tool in apt-get dpkg-deb dpkg-query; do
    command -v "$tool" >/dev/null || { say "$tool is needed: this works on Debian and its relatives"; exit 1; }
done

if [ ! -e "$unpacked/DEBIAN/control" ]; then
    mkdir -p "$clients"
    work=$(mktemp -d "$clients/unpacking.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    # apt's own sandbox user could not write here when root runs this; as any other user there is no sandbox to leave.
    (cd "$work" && with_fresh_lists apt-get -q -o APT::Sandbox::User=root download cloud-init >&2)
    dpkg-deb -x "$work"/cloud-init_*.deb "$work/cloud-init"
    dpkg-deb -e "$work"/cloud-init_*.deb "$work/cloud-init/DEBIAN"
    rm -rf "$unpacked"
    mv "$work/cloud-init" "$unpacked"
fi

missing=
for package in $(python_depends); do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # one word a package
    with_fresh_lists as_root apt-get install -q -y --no-install-recommends $missing >&2
fi

say "cloud-init $(sed -n 's/^Version: *//p' "$unpacked/DEBIAN/control") is in $unpacked"
