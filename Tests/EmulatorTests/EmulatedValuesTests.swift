import Common
import Emulator
import TestSupport
import Testing

@Suite struct EmulatedValuesTests {
    private static func text(_ emulator: TestEmulator, _ path: String) throws -> String {
        let reply = try emulator.get(path)
        return reply.status == 200 ? reply.text : "\(reply.status)"
    }

    @Test func `a value that is set is served and listed in every version`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            try emulator.instance.values.set(EmulatedPath("rack/row/name"), to: Array("r7".utf8))
            for version in ["latest", "1.0", "2009-04-04", "ec2/latest"] {
                #expect(try Self.text(emulator, "/\(version)/meta-data/rack/row/name") == "r7")
                #expect(try Self.text(emulator, "/\(version)/meta-data/rack/row/") == "name")
                #expect(try Self.text(emulator, "/\(version)/meta-data/rack") == "row/")
                let listing = try Self.text(emulator, "/\(version)/meta-data/").split(separator: "\n")
                #expect(listing.contains("rack/"))
                #expect(listing == listing.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) })
            }
            #expect(try Self.text(emulator, "/latest/meta-data/rack/row/name/x") == "404")
        }
    }

    @Test func `a known entry begins with the version that introduced it`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            try emulator.instance.values.set(EmulatedPath("spot/instance-action"), to: Array("{}".utf8))
            #expect(try Self.text(emulator, "/2018-03-28/meta-data/spot/instance-action") == "{}")
            #expect(try Self.text(emulator, "/2016-09-02/meta-data/spot/instance-action") == "404")
        }
    }

    @Test func `a value of one version is that version's alone`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            try emulator.instance.values.set(EmulatedPath("/2009-04-04/meta-data/hostname"), to: Array("old".utf8))
            #expect(try Self.text(emulator, "/2009-04-04/meta-data/hostname") == "old")
            #expect(try Self.text(emulator, "/latest/meta-data/hostname") == "example")
        }
    }

    @Test func `what is removed is neither served nor listed, and comes back when it is restored`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            let path = try EmulatedPath("spot")
            try emulator.instance.values.remove(path)
            for gone in ["spot/instance-action", "spot/termination-time", "spot/", "spot"] {
                #expect(try Self.text(emulator, "/latest/meta-data/\(gone)") == "404")
            }
            #expect(try !Self.text(emulator, "/latest/meta-data/").contains("spot"))
            emulator.instance.values.restore(path)
            #expect(try Self.text(emulator, "/latest/meta-data/spot/") == "instance-action\ntermination-time")
        }
    }

    @Test func `a directory without entries does not exist`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            for entry in ["instance-action", "termination-time"] {
                try emulator.instance.values.remove(EmulatedPath("spot/\(entry)"))
            }
            #expect(try Self.text(emulator, "/latest/meta-data/spot/") == "404")
            #expect(try !Self.text(emulator, "/latest/meta-data/").contains("spot"))
        }
    }

    @Test func `of a removed directory and a value set below it, the later one prevails`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            try emulator.instance.values.remove(EmulatedPath("spot"))
            try emulator.instance.values.set(EmulatedPath("spot/instance-action"), to: Array("now".utf8))
            #expect(try Self.text(emulator, "/latest/meta-data/spot/") == "instance-action")
            #expect(try Self.text(emulator, "/latest/meta-data/spot/instance-action") == "now")
            try emulator.instance.values.remove(EmulatedPath("spot"))
            #expect(try Self.text(emulator, "/latest/meta-data/spot/instance-action") == "404")
            #expect(try !Self.text(emulator, "/latest/meta-data/").contains("spot"))
        }
    }

    @Test func `the label of a key in a listing is kept`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            try emulator.instance.values.set(EmulatedPath("public-keys/0/openssh-key"), to: Array("ssh-rsa A".utf8))
            #expect(try Self.text(emulator, "/latest/meta-data/public-keys/") == "0=example")
            #expect(try Self.text(emulator, "/latest/meta-data/public-keys/0/openssh-key") == "ssh-rsa A")
        }
    }

    @Test func `a directory as JSON has the values, too`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            try emulator.instance.values.set(EmulatedPath("spot/termination-time"), to: Array("soon".utf8))
            let reply = try emulator.client().request("GET", "/latest/meta-data/spot/", headers: [("Accept", "application/json")])
            #expect(reply.text.contains(#""termination-time":"soon""#) || reply.text.contains(#""termination-time": "soon""#))
        }
    }

    @Test func `members of OpenStack documents are set and removed in every version`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            let values = emulator.instance.values
            try values.set(EmulatedPath("openstack/meta_data.json#/hostname"), to: Array("other".utf8))
            try values.set(EmulatedPath("openstack/meta_data.json#/meta/new"), to: Array("yes".utf8))
            try values.remove(EmulatedPath("openstack/meta_data.json#/launch_index"))
            for version in ["2012-08-10", "latest"] {
                let text = try Self.text(emulator, "/openstack/\(version)/meta_data.json")
                #expect(text.contains(#""hostname": "other""#) || text.contains(#""hostname":"other""#), "\(text)")
                #expect(text.contains("new") && !text.contains("launch_index"))
            }
            #expect(try emulator.get("/openstack/latest/meta_data.json").field("Content-Type") == "application/json")
        }
    }

    @Test func `files of OpenStack and NoCloud are set, too`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            let values = emulator.instance.values
            try values.set(EmulatedPath("openstack/user_data"), to: Array("#!/bin/sh\n".utf8))
            try values.set(EmulatedPath("openstack/new.json"), to: Array("{}".utf8))
            try values.set(EmulatedPath("nocloud/meta-data"), to: Array("instance-id: x\n".utf8))
            try values.remove(EmulatedPath("nocloud/network-config"))
            #expect(try Self.text(emulator, "/openstack/latest/user_data") == "#!/bin/sh\n")
            #expect(try Self.text(emulator, "/openstack/latest/").split(separator: "\n").last == "new.json")
            #expect(try Self.text(emulator, "/nocloud/meta-data") == "instance-id: x\n")
            #expect(try Self.text(emulator, "/nocloud/network-config") == "404")
            #expect(try Self.text(emulator, "/latest/user-data") == "#cloud-config\npackages: [htop]\n")
        }
    }

    @Test func `without its path there are no session tokens`() async throws {
        try await TestEmulator.run { (emulator) async throws in
            try emulator.instance.values.remove(EmulatedPath("api/token"))
            let reply = try emulator.client().request(
                "PUT", "/latest/api/token", headers: [("X-aws-ec2-metadata-token-ttl-seconds", "60")])
            #expect(reply.status == 405)
        }
    }

    @Test func `values are limited in length and number`() throws {
        let values = EmulatedValues()
        let long = #expect(throws: EmulatorError.self) {
            try values.set(EmulatedPath("x"), to: [UInt8](repeating: 0, count: EmulatedValues.longest + 1))
        }
        #expect(long?.description.contains("expected at most") == true)
        for number in 0..<EmulatedValues.most { try values.set(EmulatedPath("x/\(number)"), to: []) }
        // One that is there may change.
        try values.set(EmulatedPath("x/0"), to: [1])
        let many = #expect(throws: EmulatorError.self) { try values.set(EmulatedPath("y"), to: []) }
        #expect(many?.description.contains("more than 4096 values") == true)
    }
}
