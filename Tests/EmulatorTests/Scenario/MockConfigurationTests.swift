import Common
import Testing

@testable import Emulator

@Suite struct MockConfigurationTests {
    private func read(_ json: String) throws(ScenarioProblems) -> MockConfiguration {
        try MockConfiguration(Array(json.utf8), source: "aemm.json")
    }

    private func values(_ json: String) throws -> [String: String] {
        Dictionary(try read(json).values.map { ($0.path.description, String(decoding: $0.bytes, as: UTF8.self)) }) { $1 }
    }

    @Test func `static values have the paths of the mock`() throws {
        let json = """
            {
              "metadata": {"values": {
                "ami-id": "ami-1", "mac": "0e:49:61:0f:c3:77", "mac-subnet-id": "subnet-1", "placement-region": "eu-west-1",
                "tags-instance-name": "x", "public-key": "ssh-rsa A", "iam-security-credentials-role": "baskinc-role",
                "iam-security-credentials": {"Code": "Success", "Expiration": "2020-04-02T00:49:51Z"}}},
              "dynamic": {"values": {"fws-instance-monitoring": "enabled", "instance-identity-document": {"region": "x", "kernelId": null}}},
              "userdata": {"values": {"userdata": "IyEvYmluL3NoCg=="}}
            }
            """
        #expect(
            try values(json) == [
                "/*/meta-data/ami-id": "ami-1", "/*/meta-data/mac": "0e:49:61:0f:c3:77",
                "/*/meta-data/network/interfaces/macs/0e:49:61:0f:c3:77/subnet-id": "subnet-1",
                "/*/meta-data/placement/region": "eu-west-1", "/*/meta-data/tags/instance/Name": "x",
                "/*/meta-data/public-keys/0/openssh-key": "ssh-rsa A",
                "/*/meta-data/iam/security-credentials/baskinc-role":
                    #"{"Code": "Success", "Expiration": "2020-04-02T00:49:51Z"}"#,
                "/*/dynamic/fws/instance-monitoring": "enabled",
                "/*/dynamic/instance-identity/document": #"{"region": "x", "kernelId": null}"#, "/*/user-data": "#!/bin/sh\n",
            ])
    }

    @Test func `the mock's role and interfaces are the only ones`() throws {
        let json = #"{"metadata": {"values": {"mac-subnet-id": "s", "iam-security-credentials": {}}}}"#
        #expect(
            try read(json).directories.map(\.description) == [
                "/*/meta-data/iam/security-credentials", "/*/meta-data/network/interfaces/macs",
            ])
        #expect(try read(#"{"metadata": {"values": {"ami-id": "a"}}}"#).directories.isEmpty)
    }

    @Test func `paths are replaced one by one`() throws {
        let json =
            #"{"metadata": {"paths": {"ami-id": "/latest/meta-data/other", "new": "/latest/meta-data/new"}, "values": {"ami-id": "a", "new": "b"}}}"#
        #expect(try values(json) == ["/*/meta-data/other": "a", "/*/meta-data/new": "b"])
    }

    @Test func `events and the server's settings are named, not taken over`() throws {
        let configuration = try read(
            #"{"spot": {"action": "stop"}, "server": {"port": "1338"}, "imdsv2": true, "metadata": {"values": {"event-id": "x"}}}"#
        )
        #expect(
            configuration.ignored == ["server", "imdsv2", "spot", "metadata.values.event-id"] && configuration.values.isEmpty)
    }

    @Test(arguments: [
        ("", "aemm.json: the file is empty"),
        ("{\"metdata\": {}}", "aemm.json:1: configuration: unknown key 'metdata'; did you mean 'metadata'?"),
        ("{\"metadata\": {\"value\": {}}}", "did you mean 'values'?"),
        ("{\"metadata\": {\n\"values\": {\"x\": \"y\"}}}", "aemm.json:2: metadata: values: x: no path for this name"),
        ("{\"metadata\": {\"paths\": {\"ami-id\": \"/3000/x\"}, \"values\": {\"ami-id\": \"y\"}}}", "unknown version '3000'"),
        ("{\"userdata\": {\"values\": {\"userdata\": \"***\"}}}", "userdata: values: userdata: expected base64"),
    ]) func `a wrong file is refused with its line`(json: String, problem: String) {
        let error = #expect(throws: ScenarioProblems.self) { try read(json) }
        #expect(error?.description.contains(problem) == true, "\(error as Any)")
    }
}
