import Common
import Testing

struct RenderingsTests {
    private let renderings = Renderings()

    /// Renders a document and counts how often it is rendered.
    private func pieces(
        _ document: String = "a", in version: String = "1", of instance: Instance, size: Int = 3, made: inout Int
    ) -> Renderings.Pieces? {
        renderings.pieces(of: document, in: version, about: instance) {
            made += 1
            return [[UInt8](repeating: UInt8(made), count: size)]
        }
    }

    @Test func `a document is rendered once for an instance, a name and a version`() {
        var made = 0
        let (first, second) = (Instance.example(), Instance.example())
        #expect(pieces(of: first, made: &made) == [[1, 1, 1]])
        #expect(pieces(of: first, made: &made) == [[1, 1, 1]])
        // Equal properties, but a different instance: its domain has changed.
        #expect(pieces(of: second, made: &made) == [[2, 2, 2]])
        #expect(pieces("b", of: first, made: &made) == [[3, 3, 3]])
        #expect(pieces(in: "2", of: first, made: &made) == [[4, 4, 4]])
        #expect(pieces(of: first, made: &made) == [[1, 1, 1]])
    }

    @Test func `a document that does not exist is rendered again`() {
        let instance = Instance.example()
        #expect(renderings.pieces(of: "a", about: instance) { nil } == nil)
        #expect(renderings.pieces(of: "a", about: instance) { [[7]] } == [[7]])
    }

    @Test func `the cache holds at most one mebibyte`() {
        var made = 0
        let instance = Instance.example()
        for number in 0..<18 { _ = pieces("\(number)", of: instance, size: 60_000, made: &made) }
        #expect(made == 18)
        _ = pieces("17", of: instance, size: 60_000, made: &made)
        #expect(made == 18)
        // 17 of them fill the mebibyte, so the first is gone.
        _ = pieces("0", of: instance, size: 60_000, made: &made)
        #expect(made == 19)
    }

    @Test func `the overhead of small documents counts`() {
        let instance = Instance.example()
        var made = 0
        let make: () -> Renderings.Pieces? = {
            made += 1
            return [[1]]
        }
        _ = renderings.pieces(of: "0", about: instance, make: make)
        _ = renderings.pieces(of: "0", about: instance, make: make)
        #expect(made == 1)
        // Eight thousand bytes, and a mebibyte of keys and pieces.
        for number in 1...8000 { _ = renderings.pieces(of: "\(number)", about: instance, make: make) }
        _ = renderings.pieces(of: "0", about: instance, make: make)
        #expect(made == 8002)
    }

    @Test func `a large document is not cached, and evicts no other`() {
        var made = 0
        let instance = Instance.example()
        _ = pieces(of: instance, made: &made)
        for _ in 0..<100 { _ = pieces("large", of: instance, size: 100_000, made: &made) }
        #expect(made == 101)
        _ = pieces(of: instance, made: &made)
        #expect(made == 101)
    }
}
