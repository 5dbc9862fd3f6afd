import Common
import EC2API
import Testing

@Suite struct EC2PublicKeysTests {
    private let path = "/latest/meta-data/public-keys"

    @Test func `keys are numbered in the operator's order, and labels are not paths`() {
        let instance = Instance.example(publicKeys: [.example("b key", "openssh-key"), .example("a", "openssh-key")])
        #expect(read(path, instance) == "0=b key\n1=a")
        #expect(read("\(path)/", instance) == "0=b key\n1=a")
        #expect(read("\(path)/0", instance) == "openssh-key")
        #expect(read("\(path)/1/openssh-key", instance) == "a as openssh-key")
        #expect(read("\(path)/0=b key", instance) == nil)
        #expect(read("\(path)/2", instance) == nil)
        #expect(read("\(path)/0/x509", instance) == nil)
        #expect(read("/latest/meta-data", instance)?.split(separator: "\n").contains("public-keys/") == true)
    }

    @Test func `a key has each of its formats, in the operator's order`() {
        let instance = Instance.example(publicKeys: [.example("a", "x509", "openssh-key", "rfc4716")])
        #expect(read("\(path)/0", instance) == "x509\nopenssh-key\nrfc4716")
        #expect(read("\(path)/0/rfc4716", instance) == "a as rfc4716")
    }

    @Test func `a key without the OpenSSH format is not listed or numbered`() {
        let instance = Instance.example(publicKeys: [.example("x", "x509"), .example("a", "openssh-key")])
        #expect(read(path, instance) == "0=a")
        #expect(read(path, .example(publicKeys: [.example("x", "x509")])) == nil)
    }

    @Test func `without keys there is no such path`() {
        #expect(read(path, .example()) == nil)
        #expect(read("/latest/meta-data", .example())?.contains("public-keys") == false)
    }
}
