// swift-tools-version: 6.2
import PackageDescription

/// Whether this is for `make fuzz`.
let isFuzzed = Context.environment["VIRT_METADATA_FUZZ"] != nil

/// The same for every target: Swift 6, memory safety spelled out, imports that stay inside, warnings that stop the build.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .treatAllWarnings(as: .error),
]

/// A room of the house; `docs/architecture.md` has the plan and the reasons for each arrow.
func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// The program. `Fuzzing/Fuzz` reaches into it, so where that is built it is a library whose `main` has another name.
func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    guard isFuzzed else { return .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings) }
    let entry = SwiftSetting.unsafeFlags(["-Xfrontend", "-entry-point-function-name", "-Xfrontend", "\(name)_main"])
    return .target(name: name, dependencies: dependencies, swiftSettings: settings + [entry])
}

func tests(of room: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: room + "Tests", dependencies: dependencies, swiftSettings: settings)
}

let hashTrees: Target.Dependency = .product(name: "HashTreeCollections", package: "swift-collections")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOExtras", package: "swift-nio-extras"),
]
let crypto: [Target.Dependency] = [
    .product(name: "Crypto", package: "swift-crypto"),
    .product(name: "CryptoExtras", package: "swift-crypto"),
    .product(name: "X509", package: "swift-certificates"),
    .product(name: "SwiftASN1", package: "swift-asn1"),
]

let package = Package(
    name: "virt-metadata",
    products: isFuzzed ? [] : [.executable(name: "virt-metadata", targets: ["Server"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.4"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibvirt", pkgConfig: "libvirt", providers: [.apt(["libvirt-dev"])]),
        .systemLibrary(name: "CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
        .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
        .systemLibrary(name: "CNFTables", pkgConfig: "libnftables", providers: [.apt(["libnftables-dev"])]),
        .systemLibrary(name: "CLinux"),

        room("Common", [hashTrees]),
        room("XML", ["CLibXML2", "Common"]),
        room("JSON", ["CJansson", "Common"]),
        room("Libvirt", ["CLibvirt", "Common"]),
        room("Kernel", ["CLinux", "CNFTables", "Common"]),
        room(
            "Inventory",
            [
                "Common", "Libvirt", "XML", "JSON", hashTrees, logging, lifecycle,
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        room("EC2API", ["Common", "JSON"]),
        room("OpenStackAPI", ["Common", "JSON"]),
        room("NoCloudAPI", ["Common", "JSON"]),
        room("Identity", ["Common"] + crypto),
        program(
            "Server",
            [
                "Common", "XML", "JSON", "Libvirt", "Kernel", "Inventory", "EC2API", "OpenStackAPI", "NoCloudAPI", "Identity",
                logging,
                lifecycle,
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Yams", package: "Yams"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ] + nio),

        .target(name: "TestSupport", dependencies: ["CLinux", "Common"], path: "Tests/TestSupport", swiftSettings: settings),
        tests(of: "Common", ["Common", hashTrees]),
        tests(of: "XML", ["XML", "Common"]),
        tests(of: "JSON", ["JSON", "Common"]),
        tests(of: "Libvirt", ["Libvirt", "Common", "TestSupport"]),
        tests(of: "Kernel", ["Kernel", "Common", "CLinux", "TestSupport"]),
        tests(of: "Inventory", ["Inventory", "Common", "JSON", "XML", "TestSupport", logging, hashTrees]),
        tests(of: "EC2API", ["EC2API", "Common"]),
        tests(of: "OpenStackAPI", ["OpenStackAPI", "Common"]),
        tests(of: "NoCloudAPI", ["NoCloudAPI", "Common", "JSON", "TestSupport"]),
        tests(of: "Identity", ["Identity", "Common", "TestSupport", .product(name: "Crypto", package: "swift-crypto")]),
        tests(
            of: "Server",
            [
                "Server", "Common", "Identity", "Inventory", "Kernel", "TestSupport", logging, lifecycle,
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ] + nio),
        // What guests read, compared with files: golden walks of every story, Nova's own answers and its schema.
        tests(of: "Conformance", ["EC2API", "OpenStackAPI", "NoCloudAPI", "Inventory", "Common", "JSON", "XML", "TestSupport"]),
        // The program as a process: real clients, real namespaces, a real libvirtd.
        tests(of: "Client", ["Server", "TestSupport", "Common", "JSON"]),
        tests(of: "System", ["Server", "TestSupport"]),
    ]
)

// The soak, which `make soak` alone builds, and then nothing of the other tests: no other run of them is to take ten minutes more.
if Context.environment["VIRT_METADATA_SOAK"] != nil {
    package.targets.removeAll { $0.isTest }
    package.targets += [
        .testTarget(
            name: "SoakTests", dependencies: ["Common", "Server", "TestSupport", "CLinux", logging] + nio,
            path: "Soak/SoakTests", swiftSettings: settings)
    ]
}

// The fuzz programs, which `make fuzz` alone builds: libFuzzer must be linked into all that they reach.
if isFuzzed {
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Fuzzing/CFuzzer"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "CFuzzer", "Common", "Kernel", "Inventory", "EC2API", "OpenStackAPI", "NoCloudAPI", "Identity", "Server",
                logging,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ] + nio,
            path: "Fuzzing/Fuzz", swiftSettings: settings),
    ]
}
