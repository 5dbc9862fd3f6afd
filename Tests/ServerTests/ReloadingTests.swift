import Foundation
import TestSupport
import Testing

/// SIGHUP to a running server.
struct ReloadingTests {
    private let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).yaml")

    private func write(_ yaml: String) throws {
        try Data(yaml.utf8).write(to: file)
    }

    private func reply(_ server: ServerProcess, is status: Int, _ body: String = "", at path: String) async throws {
        var seen: RawReply?
        let isSo = try await eventually {
            let reply = try await server.get(path)
            seen = reply
            return reply.status == status && (body.isEmpty || reply.text == body)
        }
        #expect(isSo, "\(seen?.status ?? 0) \(seen?.text ?? "")")
    }

    @Test func `settings that can change are applied, and others are reported`() async throws {
        defer { try? FileManager.default.removeItem(at: file) }
        try write("defaults: {placement: {region: old}}\nthreads: 1\n")
        let server = try await ServerProcess("--config", file.path)
        let region = "/latest/meta-data/placement/region"
        try await reply(server, is: 200, "old", at: region)
        try write("defaults: {placement: {region: new}}\nthreads: 2\nlog-level: debug\n")
        server.signal(SIGHUP)
        try await reply(server, is: 200, "new", at: region)
        try await server.waitForLog("configuration reloaded changed=log-level,defaults\n")
        try await server.waitForLog(
            #"restart required for changed settings setting=threads hint="systemctl restart virt-metadata""#)
        // An unusable configuration changes nothing.
        try write("defaults: {placement: {regon: new}}\n")
        server.signal(SIGHUP)
        try await server.waitForLog("reload failed, keeping current configuration error=")
        try await reply(server, is: 200, "new", at: region)
        try write("tokens: required\n")
        server.signal(SIGHUP)
        try await reply(server, is: 401, at: region)
        let end = try await server.stop()
        #expect(end.status == 0)
    }

    @Test func `the log level changes`() async throws {
        defer { try? FileManager.default.removeItem(at: file) }
        try write("log-level: info\n")
        let server = try await ServerProcess("--config", file.path)
        try write("{log-level: error, defaults: {placement: {region: a}}}\n")
        server.signal(SIGHUP)
        try await reply(server, is: 200, "a", at: "/latest/meta-data/placement/region")
        try write("log-level: nonsense\n")
        server.signal(SIGHUP)
        try await server.waitForLog("reload failed, keeping current configuration")
        #expect(!server.log.contains("configuration reloaded"))
        try write("log-level: info\n")
        server.signal(SIGHUP)
        try await server.waitForLog("configuration reloaded changed=log-level,defaults\n")
        server.signal(SIGHUP)
        try await server.waitForLog("configuration reloaded: nothing changed\n")
        #expect(try await server.stop().status == 0)
    }

    @Test func `a profile is applied to its instances, and a mistake in it costs its value`() async throws {
        defer { try? FileManager.default.removeItem(at: file) }
        try write("defaults: {profile: base}\nprofiles: {base: {placement: {region: old}}}\n")
        let server = try await ServerProcess("--config", file.path)
        let region = "/latest/meta-data/placement/region"
        try await reply(server, is: 200, "old", at: region)
        try write("defaults: {profile: base}\nprofiles:\n  base: {placement: {region: new}, imds@tokens: maybe}\n")
        server.signal(SIGHUP)
        try await reply(server, is: 200, "new", at: region)
        try await server.waitForLog("configuration reloaded changed=profiles\n")
        try await server.waitForLog(
            #"unusable value in a profile; it is not served error="\#(file.path):3: profiles: base: imds@tokens: "#)
        try write("defaults: {profile: bases}\nprofiles: {base: {placement: {region: new}}}\n")
        server.signal(SIGHUP)
        try await reply(server, is: 404, at: region)
        try await server.waitForLog("defaults: profile: unknown profile 'bases'; did you mean 'base'?")
        #expect(try await server.stop().status == 0)
    }
}
