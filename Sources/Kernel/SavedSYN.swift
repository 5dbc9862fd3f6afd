import CLinux
public import Common
import Glibc

/// The first packet of a connection, a TCP SYN, as the kernel kept it with its link header: who really sent it.
///
/// The source MAC address is the one in the frame that came in at the bridge, whatever has been redirected since; a guest cannot
/// borrow another's without sending frames in its name, which is for the hypervisor's filter to stop.
public struct SavedSYN: Sendable, Equatable {
    /// The hardware address of the sender; `nil` where no frame named one: over loopback, whose headers are all zero, or over a
    /// link without link headers, as a tun is.
    public let sourceMAC: MACAddress?
    /// The address of the sender, without a zone: a packet does not say by which link it came.
    public let source: IPAddress

    /// Room for the headers we read: an Ethernet header with two tags, and 60 bytes each of IPv4 and TCP, make 142. Only
    /// IPv6 extension headers make more, and no guest needs them to connect.
    private typealias Headers = InlineArray<512, UInt8>

    /// Tells a listening socket to keep each SYN with its Ethernet header: `TCP_SAVE_SYN` = 2, since Linux 5.10.
    /// - Throws: `KernelError` with the code of `setsockopt(2)`; `.invalidArgument` from an older kernel.
    public static func keep(onListener descriptor: Int32) throws(KernelError) {
        var withLinkHeader: Int32 = 2
        let size = socklen_t(MemoryLayout<Int32>.size)
        // Safe: setsockopt(2) reads four bytes of the variable and keeps no pointer.
        guard unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_SAVE_SYN, &withLinkHeader, size) == 0 else {
            throw .last(in: "setsockopt(TCP_SAVE_SYN)")
        }
    }

    /// Reads the SYN of an accepted connection (`TCP_SAVED_SYN`), which the kernel then forgets.
    /// - Returns: `nil` where the kernel kept none: a listener that was not told to, SYN cookies, or a second reading.
    /// - Throws: `KernelError` with the code of `getsockopt(2)`; `.invalidArgument` where the headers are longer than we read,
    ///   `.malformedAnswer` where they are none that we know. Neither is a reason to trust something else instead.
    public static func read(fromAccepted descriptor: Int32) throws(KernelError) -> SavedSYN? {
        let operation = "getsockopt(TCP_SAVED_SYN)"
        var buffer = Headers(repeating: 0)
        var count = socklen_t(buffer.count)
        var bytes = buffer.mutableSpan
        let result = unsafe bytes.withUnsafeMutableBufferPointer { room in
            // Safe: getsockopt(2) writes at most as many bytes as `count` says there are, and leaves in it how many it wrote.
            unsafe getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_SAVED_SYN, room.baseAddress, &count)
        }
        guard result == 0 else { throw .last(in: operation) }
        guard count > 0 else { return nil }
        guard let packet = SavedSYN(headers: buffer.span.extracting(first: Int(count))) else {
            throw KernelError(.malformedAnswer, in: operation)
        }
        return packet
    }

    /// Reads the headers as the kernel saves them: those of Ethernet if the link has them, perhaps with tags (IEEE 802.1Q and
    /// 802.1ad), of IPv4 (RFC 791) or IPv6 (RFC 8200), and of TCP (RFC 9293), with nothing after; `nil` for anything else.
    public init?(bytes: some Collection<UInt8>) {
        let copy = Array(bytes)
        self.init(headers: copy.span)
    }

    /// The same, without a copy.
    ///
    /// Nothing in the bytes says whether they begin with a link header, but their number does: the headers of IP and TCP, and
    /// tags, all have a multiple of four bytes, and Ethernet has fourteen. So no sender can pass one for the other.
    init?(headers bytes: Span<UInt8>) {
        let isFramed = bytes.count % 4 == 2
        guard let network = isFramed ? Self.endOfFrameHeader(bytes) : 0, bytes.count >= network + 40 else { return nil }
        switch bytes[network] >> 4 {
        case 4 where !isFramed || Self.number(bytes, at: network - 2) == ETH_P_IP:
            let length = Int(bytes[network] & 0xF) * 4
            let isTCP = length >= 20 && bytes[network + 9] == IPPROTO_TCP
            guard isTCP, Self.endsWithTCP(bytes, from: network + length) else { return nil }
            let (high, low) = (Self.number(bytes, at: network + 12), Self.number(bytes, at: network + 14))
            source = IPAddress(v4: UInt32(high) << 16 | UInt32(low))
        case 6 where !isFramed || Self.number(bytes, at: network - 2) == ETH_P_IPV6:
            // Extension headers may stand between IPv6 and TCP; they say nothing of the sender, so they are not walked.
            let isPlain = bytes.count >= network + 60 && bytes[network + 6] == IPPROTO_TCP
            guard isPlain ? Self.endsWithTCP(bytes, from: network + 40) : bytes.count >= network + 68 else { return nil }
            var octets: [UInt8] = []
            octets.reserveCapacity(16)
            for index in network + 8..<network + 24 { octets.append(bytes[index]) }
            guard let address = IPAddress(octets: octets) else { return nil }
            source = address
        default:
            return nil
        }
        sourceMAC = isFramed ? Self.sender(ofFrame: bytes) : nil
    }

    /// Where the network header begins: behind the two addresses, at most two tags of four bytes each, and the type.
    private static func endOfFrameHeader(_ bytes: Span<UInt8>) -> Int? {
        var end = Int(ETH_HLEN)
        while bytes.count >= end + 4, [ETH_P_8021Q, ETH_P_8021AD].contains(Int32(number(bytes, at: end - 2))) {
            guard end < Int(ETH_HLEN) + 8 else { return nil }
            end += 4
        }
        return end
    }

    /// The source address of a frame; `nil` if it is zero or a group.
    private static func sender(ofFrame bytes: Span<UInt8>) -> MACAddress? {
        var bits: UInt64 = 0
        for index in 6..<12 { bits = bits << 8 | UInt64(bytes[index]) }
        let address = MACAddress(bits: bits)
        return address.namesOneInterface ? address : nil
    }

    /// Whether a TCP header starts at `start` and ends with the bytes.
    private static func endsWithTCP(_ bytes: Span<UInt8>, from start: Int) -> Bool {
        guard bytes.count >= start + 20 else { return false }
        let length = Int(bytes[start + 12] >> 4) * 4
        return length >= 20 && start + length == bytes.count
    }

    /// Two bytes in the order of the wire.
    private static func number(_ bytes: Span<UInt8>, at index: Int) -> UInt16 {
        UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
    }
}
