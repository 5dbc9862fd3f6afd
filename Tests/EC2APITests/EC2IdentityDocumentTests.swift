import Common
import EC2API
import Testing

@Suite struct EC2IdentityDocumentTests {
    private static let path = "/latest/dynamic/instance-identity"
    private static let seal = DocumentSeal(
        signature: { document, _ in "signature of \(document.count)" },
        signedDocument: { document, _ in "signed \(String(decoding: document, as: UTF8.self))" })

    @Test func `it has Amazon's layout and a fixed order`() {
        #expect(
            read("\(Self.path)/document", .full(known: "192.0.2.1"), from: "192.0.2.9") == """
                {
                  "accountId" : "123456789012",
                  "architecture" : "x86_64",
                  "availabilityZone" : "rack-1a",
                  "billingProducts" : null,
                  "devpayProductCodes" : null,
                  "marketplaceProductCodes" : ["p1", "p2"],
                  "imageId" : "ami-1",
                  "instanceId" : "i-83679162137842882",
                  "instanceType" : "small",
                  "kernelId" : "aki-1",
                  "pendingTime" : null,
                  "privateIp" : "192.0.2.1",
                  "ramdiskId" : "ari-1",
                  "region" : "rack-1",
                  "version" : "2017-09-30"
                }
                """)
    }

    @Test func `unknown values are null, region and zone empty`() {
        let document = read("\(Self.path)/document", .example()) ?? ""
        for line in ["\"imageId\" : null", "\"privateIp\" : null", "\"region\" : \"\"", "\"availabilityZone\" : \"\""] {
            #expect(document.contains("  \(line),\n"))
        }
    }

    @Test func `the address is the operator's, else the reservation, else the lease, and never the client's`() {
        var interface = NetworkInterface(mac: MACAddress(bits: 0x5254_00AB_CDEF))
        func address() -> String? {
            let document = read("\(Self.path)/document", .example(interfaces: [interface]), from: "192.0.2.9") ?? ""
            let line = document.split(separator: "\n").first { $0.contains("privateIp") }
            return line.map { $0.split(separator: " : ")[1].filter { !"\",".contains($0) } }
        }
        #expect(address() == "null")
        interface.leases = [IPAddress("192.0.2.3")].compactMap(\.self)
        #expect(address() == "192.0.2.3")
        interface.reservations = [IPAddress("192.0.2.2")].compactMap(\.self)
        #expect(address() == "192.0.2.2")
        interface.addresses = [IPAddress("2001:db8::1"), IPAddress("192.0.2.1")].compactMap { $0.map { InterfaceAddress($0) } }
        #expect(address() == "192.0.2.1")
    }

    @Test func `its bytes and signatures do not depend on the client's address`() {
        for name in ["document", "pkcs7", "rsa2048", "signature"] {
            let path = "\(Self.path)/\(name)"
            let texts = [nil, "192.0.2.1", "192.0.2.200", "2001:db8::9", "fe80::1"].map {
                read(path, .full, from: $0, seal: Self.seal)
            }
            #expect(Set(texts).count == 1 && texts[0] != nil)
        }
    }

    @Test func `a missing or failed signature is an error, alone and within a JSON object`() throws {
        let document = Array((read("\(Self.path)/document", .full) ?? "").utf8)
        for failure in [Unsigned.wanted(document), .failed("no memory")] {
            let seal = DocumentSeal(
                signature: { _, _ throws(Unsigned) in throw failure }, signedDocument: { _, _ throws(Unsigned) in throw failure })
            let question = Question(about: .full, address: nil, interface: nil, entropy: .system, seal: seal)
            for path in ["\(Self.path)/pkcs7", "\(Self.path)/signature"] {
                let node = try #require(EC2View().node(at: TreePath(target: path) ?? TreePath([]), for: question))
                #expect(throws: failure) { try node.content }
            }
            // The listing needs no signature.
            let node = try #require(EC2View().node(at: TreePath(target: Self.path) ?? TreePath([]), for: question))
            #expect(try node.content.bytes == Array("document\npkcs7\nrsa2048\nsignature".utf8))
            guard case .directory(let directory) = node else { throw failure }
            let path = TreePath(target: Self.path) ?? TreePath([])
            #expect(throws: failure) { try EC2View().json(of: directory, at: path)?.content }
        }
    }

    @Test(arguments: [("x86_64", "x86_64"), ("aarch64", "arm64"), ("i686", "i386"), ("riscv64", "riscv64")])
    func `processor architectures have Amazon's names`(libvirt: String, amazon: String) {
        var platform = Platform()
        platform.architecture = libvirt
        #expect(read("\(Self.path)/document", .example(platform: platform))?.contains("\"\(amazon)\"") == true)
    }

    @Test func `without a signing key only the document is served`() {
        #expect(read(Self.path, .full) == "document")
        for name in ["pkcs7", "rsa2048", "signature"] { #expect(read("\(Self.path)/\(name)", .full) == nil) }
        #expect(read(Self.path, .full, seal: Self.seal) == "document\npkcs7\nrsa2048\nsignature")
        let document = read("\(Self.path)/document", .full) ?? ""
        #expect(read("\(Self.path)/signature", .full, seal: Self.seal) == "signature of \(document.utf8.count)")
        #expect(read("\(Self.path)/pkcs7", .full, seal: Self.seal) == "signed \(document)")
        #expect(read("\(Self.path)/rsa2048", .full, seal: Self.seal) == "signed \(document)")
    }

    @Test func `it is served from 2009-04-04 on`() {
        #expect(read("/2008-09-01/dynamic", .full) == nil)
        #expect(read("/2009-04-04/dynamic", .full) == "instance-identity/")
    }
}
