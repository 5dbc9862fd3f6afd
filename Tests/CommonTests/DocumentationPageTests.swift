import Foundation
import Testing

@testable import Common

@Suite struct DocumentationPageTests {
    @Test func `a program below a prefix names the documentation there, any other that of the package`() throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "prefix-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        let program = root.path + "/bin/virt-metadata"
        #expect(DocumentationPage.prefix(ofProgram: program) == "/usr")
        let pages = root.appending(path: "share/doc/virt-metadata/docs")
        try FileManager.default.createDirectory(at: pages, withIntermediateDirectories: true)
        #expect(DocumentationPage.prefix(ofProgram: program) == root.path)
        #expect(DocumentationPage.prefix(ofProgram: "virt-metadata") == "/usr")
        #expect(DocumentationPage.path("metadata.md") == "/usr/share/doc/virt-metadata/docs/metadata.md")
    }
}
