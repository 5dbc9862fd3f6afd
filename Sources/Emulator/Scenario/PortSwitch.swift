/// Families of addresses.
package struct FamilySet: Sendable, Equatable {
    package let v4, v6: Bool

    package init(v4: Bool, v6: Bool) { (self.v4, self.v6) = (v4, v6) }
}

/// Opens and closes the ports of an emulator's instances.
package protocol PortSwitch: Sendable {
    /// Refuses new connections of these families from now on, and accepts those of the others. It must not wait for a connection's thread,
    /// which may be the caller.
    func refuse(_ families: FamilySet, of instance: String)

    /// Waits until the ports and connections have done what they were asked to do before.
    func settle()
}

/// No port is ever closed.
package struct NoPorts: PortSwitch {
    package init() {}

    package func refuse(_ families: FamilySet, of instance: String) {}

    package func settle() {}
}
