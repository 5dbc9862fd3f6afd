import Common

extension EmulatedInstance {
    /// Requires tokens from now on, or no longer, whatever the source and the command line say.
    func requireTokens(_ isRequired: Bool) throws(EmulatorError) {
        let old = instance
        var sessions = old.sessions
        sessions.tokens = isRequired ? .required : .optional
        try replace(
            by: Instance(
                names: old.names, launch: old.launch, access: old.access, documents: old.documents, machine: old.machine,
                interfaces: old.interfaces, virtualLinks: old.virtualLinks, sessions: sessions, password: old.password,
                enabledBy: old.enabledBy))
    }
}
