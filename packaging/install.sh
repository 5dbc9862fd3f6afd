#!/bin/sh
# Installs virt-metadata on a host whose distribution has no package of it.
set -eu

usage() {
    cat <<'TEXT'
usage: ./install.sh [--check | --uninstall [--purge]] [--prefix DIR] [--destdir DIR] [--no-start] [--force]

Without an option, check what virt-metadata needs from this host, install it below /usr/local, and start its service.

  --check         check this host and change nothing; exit 1 if something is missing
  --uninstall     stop the service and remove the files; keep the configuration and the keys
  --purge         with --uninstall: remove the configuration, the keys and the user too
  --prefix DIR    install below DIR instead of /usr/local
  --destdir DIR   put the files into DIR for a package: no check, no user, no service
  --no-start      do not enable and start the service
  --force         install although something is missing
TEXT
}

action=install prefix=/usr/local destdir=${DESTDIR:-} start=yes force=no purge=no
while [ $# -gt 0 ]; do
    case $1 in
    --check) action=check ;;
    --uninstall) action=uninstall ;;
    --purge) purge=yes ;;
    --prefix | --destdir)
        [ $# -gt 1 ] || { echo "install.sh: $1: expected a directory" >&2; exit 2; }
        if [ "$1" = --prefix ]; then prefix=$2; else destdir=$2; fi
        shift
        ;;
    --no-start) start=no ;;
    --force) force=yes ;;
    -h | --help) usage; exit 0 ;;
    *) echo "install.sh: unknown option '$1'" >&2; usage >&2; exit 2 ;;
    esac
    shift
done
case $prefix in
/*) ;;
*) echo "install.sh: --prefix $prefix: expected an absolute path" >&2; exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
doc=$destdir$prefix/share/doc/virt-metadata
manifest=$doc/installed-files
unit=$destdir/etc/systemd/system/virt-metadata.service

# What this host is read from, which tests put other files in place of.
os_release=${OS_RELEASE:-/etc/os-release}
kernel_config=${KERNEL_CONFIG:-}

# Checks

missing=0 packages=
# What has to be there, or the program does not run.
lacks() {
    echo "missing: $*"
    missing=$((missing + 1))
}
# What the program runs without, with less.
warns() { echo "warning: $*"; }

# family: the distribution's family, by which packages are named.
family() {
    ids=$(sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' "$os_release" 2>/dev/null | tr -d "\"'" | tr '\n' ' ')
    for id in $ids; do
        case $id in
        debian | ubuntu) echo debian; return ;;
        fedora | rhel | centos) echo fedora; return ;;
        suse | opensuse* | sles) echo suse; return ;;
        arch) echo arch; return ;;
        esac
    done
    echo unknown
}

# package LIBRARY FAMILY: the package with a library; nothing where there is none.
package() {
    case $1 in
    libvirt.so.0) set -- "$2" libvirt0 libvirt-libs libvirt-libs libvirt ;;
    libxml2.so.2) set -- "$2" libxml2 libxml2 libxml2-2 libxml2-legacy ;;
    libjansson.so.4) set -- "$2" libjansson4 jansson libjansson4 jansson ;;
    libnftables.so.1) set -- "$2" libnftables1 nftables libnftables1 nftables ;;
    libyaml-0.so.2) set -- "$2" libyaml-0-2 libyaml libyaml-0-2 libyaml ;;
    libcap-ng.so.0) set -- "$2" libcap-ng0 libcap-ng libcap-ng0 libcap-ng ;;
    libcrypto.so.3) set -- "$2" libssl3 openssl-libs libopenssl3 openssl ;;
    libcurl.so.4) set -- "$2" libcurl4 libcurl libcurl4 curl ;;
    libcurl-gnutls.so.4) set -- "$2" libcurl3-gnutls - - libcurl-gnutls ;;
    libstdc++.so.6) set -- "$2" libstdc++6 libstdc++ libstdc++6 gcc-libs ;;
    libgcc_s.so.1) set -- "$2" libgcc-s1 libgcc libgcc_s1 gcc-libs ;;
    *) return ;;
    esac
    case $1 in
    debian) echo "$2" ;;
    fedora) echo "$3" ;;
    suse) echo "$4" ;;
    arch) echo "$5" ;;
    *) echo "Debian $2, Fedora $3, SUSE $4, Arch $5" ;;
    esac
}

check_architecture() {
    wanted=$(sed -n 's/^architecture=//p' "$here/requirements")
    case $(uname -m) in
    x86_64) found=amd64 ;;
    aarch64) found=arm64 ;;
    *) found=$(uname -m) ;;
    esac
    [ "$wanted" = "$found" ] || lacks "a processor of architecture $wanted: this host's is $found"
}

check_c_library() {
    wanted=$(sed -n 's/^glibc=//p' "$here/requirements")
    found=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc //p')
    if [ -z "$found" ]; then
        lacks "the GNU C library $wanted or newer: this host has another C library"
    elif ! echo "$found $wanted" | awk '{ split($1, a, "."); split($2, b, "."); exit !(a[1] > b[1] || a[1] == b[1] && a[2] >= b[2]) }'; then
        lacks "the GNU C library $wanted or newer: this host has $found, so it needs a build made on an older distribution"
    fi
}

check_libraries() {
    family=$(family)
    found=$(ldd "$here/bin/virt-metadata" 2>&1 || true)
    for library in $(echo "$found" | sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p' | sort -u); do
        name=$(package "$library" "$family")
        case $name in
        '') lacks "the library $library" ;;
        -) lacks "the library $library, which this distribution has no package of: it needs another build" ;;
        *)
            lacks "the library $library, in the package $name"
            [ "$family" = unknown ] || packages="$packages $name"
            ;;
        esac
    done
    # The C library's versions are looked at above.
    old=$(echo "$found" | sed -n "s/.*\/\([^/]*\): version \`\([^']*\)' not found.*/\1 with \2/p" | grep -v GLIBC_ | sort -u || true)
    [ -z "$old" ] || while read -r library; do lacks "$library: this host's library is older"; done <<LIST
$old
LIST
}

check_kernel() {
    release=$(uname -r)
    if ! echo "$release" | awk -F. '{ exit !($1 > 5 || $1 == 5 && $2 + 0 >= 16) }'; then
        lacks "Linux 5.16 or newer, for rules on packets that leave a bridge: this host has $release"
    fi
    options=
    for file in ${kernel_config:-/proc/config.gz "/boot/config-$release" "/lib/modules/$release/config"}; do
        [ -r "$file" ] || continue
        case $file in
        *.gz) options=$(gzip -dc "$file") ;;
        *) options=$(cat "$file") ;;
        esac
        break
    done
    if [ -z "$options" ]; then
        warns "the kernel's configuration cannot be read, so its options were not checked"
        return
    fi
    for option in BRIDGE NF_TABLES NF_TABLES_INET NF_TABLES_NETDEV NF_TABLES_BRIDGE NETFILTER_INGRESS NETFILTER_EGRESS NFT_CT \
        NFT_LIMIT NFT_FWD_NETDEV; do
        echo "$options" | grep -q "^CONFIG_$option=[ym]" || lacks "the kernel option CONFIG_$option"
    done
}

check_services() {
    [ -d /run/systemd/system ] || warns "systemd does not run here: start 'virt-metadata serve' as root by this host's own means"
    for socket in /run/libvirt/libvirt-sock /run/libvirt/virtqemud-sock; do
        [ ! -S "$socket" ] || return 0
    done
    warns "no libvirt daemon listens in /run/libvirt: virt-metadata waits for one"
}

# Says what is missing, and returns 1 where the program could not run.
check() {
    check_architecture
    check_c_library
    check_libraries
    check_kernel
    check_services
    if [ -n "$packages" ]; then
        case $family in
        debian) echo "to install them: apt install$packages" ;;
        fedora) echo "to install them: dnf install$packages" ;;
        suse) echo "to install them: zypper install$packages" ;;
        arch) echo "to install them: pacman -S$packages" ;;
        esac
    fi
    if [ "$missing" -gt 0 ]; then return 1; fi
    echo "this host has everything that virt-metadata needs"
}

# Installing and removing

has_systemd() { [ -z "$destdir" ] && [ -d /run/systemd/system ]; }

need_root() {
    [ -n "$destdir" ] || [ "$(id -u)" -eq 0 ] || { echo "install.sh: run it as root, or with --destdir DIR" >&2; exit 1; }
}

install_files() {
    mkdir -p "$doc"
    (cd "$here" && find bin share -type f) >"$manifest.new"
    while read -r file; do
        mode=644
        [ ! -x "$here/$file" ] || mode=755
        mkdir -p "$(dirname "$destdir$prefix/$file")"
        # A program that runs is replaced, not written to.
        cp "$here/$file" "$destdir$prefix/$file.new"
        chmod "$mode" "$destdir$prefix/$file.new"
        mv "$destdir$prefix/$file.new" "$destdir$prefix/$file"
    done <"$manifest.new"
    mv "$manifest.new" "$manifest"
    mkdir -p "$(dirname "$unit")" "$destdir/etc/virt-metadata"
    sed "s|/usr/bin/virt-metadata|$prefix/bin/virt-metadata|" "$here/lib/systemd/system/virt-metadata.service" >"$unit"
    configuration=$destdir/etc/virt-metadata/config.yaml
    [ -e "$configuration" ] || cp "$here/share/doc/virt-metadata/examples/config.yaml" "$configuration"
    chmod 644 "$unit" "$configuration"
}

install_user() {
    # libvirt's own group, where libvirt is on this host; the unit names it.
    getent group libvirt >/dev/null || groupadd --system libvirt
    shell=$(command -v nologin || echo /sbin/nologin)
    getent passwd virt-metadata >/dev/null || useradd --system --user-group --home-dir /var/lib/virt-metadata \
        --no-create-home --shell "$shell" virt-metadata
}

start_service() {
    systemctl daemon-reload
    systemctl enable virt-metadata.service
    systemctl restart virt-metadata.service
    cat <<TEXT
The service virt-metadata is enabled and started. It changes no bridge of this host until a domain on that bridge is enabled:
  $prefix/bin/virt-metadata enable DOMAIN --ssh-key FILE    enable a domain; --dry-run only shows the change
  $prefix/bin/virt-metadata status                          show which bridges are served
TEXT
}

uninstall() {
    if has_systemd && [ -e "$unit" ]; then systemctl disable --now virt-metadata.service; fi
    # A server that ends leaves drop rules at its bridges, for the next one; here none comes.
    program=$destdir$prefix/bin/virt-metadata
    if [ -z "$destdir" ] && [ -x "$program" ]; then "$program" cleanup || true; fi
    if [ -e "$manifest" ]; then
        while read -r file; do rm -f "$destdir$prefix/$file"; done <"$manifest"
    fi
    rm -f "$manifest" "$unit"
    [ ! -d "$doc" ] || find "$doc" -depth -type d -exec rmdir {} + 2>/dev/null || true
    if has_systemd; then systemctl daemon-reload; fi
    [ "$purge" = yes ] || return 0
    for directory in /etc/virt-metadata /var/lib/virt-metadata /run/virt-metadata; do rm -rf "$destdir$directory"; done
    if [ -z "$destdir" ] && getent passwd virt-metadata >/dev/null; then userdel virt-metadata; fi
}

case $action in
check) check ;;
uninstall)
    need_root
    uninstall
    echo "virt-metadata is removed from $destdir$prefix"
    ;;
install)
    need_root
    if [ -z "$destdir" ] && ! check; then
        [ "$force" = yes ] || { echo "install.sh: nothing was installed; --force installs in spite of this" >&2; exit 1; }
    fi
    install_files
    echo "virt-metadata is installed in $destdir$prefix"
    [ -z "$destdir" ] || exit 0
    install_user
    if [ "$start" = yes ] && has_systemd; then start_service; fi
    ;;
esac
