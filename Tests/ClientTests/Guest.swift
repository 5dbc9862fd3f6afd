/// A guest as libvirt and the network know it, and what its operator wrote of it.
struct Guest: Sendable {
    /// A network card, and the bridge that it is plugged into.
    struct NIC: Sendable {
        let mac: String
        /// The guest's own address, with its prefix length.
        let address: String
        var bridge = "virbr0"

        /// Its port of the bridge. Not `vnet…`: libvirt takes such names for its own and forgets them.
        var port: String { "tap-" + mac.suffix(2) }
    }

    let name: String
    var title: String?
    /// What libvirt calls the domain's UUID and the guest sees in its SMBIOS.
    let uuid: String
    let nics: [NIC]
    /// What the operator wrote inside `<instance>`; `nil` where there is no such element.
    var words: String?

    /// Its domain, for libvirt's test driver.
    var domain: String {
        """
        <domain type='test'>
          <name>\(name)</name>
          \(title.map { "<title>\($0)</title>" } ?? "")
          <uuid>\(uuid)</uuid>
          <metadata>\(words.map { "<instance xmlns='urn:virt-metadata:instance:1'>\($0)</instance>" } ?? "")</metadata>
          <memory unit='MiB'>512</memory>
          <vcpu>1</vcpu>
          <os><type>hvm</type></os>
          <devices>
            <disk type='file' device='disk'><source file='/\(name).img'/><target dev='vda' bus='virtio'/></disk>
            \(nics.map(\.device).joined())
          </devices>
        </domain>
        """
    }
}

extension Guest.NIC {
    fileprivate var device: String {
        "<interface type='bridge'><mac address='\(mac)'/><source bridge='\(bridge)'/><target dev='\(port)'/></interface>"
    }
}
