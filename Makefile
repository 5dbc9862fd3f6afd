# `make` alone prints the commands.

SWIFT ?= swift
# The packages of a plain Debian that the program, and then its tests, need.
BUILD_PACKAGES = libvirt-dev libxml2-dev libjansson-dev libnftables-dev pkg-config
TEST_PACKAGES = libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 ipxe-qemu dnsmasq-base iproute2 \
	iputils-arping iputils-ping nftables ca-certificates openssl tcpdump util-linux python3 python3-pip curl wrk prometheus lintian man-db dpkg-dev binutils systemd
# What the lab needs besides: to make a guest's disk, and for libvirt's NAT.
LAB_PACKAGES = mmdebstrap e2fsprogs qemu-utils iptables openssh-client
# What the soak needs: a libvirtd whose domains are make-believe, and what changes them.
SOAK_PACKAGES = libvirt-daemon libvirt-clients python3-libvirt iproute2 util-linux
ADDRESS = 127.0.0.1:8775
# Which tests a sanitizer watches: all.
ONLY = .
# What builds and runs with each of them.
THREAD = --sanitize=thread -Xswiftc -DTHREAD_SANITIZER --scratch-path .build/thread
ADDRESS_CHECKED = --sanitize=address --scratch-path .build/address
# A program that a test starts has its reports in that test's log, and ends with another status.
TSAN = halt_on_error=1:suppressions=$(CURDIR)/Tests/sanitizers/races
LSAN = suppressions=$(CURDIR)/Tests/sanitizers/leaks:print_suppressions=0

.PHONY: help run test test-tsan test-asan build format check golden bench deb lab soak fuzz packages test-packages

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
	$(SWIFT) build --product virt-metadata

run: build ## serve the fixtures' guests on 127.0.0.1:8775
	@scripts/install-packages curl
	@scripts/serve-fixtures .build/debug/virt-metadata $(ADDRESS)

test: test-packages ## run every test; those that need root say so where they are skipped
	$(SWIFT) build --build-tests
	@# One after the other: many wait for other processes, and would keep each other waiting.
	$(SWIFT) test --skip-build --no-parallel

test-tsan: test-packages ## run them with ThreadSanitizer, which is slow; ONLY=REGEX runs fewer
	$(SWIFT) build --build-tests $(THREAD)
	TSAN_OPTIONS="$(TSAN)" $(SWIFT) test --skip-build --no-parallel $(THREAD) --filter '$(ONLY)'

test-asan: test-packages ## run them with AddressSanitizer and its leak checker
	$(SWIFT) build --build-tests $(ADDRESS_CHECKED)
	LSAN_OPTIONS="$(LSAN)" $(SWIFT) test --skip-build --no-parallel $(ADDRESS_CHECKED) --filter '$(ONLY)'

golden: packages ## write the golden walks anew; read the difference before you commit it
	GOLDEN=write $(SWIFT) test --filter ConformanceTests
	git diff --stat -- fixtures

format: ## bring the sources into the house's form
	$(SWIFT) format format --in-place --recursive --parallel Package.swift Sources Tests Fuzzing Soak

check: packages ## what CI looks at besides the tests: form, and imports that are declared
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Fuzzing Soak
	$(SWIFT) build --build-tests --explicit-target-dependency-import-check error

bench: packages ## measure beside nginx; takes forty minutes and wants a quiet machine
	Benchmarks/run

deb: packages ## make the Debian package, with Swift's own libraries in it, in .build/deb
	@scripts/install-packages dpkg-dev binutils python3
	$(SWIFT) build -c release --static-swift-stdlib --product virt-metadata
	packaging/build-deb "$$($(SWIFT) build -c release --static-swift-stdlib --show-bin-path)/virt-metadata" .build/deb

lab: build deb ## start stock Debian guests on networks of every kind, as root; takes fifteen minutes
	@scripts/install-packages $(TEST_PACKAGES) $(LAB_PACKAGES)
	@python3 Lab/lab.py --server .build/debug/virt-metadata

soak: packages ## let a busy host's day go by in ten minutes, or a part of it in MINUTES=n, as root
	@scripts/install-packages $(SOAK_PACKAGES)
	VIRT_METADATA_SOAK=1 SOAK_MINUTES=$(or $(MINUTES),10) $(SWIFT) test -c release -Xswiftc -enable-testing \
		--scratch-path .build/soak --filter SoakTests

fuzz: packages ## give made-up input to what reads foreign bytes, for MINUTES=n
	VIRT_METADATA_FUZZ=1 $(SWIFT) build -c release --scratch-path .build/fuzz --product Fuzz -Xswiftc -sanitize=fuzzer,address \
		-Xcc -fsanitize=fuzzer-no-link,address -Xswiftc -enable-testing -Xswiftc -parse-as-library -Xswiftc -use-ld=lld
	@scripts/fuzz .build/fuzz/release/Fuzz .build/fuzzing $(or $(MINUTES),5)
