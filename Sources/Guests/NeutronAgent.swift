import Common
package import Identity

/// Matches a request that a metadata agent of Neutron or OVN forwards: the agent names the instance and signs the name, as it
/// does for Nova (`nova/api/metadata/handler.py`).
///
/// Every connection that does not come through a bridge is taken for an agent's, so no request over it is answered for any other
/// client.
package struct NeutronAgent: Sendable {
    /// Why a request is not answered.
    enum Refusal: Error, Equatable {
        /// A field is missing or repeated.
        case incomplete
        /// The signature does not fit the identifier.
        case unsigned
        /// No instance has that identifier, or it has another project.
        case unknown(MatchFailure)
    }

    let signature: InstanceSignature

    package init(signature: InstanceSignature) {
        self.signature = signature
    }

    /// The instance that a request names, and the guest's address, if the agent sends it.
    func match(_ request: GuestRequest, in snapshot: Snapshot) throws(Refusal) -> Match {
        guard case .once(let id) = request.fields.agent.instance, case .once(let code) = request.fields.agent.signature,
            case .once(let project) = request.fields.agent.project
        else { throw .incomplete }
        guard signature.isValid(code, of: id) else { throw .unsigned }
        // libvirt's own UUID, like Nova's, and not the one that a guest sees: any number of domains may share that.
        guard let uuid = InstanceUUID(id), uuid.description == id, let instance = snapshot.instance(of: uuid) else {
            throw .unknown(.noInstance(id))
        }
        guard let own = instance.launch.project, own == project else { throw .unknown(.foreignProject(instance.domainName)) }
        let address = address(in: request.fields.forwardedFor)
        let named = instance.interfaces.indices.first { index in
            instance.interfaces[index].addresses.contains { $0.address == address }
        }
        let only = instance.interfaces.count == 1 && address != nil ? 0 : nil
        let host = snapshot.host(of: instance.domain) ?? .local
        return Match(instance: instance, host: host, address: address, interface: named ?? only)
    }

    /// An agent puts the guest's address here; anything but one address is ignored.
    private func address(in field: FieldValue) -> IPAddress? {
        guard case .once(let text) = field else { return nil }
        return IPAddress(text)
    }
}
