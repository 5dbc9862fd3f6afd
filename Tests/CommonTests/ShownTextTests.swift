import Common
import Testing

struct ShownTextTests {
    @Test func `readable text is unchanged`() {
        for text in ["", "web-1", "Straße 5", "日本語", "a\\b \"c\" {d}", "می\u{200C}خواهم", "👩\u{200D}💻", "e\u{301}"] {
            #expect(text.cleaned() == text)
            #expect(text.cleaned(for: .page) == text)
        }
    }

    @Test func `control characters, line breaks and direction marks are escaped`() {
        let ranges: [ClosedRange<UInt32>] = [
            0...0x1F, 0x7F...0x9F, 0xAD...0xAD, 0x61C...0x61C, 0x200B...0x200B, 0x200E...0x200F, 0x2028...0x202E, 0x2060...0x2064,
            0x2066...0x206F, 0xFEFF...0xFEFF, 0xFFF9...0xFFFB, 0xE0001...0xE0001, 0xE0020...0xE007F,
        ]
        for scalar in ranges.joined().compactMap(Unicode.Scalar.init) {
            for text in ["a\(scalar)b", "\(scalar)", "e\(scalar)\u{301}"] {
                let cleaned = text.cleaned()
                #expect(!cleaned.unicodeScalars.contains(scalar))
                #expect(cleaned.unicodeScalars.contains("\\"))
            }
        }
    }

    @Test func `escapes are written as Swift has them`() {
        #expect("x\n2026 notice forged\u{9B}5m".cleaned() == #"x\n2026 notice forged\u{9B}5m"#)
        #expect("a\tb\r\n".cleaned() == #"a\tb\u{D}\n"#)
        #expect("ev\u{1B}[31m\u{202E}gnp".cleaned() == #"ev\u{1B}[31m\u{202E}gnp"#)
    }

    @Test func `a page keeps line feeds and tabs only`() {
        #expect("a\n\tb\n".cleaned(for: .page) == "a\n\tb\n")
        #expect("a\r\nb\u{85}c\u{2028}d".cleaned(for: .page) == "a\\u{D}\nb\\u{85}c\\u{2028}d")
    }
}
