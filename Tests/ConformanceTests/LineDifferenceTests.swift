import Testing

@Suite struct LineDifferenceTests {
    @Test func `removed and added lines are shown with context`() {
        let old = "a\nb\nc\nd\ne\nf\n"
        #expect(lineDifference(from: old, to: "a\nb\nc\nX\ne\nf\n") == "  ⋮\n  b\n  c\n- d\n+ X\n  e\n  f\n  ⋮\n")
    }

    @Test func `a missing newline at the end is a difference`() {
        #expect(lineDifference(from: "a\n", to: "a") == "  a\n- \n")
    }

    @Test func `texts that are equal in Swift differ by their octets`() {
        #expect("\u{E9}" == "e\u{301}")
        #expect(lineDifference(from: "\u{E9}", to: "e\u{301}") == "- \u{E9}\n+ e\u{301}\n")
        #expect(lineDifference(from: "a\r\nb", to: "a\nb") == "- a\r\n+ a\n  b\n")
    }
}
