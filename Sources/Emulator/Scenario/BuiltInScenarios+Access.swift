/// The scenarios about credentials, tokens, and the service itself.
extension BuiltInScenario {
    /// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
    static let credentialsRotate = BuiltInScenario(
        name: "credentials-rotate", about: "The credentials of a role are replaced five minutes before they expire.",
        parameters: [
            Parameter(name: "role", initial: "example-role", about: "the name of the role", form: .word),
            .duration("lifetime", "15m", "how long each set of credentials is valid", least: .seconds(301)),
            Parameter(name: "times", initial: "4", about: "how often the credentials are replaced", form: .count(1...100)),
        ]
    ) { values in
        let credentials = "credentials: {role: \"\(values["role"])\", lifetime: \(values["lifetime"])}"
        // "We make new credentials available at least five minutes before the expiration of the old credentials."
        let next = ScenarioDuration.written(values.duration("lifetime") - .seconds(300))
        let rotations = (1...values.number("times")).map { number in
            "- after: \(next)\n  name: rotation \(number)\n  \(credentials)\n"
        }
        return "# Credentials that rotate.\nsteps:\n- at: 0s\n  \(credentials)\n" + rotations.joined()
    }

    /// Amazon's tokens end with the instance's run, whatever their lifetime; a client has to ask for another after a 401.
    static let tokenExpiry = BuiltInScenario(
        name: "token-expiry", about: "Tokens are required, and become invalid long before their lifetime ends.",
        parameters: [
            .duration("every", "1m", "time between two revocations of all tokens", least: .seconds(1)),
            Parameter(name: "times", initial: "10", about: "number of revocations", form: .count(1...500)),
            .duration("refused", "0s", "how long token requests get 403 after each revocation"),
        ]
    ) { values in
        let (every, refused) = (values.duration("every"), values.duration("refused"))
        let next = ScenarioDuration.written(max(.zero, every - refused))
        let ends = (1...values.number("times")).map { number in
            let end = "- after: \(number == 1 ? values["every"] : next)\n  name: end \(number)\n  tokens: revoke\n"
            guard refused > .zero else { return end }
            return end + "- after: 0s\n  tokens: refuse\n- after: \(values["refused"])\n  tokens: issue\n"
        }
        return "# Tokens that end early.\nsteps:\n- at: 0s\n  tokens: required\n" + ends.joined()
    }

    /// What Amazon changes while an instance runs: tags, security groups, addresses. The host name changes in OpenStack alone.
    static let metadataChange = BuiltInScenario(
        name: "metadata-change", about: "Names, tags, a public address and user data change while the instance runs.",
        parameters: [
            .duration("delay", "30s", "time from the start to the change"),
            Parameter(name: "hostname", initial: "changed.example.internal", about: "the new host name", form: .word),
        ]
    ) { values in
        """
        # Metadata that changes while the instance runs.
        steps:
        - at: \(values["delay"])
          name: change
          set:
            hostname: \(values["hostname"])
            local-hostname: \(values["hostname"])
            public-ipv4: 203.0.113.10
            security-groups: changed
            tags/instance/Name: changed
            user-data: "#cloud-config\\n# changed\\n"
            openstack/meta_data.json#/hostname: \(values["hostname"])
            openstack/meta_data.json#/meta/changed: "yes"
            openstack/user_data: "#cloud-config\\n# changed\\n"
            nocloud/user-data: "#cloud-config\\n# changed\\n"

        """
    }

    /// The first seconds of a boot: the network is not there, then the service is not ready, then it is slow.
    static let slowBoot = BuiltInScenario(
        name: "slow-boot", about: "The service first does not respond, then returns 503, then responds slowly, then normally.",
        parameters: [
            .duration("silent", "10s", "how long requests get no answer"),
            .duration("unavailable", "10s", "how long requests get 503 after that"),
            .duration("slow", "10s", "how long responses are delayed after that"),
            .duration("delay", "2s", "delay of each response", least: .milliseconds(1)),
        ]
    ) { values in
        let silent = values.duration("silent")
        let unavailable = silent + values.duration("unavailable")
        let ready = unavailable + values.duration("slow")
        let windows: [(String, Duration, Duration, String)] = [
            ("silent", .zero, silent, "drop"), ("unavailable", silent, unavailable, "{status: 503, retry-after: 1s}"),
            ("slow", unavailable, ready, "{delay: \(values["delay"])}"),
        ]
        let faults = windows.filter { $0.1 < $0.2 }.map { name, from, to, effect in
            "- name: \(name)\n  when: {from: \(ScenarioDuration.written(from)), to: \(ScenarioDuration.written(to))}\n  do: \(effect)\n"
        }
        let steps = "steps:\n- at: \(ScenarioDuration.written(ready))\n  name: ready\n"
        return "# A boot whose network comes late.\n\(steps)" + (faults.isEmpty ? "" : "faults:\n" + faults.joined())
    }
}
