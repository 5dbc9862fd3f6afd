import Common
import Comparison
import Recording

/// A difference between a response of virt-metadata and Nova's.
struct NovaDifference: CustomStringConvertible {
    /// The requested path.
    let target: String
    /// The kind of difference, as `ResponseDifference` names it.
    let what: String
    /// Nova's value; `–` if Nova has none.
    let nova: String
    /// The value of virt-metadata; `–` if it has none.
    let ours: String

    /// The canonical path, without escapes, empty names, dots and query; the target itself if it is not a valid path.
    var path: String { TreePath(target: target)?.description ?? target }

    var description: String { "\(target): \(what): nova `\(nova)`, ours `\(ours)`" }

    /// The differences in the response to a path; empty if there are none.
    ///
    /// The bodies of errors that Nova did not catch do not come from Nova, and random bytes are not compared.
    static func all(of reply: NovaCrawl.Reply, _ question: Question) throws -> [NovaDifference] {
        let theirs = RecordedResponse(
            target: reply.target, status: reply.status, fields: [.init("Content-Type", reply.contentType)],
            body: Array(reply.body.utf8))
        var ours = RecordedResponse(
            target: reply.target, status: 404, fields: [.init("Content-Type", "text/plain; charset=UTF-8")])
        var isListing = TreePath(target: reply.target)?.names == []
        if let node = answer(to: reply.target, question) {
            let content = try node.content
            // As in the server's `Reply`.
            if content.type == .json { ours.fields[0].value = "application/json" }
            (ours.status, ours.body) = (200, content.bytes)
            if case .directory = node { isListing = true }
        }
        return ResponseDifference.all(at: reply.target, theirs, ours, isListing: isListing).map {
            NovaDifference(target: $0.target, what: $0.what, nova: $0.left, ours: $0.right)
        }
    }
}
