import Common
import FoundationEssentials
import JSON

/// What Nova answered to every path of a crawl, in the order in which they were asked; `fixtures/nova/README.md` says how.
struct NovaCrawl {
    /// A path as it was asked, and its answer.
    struct Reply {
        let target: String
        let status: Int
        let contentType: String
        let body: String
    }

    let replies: [Reply]

    /// Reads the crawl of a story.
    init(story: String) throws {
        let bytes = try Fixtures.bytes(of: Fixtures.folder.appending(path: "nova/golden-\(story).json"))
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
