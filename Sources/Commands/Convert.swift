import ArgumentParser
import Configuration
import Glibc
import XML

/// `virt-metadata convert`: converts libvirt_metadata_api's elements to the namespaced element.
struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put libvirt_metadata_api's bare elements into the namespace that libvirt keeps.",
        discussion: """
            The domain's XML with its metadata converted goes to the standard output; every other byte is as it was.

            EXAMPLES
                virt-metadata convert web.xml > converted.xml
                virsh define converted.xml
            """)

    @Argument(help: ArgumentHelp("A file of domain XML.", valueName: "file"))
    var file: String

    func run() throws {
        let bytes = try DomainSource.bytes(of: file)
        switch try conversion(of: bytes) {
        case .unchanged:
            VirtMetadata.printError("\(file): no element under <metadata> is without a namespace; printed as it is")
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
