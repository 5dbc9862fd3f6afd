import CLinux
import Glibc

/// The network links of the kernel (`ip-link(8)`), by name and by index.
///
/// A link that is made anew has another index, even under the same name. Both questions are about the network namespace of the
/// calling thread.
public enum Links {
    /// The name of a link, as `if_indextoname(3)` gives it; `nil` where no link has that index.
    /// - Throws: `KernelError` where the kernel cannot be asked, for want of descriptors for one.
    public static func name(ofInterface index: Int32) throws(KernelError) -> String? {
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

    /// The index of a link, as `if_nametoindex(3)` gives it: 1 and up; `nil` where no link has that name.
    /// - Throws: `KernelError` where the kernel cannot be asked, for want of descriptors for one.
    public static func index(ofInterface name: String) throws(KernelError) -> Int32? {
        guard !name.utf8.contains(0) else { return nil }
        // Safe: if_nametoindex(3) reads the name up to its zero and keeps no pointer.
        let index = unsafe if_nametoindex(name)
        guard index == 0 else { return Int32(exactly: index) }
        let error = KernelError.last(in: "if_nametoindex")
        guard error.code == .noSuchDevice else { throw error }
        return nil
    }
}
