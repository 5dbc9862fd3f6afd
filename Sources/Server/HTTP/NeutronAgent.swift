import Common
import Identity
import NIOHTTP1

/// Whom a request is about that comes from a metadata agent of Neutron's or OVN's: the agent names the instance and signs for it, as it
/// does for Nova (`nova/api/metadata/handler.py`).
///
/// Every connection that does not come by a bridge is taken for an agent's, so no request over it is answered for anybody else.
struct NeutronAgent: Sendable {
    /// Why a request is not answered.
    enum Refusal: Error, Equatable {
        /// A field is missing, or is there twice.
        case incomplete
        /// The signature is not the identifier's.
        case unsigned
        /// Nobody is known by that identifier, or only with another project.
        case unknown(UnknownCaller)
    }

    let signature: InstanceSignature

    /// The instance that a request names, and the address that it asks from, if the agent says.
    func asker(in headers: HTTPHeaders, _ snapshot: Snapshot) throws(Refusal) -> Asker {
        let fields = ["X-Instance-ID", "X-Instance-ID-Signature", "X-Tenant-ID"].map { headers[$0] }
        guard fields.allSatisfy({ $0.count == 1 }) else { throw .incomplete }
        let (id, code, project) = (fields[0][0], fields[1][0], fields[2][0])
        guard signature.isValid(code, of: id) else { throw .unsigned }
        guard let uuid = InstanceUUID(id), uuid.description == id, let instance = snapshot.instance(uuid: uuid) else {
            throw .unknown(.noInstance(id))
        }
        guard let own = instance.project, own == project else { throw .unknown(.foreignProject(instance.domainName)) }
        let address = address(in: headers)
        let named = instance.interfaces.indices.first { index in
            instance.interfaces[index].addresses.contains { $0.address == address }
        }
        let only = instance.interfaces.count == 1 && address != nil ? 0 : nil
        return Asker(instance: instance, address: address, interface: named ?? only)
    }

    /// An agent puts the guest's address here; what is no single address says nothing.
    private func address(in headers: HTTPHeaders) -> IPAddress? {
        let fields = headers["X-Forwarded-For"]
        return fields.count == 1 ? IPAddress(fields[0]) : nil
    }
}

/// Whom a request is about, and from where it is asked.
struct Asker {
    let instance: Instance
    /// The address that the guest asks from; `nil` where nobody says.
    let address: IPAddress?
    /// Which of the instance's interfaces it asks by: an index into them.
    let interface: Int?
}

extension Reply {
    /// The same reply in a status that an agent relays: of all others it makes a failure of its own.
    var towardsAgent: Reply {
        switch status {
        case .methodNotAllowed, .requestTimeout, .lengthRequired, .payloadTooLarge, .requestHeaderFieldsTooLarge: .badRequest
        case .unauthorized: .forbidden
        default: self
        }
    }
}
