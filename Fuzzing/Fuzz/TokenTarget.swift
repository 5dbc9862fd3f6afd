import Common
import Glibc
import Identity
import NIOHTTP1
import RequestOracle

@testable import Guests

/// What a guest says of itself in fields of a request: the first line is a session token, the others are `X-Forwarded-For`.
///
/// Nobody can make a token without the key, so of all texts only those open a domain that the authority made for it.
enum TokenTarget {
    static func run(_ input: [UInt8]) -> Int32 {
        let lines = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let texts = lines.map { String(decoding: $0, as: UTF8.self) }
        for guest in World.shared.guests { check(texts[0], of: guest) }
        checkForwarding(Array(texts.dropFirst()))
        return 0
    }

    private static func check(_ token: String, of guest: World.Guest) {
        let world = World.shared
        let isGood = guest.tokens.contains { $0.utf8.elementsEqual(token.utf8) }
        let expiry = world.authority.expiry(of: token, for: guest.instance.domain, at: World.time)
        guard (expiry != nil) == isGood else {
            fatalError("\(guest.instance.domainName) is opened by \(token), or not by its own")
        }
        if let expiry, world.authority.expiry(of: token, for: guest.instance.domain, at: expiry) != nil {
            fatalError("a token outlives its expiry")
        }
        // The second time it is remembered, where it is good.
        for _ in 1...2 {
            let isAdmitted = world.tokens.admits(.once(token), to: guest.instance)
            guard isAdmitted == isGood else { fatalError("\(guest.instance.domainName) admits \(token), or not its own") }
        }
    }

    /// A client that a proxy names is at the one address that it wrote; nobody else's word is listened to.
    private static func checkForwarding(_ fields: [String]) {
        let headers = HTTPHeaders(fields.map { ("X-Forwarded-For", $0) })
        guard let proxy = IPAddress(World.proxy), let guest = IPAddress(World.shared.guests[0].address) else { return }
        let request = RequestOracle.request(HTTPRequestHead(version: .http1_1, method: .PUT, uri: "/", headers: headers))
        let lookup = World.shared.lookup
        let own = Client(address: guest, mac: nil, entrance: .unknown)
        guard lookup.client(of: request, over: own) == own else { fatalError("a guest named another by \(fields)") }
        let session = lookup.clientOfSession(request, over: own)
        guard session == (fields.isEmpty ? own : nil) else { fatalError("a guest that is forwarded begins a session: \(fields)") }

        let connection = Client(address: proxy, mac: nil, entrance: .unknown)
        let client = lookup.client(of: request, over: connection)
        if fields.isEmpty, client != connection { fatalError("a proxy asks for \(client.debugDescription) without a word") }
        guard !fields.isEmpty, let client else { return }
        guard fields.count == 1, isAddress(fields[0]) else { fatalError("\(fields) names \(client)") }
    }

    /// Whether a field is one address, by the C library's word, between white space.
    private static func isAddress(_ field: String) -> Bool {
        let isSpace = { (scalar: Unicode.Scalar) in scalar == " " || scalar == "\t" }
        let scalars = field.unicodeScalars.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        var text = String(String.UnicodeScalarView(scalars))
        if text.contains(":"), let zone = text.firstIndex(of: "%") { text = String(text[..<zone]) }
        var octets = [UInt8](repeating: 0, count: 16)
        // Safe: inet_pton(3) writes at most the 16 octets of an IPv6 address.
        return unsafe inet_pton(AF_INET, text, &octets) == 1 || inet_pton(AF_INET6, text, &octets) == 1
    }
}
