import FoundationEssentials
package import Guests

/// The metrics that Prometheus' client libraries report for every process, under the same names
/// (https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics); from proc(5).
package enum ProcessMetrics {
    private static let start = Date().timeIntervalSince1970

    package static func add(to registry: PrometheusRegistry) {
        _ = start
        registry.sample("process_start_time_seconds", "Start time of the process since unix epoch in seconds.") {
            [.init(value: start)]
        }
        registry.sample("process_resident_memory_bytes", "Resident memory size in bytes.") {
            field("VmRSS:", of: "/proc/self/status").map { [.init(value: $0 * 1024)] } ?? []
        }
        registry.sample("process_open_fds", "Number of open file descriptors.") {
            let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            // One of the entries is the directory's own descriptor.
            return open.map { [.init(value: Double($0.count - 1))] } ?? []
        }
        registry.sample("process_max_fds", "Maximum number of open file descriptors.") {
            guard let limits = text(of: "/proc/self/limits")?.split(separator: "\n"),
                let most = limits.first(where: { $0.hasPrefix("Max open files") })?.split(separator: " ").dropFirst(3).first,
                let value = Double(most)
            else { return [] }
            return [.init(value: value)]
        }
    }

    private static func field(_ name: String, of path: String) -> Double? {
        text(of: path)?.split(separator: "\n").first { $0.hasPrefix(name) }.flatMap { line in
            line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
        }
    }

    private static func text(of path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
