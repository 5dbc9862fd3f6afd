import Common
import Foundation
import Testing

@testable import Emulator

/// Values of scenarios' tests.
enum ScenarioExample {
    static let names = ScenarioNames(instances: ["web", "db"])

    static func scenario(_ yaml: String) throws -> Scenario {
        try Scenario(Array(yaml.utf8), source: "s.yaml", names: names)
    }

    /// The errors of a text, one in a line.
    static func problems(_ yaml: String) -> String {
        do throws(ScenarioProblems) {
            _ = try Scenario(Array(yaml.utf8), source: "s.yaml", names: names)
            return ""
        } catch {
            return error.description
        }
    }

    static func request(
        _ target: String = "/latest/meta-data/hostname", method: String = "GET", number: Int = 1, at moment: Duration = .zero,
        instance: String = "web", token: TokenState = .none
    ) -> EmulatedRequest {
        EmulatedRequest(
            number: number, moment: moment, instance: instance, method: method, target: target, path: TreePath(target: target),
            headers: [], token: token)
    }

    /// An instance that is served as `name`.
    static func instance(_ name: String = "web", clock: any EmulatorClock = ManualClock()) throws -> EmulatedInstance {
        let xml = """
            <domain><name>web</name><uuid>bbf0b2ea-a9fe-4c1b-8ad2-c3cbc8a0e1f1</uuid>
            <metadata><instance xmlns='urn:virt-metadata:instance:1'>
            <instance-id>i-00000001</instance-id><hostname>\(name).example.internal</hostname>
            <tags><tag name='Name'>\(name)</tag></tags>
            <interfaces><interface mac='52:54:00:00:00:01'><public-ipv4>198.51.100.7</public-ipv4></interface></interfaces>
            <userdata>#!/bin/sh</userdata>
            </instance></metadata>
            <devices><interface type='user'><mac address='52:54:00:00:00:01'/></interface></devices></domain>
            """
        let file = FileManager.default.temporaryDirectory.appending(path: "scenario-\(UUID().uuidString).xml")
        try Data(xml.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try EmulatedInstance(EmulatorSource(reading: file.path()).named(name), clock: clock)
    }
}
