import Common
import Testing

@testable import OpenStackAPI

struct CachedDocumentTests {
    private let documents = ["meta_data.json", "network_data.json", "vendor_data.json", "vendor_data2.json"]
    private let renderings = Renderings()

    private func read(_ document: String, of instance: Instance, in version: String, _ entropy: Entropy) -> [UInt8]? {
        let question = Question(
            about: instance, address: nil, interface: nil, entropy: entropy, renderings: renderings)
        return try? OpenStackView().node(at: TreePath(["openstack", version, document]), for: question)?.content.bytes
    }

    @Test func `a cached document equals a new one, in every version`() {
        let entropy = Entropy { [UInt8](repeating: 0, count: $0) }
        let instances = ["a", "b"].map { name in
            Instance.example(
                tags: [Tag("name", name)], vendorData: .string(name),
                interfaces: [.example(network: LibvirtName("net-\(name)"))])
        }
        for version in OpenStackVersion.names {
            for document in documents {
                for instance in instances + instances {
                    #expect(
                        read(document, of: instance, in: version, entropy)
                            == content(at: "/openstack/\(version)/\(document)", instance)?.bytes, "\(version)/\(document)")
                }
            }
        }
    }

    @Test func `only the random seed differs between readings of a cached document`() throws {
        let instance = Instance.example(project: "research")
        let first = try #require(read("meta_data.json", of: instance, in: "latest", .system))
        let second = try #require(read("meta_data.json", of: instance, in: "latest", .system))
        let differing = zip(first, second).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
        let marker = Array(#""random_seed": ""#.utf8)
        let seed = try #require(
            first.indices.first { first[$0...].starts(with: marker) }.map { $0 + marker.count..<$0 + marker.count + 684 })
        #expect(first.count == second.count)
        // Two random seeds agree in one character of 64.
        #expect(differing.count > 600)
        #expect(differing.allSatisfy(seed.contains))
    }
}
