public import Common
import JSON

/// The NoCloud reading of an instance: the files of a seed, as cloud-init's data source of that name asks for them, at `/nocloud`
/// (https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html).
///
/// All of them are there for every instance: the source asks ten times for each that is not, and does without none. What nobody has
/// said is empty.
public struct NoCloudView: MetadataView {
    /// The word for this API in options and logs.
    public let name = "nocloud"

    /// Where its tree begins.
    public let root = TreePath(["nocloud"])

    /// The view; it has no state.
    public init() {}

    /// Every file, in the order in which it is listed and asked for.
    private static let files: [(name: String, read: @Sendable (Instance) -> Node)] = [
        ("meta-data", { .text(JSONEncoding.text(metaData(of: $0))) }),
        ("user-data", { .bytes($0.userData.map { Array($0) } ?? []) }),
        ("vendor-data", { .text(vendorData(of: $0)) }),
        ("network-config", { .text(networkConfiguration(of: $0).map { JSONEncoding.text($0) } ?? "") }),
    ]

    /// Nothing here is for everybody.
    public func publicNode(at path: TreePath) -> Node? { nil }

    /// What stands at a path for the instance that asks; `nil` where there is nothing.
    public func node(at path: TreePath, for question: Question) -> Node? {
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
