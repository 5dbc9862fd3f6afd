import Common
import CoreMetrics

/// The metrics of this process in Prometheus' text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
///
/// It is the backend of swift-metrics, and given to each metric when that is made: nothing of it is global.
final class PrometheusRegistry: MetricsFactory {
    /// The media type of the format.
    static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    typealias Labels = [(String, String)]

    private enum Series {
        case counter(PrometheusCounter)
        case gauge(PrometheusGauge)
        case histogram(PrometheusHistogram)

        var type: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    /// A value that is asked for when somebody looks.
    struct Sample: Sendable {
        var labels: [(String, String)] = []
        let value: Double
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

    /// Says what a metric counts; one that is not described is shown without it.
    func describe(_ name: String, _ help: String) {
        state.withLock { $0.helps[name] = help }
    }

    /// Adds a metric whose values are asked for when somebody looks.
    ///
    /// - Parameter type: `gauge`, or `counter` for one that only grows.
    func sample(
        _ name: String, _ help: String, type: String = "gauge", _ samples: @escaping @Sendable () -> [Sample]
    ) {
        state.withLock { $0.sampled[name] = Sampled(help: help, type: type, samples: samples) }
    }

    // MARK: swift-metrics

    func makeCounter(label: String, dimensions: Labels) -> any CounterHandler {
        let counter = PrometheusCounter()
        add(.counter(counter), label, dimensions)
        return counter
    }

    func makeRecorder(label: String, dimensions: Labels, aggregate: Bool) -> any RecorderHandler {
        let gauge = PrometheusGauge()
        add(.gauge(gauge), label, dimensions)
        return gauge
    }

    func makeMeter(label: String, dimensions: Labels) -> any MeterHandler {
        let gauge = PrometheusGauge()
        add(.gauge(gauge), label, dimensions)
        return gauge
    }

    func makeTimer(label: String, dimensions: Labels) -> any TimerHandler {
        let histogram = PrometheusHistogram()
        add(.histogram(histogram), label, dimensions)
        return histogram
    }

    // Metrics here live as long as the process.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    private func add(_ series: Series, _ label: String, _ labels: Labels) {
        state.withLock { $0.families[label, default: Family()].series.append((labels, series)) }
    }

    // MARK: The text

    /// All metrics as they are now.
    var text: String {
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
        case .gauge(let gauge): return [line(name, labels, number(gauge.value))]
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
        var escaped = ""
        for letter in text {
            switch letter {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.append(letter)
            }
        }
        return escaped
    }
}
