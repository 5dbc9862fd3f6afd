import Common

/// The instance that an emulator serves now, published as the inventory of a host that has no other.
final class InstanceBoard: Sendable {
    let snapshots = SnapshotBoard()
    private let held: Locked<Instance>

    /// - Parameter isPublished: whether the host has the instance; without it, no client is anyone's.
    init(_ instance: Instance, isPublished: Bool = true) {
        held = Locked(instance)
        publish(isPublished ? instance : nil)
    }

    var instance: Instance { held.withLock { $0 } }

    func replace(by instance: Instance) {
        held.withLock { $0 = instance }
        publish(instance)
    }

    /// Stores a password as libvirt would, in the domain; once.
    func keep(_ password: String) -> PasswordOutcome {
        let changed = held.withLock { held -> Instance? in
            guard held.password == nil else { return nil }
            held = held.with(password: password)
            return held
        }
        guard let changed else { return .alreadySet }
        publish(changed)
        return .stored
    }

    private func publish(_ instance: Instance?) {
        var snapshot = Snapshot()
        if let instance { snapshot.insert(instance) }
        snapshot.isComplete = true
        snapshots.publish(snapshot)
    }
}

extension Instance {
    /// The same instance after its guest has stored a password.
    fileprivate func with(password: String) -> Instance {
        Instance(
            names: names, launch: launch, access: access, documents: documents, machine: machine, interfaces: interfaces,
            virtualLinks: virtualLinks, sessions: sessions, password: password, enabledBy: enabledBy)
    }
}
