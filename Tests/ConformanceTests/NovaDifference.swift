import Common
import JSON

/// One thing in which an answer of ours is not Nova's.
struct NovaDifference: CustomStringConvertible {
    /// The path as it was asked.
    let target: String
    /// What is different: `status`, `content-type`, `error page`, `body`, `line`, `line order`, `spelling`, `field NAME` or
    /// `field order`.
    let what: String
    /// Nova's; `–` if it has no such thing.
    let nova: String
    /// Ours; `–` if we have no such thing.
    let ours: String

    static let nothing = "–"

    /// The path that remains when escapes, empty names, dots and the query are gone; the target itself if there is none.
    var path: String { TreePath(target: target)?.description ?? target }

    var description: String { "\(target): \(what): nova `\(nova)`, ours `\(ours)`" }

    /// In what our answer to a path is not Nova's; none where all is the same.
    ///
    /// The bodies of errors that Nova did not catch are not Nova's, and random bytes are not compared.
    static func all(of reply: NovaCrawl.Reply, _ question: Question) throws -> [NovaDifference] {
        guard let node = answer(to: reply.target, question) else {
            if reply.status != 404 { return [NovaDifference(reply, "status", String(reply.status), "404")] }
            return [NovaDifference(reply, "error page", reply.contentType, "text/plain; charset=UTF-8")]
        }
        guard reply.status == 200 else { return [NovaDifference(reply, "status", String(reply.status), "200")] }
        let content = node.content
        let body = String(decoding: content.bytes, as: UTF8.self)
        // As the server's `Reply` writes them.
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

    /// Whether our encoding spells Nova's document otherwise: shown by the first escape that differs.
    private static func spelling(of document: JSONValue, in reply: NovaCrawl.Reply) -> [NovaDifference] {
        let ours = JSONEncoding.text(document)
        guard ours != reply.body else { return [] }
        let escapes = zip(reply.body.matches(of: /\\u[0-9a-fA-F]{4}/), ours.matches(of: /\\u[0-9a-fA-F]{4}/)).map {
            (nova: String($0.output), ours: String($1.output))
        }
        let first = escapes.first { $0.nova != $0.ours }
        // Where the letters of the escapes are not all that differs, nothing short would say it.
        guard let first, ours.lowercased() == reply.body.lowercased() else {
            return [NovaDifference(reply, "spelling", shown(reply.body), shown(ours))]
        }
        return [NovaDifference(reply, "spelling", first.nova, first.ours)]
    }

    private static func fields(_ nova: JSONValue, _ ours: JSONValue, at place: String, in reply: NovaCrawl.Reply)
        -> [NovaDifference]
    {
        switch (nova, ours) {
        case (.string, .string) where place == "random_seed": []
        case (.object(let theirs), .object(let members)):
            objects(theirs, members, at: place, in: reply)
        case (.array(let theirs), .array(let elements)):
            (0..<max(theirs.count, elements.count)).flatMap { index -> [NovaDifference] in
                let inner = "\(place)[\(index)]"
                guard index < theirs.count else { return [added(elements[index], at: inner, in: reply)] }
                guard index < elements.count else { return [missing(theirs[index], at: inner, in: reply)] }
                return fields(theirs[index], elements[index], at: inner, in: reply)
            }
        default:
            nova == ours
                ? [] : [NovaDifference(reply, "field \(place)", JSONEncoding.text(nova), JSONEncoding.text(ours))]
        }
    }

    private static func objects(
        _ nova: [JSONMember], _ ours: [JSONMember], at place: String, in reply: NovaCrawl.Reply
    ) -> [NovaDifference] {
        let prefix = place.isEmpty ? "" : place + "."
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
            let what = place.isEmpty ? "field order" : "field order of \(place)"
            differences.append(NovaDifference(reply, what, common.joined(separator: " "), kept.joined(separator: " ")))
        }
        return differences
    }

    private static func missing(_ value: JSONValue, at place: String, in reply: NovaCrawl.Reply) -> NovaDifference {
        NovaDifference(reply, "field \(place)", JSONEncoding.text(value), nothing)
    }

    private static func added(_ value: JSONValue, at place: String, in reply: NovaCrawl.Reply) -> NovaDifference {
        NovaDifference(reply, "field \(place)", nothing, JSONEncoding.text(value))
    }
}

extension NovaCrawl.Reply {
    /// The path that was asked, without its query.
    fileprivate var path: String { TreePath(target: target)?.description ?? target }
}
