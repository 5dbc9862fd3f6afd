import ArgumentParser
import Configuration
import Glibc
import XML

/// `virt-metadata convert`: converts libvirt_metadata_api's elements to the namespaced element.
struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Convert libvirt_metadata_api XML (no namespace) to the current format.",
        discussion: """
            The converted domain XML is printed to the standard output. Only the metadata elements change; every other byte stays. \
            libvirt drops elements without a namespace, so convert a file before `virsh define`.

            EXAMPLES
                virt-metadata convert web.xml > converted.xml
                virsh define converted.xml
            """)

    @Argument(help: ArgumentHelp("A file of domain XML.", valueName: "file"), completion: .file())
    var file: String

    func run() throws {
        let bytes = try DomainSource.bytes(of: file)
        switch try conversion(of: bytes) {
        case .unchanged:
            VirtMetadata.printError("\(file): nothing to convert: every element of <metadata> has a namespace")
            try FileDescriptorOutput.show(bytes)
        case .rewritten(let converted, let elements):
            VirtMetadata.printError("\(file): converted \(elements.joined(separator: ", "))")
            try FileDescriptorOutput.show(converted)
        }
    }

    private func conversion(of bytes: [UInt8]) throws(CommandFailure) -> ConvertedMetadata {
        do {
            return try convertBareMetadata(in: bytes)
        } catch {
            throw CommandFailure("\(file): \(error)")
        }
    }
}
