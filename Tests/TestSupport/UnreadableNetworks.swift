/// A network that libvirt has and cannot describe.
package enum LargeNetwork {
    /// Each '>' is four bytes in what libvirt prints: more than it sends in one message.
    package static func xml(named name: String, bridge: String) -> String {
        let swelling = String(repeating: ">", count: 1_200_000)
        return """
            <network><name>\(name)</name><metadata><a:x xmlns:a='urn:a'>\(swelling)</a:x></metadata><bridge name='\(bridge)'/></network>
            """
    }
}

/// A network that libvirt describes and the program refuses: libvirt takes elements in elements without end.
package enum DeepNetwork {
    package static func xml(named name: String, bridge: String) -> String {
        let (begins, ends) = (String(repeating: "<a:a>", count: 200), String(repeating: "</a:a>", count: 200))
        return """
            <network><name>\(name)</name><metadata><a:x xmlns:a='urn:a'>\(begins)\(ends)</a:x></metadata><bridge name='\(bridge)'/></network>
            """
    }
}
