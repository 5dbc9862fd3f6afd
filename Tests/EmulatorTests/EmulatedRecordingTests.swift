import Common
import Emulator
import Recording
import TestSupport
import Testing

/// What another server answered, answered again.
@Suite struct EmulatedRecordingTests {
    private static func response(
        _ target: String, _ body: String, status: Int = 200, reason: String = "OK", type: String = "text/plain"
    ) -> RecordedResponse {
        let fields: [RecordedResponse.Field] = [
            .init("Server", "EC2ws"), .init("Content-Type", type), .init("Accept-Ranges", "none"), .init("Connection", "close"),
            .init("Content-Length", "999"), .init("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ]
        return RecordedResponse(target: target, status: status, reason: reason, fields: fields, body: Array(body.utf8))
    }

    private static func recording(_ tokens: Recording.TokenPolicy, status: Int = 0) -> Recording {
        var recording = Recording()
        (recording.tokens, recording.tokenStatus) = (tokens, status)
        recording.absent = response("/absent", "<html>404</html>", status: 404, reason: "Not Found", type: "text/html")
        recording.responses = [
            response("/", "1.0\nlatest"), response("/latest/", "dynamic\nmeta-data"),
            response("/latest/meta-data/", "ami-id\npublic-keys/\nspot/"), response("/latest/meta-data/ami-id", "ami-1"),
            response("/latest/meta-data/public-keys/", "0=key"),
            response("/latest/meta-data/public-keys/0/openssh-key", "ssh-rsa A"),
            response("/latest/meta-data/spot/", "instance-action"),
            response("/latest/meta-data/spot/instance-action", "", status: 500, reason: "Broken"),
            response("/openstack/latest/meta_data.json", #"{"uuid": "1"}"#, type: "application/json"),
        ]
        return recording
    }

    private static func run(
        _ recording: Recording, _ rules: EmulatedInstance.Rules = EmulatedInstance.Rules(),
        _ body: (TestEmulator, PlainClient) async throws -> Void
    ) async throws {
        let folder = try TestFolder()
        try RecordingFolder.write(recording, to: folder.path + "/cloud")
        try await TestEmulator.run([EmulatorSource(reading: folder.path + "/cloud")], rules: rules) { (emulator) async throws in
            try await body(emulator, try emulator.client())
        }
    }

    @Test func `a recorded response comes with its own head and body, but for the moment and the connection`() async throws {
        try await Self.run(Self.recording(.optional)) { (emulator, client) async throws in
            #expect(emulator.instance.name == "cloud")
            let reply = try client.request("GET", "/latest/meta-data/ami-id")
            let lines = reply.head.split(separator: "\r\n").filter { !$0.hasPrefix("Date: ") }
            let expected = [
                "HTTP/1.1 200 OK", "Server: EC2ws", "Content-Type: text/plain", "Accept-Ranges: none", "Content-Length: 5",
            ]
            #expect(lines.map(String.init) == expected && reply.text == "ami-1")
            #expect(try client.request("HEAD", "/latest/meta-data/ami-id").length == 5)
            // Servers of metadata ignore a final slash.
            #expect(try client.request("GET", "/latest/meta-data").text == "ami-id\npublic-keys/\nspot/")
        }
    }

    @Test func `a recorded failure is one, and what was not recorded is absent as there`() async throws {
        try await Self.run(Self.recording(.optional)) { (_, client) async throws in
            let broken = try client.request("GET", "/latest/meta-data/spot/instance-action")
            #expect(broken.head.hasPrefix("HTTP/1.1 500 Broken\r\n"))
            let absent = try client.request("GET", "/latest/meta-data/nothing")
            #expect(absent.status == 404 && absent.text == "<html>404</html>" && absent.field("Content-Type") == "text/html")
        }
    }

    @Test func `tokens are issued and required as there`() async throws {
        let put = { (client: PlainClient) in
            try client.request("PUT", "/latest/api/token", headers: [("X-aws-ec2-metadata-token-ttl-seconds", "60")])
        }
        try await Self.run(Self.recording(.none, status: 403)) { (_, client) async throws in
            #expect(try put(client).status == 403)
            #expect(try client.request("GET", "/latest/meta-data/ami-id").status == 200)
        }
        try await Self.run(Self.recording(.none)) { (_, client) async throws in #expect(try put(client).status == 404) }
        try await Self.run(Self.recording(.required)) { (_, client) async throws in
            #expect(try client.request("GET", "/latest/meta-data/ami-id").status == 401)
            #expect(try client.request("GET", "/openstack/latest/meta_data.json").status == 401)
            let token = try put(client).text
            let reply = try client.request("GET", "/latest/meta-data/ami-id", headers: [("X-aws-ec2-metadata-token", token)])
            #expect(reply.text == "ami-1")
        }
    }

    @Test(arguments: [Recording.TokenPolicy.none, .optional, .required])
    func `a policy that is asked for is that of any recording`(recorded: Recording.TokenPolicy) async throws {
        var rules = EmulatedInstance.Rules()
        for policy in [SessionPolicy.Tokens.required, .optional] {
            rules.sessions.tokens = policy
            try await Self.run(Self.recording(recorded, status: 403), rules) { (_, client) async throws in
                let status = try client.request("GET", "/latest/meta-data/ami-id").status
                #expect(status == (policy == .required ? 401 : 200))
                let token = try client.token()
                let field = ("X-aws-ec2-metadata-token", token)
                let reply = try client.request("GET", "/latest/meta-data/ami-id", headers: [field])
                #expect(reply.text == "ami-1" && reply.field("Server") == "EC2ws")
            }
        }
    }

    @Test func `values are set on top, and listed`() async throws {
        try await Self.run(Self.recording(.optional)) { (emulator, client) async throws in
            let values = emulator.instance.values
            try values.set(EmulatedPath("spot/instance-action"), to: Array("stop".utf8))
            try values.set(EmulatedPath("zone"), to: Array("z".utf8))
            try values.remove(EmulatedPath("ami-id"))
            try values.set(EmulatedPath("openstack/meta_data.json#/uuid"), to: Array("two".utf8))
            #expect(try client.request("GET", "/latest/meta-data/spot/instance-action").text == "stop")
            #expect(try client.request("GET", "/latest/meta-data/").text == "public-keys/\nspot/\nzone")
            #expect(try client.request("GET", "/latest/meta-data/ami-id").status == 404)
            #expect(try client.request("GET", "/latest/meta-data/public-keys/").text == "0=key")
            #expect(try client.request("GET", "/openstack/latest/meta_data.json").text == #"{"uuid": "two"}"#)
        }
    }
}
