import Common
import JSON

/// A difference between a response of virt-metadata and Nova's.
struct NovaDifference: CustomStringConvertible {
    /// The requested path.
    let target: String
    /// The kind of difference: `status`, `content-type`, `error page`, `body`, `line`, `line order`, `spelling`, `field NAME` or
    /// `field order`.
    let what: String
    /// Nova's value; `–` if Nova has none.
    let nova: String
    /// The value of virt-metadata; `–` if it has none.
    let ours: String

    static let nothing = "–"

    /// The canonical path, without escapes, empty names, dots and query; the target itself if it is not a valid path.
    var path: String { TreePath(target: target)?.description ?? target }

    var description: String { "\(target): \(what): nova `\(nova)`, ours `\(ours)`" }

    /// The differences in the response to a path; empty if there are none.
    ///
    /// The bodies of errors that Nova did not catch do not come from Nova, and random bytes are not compared.
    static func all(of reply: NovaCrawl.Reply, _ question: Question) throws -> [NovaDifference] {
        guard let node = answer(to: reply.target, question) else {
            if reply.status != 404 { return [NovaDifference(reply, "status", String(reply.status), "404")] }
            return [NovaDifference(reply, "error page", reply.contentType, "text/plain; charset=UTF-8")]
        }
        guard reply.status == 200 else { return [NovaDifference(reply, "status", String(reply.status), "200")] }
        let content = try node.content
        let body = String(decoding: content.bytes, as: UTF8.self)
        // As in the server's `Reply`.
        let type =
            switch content.type {
            case .plainText: "text/plain; charset=UTF-8"
            case .json: "application/json"
            }
        var differences = type == reply.contentType ? [] : [NovaDifference(reply, "content-type", reply.contentType, type)]
        if reply.path.hasSuffix(".json") {
            let (nova, ours) = (try JSONParsing.value(of: reply.body), try JSONParsing.value(of: content.bytes))
            differences += spelling(of: nova, in: reply) + fields(nova, ours, at: "", in: reply)
        } else if isListing(node, at: reply.target) {
            differences += lines(reply.body.split(separator: "\n"), body.split(separator: "\n"), in: reply)
        } else if !body.utf8.elementsEqual(reply.body.utf8) {
            differences.append(NovaDifference(reply, "body", shown(reply.body), shown(body)))
        }
        return differences
    }

    private init(_ reply: NovaCrawl.Reply, _ what: String, _ nova: String, _ ours: String) {
        (self.target, self.what, self.nova, self.ours) = (reply.target, what, nova, ours)
    }

    private static func isListing(_ node: Node, at target: String) -> Bool {
        if case .directory = node { return true }
        return TreePath(target: target)?.names == []
    }

    private static func shown(_ text: String) -> String {
        text.replacing("\n", with: "\\n")
    }

    // MARK: Listings

    private static func lines(_ nova: [Substring], _ ours: [Substring], in reply: NovaCrawl.Reply) -> [NovaDifference] {
        let (common, kept) = (nova.filter(ours.contains), ours.filter(nova.contains))
        return nova.filter { !ours.contains($0) }.map { NovaDifference(reply, "line", String($0), nothing) }
            + ours.filter { !nova.contains($0) }.map { NovaDifference(reply, "line", nothing, String($0)) }
            + (common == kept
                ? [] : [NovaDifference(reply, "line order", common.joined(separator: " "), kept.joined(separator: " "))])
    }

    // MARK: Documents

    /// Whether the JSON encoding differs from Nova's: reported by the first different escape.
    private static func spelling(of document: JSONValue, in reply: NovaCrawl.Reply) -> [NovaDifference] {
        let ours = JSONEncoding.text(document)
        guard ours != reply.body else { return [] }
        let escapes = zip(reply.body.matches(of: /\\u[0-9a-fA-F]{4}/), ours.matches(of: /\\u[0-9a-fA-F]{4}/)).map {
            (nova: String($0.output), ours: String($1.output))
        }
        let first = escapes.first { $0.nova != $0.ours }
        // If more than the case of the escapes differs, the whole body is reported.
        guard let first, ours.lowercased() == reply.body.lowercased() else {
            return [NovaDifference(reply, "spelling", shown(reply.body), shown(ours))]
        }
        return [NovaDifference(reply, "spelling", first.nova, first.ours)]
    }

    private static func fields(_ nova: JSONValue, _ ours: JSONValue, at path: String, in reply: NovaCrawl.Reply)
        -> [NovaDifference]
    {
        switch (nova, ours) {
        case (.string, .string) where path == "random_seed": []
        case (.object(let theirs), .object(let members)):
            objects(theirs, members, at: path, in: reply)
        case (.array(let theirs), .array(let elements)):
            (0..<max(theirs.count, elements.count)).flatMap { index -> [NovaDifference] in
                let inner = "\(path)[\(index)]"
                guard index < theirs.count else { return [added(elements[index], at: inner, in: reply)] }
                guard index < elements.count else { return [missing(theirs[index], at: inner, in: reply)] }
                return fields(theirs[index], elements[index], at: inner, in: reply)
            }
        default:
            nova == ours
                ? [] : [NovaDifference(reply, "field \(path)", JSONEncoding.text(nova), JSONEncoding.text(ours))]
        }
    }

    private static func objects(
        _ nova: [JSONMember], _ ours: [JSONMember], at path: String, in reply: NovaCrawl.Reply
    ) -> [NovaDifference] {
        let prefix = path.isEmpty ? "" : path + "."
        let (theirNames, ourNames) = (nova.map(\.name), ours.map(\.name))
        let (common, kept) = (theirNames.filter(ourNames.contains), ourNames.filter(theirNames.contains))
        var differences = nova.flatMap { member -> [NovaDifference] in
            guard let value = JSONValue.object(ours)[member.name] else {
                return [missing(member.value, at: prefix + member.name, in: reply)]
            }
            return fields(member.value, value, at: prefix + member.name, in: reply)
        }
        differences += ours.filter { !theirNames.contains($0.name) }.map { added($0.value, at: prefix + $0.name, in: reply) }
        if common != kept {
            let what = path.isEmpty ? "field order" : "field order of \(path)"
            differences.append(NovaDifference(reply, what, common.joined(separator: " "), kept.joined(separator: " ")))
        }
        return differences
    }

    private static func missing(_ value: JSONValue, at path: String, in reply: NovaCrawl.Reply) -> NovaDifference {
        NovaDifference(reply, "field \(path)", JSONEncoding.text(value), nothing)
    }

    private static func added(_ value: JSONValue, at path: String, in reply: NovaCrawl.Reply) -> NovaDifference {
        NovaDifference(reply, "field \(path)", nothing, JSONEncoding.text(value))
    }
}

extension NovaCrawl.Reply {
    /// The requested path, without its query.
    fileprivate var path: String { TreePath(target: target)?.description ?? target }
}
