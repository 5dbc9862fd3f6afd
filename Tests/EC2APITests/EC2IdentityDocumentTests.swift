import Common
import EC2API
import Testing

@Suite struct EC2IdentityDocumentTests {
    private static let path = "/latest/dynamic/instance-identity"
    private static let seal = DocumentSeal(
        signature: { "signature of \($0.count)" }, signedDocument: { "signed \(String(decoding: $0, as: UTF8.self))" })

    @Test func `it is laid out as Amazon's, in a fixed order`() {
        #expect(
            read("\(Self.path)/document", .full, from: "192.0.2.1") == """
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

    @Test func `what is not known is null, and a region or zone empty`() {
        let document = read("\(Self.path)/document", .example()) ?? ""
        for line in ["\"imageId\" : null", "\"privateIp\" : null", "\"region\" : \"\"", "\"availabilityZone\" : \"\""] {
            #expect(document.contains("  \(line),\n"))
        }
    }

    @Test(arguments: [("x86_64", "x86_64"), ("aarch64", "arm64"), ("i686", "i386"), ("riscv64", "riscv64")])
    func `processors have Amazon's names where it has one`(libvirt: String, amazon: String) {
        var platform = Platform()
        platform.architecture = libvirt
        #expect(read("\(Self.path)/document", .example(platform: platform))?.contains("\"\(amazon)\"") == true)
    }

    @Test func `without a key there is the document alone, and with one its signatures`() {
        #expect(read(Self.path, .full) == "document")
        for place in ["pkcs7", "rsa2048", "signature"] { #expect(read("\(Self.path)/\(place)", .full) == nil) }
        #expect(read(Self.path, .full, seal: Self.seal) == "document\npkcs7\nrsa2048\nsignature")
        let document = read("\(Self.path)/document", .full) ?? ""
        #expect(read("\(Self.path)/signature", .full, seal: Self.seal) == "signature of \(document.utf8.count)")
        #expect(read("\(Self.path)/pkcs7", .full, seal: Self.seal) == "signed \(document)")
        #expect(read("\(Self.path)/rsa2048", .full, seal: Self.seal) == "signed \(document)")
    }

    @Test func `it is there from 2009-04-04 on`() {
        #expect(read("/2008-09-01/dynamic", .full) == nil)
        #expect(read("/2009-04-04/dynamic", .full) == "instance-identity/")
    }
}
