#!/bin/sh
# Unpacks Debian's own cloud-init package to .build/clients/cloud-init, unmodified, and installs the Python libraries
# that the package depends on. cloud-init itself is never installed: the machine gets none of its services, and its
# other dependencies (dhclient, gdisk, locales, …) are not needed to run a data source.
set -eu
. "$(dirname "$0")/installing.sh"

# The names of the Python packages among the first alternatives of Depends, one a line.
python_depends() {
    sed -n 's/^Depends: *//p' "$clients/cloud-init/DEBIAN/control" | tr ',' '\n' |
        sed -e 's/|.*//' -e 's/(.*//' -e 's/:.*//' -e 's/[[:space:]]//g' | grep '^python3'
}

unpack cloud-init
# Of the next release too, for its rules differ: only its files are read, none of its packages is installed.
unpack_of trixie cloud-init cloud-init-newer

missing=
for package in $(python_depends); do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # one word a package
    with_fresh_lists as_root apt-get install -q -y --no-install-recommends $missing >&2
fi

say "cloud-init $(version cloud-init) is in $clients/cloud-init"
