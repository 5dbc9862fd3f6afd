import Common
import FoundationEssentials
import JSON

/// Nova's responses to every path of a crawl, in the order of the requests; `fixtures/nova/README.md` explains how they were
/// recorded.
struct NovaCrawl {
    /// A requested path and its response.
    struct Reply {
        let target: String
        let status: Int
        let contentType: String
        let body: String
    }

    let replies: [Reply]

    /// Reads the crawl of a case.
    init(case name: String) throws {
        let bytes = try Fixtures.bytes(of: Fixtures.folder.appending(path: "nova/golden-\(name).json"))
        guard case .object(let members) = try JSONParsing.value(of: bytes) else { throw Malformed() }
        replies = try members.map { member in
            guard case .integer(let status) = member.value["status"], case .string(let type) = member.value["content_type"],
                case .string(let body) = member.value["body"]
            else { throw Malformed() }
            return Reply(target: member.name, status: Int(status), contentType: type, body: body)
        }
    }

    struct Malformed: Error {}
}
