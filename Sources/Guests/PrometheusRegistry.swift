import Common

/// The metrics of this process in Prometheus' text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
package final class PrometheusRegistry: Sendable {
    package static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    package typealias Labels = [(String, String)]

    private enum Series {
        case counter(PrometheusCounter)
        case histogram(PrometheusHistogram)

        package var type: String {
            switch self {
            case .counter: "counter"
            case .histogram: "histogram"
            }
        }
    }

    /// A value that is computed at each scrape.
    package struct Sample: Sendable {
        package let labels: [(String, String)]
        package let value: Double

        package init(labels: [(String, String)] = [], value: Double) {
            (self.labels, self.value) = (labels, value)
        }
    }

    private struct Family {
        var series: [(labels: Labels, series: Series)] = []
    }

    private struct Sampled {
        let help: String
        let type: String
        let samples: @Sendable () -> [Sample]
    }

    private struct State {
        var families: [String: Family] = [:]
        var helps: [String: String] = [:]
        var sampled: [String: Sampled] = [:]
    }

    private let state = Locked(State())

    /// Sets the help text of a metric; a metric without one is shown without it.
    func describe(_ name: String, _ help: String) {
        state.withLock { $0.helps[name] = help }
    }

    /// Adds a metric whose values are computed at each scrape.
    ///
    /// - Parameter type: `gauge`, or `counter` for one that only grows.
    package func sample(
        _ name: String, _ help: String, type: String = "gauge", _ samples: @escaping @Sendable () -> [Sample]
    ) {
        state.withLock { $0.sampled[name] = Sampled(help: help, type: type, samples: samples) }
    }

    // MARK: Metrics that live as long as the process

    package func counter(_ name: String, _ labels: Labels = []) -> PrometheusCounter {
        let counter = PrometheusCounter()
        add(.counter(counter), name, labels)
        return counter
    }

    func histogram(_ name: String, _ labels: Labels = []) -> PrometheusHistogram {
        let histogram = PrometheusHistogram()
        add(.histogram(histogram), name, labels)
        return histogram
    }

    private func add(_ series: Series, _ label: String, _ labels: Labels) {
        state.withLock { $0.families[label, default: Family()].series.append((labels, series)) }
    }

    // MARK: The text

    package var text: String {
        let state = state.withLock { (families: $0.families, helps: $0.helps, sampled: $0.sampled) }
        var blocks: [(name: String, text: String)] = []
        for (name, family) in state.families {
            guard let type = family.series.first?.series.type else { continue }
            let lines = family.series.flatMap { Self.lines(name, $0.labels, $0.series) }
            blocks.append((name, Self.head(name, state.helps[name], type) + lines.joined()))
        }
        for (name, sampled) in state.sampled {
            let lines = sampled.samples().map { Self.line(name, $0.labels, Self.number($0.value)) }
            if !lines.isEmpty { blocks.append((name, Self.head(name, sampled.help, sampled.type) + lines.joined())) }
        }
        return blocks.sorted { $0.name < $1.name }.map(\.text).joined()
    }

    private static func head(_ name: String, _ help: String?, _ type: String) -> String {
        let help = help.map { text in "# HELP \(name) \(escaped(text, quotes: false))\n" } ?? ""
        return help + "# TYPE \(name) \(type)\n"
    }

    private static func lines(_ name: String, _ labels: Labels, _ series: Series) -> [String] {
        switch series {
        case .counter(let counter): return [line(name, labels, "\(counter.value)")]
        case .histogram(let histogram):
            let bounds = PrometheusHistogram.bounds.map { number(Double($0) / 1e9) } + ["+Inf"]
            let counts = histogram.cumulative
            return zip(bounds, counts).map { line("\(name)_bucket", labels + [("le", $0)], "\($1)") } + [
                line("\(name)_sum", labels, number(histogram.sum)), line("\(name)_count", labels, "\(counts.last ?? 0)"),
            ]
        }
    }

    private static func line(_ name: String, _ labels: Labels, _ value: String) -> String {
        let written = labels.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }.joined(separator: ",")
        return name + (written.isEmpty ? "" : "{\(written)}") + " \(value)\n"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        // By scalars: to Swift a quotation mark and a following combining accent are one character, which equals neither.
        var escaped = String.UnicodeScalarView()
        for scalar in text.cleaned(for: .page).unicodeScalars {
            switch scalar {
            case "\\": escaped.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": escaped.append(contentsOf: "\\n".unicodeScalars)
            case "\"" where quotes: escaped.append(contentsOf: "\\\"".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
