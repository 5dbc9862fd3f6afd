import Foundation
import TestSupport
import Testing

/// What is delivered for monitoring: a dashboard and alerts that ask for metrics that the server has.
struct DashboardTests {
    private static let project = URL(filePath: #filePath).appending(path: "../../..").standardized.path

    @Test func `Grafana's dashboard and Prometheus' rules use metrics and labels that exist`() async throws {
        let metrics = try await Metrics()
        let board = try #require(
            try JSONSerialization.jsonObject(with: Data(Self.text("packaging/grafana/virt-metadata.json").utf8)) as? [String: Any]
        )
        let panels = try #require(board["panels"] as? [[String: Any]])
        let targets = panels.flatMap { $0["targets"] as? [[String: Any]] ?? [] }
        #expect(panels.count == Set(panels.compactMap { $0["id"] as? Int }).count, "each panel has a number of its own")
        let shown = targets.compactMap { $0["expr"] as? String }
        #expect(shown.count == targets.count && shown.count >= panels.count)
        let rules = try Self.text("packaging/prometheus/virt-metadata.yml").matches(of: /expr: (.*)/).map { String($0.1) }
        #expect(rules.count == 5)
        for expression in shown + rules { metrics.expectNames(in: expression) }
        // What the server has and nobody sees would be a panel that was forgotten.
        let unseen = metrics.kinds.keys.filter { name in !shown.contains { $0.contains(name) } }
        #expect(unseen.isEmpty, "\(unseen.sorted())")
        try Self.expectPrometheusReads(shown)
    }

    @Test func `the rules are as the recipe shows them`() throws {
        let rules = Self.project + "/packaging/prometheus/virt-metadata.yml"
        let check = try Command.run(["promtool", "check", "rules", rules])
        #expect(check.status == 0, "\(check.stdout)\(check.stderr)")
        #expect(try Self.text("docs/recipes/prometheus.md").contains(Self.text("packaging/prometheus/virt-metadata.yml")))
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: project + "/" + path, encoding: .utf8)
    }

    /// Lets Prometheus parse expressions, with values for what Grafana puts there.
    private static func expectPrometheusReads(_ expressions: [String]) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "rules-\(UUID().uuidString).yml")
        defer { try? FileManager.default.removeItem(at: file) }
        let records = expressions.enumerated().map { number, expression in
            let filled = expression.replacing("$__rate_interval", with: "5m").replacing("$job", with: "virt-metadata")
                .replacing("$instance", with: ".*")
            return "      - record: panel:\(number)\n        expr: '\(filled)'\n"
        }
        try "groups:\n  - name: panels\n    rules:\n\(records.joined())".write(to: file, atomically: true, encoding: .utf8)
        let check = try Command.run(["promtool", "check", "rules", file.path])
        #expect(check.status == 0, "\(check.stdout)\(check.stderr)")
        #expect(check.stdout.contains("\(expressions.count) rules found"), "\(check.stdout)")
    }
}

/// The metrics of a running server.
private struct Metrics {
    /// Kinds by name.
    let kinds: [String: String]
    /// Labels of any metric, and those that Prometheus itself adds.
    private let labels: Set<String>

    init() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "metrics-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let socket = folder.path + "/admin.sock"
        let server = try await ServerProcess("--admin-socket", socket)
        let text = try Command.succeed(["curl", "-s", "--unix-socket", socket, "http://localhost/metrics"])
        kinds = Dictionary(uniqueKeysWithValues: text.matches(of: #/# TYPE (\w+) (\w+)/#).map { (String($0.1), String($0.2)) })
        labels = Set(text.matches(of: #/[{,](\w+)="/#).map { String($0.1) }).union(["job", "instance"])
        _ = try await server.stop()
    }

    /// Whether a series exists; a histogram has three.
    private func has(_ series: String) -> Bool {
        if series == "up" { return true }
        if let kind = kinds[series] { return kind != "histogram" }
        return ["_bucket", "_sum", "_count"].contains {
            series.hasSuffix($0) && kinds[String(series.dropLast($0.count))] == "histogram"
        }
    }

    func expectNames(in expression: String) {
        let series = expression.matches(of: #/\b(?:virt_metadata|process)_\w+|^up\b/#).map { String($0.0) }
        #expect(!series.isEmpty, "\(expression)")
        for one in series { #expect(has(one), "\(one)") }
        for rated in expression.matches(of: #/(?:rate|increase)\((\w+)/#) {
            #expect(kinds[String(rated.1)] != "gauge", "a gauge has no rate: \(rated.1)")
        }
        let used =
            expression.matches(of: #/[{,] ?(\w+)=/#).map { String($0.1) }
            + expression.matches(of: #/by \(([^)]*)\)/#).flatMap { $0.1.split(separator: ", ").map(String.init) }
        for label in used { #expect(labels.contains(label), "\(label)") }
    }
}
