#!/bin/sh
# Has unmodified clients of metadata services in .build/clients: from Debian ec2metadata (cloud-guest-utils), ec2-metadata
# (amazon-ec2-utils), ohai, and ansible's module ec2_metadata_facts with ansible-core, of which it is a part; from PyPI botocore,
# os-collect-config, cloudbase-init, and a newer ansible-core, which applies the role of ansible/.
# And moto, whose metadata server `conformance` is run against.
# And Nova's schema of network_data.json, by which its documents are judged.
# Nothing is compiled, and nothing is installed on the machine but Ruby and the libraries that ohai depends on.
set -eu
. "$(dirname "$0")/installing.sh"

# from_pypi NAME: has the wheels that NAME.requirements lists in $clients/NAME.
from_pypi() {
    name=$1
    requirements=$here/$name.requirements
    ! cmp -s "$requirements" "$clients/$name/requirements" || return 0
    mkdir -p "$clients"
    work=$(mktemp -d "$clients/unpacking.$$.XXXXXX")
    # The drivers beside this run in Debian's own Python, so its own pip chooses the wheels.
    /usr/bin/python3 -m pip install -q --no-input --disable-pip-version-check --root-user-action ignore \
        --no-deps --only-binary :all: --use-pep517 --no-compile --target "$work/installed" -r "$requirements" >&2
    cp "$requirements" "$work/installed/requirements"
    rm -rf "${clients:?}/$name"
    mv "$work/installed" "$clients/$name"
}

# schema_of_nova VERSION: has the schema of network_data.json, a file of Nova's sources, in $clients/nova.
schema_of_nova() {
    [ "$(cat "$clients/nova/version" 2>/dev/null)" != "$1" ] || return 0
    mkdir -p "$clients"
    work=$(mktemp -d "$clients/unpacking.$$.XXXXXX")
    /usr/bin/python3 -m pip download -q --no-input --disable-pip-version-check \
        --no-deps --no-binary :all: --dest "$work" "nova==$1" >&2
    mkdir "$work/unpacked"
    tar -xzf "$work/nova-$1.tar.gz" -C "$work/unpacked" --strip-components 3 "nova-$1/doc/api_schemas/network_data.json"
    echo "$1" >"$work/unpacked/version"
    rm -rf "${clients:?}/nova"
    mv "$work/unpacked" "$clients/nova"
}

packages=./usr/lib/python3/dist-packages
unpack cloud-guest-utils
unpack amazon-ec2-utils ./usr/bin/ec2-metadata
unpack ohai
install_libraries ohai ruby
unpack ansible-core
# Of 250 MB, this one file.
unpack ansible "$packages/ansible_collections/amazon/aws/plugins/modules/ec2_metadata_facts.py"
from_pypi botocore
from_pypi os-collect-config
from_pypi cloudbase-init
from_pypi ansible-controller
from_pypi moto
schema_of_nova 34.0.0

say "cloud-guest-utils $(version cloud-guest-utils), amazon-ec2-utils $(version amazon-ec2-utils), ohai $(version ohai)," \
    "ansible $(version ansible), ansible-core $(version ansible-core)," \
    "$(head -n 1 "$here/botocore.requirements"), $(head -n 1 "$here/os-collect-config.requirements")," \
    "$(head -n 1 "$here/cloudbase-init.requirements"), $(head -n 1 "$here/ansible-controller.requirements"), $(head -n 1 "$here/moto.requirements"), the schema of nova $(cat "$clients/nova/version") are in $clients"
