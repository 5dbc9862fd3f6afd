/// Login keys, security groups and role credentials of an instance.
package struct GuestAccess: Sendable, Equatable {
    /// The login keys, in the operator's order.
    package var publicKeys: [PublicKey] = []
    package var securityGroups: [String] = []
    /// The temporary credentials of the instance's roles, by role: a JSON object each.
    package var credentials: [Tag] = []

    package init() {}
}

/// A login key in one or more formats.
package struct PublicKey: Sendable, Equatable {
    /// The operator's name for the key; contains no `=`, `/` or line break.
    package let name: String
    /// The text of the key by format, such as `openssh-key`; never empty.
    package let formats: [Tag]

    package init(name: String, formats: [Tag]) {
        (self.name, self.formats) = (name, formats)
    }
}
