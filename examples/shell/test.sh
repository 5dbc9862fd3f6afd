#!/bin/sh
# test.sh: runs the agent under the emulator, at the address that it knows, in a namespace that needs no root.
set -eu
cd "$(dirname "$0")"
emulate() { "${VIRT_METADATA:-virt-metadata}" emulate --quiet "$@" -- sh agent.sh; }

said=$(emulate --scenario spot,delay=0s,action=stop --session-tokens required)
[ "$said" = stop ] || { echo "an interruption: the agent says '$said'" >&2; exit 1; }

said=$(emulate --absent spot)
[ "$said" = nothing ] || { echo "no interruption: the agent says '$said'" >&2; exit 1; }

if emulate --scenario slow-boot,silent=0s,unavailable=10s 2>/dev/null; then
    echo "a server that is not ready: the agent has no error" >&2
    exit 1
fi

# What it may request, and what not.
emulate --scenario spot,delay=0s --expect expectations.yaml >/dev/null
echo "4 tests passed"
