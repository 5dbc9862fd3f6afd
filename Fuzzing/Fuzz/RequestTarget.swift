import Common
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import Configuration
@testable import Guests

/// What a guest sends over one connection, from its bytes to those of the replies, through the server's own loop and a real
/// socket.
///
/// The first byte says who sends: the last digit of an address in 127.0.0.0/24, `a` for an agent of Neutron's, `e` for a stranger
/// before the inventory is complete. The second says in pieces of how many bytes, a space in one piece. After a full stop as
/// the third the guest sends no more, else it is silent until its time is over.
enum RequestTarget {
    static func run(_ input: [UInt8]) -> Int32 {
        guard input.count > 3 else { return -1 }
        let sender = Sender(input[0])
        let connection = LoopbackConnection(of: sender)
        let size = input[1] == UInt8(ascii: " ") ? input.count : max(1, Int(input[1]))
        connection.send(input[3...], inPiecesOf: size)
        if input[2] == UInt8(ascii: ".") { connection.halfClose() }
        connection.wait()
        let requests = Observer.requests(in: Array(input[3...]), isEnded: input[2] == UInt8(ascii: "."))
        Exchange(sender, requests, connection.replies, isOverrun: connection.isOverrun).check()
        return 0
    }
}

/// Who sends, and who answers.
struct Sender {
    let address: String
    let responder: GuestResponder
    let isAgent: Bool

    init(_ byte: UInt8) {
        isAgent = byte == UInt8(ascii: "a")
        let isEarly = byte == UInt8(ascii: "e")
        address = isAgent ? World.proxy : "127.0.0.\(isEarly ? 5 : byte & 0xF)"
        responder = isAgent ? World.shared.agents : isEarly ? World.shared.early : World.shared.responder
    }

    /// Whose metadata a request may be answered with, going by the parsed request alone.
    func guest(for head: HTTPRequestHead) -> World.Guest? {
        guard let guest = owner(named: head.headers), isOpen(guest, to: head.headers) else { return nil }
        return guest
    }

    /// Who a request is about, whatever it may read.
    func owner(named headers: HTTPHeaders) -> World.Guest? {
        let guests = World.shared.guests
        if isAgent {
            let (ids, codes) = (headers["X-Instance-ID"], headers["X-Instance-ID-Signature"])
            return guests.first { ids == [$0.instance.uuid.description] && codes == [World.signature] }
        }
        guard address == World.proxy, let field = headers["X-Forwarded-For"].first else {
            return guests.first { $0.address == address }
        }
        return guests.first { IPAddress(field.filter { $0 != " " && $0 != "\t" }) == IPAddress($0.address) }
    }

    private func isOpen(_ guest: World.Guest, to headers: HTTPHeaders) -> Bool {
        let fields = headers["\(SessionTokens.tokenField)"]
        guard let field = fields.first else { return guest.instance.sessions.tokens != .required }
        return fields.count == 1 && guest.tokens.contains(field)
    }
}

/// Whether a connection met the bound of requests that wait.
final class ExceededLimits: Sendable {
    private let met = Locked(false)
    var areMet: Bool { met.withLock { $0 } }

    func note(_ limit: ConnectionLimits.Exceeded) {
        if limit == .waitingRequests { met.withLock { $0 = true } }
    }
}

/// What NIO's decoder, and so another parser than the server's, sees in the bytes of a connection.
final class Observer: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    struct Requests {
        var heads: [HTTPRequestHead] = []
        var whole = 0
        var isBad = false
    }

    private var requests = Requests()

    /// - Parameter isEnded: whether the bytes end, and not only stop.
    static func requests(in bytes: [UInt8], isEnded: Bool) -> Requests {
        let observer = Observer()
        let decoder = ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes))
        let channel = EmbeddedChannel(handlers: [decoder, observer])
        channel.pipeline.fireChannelRead(ByteBuffer(bytes: bytes))
        if isEnded { channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        let requests = observer.requests
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return requests
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): requests.heads.append(head)
        case .body: break
        case .end: requests.whole += 1
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { requests.isBad = true }
}

/// What was asked over a connection, and what was replied: each reply is whole, answers a request, and tells its guest of itself alone.
struct Exchange {
    private let sender: Sender
    private let requests: Observer.Requests
    private let replies: [ParsedReply]
    private let isOverrun: Bool

    init(_ sender: Sender, _ requests: Observer.Requests, _ bytes: [UInt8], isOverrun: Bool) {
        (self.sender, self.requests, self.isOverrun) = (sender, requests, isOverrun)
        var (rest, replies): (ArraySlice<UInt8>, [ParsedReply]) = (bytes[...], [])
        while !rest.isEmpty {
            let isToHead = replies.count < requests.heads.count && requests.heads[replies.count].method == .HEAD
            guard let reply = ParsedReply(startOf: Array(rest), toHead: isToHead) else {
                fatalError("no reply: \(String(decoding: rest, as: UTF8.self))")
            }
            rest = rest.dropFirst(reply.bytes.count)
            if reply.status != 100 { replies.append(reply) }
        }
        self.replies = replies
    }

    func check() {
        let heads = requests.heads
        for (index, reply) in replies.enumerated() {
            let head = index < heads.count ? heads[index] : nil
            require(reply.isWhole(toHead: head?.method == .HEAD), "a reply has another length than it says", reply)
            require(!reply.isLast || index == replies.count - 1, "something follows the last reply", reply)
            require(head != nil || reply.isRefusal && reply.isLast, "nobody asked for this", reply)
            require(index < requests.whole || reply.isRefusal && reply.isLast, "a request is answered that is not whole", reply)
            checkSecrecy(of: reply, to: head)
        }
        let isOver = replies.last?.isLast ?? false
        guard requests.isBad || replies.count != requests.whole else { return }
        guard isOver || isOverrun else { fatalError("\(requests) got \(replies.count) replies, and the last one does not close") }
    }

    private func checkSecrecy(of reply: ParsedReply, to head: HTTPRequestHead?) {
        let guest = head.flatMap { sender.guest(for: $0) }
        for other in World.shared.guests where other.instance !== guest?.instance {
            let told = other.canaries.first { reply.contains($0) }
            require(told == nil, "\(other.instance.domainName)'s own is told to \(guest?.instance.domainName ?? "nobody")", reply)
        }
        guard reply.fields["x-aws-ec2-metadata-token-ttl-seconds"] != nil, let head else { return }
        require(sender.owner(named: head.headers) != nil, "a token is given to nobody", reply)
    }

    private func require(_ holds: Bool, _ problem: @autoclosure () -> String, _ reply: ParsedReply) {
        guard !holds else { return }
        fatalError("\(problem()): \(requests.heads) got \(String(decoding: reply.bytes, as: UTF8.self))")
    }
}

/// The bytes of a reply, read by other eyes than ours.
struct ParsedReply {
    let bytes: [UInt8]
    let status: Int
    /// By their names in small letters.
    let fields: [Substring: Substring]
    private let body: ArraySlice<UInt8>

    /// The first reply of some; `nil` where they begin with none.
    init?(startOf bytes: [UInt8], toHead isToHead: Bool) {
        let end = Array("\r\n\r\n".utf8)
        guard let start = Self.index(of: end, in: bytes), let text = String(validating: bytes[..<start], as: UTF8.self) else {
            return nil
        }
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", maxSplits: 2)
        guard words.count == 3, words[0] == "HTTP/1.1", let status = Int(words[1]), (100...599).contains(status) else {
            return nil
        }
        var fields: [Substring: Substring] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstRange(of: ": "), !line.utf8.contains(where: { $0 < 0x20 }) else { return nil }
            let name = Substring(line[..<colon.lowerBound].lowercased())
            guard fields.updateValue(line[colon.upperBound...], forKey: name) == nil else { return nil }
        }
        (self.status, self.fields) = (status, fields)
        let length = isToHead ? 0 : fields["content-length"].flatMap { Int($0) } ?? 0
        body = bytes[(start + end.count)...].prefix(length)
        self.bytes = Array(bytes[..<body.endIndex])
    }

    /// Whether it is the connection's last.
    var isLast: Bool { fields["connection"] == "close" }

    /// Whether it can be said of what is no request, or none that is whole.
    var isRefusal: Bool { [400, 408, 413, 431].contains(status) }

    /// Whether its body has the length that it says.
    func isWhole(toHead: Bool) -> Bool {
        guard let length = fields["content-length"].flatMap({ Int($0) }) else { return false }
        return toHead ? body.isEmpty : body.count == length
    }

    func contains(_ text: [UInt8]) -> Bool { Self.index(of: text, in: bytes) != nil }

    private static func index(of text: [UInt8], in bytes: [UInt8]) -> Int? {
        bytes.firstRange(of: text)?.lowerBound
    }
}
