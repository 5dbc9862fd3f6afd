package import Common
import JSON

/// The NoCloud API: the files of a seed, as cloud-init's datasource of that name requests them, at `/nocloud`
/// (https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html).
///
/// All files exist for every instance: the datasource retries a missing file ten times and needs all of them. A file without a
/// value is empty.
package struct NoCloudView: MetadataView {
    package let name = "nocloud"

    package let root = TreePath(["nocloud"])

    package init() {}

    /// Every file, in the order in which it is listed and requested.
    private static let files: [(name: String, read: @Sendable (Instance) -> Node)] = [
        ("meta-data", { .text(JSONEncoding.yamlText(metaData(of: $0))) }),
        ("user-data", { .bytes($0.documents.userData ?? []) }),
        ("vendor-data", { .text(vendorData(of: $0)) }),
        ("network-config", networkConfigurationFile),
    ]

    /// No file is public.
    package func publicNode(at path: TreePath) -> Node? { nil }

    package func node(at path: TreePath, for question: Question) -> Node? {
        let names = path.names.dropFirst()
        guard let name = names.first else {
            let members = Self.files.map { file in
                Directory.Member(file.name, isDirectory: false) { file.read(question.instance) }
            }
            return Directory(members).map(Node.directory)
        }
        guard names.count == 1 else { return nil }
        return Self.files.first { $0.name == name }?.read(question.instance)
    }
}
