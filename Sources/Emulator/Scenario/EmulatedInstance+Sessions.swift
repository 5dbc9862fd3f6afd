import Common

extension EmulatedInstance {
    /// Requires tokens from now on, or no longer, whatever the source and the command line say.
    func requireTokens(_ isRequired: Bool) throws(EmulatorError) {
        var sessions = SessionPolicy()
        sessions.tokens = isRequired ? .required : .optional
        try replace(by: instance.asking(sessions))
    }
}

extension Instance {
    /// The same instance with the parts of a policy that are given.
    func asking(_ policy: SessionPolicy) -> Instance {
        var sessions = sessions
        sessions.tokens = policy.tokens ?? sessions.tokens
        sessions.hopLimit = policy.hopLimit ?? sessions.hopLimit
        return Instance(
            names: names, launch: launch, access: access, documents: documents, machine: machine, interfaces: interfaces,
            virtualLinks: virtualLinks, sessions: sessions, password: password, enabledBy: enabledBy)
    }
}
