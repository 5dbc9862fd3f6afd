import Testing

@testable import Description

@Suite struct TextBlockTests {
    @Test(arguments: [
        ("\n    a\n    b\n  ", "a\nb"), ("\n  a\n", "a"), ("\n  a\n\n  b\n  ", "a\n\nb"), ("\n  a\n    b\n  c\n ", "a\n  b\nc"),
        ("\n\ta\n\t\tb\n", "a\n\tb"), ("\na\nb\n", "a\nb"), ("\n  a\n  \n  b\n", "a\n\nb"), ("\n  a  \n", "a  "),
        ("\n  a\r\n  b\r\n ", "a\r\nb\r"),
        ("\n  a\n   \n", "a\n "), ("\n", ""), ("\n  ", ""), ("\n\n", ""), ("\n  \u{301}a\n", "\u{301}a"), ("\n\n  a\n", "\n  a"),
    ]) func `a block loses the indentation of the XML around it, and its first and last line break`(text: String, block: String) {
        // Swift takes some texts that differ in their octets for the same.
        #expect(Array(textBlock(text).utf8) == Array(block.utf8))
    }

    @Test(arguments: [
        "", " ", "a", "  a  ", "a\n", "  a\n  b\n", "\n  a\n b\n", "\n  a\n\tb\n", "\n  a\n  b", "\n  a\n  b\n  c",
        "\r\n  a\r\n  ", "#!/bin/sh\n  x\n",
        "\n    a\n   \n    b\n", "\n  a\nb\n  ",
    ]) func `any other text is unchanged`(text: String) {
        #expect(Array(textBlock(text).utf8) == Array(text.utf8))
    }
}
