import CLinux
import Common
import Glibc
import Netlink

/// Queries of nftables without libnftables: builds requests of nfnetlink (`<linux/netfilter/nf_tables.h>`) and parses the answers. It
/// does no I/O.
///
/// Their fixed part is `struct nfgenmsg`: a family, a version, and a big-endian number. Numbers in attributes are big-endian too.
enum NFTablesQuery {
    static let fixedLength = 4
    /// The most bytes of a name (`NFT_NAME_MAXLEN` less its zero).
    static let mostBytesOfName = Int(NFT_NAME_MAXLEN) - 1

    /// The families of nft(8), as `<linux/netfilter.h>` numbers them.
    private static let families = [
        "ip": NFPROTO_IPV4, "ip6": NFPROTO_IPV6, "inet": NFPROTO_INET, "arp": NFPROTO_ARP, "bridge": NFPROTO_BRIDGE,
        "netdev": NFPROTO_NETDEV,
    ]

    /// The number of a family, such as `bridge`; `nil` where nft(8) has no such family.
    static func family(_ name: String) -> UInt8? {
        families[name].map { UInt8(truncatingIfNeeded: Int($0)) }
    }

    /// Whether a table or a counter can have that name.
    static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= mostBytesOfName && !name.utf8.contains(0)
    }

    /// `NFT_MSG_GETGEN`: the generation of all tables. It always exists, and needs CAP_NET_ADMIN as all these queries do.
    static func generation() -> Netlink.Request {
        request("NFT_MSG_GETGEN", Int(NFT_MSG_GETGEN.rawValue), family: 0)
    }

    /// `NFT_MSG_GETTABLE`, answered by `.noSuchEntry` where the table does not exist.
    static func table(_ name: String, family: UInt8) -> Netlink.Request {
        var request = request("NFT_MSG_GETTABLE", Int(NFT_MSG_GETTABLE.rawValue), family: family)
        request.add(Int(NFTA_TABLE_NAME.rawValue), Array(name.utf8) + [0])
        return request
    }

    /// `NFT_MSG_GETOBJ` for a counter, answered by `.noSuchEntry` where the counter or the table does not exist.
    static func counter(_ name: String, table: String, family: UInt8) -> Netlink.Request {
        var request = request("NFT_MSG_GETOBJ", Int(NFT_MSG_GETOBJ.rawValue), family: family)
        request.add(Int(NFTA_OBJ_TABLE.rawValue), Array(table.utf8) + [0])
        request.add(Int(NFTA_OBJ_NAME.rawValue), Array(name.utf8) + [0])
        request.add(Int(NFTA_OBJ_TYPE.rawValue), Netlink.bytes(of: UInt32(NFT_OBJECT_COUNTER).bigEndian))
        return request
    }

    /// The comment in an `NFT_MSG_NEWTABLE`: the user data of a table is a list of a type, a length, each a byte, and a
    /// value; the comment is of type 0 and ends with a zero (libnftnl's `udata.h`). `nil` where there is none.
    /// - Throws: `.foreignAnswer`, `.malformedAnswer`.
    static func comment(in answer: Netlink.Message, _ operation: String) throws(KernelError) -> String? {
        let kept = try values(in: answer, type: Int(NFT_MSG_NEWTABLE.rawValue), operation)[Int(NFTA_TABLE_USERDATA.rawValue)]
        var rest = kept ?? []
        while let type = rest.popFirst() {
            guard let length = rest.popFirst(), rest.count >= Int(length) else {
                throw KernelError(.malformedAnswer, in: operation)
            }
            if type == 0 { return String(decoding: rest.prefix(Int(length)).prefix { $0 != 0 }, as: UTF8.self) }
            rest = rest.dropFirst(Int(length))
        }
        return nil
    }

    /// The packets in an `NFT_MSG_NEWOBJ` of a counter.
    /// - Throws: `.foreignAnswer`, `.malformedAnswer`.
    static func packets(in answer: Netlink.Message, _ operation: String) throws(KernelError) -> UInt64 {
        let values = try values(in: answer, type: Int(NFT_MSG_NEWOBJ.rawValue), operation)
        guard let data = values[Int(NFTA_OBJ_DATA.rawValue)] else { throw KernelError(.malformedAnswer, in: operation) }
        let nested = Netlink.Message(type: answer.type, sequence: answer.sequence, content: data)
        let counts = try Netlink.attributes(of: nested, after: 0, operation)
        guard let packets = counts.first(where: { $0.type == Int(NFTA_COUNTER_PACKETS.rawValue) }),
            let number: UInt64 = Netlink.number(in: packets.value, at: 0)
        else { throw KernelError(.malformedAnswer, in: operation) }
        return UInt64(bigEndian: number)
    }

    private static func values(
        in answer: Netlink.Message, type: Int, _ operation: String
    ) throws(KernelError) -> [Int: ArraySlice<UInt8>] {
        guard answer.type == number(type) else { throw KernelError(.foreignAnswer, in: operation) }
        let attributes = try Netlink.attributes(of: answer, after: fixedLength, operation)
        return Dictionary(attributes.map { ($0.type, $0.value) }) { first, _ in first }
    }

    private static func request(_ operation: String, _ type: Int, family: UInt8) -> Netlink.Request {
        Netlink.Request(operation, type: number(type), fixed: [family, UInt8(NFNETLINK_V0), 0, 0])
    }

    /// The type of a message, after the number of the subsystem.
    private static func number(_ type: Int) -> Int { Int(NFNL_SUBSYS_NFTABLES) << 8 | type }
}
