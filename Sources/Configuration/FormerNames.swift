extension Setting {
    /// Earlier names of settings, which flags, variables and the file's keys may still have; each with today's name.
    package static let formerNames: [String: String] = [
        "networks": "network",
        "edited": "use-persistent-metadata",
        "tokens": "session-tokens",
        "sweep-interval": "resync-interval",
        "connections": "max-connections",
        "connections-per-caller": "max-connections-per-guest",
        "held-requests": "max-held-requests",
        "held-requests-per-caller": "max-held-requests-per-guest",
        "request-head-bytes": "max-request-header-bytes",
        "request-body-bytes": "max-request-body-bytes",
        "connections-per-second": "max-connections-per-second",
        "requests-per-second": "max-requests-per-second",
        "bytes-per-second": "max-bytes-per-second",
        "cpu-per-second": "max-cpu-per-second",
    ]
}
