import CLinux
package import Common
import Glibc

/// The first packet of a connection, a TCP SYN, as the kernel saved it with its link header: it contains the real sender.
///
/// The source MAC address is the one in the frame that entered the bridge, regardless of later redirection; a guest can only use another's
/// address by sending spoofed frames, which the hypervisor's filter must drop.
package struct SavedSYN: Sendable, Equatable {
    /// The hardware address of the sender; `nil` where the frame has none: over loopback, whose headers are all zero, or over a
    /// link without link headers, such as a tun.
    package let sourceMAC: MACAddress?
    /// The address of the sender, without a zone: a packet does not contain the link by which it arrived.
    package let source: IPAddress

    /// Large enough for the headers: an Ethernet header with two tags, and 60 bytes each of IPv4 and TCP, make 142 bytes. Only
    /// IPv6 extension headers need more, and no guest needs them to connect.
    private typealias Headers = InlineArray<512, UInt8>

    /// Makes a listening socket save each SYN with its Ethernet header: `TCP_SAVE_SYN` = 2, since Linux 5.10.
    /// - Throws: `KernelError` with the code of `setsockopt(2)`; `.invalidArgument` from an older kernel.
    package static func keep(onListener descriptor: Int32) throws(KernelError) {
        try SocketOption.set(TCP_SAVE_SYN, of: Int32(IPPROTO_TCP), to: 2, on: descriptor, "TCP_SAVE_SYN")
    }

    /// Reads the SYN of an accepted connection (`TCP_SAVED_SYN`), which the kernel then frees.
    /// - Returns: `nil` where the kernel saved none: the listener does not save SYNs, SYN cookies were used, or it was read before.
    /// - Throws: `KernelError` with the code of `getsockopt(2)`; `.invalidArgument` where the headers exceed the buffer,
    ///   `.malformedAnswer` where their format is unknown. Neither is a reason to trust another source instead.
    package static func read(fromAccepted descriptor: Int32) throws(KernelError) -> SavedSYN? {
        let operation = "getsockopt(TCP_SAVED_SYN)"
        var buffer = Headers(repeating: 0)
        var count = socklen_t(buffer.count)
        var bytes = buffer.mutableSpan
        let result = unsafe bytes.withUnsafeMutableBufferPointer { memory in
            // Safe: getsockopt(2) writes at most `count` bytes, and sets it to the number written.
            unsafe getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_SAVED_SYN, memory.baseAddress, &count)
        }
        guard result == 0 else { throw .last(in: operation) }
        guard count > 0 else { return nil }
        guard let packet = SavedSYN(headers: buffer.span.extracting(first: Int(count))) else {
            throw KernelError(.malformedAnswer, in: operation)
        }
        return packet
    }

    /// Parses the headers as the kernel saves them: those of Ethernet if the link has them, perhaps with tags (IEEE 802.1Q and
    /// 802.1ad), of IPv4 (RFC 791) or IPv6 (RFC 8200), and of TCP (RFC 9293), with nothing after; `nil` for anything else.
    package init?(bytes: some Collection<UInt8>) {
        let copy = Array(bytes)
        self.init(headers: copy.span)
    }

    /// The same, without a copy.
    ///
    /// Whether the bytes begin with a link header follows from their number alone: the headers of IP and TCP, and tags, are all
    /// a multiple of four bytes long, and Ethernet's is fourteen. So no sender can disguise one as the other.
    package init?(headers bytes: Span<UInt8>) {
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
            // Extension headers may precede TCP; they do not contain the sender, so they are not parsed.
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

    /// The offset of the network header: after the two addresses, at most two tags of four bytes each, and the type.
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

    /// A big-endian number of two bytes.
    private static func number(_ bytes: Span<UInt8>, at index: Int) -> UInt16 {
        UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
    }
}
