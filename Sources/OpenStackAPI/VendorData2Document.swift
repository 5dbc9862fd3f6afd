import Common
import JSON

/// `vendor_data2.json`: the operator's vendor data as `static`, and the response of each vendor data target by its name.
func vendorData2(for question: Question) -> Node? {
    guard question.targetsSay.isEmpty else {
        // cloud-init reads one member of this document, which may be a list of texts: `asVendorData` makes one text of it.
        let members = JSONValue.object([staticMember(in: question.instance)] + question.targetsSay).asVendorData
        return .document(.json) { JSONEncoding.bytes(members) }
    }
    return .document("vendor_data2.json", for: question) { .object([staticMember(in: $0)]) }
}

private func staticMember(in instance: Instance) -> JSONMember {
    JSONMember("static", instance.documents.vendorData ?? .object([]))
}
