import Common
import Testing

/// Several documents as one MIME message.
struct MultipartMessageTests {
    private static func text(_ parts: [MultipartMessage.Part]) -> String {
        String(decoding: MultipartMessage(parts).bytes, as: UTF8.self)
    }

    private static func part(_ text: String, type: String? = nil) -> MultipartMessage.Part { .init(Array(text.utf8), type: type) }

    private static func boundary(of message: String) throws -> String {
        try #require(message.firstMatch(of: /boundary="([^"]+)"/).map { String($0.1) })
    }

    @Test func `a message has its parts in order, ASCII ones as text`() throws {
        let message = Self.text([Self.part("#cloud-config\npackages: [htop]"), Self.part("#!/bin/sh\necho hi\n")])
        let boundary = try Self.boundary(of: message)
        #expect(
            message == """
                Content-Type: multipart/mixed; boundary="\(boundary)"
                MIME-Version: 1.0

                --\(boundary)
                Content-Type: text/cloud-config; charset="us-ascii"
                MIME-Version: 1.0
                Content-Transfer-Encoding: 7bit

                #cloud-config
                packages: [htop]
                --\(boundary)
                Content-Type: text/x-shellscript; charset="us-ascii"
                MIME-Version: 1.0
                Content-Transfer-Encoding: 7bit

                #!/bin/sh
                echo hi

                --\(boundary)--

                """)
    }

    @Test(
        arguments: [
            ("#cloud-config", "text/cloud-config"), ("\n  #Cloud-Config\n", "text/cloud-config"),
            ("#cloud-config-archive\n[]", "text/cloud-config-archive"), ("#cloud-config-jsonp\n", "text/cloud-config-jsonp"),
            ("## template: jinja\n#cloud-config", "text/jinja2"), ("#cloud-boothook\n", "text/cloud-boothook"),
            ("#include-once\nhttp://x", "text/x-include-once-url"), ("#include http://x", "text/x-include-url"),
            ("#part-handler\n", "text/part-handler"), ("#!/bin/sh\n", "text/x-shellscript"), ("\u{1F}\u{8B}", nil),
            ("MIME-Version: 1.0\n", "multipart/mixed"), ("Content-Type: multipart/mixed; boundary=x\n", "multipart/mixed"),
            ("packages: []", nil), ("# cloud-config", nil), ("", nil), ("{\"ignition\": {}}", nil),
        ] as [(String, String?)]) func `the type of a document is that of its beginning`(document: String, type: String?)
    {
        #expect(MultipartMessage.mediaType(of: Array(document.utf8)) == type)
    }

    @Test func `a compressed document has its type, and is base64`() {
        let message = Self.text([.init([0x1F, 0x8B, 0, 255]), Self.part("#!/bin/sh")])
        #expect(
            message.contains("Content-Type: application/gzip\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n\nH4sA/w=="))
    }

    @Test(arguments: ["#cloud-config\n# Grüße", "#!/bin/sh\r\n", "a\u{0}", String(repeating: "x", count: 999)])
    func `what is not ASCII lines is base64`(document: String) {
        #expect(Self.text([Self.part(document), Self.part("x")]).contains("Content-Transfer-Encoding: base64\n"))
    }

    @Test func `the author's type wins over the beginning`() {
        let message = Self.text([Self.part("#!/bin/sh", type: "text/x-shellscript-per-boot"), Self.part("x: 1")])
        #expect(message.contains("Content-Type: text/x-shellscript-per-boot; charset"))
        #expect(message.contains("Content-Type: text/plain; charset=\"us-ascii\"\n"))
    }

    @Test func `a message within a message keeps its own header`() throws {
        let inner = Self.text([Self.part("#!/bin/sh\nexit 1"), Self.part("#cloud-config\n{}")])
        let message = Self.text([Self.part("#cloud-config\na: 1"), Self.part(inner)])
        let boundary = try Self.boundary(of: message)
        #expect(message.contains("\n--\(boundary)\n" + inner))
        #expect(try boundary != Self.boundary(of: inner))
    }

    @Test func `the same parts are the same bytes, and no part contains the boundary`() throws {
        let parts = [Self.part("#!/bin/sh"), Self.part("#cloud-config")]
        let first = Self.text(parts)
        #expect(Self.text(parts) == first)
        #expect(Self.text(parts.reversed()) != first)
        // A part that contains the boundary that its message had without it.
        let boundary = try Self.boundary(of: first)
        for _ in 0..<10 {
            let text = "#!/bin/sh\n# \(boundary)"
            let other = Self.text([Self.part("#!/bin/sh"), Self.part(text)])
            #expect(try !text.contains(Self.boundary(of: other)))
        }
    }

    // MARK: Vendor data

    @Test func `a list of texts in vendor data is one message`() throws {
        let list = JSONValue.array([.string("#cloud-config\na: 1"), .string("#!/bin/sh")])
        guard case .string(let text) = list.asVendorData else { throw UnexpectedValue() }
        #expect(text == Self.text([Self.part("#cloud-config\na: 1"), Self.part("#!/bin/sh")]))
        let object = JSONValue.object([JSONMember("x", .integer(1)), JSONMember("cloud-init", list)])
        #expect(object.asVendorData == .object([JSONMember("x", .integer(1)), JSONMember("cloud-init", .string(text))]))
        #expect(JSONValue.array([.string("#!/bin/sh")]).asVendorData == .string("#!/bin/sh"))
    }

    @Test(
        arguments: [
            .null, .string("a"), .array([]), .array([.integer(1)]), .array([.string("a"), .null]), .object([]),
            .object([JSONMember("cloud-init", .string("a"))]), .object([JSONMember("other", .array([.string("a")]))]),
        ] as [JSONValue]) func `other vendor data stays as it is`(value: JSONValue)
    {
        #expect(value.asVendorData == value)
    }

    private struct UnexpectedValue: Error {}
}
