/// Names whose values are secrets.
enum SecretNames {
    /// The ends of names in small letters, without `_`, `-` and `.`.
    private static let ends: [(end: String, kind: SecretKind)] = [
        ("accesskeyid", .accessKey), ("secretaccesskey", .secretKey), ("password", .password), ("passwd", .password),
        ("passphrase", .password), ("passwordhash", .password), ("passwdhash", .password), ("pass", .password),
        ("pwd", .password),
        ("plaintextpasswd", .password), ("psk", .password), ("token", .token), ("tokenid", .token), ("authorization", .token),
        ("cookie", .token), ("secret", .token), ("secretid", .token), ("secretkey", .token), ("apikey", .token),
        ("accesskey", .token), ("authkey", .token), ("privatekey", .privateKey), ("presharedkey", .privateKey),
        ("encryptionkey", .token), ("signingkey", .token), ("masterkey", .token), ("joinkey", .token), ("sharedkey", .token),
        ("credential", .token), ("credentials", .token), ("adminpass", .password), ("accountid", .account), ("ownerid", .account),
    ]

    /// Words that end as a secret's name does.
    private static let harmless: Set<String> = ["bypass", "compass", "sshpwauth", "lockpasswd"]

    /// What the value of a name is; `nil` if it is no secret.
    static func kind(of name: String) -> SecretKind? {
        guard name.utf8.count <= 128 else { return nil }
        let plain = String(name.lowercased().filter { $0 != "_" && $0 != "-" && $0 != "." })
        guard !harmless.contains(plain) else { return nil }
        return ends.filter { plain.hasSuffix($0.end) }.max { $0.end.utf8.count < $1.end.utf8.count }?.kind
    }

    /// Values that are none.
    static let harmlessValues: Set<String> = [
        "", "true", "false", "yes", "no", "on", "off", "null", "none", "~", "required", "optional", "random", "r",
    ]

    /// Whether the value of a secret's name is none, or a variable that stands for it: `$TOKEN`, `${pw}`, `{{ pw }}`.
    static func isHarmless(_ text: String) -> Bool {
        if text.utf8.count <= 8, harmlessValues.contains(text.lowercased()) { return true }
        if text.hasPrefix("{{"), text.hasSuffix("}}") { return true }
        guard text.hasPrefix("$") else { return false }
        let name = text.dropFirst()
        if name.hasPrefix("{"), name.hasSuffix("}") { return true }
        return !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "_") }
    }

    /// Beginnings by which services mark their tokens.
    static let tokenPrefixes = [
        "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "hvs.", "hvb.", "sk_live_",
        "rk_live_", "AGE-SECRET-KEY-1", "dop_v1_", "npm_", "pypi-", "tskey-", "SG.",
    ]
}
