# Sourced by build-deb and build-tarball: what both packages have in common.
# shellcheck shell=sh
umask 022
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
project=$(dirname "$here")

# Everything in a package has this time, so that two builds of one program from one commit are the same bytes.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git -C "$project" log -1 --format=%ct 2>/dev/null || stat -c %Y "$project/CHANGELOG.md")
fi
export SOURCE_DATE_EPOCH

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# architecture FILE: Debian's name of the architecture that a program is for, by its ELF header.
architecture() {
    [ "$(od -An -tx1 -N4 "$1" | tr -d ' \n')" = 7f454c46 ] || fail "$1 is not an ELF program"
    case $(od -An -tx1 -j18 -N2 "$1" | tr -d ' \n') in
    3e00) echo amd64 ;;
    b700) echo arm64 ;;
    *) fail "$1 is for an architecture without a package: expected amd64 or arm64" ;;
    esac
}

# package_version VERSION: the version of a package of a program that says VERSION. One that has changes which no release has yet
# is newer than the release, and older than the next.
package_version() {
    if grep -qi '^## \[unreleased\]' "$project/CHANGELOG.md" && grep -qF "## [$1]" "$project/CHANGELOG.md"; then
        echo "$1+$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d.%H%M)"
    else
        echo "$1"
    fi
}

# lay_out PROGRAM DIRECTORY: puts into DIRECTORY, as into /usr, the program and everything that goes with it.
# Man pages, completions and the example configuration are written by the program itself, or by $NATIVE where the program is for
# another architecture than this machine's.
lay_out() {
    native=${NATIVE:-$1}
    install -D -m 755 "$1" "$2/bin/virt-metadata"
    if [ "$(architecture "$1")" = "$(architecture /proc/self/exe)" ] || [ -n "${STRIP:-}" ]; then
        "${STRIP:-strip}" --strip-unneeded "$2/bin/virt-metadata"
    else
        echo "$(basename "$0"): debugging symbols are kept: STRIP names no strip for $(architecture "$1")" >&2
    fi

    mkdir -p "$2/manual"
    python3 "$here/manual.py" "$native" "$2/manual"
    for page in "$2"/manual/*; do
        section=$2/share/man/man${page##*.}
        install -D -m 644 "$page" "$section/$(basename "$page")"
        gzip -9n "$section/$(basename "$page")"
    done
    rm -r "$2/manual"

    complete "$native" bash "$2/share/bash-completion/completions/virt-metadata"
    complete "$native" zsh "$2/share/zsh/site-functions/_virt-metadata"
    complete "$native" fish "$2/share/fish/vendor_completions.d/virt-metadata.fish"
    # A file that is sourced needs no interpreter.
    sed -i '1{/^#!/d}' "$2/share/bash-completion/completions/virt-metadata"

    doc=$2/share/doc/virt-metadata
    # What developers need stays with the sources.
    (cd "$project" && find README.md SECURITY.md CHANGELOG.md docs -path docs/dev -prune -o -type f -print) | while read -r page; do
        install -D -m 644 "$project/$page" "$doc/$page"
    done
    mkdir -p "$doc/examples"
    "$native" config template >"$doc/examples/config.yaml"
    (cd "$here" && find prometheus grafana -type f) | while read -r file; do
        install -D -m 644 "$here/$file" "$doc/examples/$file"
    done
    (cd "$project" && find ansible -type f ! -path '*/__pycache__/*') | while read -r file; do
        install -D -m 644 "$project/$file" "$doc/examples/$file"
    done
    (cd "$project/examples" && find . -type f ! -path '*/__pycache__/*' ! -path '*/target/*' ! -name Cargo.lock) | while read -r file; do
        install -D -m 644 "$project/examples/$file" "$doc/examples/$file"
    done
    python3 "$here/source-links.py" "$doc"
}

# complete PROGRAM SHELL FILE: writes a completion script.
complete() {
    mkdir -p "$(dirname "$3")"
    "$here/completion" "$1" "$2" >"$3"
}

# date_all DIRECTORY: gives everything below it the time of the source.
date_all() { find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +; }
