import Common
import FoundationEssentials

extension Recording {
    /// Replaces credentials, tokens, passwords, private keys and account numbers, and lists what was replaced.
    ///
    /// One value has the same replacement everywhere, so that references still fit, and the replacement says nothing about the value: it is a
    /// number in the order of appearance. A replaced value keeps its form where programs check it. What cannot be examined, such as compressed
    /// user data, is replaced in whole.
    /// - Parameters:
    ///   - kept: paths below a version that stay as they are, with all that is below them: `user-data`, `meta-data/iam`.
    ///   - deadline: after which responses are removed instead of examined; `nil` for all the time that it takes.
    /// - Returns: how many responses were removed.
    @discardableResult
    package mutating func redact(keeping kept: [String] = [], until deadline: ContinuousClock.Instant? = nil) -> Int {
        let (start, all) = (ContinuousClock.now, responses.count)
        var redactor = Redactor(keeping: kept)
        for token in sessionTokens { redactor.learn(token) }
        // The second pass takes less than half as long as the first.
        let half = deadline.map { start.advanced(by: start.duration(to: $0) * 0.65) }
        for index in responses.indices {
            if isOver(half, index) { break }
            responses[index] = redactor.redacted(responses[index])
        }
        if let absent { self.absent = redactor.redacted(absent) }
        redactor.keepNames(of: responses.map(\.target))
        // A secret that was found in one response may be in another, under another name.
        for index in responses.indices {
            if isOver(deadline, index) { break }
            responses[index] = redactor.withoutKnownSecrets(responses[index])
        }
        if let absent { self.absent = redactor.withoutKnownSecrets(absent) }
        omissions = omissions.map { redactor.redacted(sentence: $0) }
        let left = Set(responses.map(\.target))
        redactions = all == left.count ? redactor.redactions : redactor.redactions.filter { left.contains($0.target) }
        isRedacted = true
        return all - responses.count
    }

    /// Removes the responses from this index on where the time is over.
    private mutating func isOver(_ deadline: ContinuousClock.Instant?, _ index: Int) -> Bool {
        guard let deadline, ContinuousClock.now >= deadline else { return false }
        responses.removeSubrange(index...)
        return true
    }
}

/// Redacts the responses of one recording.
private struct Redactor {
    private let kept: [[String]]
    private var replacements = SecretReplacements()
    private(set) var redactions: [Recording.Redaction] = []
    /// The place of a kind at a target in ``redactions``.
    private var listed: [String: Int] = [:]
    /// Most bodies are the same in all versions.
    private var cache: [Key: (body: [UInt8], found: [SecretKind])] = [:]

    /// Most fields are the same in all responses.
    private var values: [String: (body: [UInt8], found: [SecretKind])] = [:]

    private struct Key: Hashable {
        let place: RedactedPlace
        let body: [UInt8]
    }

    init(keeping kept: [String]) {
        self.kept = kept.map { RedactedPlace.names(of: $0) }
    }

    /// The session token: a server may repeat it in a page about an error.
    mutating func learn(_ token: String) { _ = replacements.replacement(for: token, .token) }

    /// What is a name in the trees is no secret elsewhere, though somebody's password may be the same word.
    mutating func keepNames(of targets: [String]) {
        replacements.forget(Set(targets.flatMap { $0.split(whereSeparator: { "/?=&".contains($0) }).map(String.init) }))
    }

    mutating func redacted(sentence: String) -> String {
        let bytes = Array(sentence.utf8)
        let (once, _) = replacements.replace(SecretScan(bytes, examinesBase64: false, seeds: false).found, in: bytes)
        return String(decoding: replacements.replaceKnown(in: once)?.body ?? once, as: UTF8.self)
    }

    /// Fields and the reason phrase.
    private mutating func redactHead(of response: inout RecordedResponse) {
        for index in response.fields.indices {
            let (name, value) = (response.fields[index].name.lowercased(), response.fields[index].value)
            if RedactedPlace.isSecretField(name) {
                response.fields[index].value = "REDACTED"
                list([.token], response.target)
            } else {
                let (bytes, found) = redacted(value)
                guard !found.isEmpty else { continue }
                response.fields[index].value = String(decoding: bytes, as: UTF8.self)
                list(found, response.target)
            }
        }
        let (reason, found) = redacted(response.reason)
        guard !found.isEmpty else { return }
        response.reason = String(decoding: reason, as: UTF8.self)
        list(found, response.target)
    }

    private mutating func redacted(_ text: String) -> (body: [UInt8], found: [SecretKind]) {
        if let known = values[text] { return known }
        let bytes = Array(text.utf8)
        let result = replacements.replace(SecretScan(bytes, examinesBase64: false, seeds: false).found, in: bytes)
        // Each response may have other values, such as dates.
        if values.count < 1000 { values[text] = result }
        return result
    }

    mutating func redacted(_ response: RecordedResponse) -> RecordedResponse {
        var response = response
        redactHead(of: &response)
        guard !response.body.isEmpty else { return response }
        let names = RedactedPlace.names(of: response.target)
        guard !isKept(names) else { return response }
        let isListing = response.target.hasSuffix("/")
        let place = response.status == 200 ? RedactedPlace(names, isListing: isListing) : .other
        let key = Key(place: place, body: response.body)
        let result: (body: [UInt8], found: [SecretKind])
        if let known = cache[key] {
            result = known
        } else {
            result = place.redacted(response.body, &replacements)
            cache[key] = result
        }
        response.replaceBody(by: result.body)
        list(result.found, response.target)
        return response
    }

    mutating func withoutKnownSecrets(_ response: RecordedResponse) -> RecordedResponse {
        guard kept.isEmpty || !isKept(RedactedPlace.names(of: response.target)) else { return response }
        var response = response
        for index in response.fields.indices {
            guard let (value, found) = replacements.replaceKnown(in: Array(response.fields[index].value.utf8)) else { continue }
            response.fields[index].value = String(decoding: value, as: UTF8.self)
            list(found, response.target)
        }
        // The names of a listing are those of paths.
        guard response.status != 200 || !response.target.hasSuffix("/"),
            let (body, found) = replacements.replaceKnown(in: response.body)
        else { return response }
        response.replaceBody(by: body)
        list(found, response.target)
        return response
    }

    private func isKept(_ names: [String]) -> Bool { kept.contains { names.starts(with: $0) } }

    private mutating func list(_ found: [SecretKind], _ target: String) {
        for kind in SecretKind.allCases {
            let count = found.count { $0 == kind }
            guard count > 0 else { continue }
            let key = "\(kind.rawValue) \(target)"
            if let index = listed[key] {
                redactions[index].count += count
            } else {
                listed[key] = redactions.count
                redactions.append(Recording.Redaction(target: target, what: kind.rawValue, count: count))
            }
        }
    }
}

extension RecordedResponse {
    /// Has another body, of which `Content-Length` says the size.
    fileprivate mutating func replaceBody(by new: [UInt8]) {
        guard new != body else { return }
        body = new
        for index in fields.indices where fields[index].name.lowercased() == "content-length" {
            fields[index].value = String(new.count)
        }
    }
}

/// How a path's body is examined.
private enum RedactedPlace: Hashable {
    /// The operator's: anything may be in it.
    case userData
    /// Credentials of a role, which must have some.
    case credentials
    /// Replaced in whole.
    case whole(SecretKind)
    case accountNumber
    case seeded
    case other

    static let secretFields: Set<String> = ["set-cookie", "authorization", "x-aws-ec2-metadata-token"]
    /// The operator's texts, in the trees of all clouds.
    private static let userDataNames: Set<String> = [
        "user-data", "user_data", "userdata", "vendor-data", "vendor_data", "vendordata", "vendor_data.json", "vendor_data2.json",
        "network-config", "custom-data", "customdata", "startup-script", "user-data-base64",
    ]

    /// Whether a header field, in small letters, is a secret by its name.
    static func isSecretField(_ name: String) -> Bool {
        secretFields.contains(name) || SecretNames.kind(of: name).map { $0 != .account } ?? false
    }

    /// The names of a target below its version.
    static func names(of target: String) -> [String] {
        var names = TreePath(target: target)?.names ?? []
        if names.first == "openstack" {
            names = Array(names.dropFirst(names.count > 1 && names[1] != "content" ? 2 : 1))
        } else if names.first == "nocloud" || names.first == "latest" || names.first?.utf8.first.map({ $0 < 0x3A }) == true {
            names = Array(names.dropFirst())
        }
        return names
    }

    init(_ names: [String], isListing: Bool) {
        let last = names.last ?? ""
        if !isListing, names.contains(where: Self.userDataNames.contains) || names.first == "content" {
            self = .userData
        } else if let index = names.firstIndex(where: { $0.hasPrefix("security-credentials") }), index < names.count - 1 {
            self = .credentials
        } else if names.contains("managed-ssh-keys"), last != "managed-ssh-keys" {
            self = .whole(.opaque)
        } else if names.contains("instance-identity"), ["pkcs7", "rsa2048", "signature"].contains(last) {
            self = .whole(.signature)
        } else if names == ["password"] {
            self = .whole(.password)
        } else if last == "owner-id" {
            self = .accountNumber
        } else if last == "meta_data.json" {
            self = .seeded
        } else if !isListing, let kind = SecretNames.kind(of: last), kind != .account {
            self = .whole(.password)
        } else {
            self = .other
        }
    }

    func redacted(_ body: [UInt8], _ replacements: inout SecretReplacements) -> (body: [UInt8], found: [SecretKind]) {
        switch self {
        case .whole(let kind):
            let text = String(decoding: body, as: UTF8.self)
            return (Array(replacements.replacement(for: text, kind).utf8), [kind])
        case .accountNumber:
            replacements.learnAccount(String(decoding: body, as: UTF8.self))
        default: break
        }
        if self == .userData, body.contains(0) || String(validating: body, as: UTF8.self) == nil {
            let note = "#cloud-config\n# REDACTED: \(body.count) bytes that are not text\n"
            return (Array(note.utf8), [.opaque])
        }
        if body.contains(0) || String(validating: body, as: UTF8.self) == nil { return (Array("REDACTED".utf8), [.opaque]) }
        var scan = SecretScan(body, examinesBase64: self == .userData, seeds: self == .seeded)
        if self == .userData, !scan.findStructured() {
            let note = "#cloud-config\n# REDACTED: \(body.count) bytes with a secret over several lines\n"
            return (Array(note.utf8), [.opaque])
        }
        if self == .credentials, scan.found.isEmpty {
            return (Array("REDACTED".utf8), [.token])
        }
        return replacements.replace(scan.found, in: body)
    }
}
