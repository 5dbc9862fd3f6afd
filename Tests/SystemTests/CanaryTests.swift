import Foundation
import TestSupport
import Testing

/// Secrets are never logged.
@Suite(.timeLimit(.minutes(2)), .enabled(if: PrivateLibvirtd.obstacle() == nil, "needs root and libvirtd"))
struct CanaryTests {
    /// A domain's values, valid and invalid, each with a canary.
    private static let metadata = """
        <instance-id>i-00000001</instance-id>
        <public-keys><public-key name='k'><key format='openssh-key'>ssh-ed25519 CANARY-key me@home</key></public-key></public-keys>
        <userdata>#cloud-config CANARY-userdata</userdata>
        <vendordata>{"cloud-init": "CANARY-vendordata"}</vendordata>
        <additional>{"secret": "CANARY-additional"}</additional>
        <files><file path='/etc/secret'>CANARY-file</file></files>
        """
    private static let damaged = """
        <instance-id>i-00000002</instance-id>
        <public-keys><public-key name='k'><key format='x509'>CANARY-key</key></public-key><public-key>CANARY-key</public-key></public-keys>
        <userdata encoding='base64'>CANARY-userdata !</userdata>
        <vendordata>{"cloud-init": CANARY-vendordata</vendordata>
        <additional>["CANARY-additional"</additional>
        <files><file path='/etc/secret' encoding='base64'>CANARY-file !</file></files>
        """

    @Test func `no secret of a guest, an operator or the server is in a log at the lowest level`() async throws {
        let libvirtd = try PrivateLibvirtd()
        let state = libvirtd.directory + "/state"
        let host = try await Host(
            libvirtd: libvirtd,
            options: [
                "--log-level", "trace", "--allow-password", "yes", "--state-directory", state, "--requests-per-second", "20",
                "--sweep-interval", "1s", "--vendordata-target", "away@http://127.0.0.1:9/CANARY-target",
            ])
        try host.define(1, metadata: Self.metadata)
        try host.define(2, metadata: Self.damaged)
        try await host.expect(1, "i-00000001")
        try await host.expect(2, "i-00000002")

        let token = try Command.succeed([
            "curl", "-sf", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60", "-H",
            "X-Forwarded-For: \(Host.address(1))", host.url("/latest/api/token"),
        ])
        #expect(token.count > 20)
        var told = ""
        for number in 1...3 {
            for path in [
                "/latest/user-data", "/latest/meta-data/public-keys/0/openssh-key", "/openstack/latest/meta_data.json",
                "/openstack/latest/vendor_data.json", "/openstack/latest/vendor_data2.json", "/openstack/latest/user_data",
                "/openstack/content/0000", "/latest/additional/secret", "/nowhere/CANARY-path", "/latest/?secret=CANARY-query",
            ] {
                told += try Command.succeed(host.curl(number, path) + ["-H", "X-aws-ec2-metadata-token: \(token)"])
                told += try Command.succeed(host.curl(number, path) + ["-H", "X-aws-ec2-metadata-token: CANARY-token"])
                told += try Command.succeed(host.curl(number, path) + ["-H", "Cookie: CANARY-header"])
            }
            for body in ["CANARY-password", String(repeating: "CANARY-password", count: 100)] {
                told += try Command.succeed(
                    host.curl(number, "/openstack/2013-04-04/password") + ["--data-binary", "@-"], input: body)
            }
        }
        told += try host.body(1, "/openstack/latest/password")
        // A malformed request.
        _ = try Command.run([
            "bash", "-c", "exec 3<>/dev/tcp/${0%:*}/${0#*:}; printf 'CANARY-line CANARY\\r\\n\\r\\n' >&3; timeout 2 cat <&3",
            host.server.address,
        ])
        for secret in ["key", "userdata", "vendordata", "additional", "file", "password"] {
            #expect(told.contains("CANARY-\(secret)"), "a guest was never told its \(secret)")
        }
        // The second one's error is logged, but not its value.
        #expect(host.server.log.contains("vendordata"))
        #expect(host.server.stop() == 0)
        let log = host.server.log
        #expect(log.contains(" trace ") || log.contains(" debug "))
        #expect(!log.contains("CANARY"), "\(log.split(separator: "\n").filter { $0.contains("CANARY") })")
        #expect(!log.contains(token))
        let key = try String(contentsOfFile: state + "/token.key", encoding: .utf8).trimmingCharacters(
            in: .whitespacesAndNewlines)
        #expect(key.count > 20 && !log.contains(key))
    }
}
