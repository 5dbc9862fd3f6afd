import Common
import JSON

/// `vendor_data2.json`: what the operator wrote, as `static`, and what each of the operator's targets says, by its name.
func vendorData2(for question: Question) -> Node? {
    guard question.targetsSay.isEmpty else {
        return .document(.json) { JSONEncoding.bytes(.object([operatorsWord(in: question.instance)] + question.targetsSay)) }
    }
    return .document("vendor_data2.json", for: question) { .object([operatorsWord(in: $0)]) }
}

private func operatorsWord(in instance: Instance) -> JSONMember {
    JSONMember("static", instance.vendorData ?? .object([]))
}
