# Sourced by the scripts beside it: how a client comes to .build/clients, unmodified, without being installed on the machine.
export DEBIAN_FRONTEND=noninteractive

here=$(cd "$(dirname "$0")" && pwd)
clients=$(cd "$here/../.." && pwd)/.build/clients
trap 'rm -rf "$clients"/unpacking.$$.*' EXIT

say() { echo "$(basename "$0" .sh): $*" >&2; }

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

# unpack PACKAGE [PATTERN…]: has Debian's own package, or those of its files, in $clients/PACKAGE.
unpack() {
    package=$1
    shift
    [ ! -e "$clients/$package/DEBIAN/control" ] || return 0
    mkdir -p "$clients"
    work=$(mktemp -d "$clients/unpacking.$$.XXXXXX")
    # apt's own sandbox user could not write here when root runs this; as any other user there is no sandbox to leave.
    (cd "$work" && with_fresh_lists apt-get -q -o APT::Sandbox::User=root download "$package" >&2)
    mkdir "$work/unpacked"
    dpkg-deb --fsys-tarfile "$work/$package"_*.deb | tar -x -C "$work/unpacked" --wildcards "$@"
    dpkg-deb -e "$work/$package"_*.deb "$work/unpacked/DEBIAN"
    rm -rf "${clients:?}/$package"
    mv "$work/unpacked" "$clients/$package"
}

# unpack_of RELEASE PACKAGE NAME: has the package of another release of Debian, from the archive that this machine uses, in
# $clients/NAME.
unpack_of() {
    [ ! -e "$clients/$3/DEBIAN/control" ] || return 0
    mkdir -p "$clients"
    work=$(mktemp -d "$clients/unpacking.$$.XXXXXX")
    archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v -- -security | head -n 1)
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/unpacked"
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "${archive%/}" "$1" \
        /usr/share/keyrings/debian-archive-keyring.gpg >"$work/other.sources"
    set -- "$1" "$2" "$3" -q -o "Dir::Etc::sourcelist=$work/other.sources" -o Dir::Etc::sourceparts=- \
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root
    package=$2
    name=$3
    shift 3
    (cd "$work" && apt-get update "$@" >&2 && apt-get download "$@" "$package" >&2)
    dpkg-deb -x "$work/$package"_*.deb "$work/unpacked"
    dpkg-deb -e "$work/$package"_*.deb "$work/unpacked/DEBIAN"
    mv "$work/unpacked" "$clients/$name"
}

# install_libraries PACKAGE LANGUAGE: installs the dependencies of an unpacked package whose names begin with LANGUAGE; of alternatives, the first.
install_libraries() {
    missing=
    for library in $(sed -n 's/^Depends: *//p' "$clients/$1/DEBIAN/control" | tr ',' '\n' |
        sed -e 's/|.*//' -e 's/(.*//' -e 's/:.*//' -e 's/[[:space:]]//g' | grep "^$2" | sort -u); do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$library" 2>/dev/null || true)
        [ "$state" = installed ] || missing="$missing $library"
    done
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086 # one word a package
    with_fresh_lists as_root apt-get install -q -y --no-install-recommends $missing >&2
}

# version PACKAGE: the version that is unpacked.
version() { sed -n 's/^Version: *//p' "$clients/$1/DEBIAN/control"; }

for tool in apt-get dpkg-deb dpkg-query; do
    command -v "$tool" >/dev/null || { say "$tool is needed: this works on Debian and its relatives"; exit 1; }
done
