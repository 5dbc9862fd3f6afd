import FoundationEssentials

/// A service that adds to vendor data: the name of its member, and its URL.
package struct VendorDataTarget: Sendable, Equatable {
    /// The member of the operator's own vendor data.
    package static let reservedName = "static"

    package let name: String
    package let url: String

    /// `NAME@URL`, as in Nova's `vendordata_dynamic_targets`; `nil` for any other text.
    package init?(_ text: String) {
        // libcurl refuses such a URL only when it is used, and a name is shown in logs.
        guard text.unicodeScalars.allSatisfy({ !$0.properties.isWhitespace && $0.properties.generalCategory != .control }),
            let at = text.firstIndex(of: "@"), at > text.startIndex
        else { return nil }
        (name, url) = (String(text[..<at]), String(text[text.index(after: at)...]))
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme?.lowercased()),
            parts.host?.isEmpty == false, parts.user == nil, parts.password == nil, parts.fragment == nil
        else { return nil }
    }
}
