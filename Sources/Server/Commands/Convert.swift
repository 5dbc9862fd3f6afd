import ArgumentParser
import Glibc
import XML

/// `virt-metadata convert`: from libvirt_metadata_api's elements to the namespaced vocabulary.
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
            VirtMetadata.complain("\(file): no element under <metadata> is without a namespace; printed as it is")
            try FileDescriptorOutput.write(bytes, to: STDOUT_FILENO)
        case .rewritten(let converted, let elements):
            VirtMetadata.complain("\(file): converted \(elements.joined(separator: ", "))")
            try FileDescriptorOutput.write(converted, to: STDOUT_FILENO)
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
