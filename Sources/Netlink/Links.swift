import CLinux
package import Common
import Glibc

/// The network links of the kernel (`ip-link(8)`), by name and by index.
///
/// A recreated link has another index, even under the same name. All queries use the network namespace of the calling thread.
package enum Links {
    /// The name of a link, by `if_indextoname(3)`; `nil` where no link has that index.
    /// - Throws: `KernelError` where the query fails, for lack of file descriptors.
    package static func name(ofInterface index: Int32) throws(KernelError) -> String? {
        guard index > 0 else { return nil }
        var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
        // Safe: if_indextoname(3) writes at most IF_NAMESIZE bytes, the last of them zero.
        guard unsafe if_indextoname(UInt32(index), &name) != nil else {
            let error = KernelError.last(in: "if_indextoname")
            guard error.code == .noSuchAddress || error.code == .noSuchDevice else { throw error }
            return nil
        }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The index of a link, by `if_nametoindex(3)`: 1 or more; `nil` where no link has that name.
    /// - Throws: `KernelError` where the query fails, for lack of file descriptors.
    package static func index(ofInterface name: String) throws(KernelError) -> Int32? {
        guard !name.utf8.contains(0) else { return nil }
        // Safe: if_nametoindex(3) reads the name up to its zero and keeps no pointer.
        let index = unsafe if_nametoindex(name)
        guard index == 0 else { return Int32(exactly: index) }
        let error = KernelError.last(in: "if_nametoindex")
        guard error.code == .noSuchDevice else { throw error }
        return nil
    }
}

extension Links {
    /// Every link, in the kernel's order, by `RTM_GETLINK`; about 2 µs for each.
    /// - Throws: `KernelError`; `.interrupted` where links change all the time, `.answerTooLong` where there are more than
    ///   262,144, `.noAnswer` after a second, `.malformedAnswer`.
    package static func all() throws(KernelError) -> [Link] {
        try list(request(flags: NLM_F_DUMP))
    }

    /// The ports of a bridge; none where no link has that index, or it is not a bridge.
    /// - Throws: As `all` does.
    package static func ports(ofBridge index: Int32) throws(KernelError) -> [Link] {
        guard index > 0 else { return [] }
        var request = request(flags: NLM_F_DUMP)
        request.add(Int(IFLA_MASTER), Netlink.bytes(of: index))
        // Old kernels ignore the filter and list all links.
        return try list(request).filter { $0.master == index }
    }

    /// The link of that name; `nil` where there is none, also for a name that no link can have.
    /// - Throws: `KernelError`; `.noAnswer` after a second, `.malformedAnswer`, `.foreignAnswer`.
    package static func link(named name: String) throws(KernelError) -> Link? {
        guard !name.isEmpty, name.utf8.count < Int(IF_NAMESIZE), !name.utf8.contains(0) else { return nil }
        var request = request(flags: 0)
        request.add(Int(IFLA_IFNAME), Array(name.utf8) + [0])
        do throws(KernelError) {
            var socket = try NetlinkSocket(protocol: NETLINK_ROUTE)
            guard let answer = try socket.ask(request) else { return nil }
            let link = try Link(answer, request.operation)
            // The kernel also finds a link by its alternative names.
            return link.name == name ? link : nil
        } catch {
            guard error.code == .noSuchDevice else { throw error }
            return nil
        }
    }

    /// The link of that index; `nil` where there is none. It takes some ten microseconds.
    /// - Throws: `KernelError`; `.noAnswer` after a second, `.malformedAnswer`, `.foreignAnswer`.
    package static func link(at index: Int32) throws(KernelError) -> Link? {
        guard index > 0 else { return nil }
        let request = request(flags: 0, index: index)
        do throws(KernelError) {
            var socket = try NetlinkSocket(protocol: NETLINK_ROUTE)
            guard let answer = try socket.ask(request) else { return nil }
            let link = try Link(answer, request.operation)
            guard link.index == index else { throw KernelError(.foreignAnswer, in: request.operation) }
            return link
        } catch {
            guard error.code == .noSuchDevice else { throw error }
            return nil
        }
    }

    private static func list(_ request: Netlink.Request) throws(KernelError) -> [Link] {
        var socket = try NetlinkSocket(protocol: NETLINK_ROUTE)
        var links: [Link] = []
        try socket.list(request) {
            links = []
        } each: { (message) throws(KernelError) in
            links.append(try Link(message, request.operation))
        }
        return links
    }

    /// `RTM_GETLINK`: `struct ifinfomsg` at zero but for the index, for all, the one of that index, or the one that an attribute names, without
    /// counters.
    private static func request(flags: Int32, index: Int32 = 0) -> Netlink.Request {
        let fixed = [0, 0, 0, 0] + Netlink.bytes(of: index) + [UInt8](repeating: 0, count: Link.fixedLength - 8)
        var request = Netlink.Request("RTM_GETLINK", type: Int(RTM_GETLINK), flags: flags, fixed: fixed)
        request.add(Int(IFLA_EXT_MASK), Netlink.bytes(of: UInt32(RTEXT_FILTER_SKIP_STATS)))
        return request
    }
}
