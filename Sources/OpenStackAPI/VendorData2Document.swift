import Common
import JSON

/// `vendor_data2.json`: the operator's vendor data as `static`, and the response of each vendor data target by its name.
func vendorData2(for question: Question) -> Node? {
    guard question.targetsSay.isEmpty else {
        return .document(.json) { JSONEncoding.bytes(.object([staticMember(in: question.instance)] + question.targetsSay)) }
    }
    return .document("vendor_data2.json", for: question) { .object([staticMember(in: $0)]) }
}

private func staticMember(in instance: Instance) -> JSONMember {
    JSONMember("static", instance.documents.vendorData ?? .object([]))
}
