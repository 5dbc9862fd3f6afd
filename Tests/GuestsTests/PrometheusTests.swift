import TestSupport
import Testing

@testable import Guests

/// Metrics in Prometheus' text format.
struct PrometheusTests {
    @Test func `metrics are written in the order of their names, with help and type`() {
        let registry = PrometheusRegistry()
        registry.describe("b_total", "What\nis \\ counted.")
        registry.counter("b_total", [("view", "a\"b")]).increment(by: 3)
        registry.counter("b_total", [("view", "c")]).increment()
        registry.sample("a_seconds", "A value.") { [.init(labels: [("host", "0")], value: 1.5), .init(value: 2)] }
        registry.sample("none", "Nothing.") { [] }
        registry.counter("c").increment(by: 7)
        #expect(
            registry.text == """
                # HELP a_seconds A value.
                # TYPE a_seconds gauge
                a_seconds{host="0"} 1.5
                a_seconds 2
                # HELP b_total What\\nis \\\\ counted.
                # TYPE b_total counter
                b_total{view="a\\"b"} 3
                b_total{view="c"} 1
                # TYPE c counter
                c 7

                """)
    }

    @Test func `a histogram's buckets hold all that is below their bounds`() {
        let histogram = PrometheusHistogram()
        for duration: Int64 in [1, 100_000, 100_001, 4_000_000_000, 10_000_000_000] { histogram.record(nanoseconds: duration) }
        #expect(histogram.cumulative.first == 2)
        #expect(histogram.cumulative[1] == 3)
        #expect(histogram.cumulative.suffix(3) == [3, 4, 5])
        #expect(histogram.sum == 14.000200002)
    }
}
