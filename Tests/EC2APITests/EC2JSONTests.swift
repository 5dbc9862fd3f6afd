import Common
import EC2API
import Testing

@Suite struct EC2JSONTests {
    private func json(_ path: String, _ instance: Instance) -> String? {
        let question = Question(about: instance, address: nil, interface: nil, entropy: .system)
        guard let path = TreePath(target: path), case .directory(let directory) = EC2View().node(at: path, for: question),
            let content = try? EC2View().json(of: directory, at: path)?.content, content.type == .json
        else { return nil }
        return String(decoding: content.bytes, as: UTF8.self)
    }

    @Test func `a directory is an object of its entries, by name`() {
        #expect(
            json("/latest/meta-data/placement", .full)
                == """
                {"availability-zone": "rack-1a", "availability-zone-id": "z1", "group-name": "g", "host-id": "h", \
                "partition-number": "4", "region": "rack-1"}
                """)
        #expect(json("/latest/meta-data/public-keys", .full) == "{\"0\": {\"openssh-key\": \"a as openssh-key\"}}")
    }

    @Test func `a leaf is a string, and other bytes are base64`() {
        let whole = json("/latest", .full) ?? ""
        #expect(whole.contains("\"user-data\": {\"base64\": \"AP8=\"}"))
        #expect(whole.contains("\"iam\": {\"info\": \"{\\\"Code\\\": 1}\""))
        #expect(json("/latest", .example(userData: Array("x".utf8)))?.contains("\"user-data\": \"x\"") == true)
    }

    @Test(arguments: ["/", "/ec2", "/ec2/", "/latest/.."])
    func `the list of versions has no JSON form`(path: String) {
        #expect(json(path, .example()) == nil)
    }

    @Test func `one version is an object by either name`() {
        #expect(json("/ec2/1.0", .example())?.hasPrefix("{\"meta-data\": {") == true)
        #expect(json("/ec2/1.0", .example()) == json("/1.0", .example()))
    }
}
