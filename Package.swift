// swift-tools-version: 6.2
import PackageDescription

/// The same for every target: Swift 6, memory safety spelled out, imports that stay inside, warnings that stop the build.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .treatAllWarnings(as: .error),
]

/// A target under Sources; `docs/dev/architecture.md` says what each is for and which it may see, and `make check` compares.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// Another program has no use for a function of ours. Swift's options for its own static libraries export all of them, so that neither they nor
/// their names could be left out where nothing uses them (3 MB).
let hidden = LinkerSetting.unsafeFlags(["-Xlinker", "--no-export-dynamic"], .when(configuration: .release))

func tests(of module: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: module + "Tests", dependencies: dependencies, swiftSettings: settings)
}

let hashTrees: Target.Dependency = .product(name: "HashTreeCollections", package: "swift-collections")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nio = [nioCore, nioPosix, nioHTTP]

let package = Package(
    name: "virt-metadata",
    products: [.executable(name: "virt-metadata", targets: ["virt-metadata"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibvirt", pkgConfig: "libvirt", providers: [.apt(["libvirt-dev"])]),
        .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
        .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .systemLibrary(name: "CNFTables", pkgConfig: "libnftables", providers: [.apt(["libnftables-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-gnutls-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CCapNG", pkgConfig: "libcap-ng", providers: [.apt(["libcap-ng-dev"])]),
        .systemLibrary(name: "CLinux"),

        module("Common", [hashTrees]),
        module("XML", ["CLibXML2", "Common"]),
        module("JSON", ["CJansson", "Common"]),
        module("YAML", ["CYAML", "Common"]),
        module("HTTPClient", ["CCurl", "Common"]),
        module("Crypto", ["CCrypto"]),
        module("Libvirt", ["CLibvirt", "Common"]),
        module("Netlink", ["CLinux", "Common"]),
        module("NFTables", ["CLinux", "CNFTables", "Common", "Netlink"]),
        module("Sockets", ["CLinux", "Common"]),
        module("Host", ["CCapNG", "CLinux", "Common"]),
        module("UserData", ["Common", "JSON", "YAML"]),
        module("Description", ["Common", "Crypto", "JSON", "UserData", "XML", "YAML"]),
        module("Inventory", ["Common", "Description", "Libvirt", "XML", hashTrees, logging, lifecycle]),
        module("EC2API", ["Common", "JSON"]),
        module("OpenStackAPI", ["Common", "JSON"]),
        module("NoCloudAPI", ["Common", "JSON"]),
        module("Identity", ["Common", "Crypto", "Host", logging]),
        module("VendorData", ["Common", "HTTPClient", "JSON", "OpenStackAPI", logging]),
        module("Recording", ["Common", "Host", "JSON", "YAML"]),
        module("Probe", ["Common", "JSON", "Recording", "Sockets"]),
        module("Comparison", ["Common", "JSON", "Recording"]),
        module("Conformance", ["Common", "JSON", "Probe", "Recording", "YAML"]),
        module(
            "Guests", ["Common", "Host", "Identity", "Netlink", "Sockets", "VendorData", logging, lifecycle, nioCore, nioHTTP]),
        module(
            "Emulator",
            [
                "Common", "Description", "EC2API", "Guests", "Host", "Identity", "JSON", "Netlink", "NoCloudAPI", "OpenStackAPI",
                "Recording", "Sockets", "YAML", logging,
            ] + nio),
        module("Interception", ["Common", "Guests", "Host", "JSON", "Netlink", "NFTables", logging, lifecycle, nioCore]),
        module(
            "Configuration",
            [
                "Common", "Description", "Guests", "Host", "Identity", "Interception", "VendorData", "YAML", logging, nioCore,
            ]),
        module(
            "Admin",
            [
                "Common", "Configuration", "Description", "Guests", "HTTPClient", "Interception", "Inventory", "JSON", logging,
                lifecycle,
            ] + nio),
        module(
            "Doctor",
            ["Admin", "Common", "Configuration", "Description", "Interception", "JSON", "Libvirt", "Netlink", "NFTables", "XML"]),
        module(
            "Server",
            [
                "Admin", "Common", "Configuration", "Description", "EC2API", "Guests", "Host", "Identity", "Interception",
                "Inventory",
                "Netlink", "NFTables", "NoCloudAPI", "OpenStackAPI", "VendorData", logging, lifecycle, nioCore,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        module(
            "Commands",
            [
                "Admin", "Common", "Comparison", "Configuration", "Conformance", "Description", "Doctor", "Emulator", "Host",
                "Identity",
                "Interception",
                "Inventory", "JSON", "Libvirt", "Netlink", "NFTables", "Probe", "Recording", "Server", "VendorData", "XML",
                "YAML", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "virt-metadata", dependencies: ["Commands"], swiftSettings: settings, linkerSettings: [hidden]),

        .target(
            name: "TestSupport",
            dependencies: ["CCrypto", "CLinux", "Common", logging, .product(name: "NIOCore", package: "swift-nio")],
            path: "Tests/TestSupport", swiftSettings: settings),
        // What reads requests as NIO does, to compare with.
        .target(
            name: "RequestOracle", dependencies: ["Guests", nioCore, nioHTTP, nioEmbedded], path: "Tests/RequestOracle",
            swiftSettings: settings),
        tests(of: "Common", ["Common", hashTrees]),
        tests(of: "XML", ["XML", "Common", "TestSupport"]),
        tests(of: "JSON", ["JSON", "Common"]),
        tests(of: "YAML", ["YAML", "Common"]),
        tests(of: "Crypto", ["Crypto", "CCrypto", "TestSupport"]),
        tests(of: "Libvirt", ["Libvirt", "Common", "TestSupport"]),
        tests(of: "Netlink", ["Netlink", "Host", "Common", "CLinux", "TestSupport"]),
        tests(of: "NFTables", ["NFTables", "Netlink", "Common", "CCapNG", "TestSupport"]),
        tests(of: "Sockets", ["Sockets", "Netlink", "Common", "TestSupport"]),
        tests(of: "Host", ["Host", "Common", "TestSupport"]),
        tests(of: "Recording", ["Recording", "Common", "Host"]),
        // Walks and rules, against small servers in Python that break one rule each.
        tests(of: "Probe", ["Probe", "Conformance", "Comparison", "Recording", "Common", "JSON"]),
        tests(of: "Description", ["Description", "Common", "XML"]),
        tests(of: "Inventory", ["Inventory", "Common", "Description", "Libvirt", "XML", "TestSupport", logging, hashTrees]),
        tests(of: "EC2API", ["EC2API", "Common"]),
        tests(of: "OpenStackAPI", ["OpenStackAPI", "Common"]),
        tests(of: "NoCloudAPI", ["NoCloudAPI", "Common", "JSON", "TestSupport"]),
        tests(of: "Identity", ["Identity", "Common", "TestSupport", logging]),
        tests(
            of: "Guests",
            [
                "Guests", "RequestOracle", "VendorData", "Server", "Common", "Description", "Host", "Identity", "Netlink",
                "TestSupport",
                logging,
                lifecycle,
            ] + nio),
        tests(
            of: "Emulator",
            [
                "Emulator", "Guests", "EC2API", "OpenStackAPI", "NoCloudAPI", "Common", "JSON", "Recording", "YAML",
                "TestSupport",
            ]),
        tests(of: "Interception", ["Interception", "Guests", "NFTables", "Netlink", "Common", "TestSupport", logging, nioCore]),
        tests(
            of: "Configuration",
            [
                "Configuration", "Commands", "Description", "Guests", "Host", "Interception", "Server", "TestSupport",
                "VendorData",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ] + nio),
        tests(
            of: "Doctor",
            ["Doctor", "Common", "Configuration", "Description", "Interception", "JSON", "Libvirt", "Netlink", "TestSupport"]),
        tests(of: "Server", ["Server", "Common", "Identity", "TestSupport", logging]),
        tests(
            of: "Commands",
            [
                "Commands", "Configuration", "Description", "Guests", "Server", "Common", "JSON", "Libvirt", "Recording",
                "TestSupport",
                logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        // What guests read, compared with files: golden files of every case, Nova's own responses and its schema.
        tests(
            of: "Conformance",
            [
                "EC2API", "OpenStackAPI", "NoCloudAPI", "Comparison", "Configuration", "Description", "UserData", "Emulator",
                "Guests",
                "Common",
                "JSON", "Recording", "XML", "TestSupport",
            ]),
        // The program as a process: real clients, real namespaces, a real libvirtd.
        tests(of: "Client", ["virt-metadata", "TestSupport", "Common", "JSON"]),
        tests(of: "System", ["virt-metadata", "Netlink", "Common", "TestSupport"]),
    ]
)

// The soak, which `make soak` alone builds, and then nothing of the other tests: no other run of them is to take ten minutes more.
if Context.environment["VIRT_METADATA_SOAK"] != nil {
    package.targets.removeAll { $0.isTest }
    package.targets += [
        .testTarget(
            name: "SoakTests",
            dependencies: [
                "Common", "Configuration", "Guests", "Identity", "Server", "TestSupport", "VendorData", "CLinux", logging,
            ] + nio,
            path: "Soak/SoakTests", swiftSettings: settings)
    ]
}

// What the benchmarks compare with, which `Benchmarks/run` alone builds.
if Context.environment["VIRT_METADATA_BENCH"] != nil {
    package.targets += [
        .executableTarget(name: "BareNIO", dependencies: nio, path: "Benchmarks/BareNIO", swiftSettings: settings)
    ]
}

// The fuzz programs, which `make fuzz` alone builds: libFuzzer must be linked into all that they reach.
if Context.environment["VIRT_METADATA_FUZZ"] != nil {
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Fuzzing/CFuzzer"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "CFuzzer", "Common", "Configuration", "Guests", "Host", "Netlink", "Sockets", "Description", "EC2API",
                "OpenStackAPI",
                "NoCloudAPI", "Identity", "RequestOracle", "Server", logging,
            ] + nio,
            path: "Fuzzing/Fuzz", swiftSettings: settings),
    ]
}
