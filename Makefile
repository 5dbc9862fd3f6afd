# `make` alone prints the commands.

SWIFT ?= swift
# What every build is made with, such as -debug-info-format none. Builds with other options share nothing.
BUILD_OPTIONS ?=
BUILD = $(SWIFT) build $(BUILD_OPTIONS)
# The packages of a plain Debian that the program, and then its tests, need.
BUILD_PACKAGES = libvirt-dev libxml2-dev libjansson-dev libyaml-dev libssl-dev libnftables-dev libcap-ng-dev pkg-config $(CURL_PACKAGE)
# Debian has libcurl's headers thrice, and each shuts out the others: any will do.
CURL_PACKAGE = $(shell pkg-config --exists libcurl 2>/dev/null || echo libcurl4-gnutls-dev)
# A compiler of Rust may be there without Debian's package.
RUST_PACKAGE = $(shell command -v cargo >/dev/null 2>&1 || echo cargo)
TEST_PACKAGES = libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 ipxe-qemu dnsmasq-base iproute2 \
	iputils-arping iputils-ping nftables ca-certificates openssl tcpdump util-linux python3 python3-pip curl wrk prometheus lintian man-db dpkg-dev binutils systemd virtinst xsltproc netplan.io golang-go python3-pytest \
	zsh fish bsdutils $(RUST_PACKAGE)
# What the lab needs besides: to make a guest's disk, and for libvirt's NAT.
LAB_PACKAGES = mmdebstrap e2fsprogs qemu-utils iptables openssh-client
# What the soak needs: a libvirtd whose domains are make-believe, and what changes them.
SOAK_PACKAGES = libvirt-daemon libvirt-clients python3-libvirt iproute2 util-linux
# What the siege needs: to build its clients, a libvirtd whose domains are make-believe, and what looks at the kernel.
SIEGE_PACKAGES = gcc libc6-dev libvirt-daemon libvirt-clients nftables iproute2 iputils-ping util-linux python3
ADDRESS = 127.0.0.1:8775
# What packages are made of: Swift's own libraries are in the program.
RELEASE = $(BUILD) -c release --static-swift-stdlib --product virt-metadata
# Debian's name of this machine's architecture, and of the one to build for.
HOST_ARCH = $(patsubst x86_64,amd64,$(patsubst aarch64,arm64,$(shell uname -m)))
ARCH = $(HOST_ARCH)
# Which tests a sanitizer watches, which attacks are made, which guests boot: all.
ONLY = .
comma = ,
# Which build is attacked: debug, or release, which is the program of the packages.
CONFIGURATION = debug
# What builds and runs with each of them.
THREAD = --sanitize=thread -Xswiftc -DTHREAD_SANITIZER --scratch-path .build/thread
ADDRESS_CHECKED = --sanitize=address --scratch-path .build/address
# A program that a test starts has its reports in that test's log, and ends with another status.
TSAN = halt_on_error=1:suppressions=$(CURDIR)/Tests/sanitizers/races
LSAN = suppressions=$(CURDIR)/Tests/sanitizers/leaks:print_suppressions=0

.PHONY: help run test test-tsan test-asan build format check golden bench native release deb tarball image image-test lab siege soak fuzz packages test-packages

help: ## print this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r target text; do \
		printf '  make %-10s %s\n' "$$target" "$$text"; done

packages:
	@scripts/install-packages $(BUILD_PACKAGES)

test-packages: packages
	@scripts/install-packages $(TEST_PACKAGES)
	@Tests/clients/install-cloud-init.sh
	@Tests/clients/install-ec2-clients.sh

build: packages ## build the program: .build/debug/virt-metadata
	$(BUILD) --product virt-metadata

run: build ## serve the fixtures' guests on 127.0.0.1:8775
	@scripts/install-packages curl
	@scripts/serve-fixtures .build/debug/virt-metadata $(ADDRESS)

test: test-packages ## run every test; those that need root say so where they are skipped
	$(BUILD) --build-tests
	@scripts/run-tests

test-tsan: test-packages ## run them with ThreadSanitizer, which is slow; ONLY=REGEX runs fewer
	$(BUILD) --build-tests $(THREAD)
	TSAN_OPTIONS="$(TSAN)" $(SWIFT) test --skip-build --no-parallel $(THREAD) --filter '$(ONLY)'

test-asan: test-packages ## run them with AddressSanitizer and its leak checker
	$(BUILD) --build-tests $(ADDRESS_CHECKED)
	LSAN_OPTIONS="$(LSAN)" $(SWIFT) test --skip-build --no-parallel $(ADDRESS_CHECKED) --filter '$(ONLY)'

golden: packages ## regenerate the golden files; review the difference before you commit it
	GOLDEN=write $(SWIFT) test --filter 'GoldenWalkTests|GoldenRuleSetTests'
	git diff --stat -- fixtures

format: ## format the sources
	$(SWIFT) format format --in-place --recursive --parallel Package.swift Sources Tests Fuzzing Soak Benchmarks

check: packages ## check format, declared imports, and dependencies between targets
	@scripts/install-packages python3
	@scripts/check-architecture $(SWIFT)
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Fuzzing Soak Benchmarks
	$(BUILD) --build-tests --explicit-target-dependency-import-check error

bench: packages ## measure beside nginx; takes an hour and needs an idle machine
	Benchmarks/run

native:
	@test "$(ARCH)" = "$(HOST_ARCH)" || { echo "make: this machine is $(HOST_ARCH). A build for $(ARCH) needs a Swift SDK for $(ARCH) that has" \
		"libvirt, libxml2, jansson, libnftables, libcurl, libcrypto, libyaml and libcap-ng, and there is no such SDK to install." \
		"Run this on a machine of $(ARCH): the packages take their architecture from the program." >&2; exit 2; }

release: native packages
	@scripts/install-packages dpkg-dev binutils python3
	$(RELEASE)

deb: release ## make the Debian package, with Swift's own libraries in it, in .build/deb
	packaging/build-deb "$$($(RELEASE) --show-bin-path)/virt-metadata" .build/deb

tarball: release ## make the archive for other distributions, with an install script, in .build/tarball
	packaging/build-tarball "$$($(RELEASE) --show-bin-path)/virt-metadata" .build/tarball

image: deb ## make a container image whose default is the emulator, in .build/image, as root
	@scripts/install-packages mmdebstrap buildah
	packaging/build-image .build/deb .build/image

image-test: image ## run that image with podman, in namespaces of its own, as root
	@scripts/install-packages podman crun netavark iptables curl
	packaging/run-image .build/image/virt-metadata-image.tar

lab: build deb ## start stock Debian guests on networks of every kind, as root; ONLY=NAME,… runs fewer; takes half an hour
	@scripts/install-packages $(TEST_PACKAGES) $(LAB_PACKAGES)
	@python3 Lab/lab.py --server .build/debug/virt-metadata $(subst $(comma), ,$(filter-out .,$(ONLY)))

siege: $(if $(filter release,$(CONFIGURATION)),release,build) ## attack the server from every side while honest guests ask, as root; ONLY=NAME,… runs fewer; takes twenty minutes
	@scripts/install-packages $(SIEGE_PACKAGES)
	@python3 -B Siege/siege.py --server .build/$(CONFIGURATION)/virt-metadata $(if $(filter-out .,$(ONLY)),--only $(ONLY)) $(if $(REQUESTS),--requests $(REQUESTS))

soak: packages ## simulate a day of a busy host in ten minutes, or a part of it in MINUTES=n, as root
	@scripts/install-packages $(SOAK_PACKAGES)
	VIRT_METADATA_SOAK=1 SOAK_MINUTES=$(or $(MINUTES),10) $(SWIFT) test -c release -Xswiftc -enable-testing \
		--scratch-path .build/soak --filter SoakTests

fuzz: packages ## fuzz all parsers, for MINUTES=n in total
	VIRT_METADATA_FUZZ=1 $(SWIFT) build -c release --scratch-path .build/fuzz --product Fuzz -Xswiftc -sanitize=fuzzer,address \
		-Xcc -fsanitize=fuzzer-no-link,address -Xswiftc -enable-testing -Xswiftc -parse-as-library -Xswiftc -use-ld=lld
	@scripts/fuzz .build/fuzz/release/Fuzz .build/fuzzing $(or $(MINUTES),5)
