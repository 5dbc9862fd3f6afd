import Common
import EC2API
import Testing

@Suite struct EC2JSONTests {
    private func json(_ path: String, _ instance: Instance) -> String? {
        let question = Question(about: instance, address: nil, interface: nil, entropy: .system)
        guard let path = TreePath(target: path), case .directory(let directory) = EC2View().node(at: path, for: question),
            let content = EC2View().json(of: directory)?.content, content.type == .json
        else { return nil }
        return String(decoding: content.bytes, as: UTF8.self)
    }

    @Test func `a directory is an object of all below it, by the names of the places`() {
        #expect(
            json("/latest/meta-data/placement", .full)
                == """
                {"availability-zone": "rack-1a", "availability-zone-id": "z1", "group-name": "g", "host-id": "h", \
                "partition-number": "4", "region": "rack-1"}
                """)
        #expect(json("/latest/meta-data/public-keys", .full) == "{\"0\": {\"openssh-key\": \"a as openssh-key\"}}")
    }

    @Test func `a leaf is the text that it answers with, and bytes that are none are base64`() {
        let whole = json("/latest", .full) ?? ""
        #expect(whole.contains("\"user-data\": {\"base64\": \"AP8=\"}"))
        #expect(whole.contains("\"iam\": {\"info\": \"{\\\"Code\\\": 1}\""))
        #expect(json("/latest", .example(userData: Array("x".utf8)))?.contains("\"user-data\": \"x\"") == true)
    }

    @Test func `the versions are an object as well`() {
        #expect(json("/ec2", .example())?.hasPrefix("{\"1.0\": {\"meta-data\": {") == true)
    }
}
