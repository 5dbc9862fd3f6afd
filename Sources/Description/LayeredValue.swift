import Common

/// How a list of one layer relates to that of the weaker layers.
package enum ListMerge: String, Sendable, CaseIterable {
    /// Its items come after theirs, and in place of those with the same name.
    case add
    /// Its items are the only ones, even if there are none.
    case replace
}

/// A value that several layers can say: defaults, profiles and the instance. A stronger layer is completed by the weaker ones, one
/// after the other.
struct LayeredValue: Sendable {
    /// One item of a value, for `check --explain`.
    struct Entry: Sendable {
        /// The path, as on the command line.
        let path: String
        /// The value; `nil` where it may be secret or is no text.
        let text: String?
        /// What tells it from other items of the same path.
        var discriminator = ""
        /// Its line, where the value knows it.
        var line: Int?

        var id: String { "\(path) \(discriminator)" }
    }

    /// The name of the element.
    let name: String
    let complete: @Sendable (_ stronger: inout OperatorMetadata, _ weaker: OperatorMetadata) -> Void
    let entries: @Sendable (OperatorMetadata) -> [Entry]

    static let all: [LayeredValue] =
        [
            single("instance-type", \.type), single("image-id", \.images.image),
            single("image-manifest-path", \.images.manifestPath), single("kernel-id", \.images.kernel),
            single("ramdisk-id", \.images.ramdisk), single("instance-action", \.action), single("project-id", \.project),
            single("owner-id", \.owner),
            list("product-codes", "product-code", \.images.productCodes),
            list("ancestor-images", "image-id", \.images.ancestors),
            list("security-groups", "group", \.access.securityGroups),
            placement, publicKeys, tags, userData, files, credentials, vendorData, additional, verbatim, sessions, interfaces,
        ]

    /// The elements whose attribute `merge` says how their list relates to the weaker ones.
    static let mergeable: Set<String> = [
        "public-keys", "tags", "security-groups", "userdata", "files", "product-codes", "ancestor-images",
    ]

    // MARK: Kinds of values

    private static func single(
        _ name: String, _ path: any WritableKeyPath<OperatorMetadata, String?> & Sendable
    ) -> LayeredValue {
        LayeredValue(name: name) { stronger, weaker in
            stronger[keyPath: path] = stronger[keyPath: path] ?? weaker[keyPath: path]
        } entries: { metadata in
            metadata[keyPath: path].map { [Entry(path: name, text: $0)] } ?? []
        }
    }

    private static func list(
        _ name: String, _ item: String, _ path: any WritableKeyPath<OperatorMetadata, [String]> & Sendable
    ) -> LayeredValue {
        items(name, path, key: { $0 }) { Entry(path: "\(name)/\(item)", text: $0, discriminator: $0) }
    }

    /// - Parameter key: what an added item has in common with the one that it replaces; `nil` if it replaces none.
    private static func items<Item: Sendable>(
        _ name: String, _ path: any WritableKeyPath<OperatorMetadata, [Item]> & Sendable,
        key: @escaping @Sendable (Item) -> String?, entry: @escaping @Sendable (Item) -> Entry
    ) -> LayeredValue {
        LayeredValue(name: name) { stronger, weaker in
            let own = stronger[keyPath: path]
            switch stronger.merges[name] ?? (own.isEmpty ? nil : .replace) {
            case .replace: return
            case nil:
                stronger[keyPath: path] = weaker[keyPath: path]
                stronger.merges[name] = weaker.merges[name]
            case .add where weaker[keyPath: path].isEmpty: stronger.merges[name] = weaker.merges[name] ?? .add
            case .add:
                let keys = Set(own.compactMap(key))
                let others = weaker[keyPath: path].filter { item in key(item).map { !keys.contains($0) } ?? true }
                stronger[keyPath: path] = others + own
                stronger.merges[name] = weaker.merges[name] ?? .replace
            }
        } entries: {
            $0[keyPath: path].map(entry)
        }
    }

    // MARK: Rows

    private static let placement = LayeredValue(name: "placement") { stronger, weaker in
        let own = Set(stronger.placement.map(\.name))
        stronger.placement += weaker.placement.filter { !own.contains($0.name) }
    } entries: {
        $0.placement.map { Entry(path: "placement/\($0.name)", text: $0.value) }
    }

    private static let publicKeys = items("public-keys", \.access.publicKeys, key: \.name) {
        Entry(path: "public-keys/public-key[\($0.name)]", text: $0.formats.first?.value)
    }

    private static let tags = items("tags", \.documents.tags, key: \.name) {
        Entry(path: "tags/tag[\($0.name)]", text: $0.value)
    }

    private static let userData = items("userdata", \.userDataParts, key: { _ in nil }) { part in
        Entry(path: "userdata", text: nil, discriminator: "\(part.file ?? ""):\(part.line)", line: part.line)
    }

    private static let files = items("files", \.documents.files, key: \.path) {
        Entry(path: "files/file[\($0.path)]", text: nil)
    }

    private static let credentials = LayeredValue(name: "iam") { stronger, weaker in
        if stronger.access.credentials.isEmpty { stronger.access.credentials = weaker.access.credentials }
    } entries: {
        $0.access.credentials.map { Entry(path: "iam/security-credentials[\($0.name)]", text: nil) }
    }

    private static let vendorData = LayeredValue(name: "vendordata") { stronger, weaker in
        guard stronger.documents.vendorData == nil else { return }
        (stronger.documents.vendorData, stronger.vendorDataPlace) = (weaker.documents.vendorData, weaker.vendorDataPlace)
    } entries: {
        $0.documents.vendorData == nil ? [] : [Entry(path: "vendordata", text: nil)]
    }

    private static let additional = LayeredValue(name: "additional") { stronger, weaker in
        guard stronger.documents.additional == nil else { return }
        stronger.documents.additional = weaker.documents.additional
        stronger.documents.additionalValue = weaker.documents.additionalValue
    } entries: {
        $0.documents.additional == nil ? [] : [Entry(path: "additional", text: nil)]
    }

    private static let verbatim = LayeredValue(name: "verbatim") { stronger, weaker in
        stronger.documents.verbatim.merge(weaker.documents.verbatim) { own, _ in own }
    } entries: {
        $0.documents.verbatim.sorted { $0.key < $1.key }.map {
            Entry(path: $0.key == "profile" ? "ec2-profile" : $0.key, text: $0.value)
        }
    }

    private static let sessions = LayeredValue(name: "imds") { stronger, weaker in
        stronger.sessions.tokens = stronger.sessions.tokens ?? weaker.sessions.tokens
        stronger.sessions.hopLimit = stronger.sessions.hopLimit ?? weaker.sessions.hopLimit
    } entries: { metadata in
        [
            metadata.sessions.tokens.map { Entry(path: "imds@tokens", text: $0.rawValue) },
            metadata.sessions.hopLimit.map { Entry(path: "imds@hop-limit", text: "\($0)") },
        ].compactMap(\.self)
    }

    /// All are kept, the strongest first: each interface is completed by those that are meant for it.
    private static let interfaces = LayeredValue(name: "interfaces") { stronger, weaker in
        stronger.sharedInterfaces += weaker.sharedInterfaces
    } entries: { _ in
        []
    }
}
