#!/bin/sh
# Unpacks Debian's own cloud-init package to .build/clients/cloud-init, unmodified, and installs the Python libraries
# that the package depends on. cloud-init itself is never installed: the machine gets none of its services, and its
# other dependencies (dhclient, gdisk, locales, …) are not needed to run a data source.
set -eu
. "$(dirname "$0")/installing.sh"

unpack cloud-init
# Of the next release too, for its rules differ: only its files are read, none of its packages is installed.
unpack_of trixie cloud-init cloud-init-newer

install_libraries cloud-init python3

say "cloud-init $(version cloud-init) is in $clients/cloud-init"
