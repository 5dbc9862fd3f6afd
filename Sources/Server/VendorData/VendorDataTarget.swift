import FoundationEssentials

/// A service that has a say in vendor data: the name under which guests find what it says, and where it is asked.
struct VendorDataTarget: Sendable, Equatable {
    /// The name that the operator's own vendor data has among those of the targets.
    static let reservedName = "static"

    let name: String
    let url: String

    /// `NAME@URL`, as in Nova's `vendordata_dynamic_targets`; `nil` where it is not that.
    init?(_ text: String) {
        guard let at = text.firstIndex(of: "@"), at > text.startIndex else { return nil }
        (name, url) = (String(text[..<at]), String(text[text.index(after: at)...]))
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme?.lowercased()),
            parts.host?.isEmpty == false, parts.user == nil, parts.password == nil, parts.fragment == nil
        else { return nil }
    }
}
