import ArgumentParser
import Common
import Configuration
import Libvirt

/// How `enable` and `disable` make a running guest see its new SMBIOS tables.
struct RestartOptions: ParsableArguments {
    @Flag(
        help: "Restart a running domain if its SMBIOS tables differ from its definition: shut it down, wait, and start it again.")
    var restart = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds to wait for each guest to shut down; if it does not, the command fails, and the guest goes on. (default: 120)",
            valueName: "seconds"),
        transform: { try IntegerArgument.value(of: $0, in: 1...86_400) })
    var timeout: Int?

    /// - Throws: `ValidationError` where the time has no meaning.
    func validate() throws {
        if timeout != nil, !restart { throw ValidationError("--timeout is for --restart: use both, or none") }
    }

    var limit: Duration { .seconds(timeout ?? 120) }
}

extension DomainEditor {
    /// Restarts the domain if its guest has other SMBIOS tables than its next start will have, or reports how to.
    ///
    /// - Parameter command: the subcommand that has `--restart`.
    /// - Throws: `CommandFailure` where the guest does not shut down in time, and where libvirt fails.
    mutating func finish(_ options: RestartOptions, isDryRun: Bool, command: String) async throws {
        guard report.needsRestart else {
            if options.restart, domain.running != nil { report.status("no restart needed") }
            return
        }
        guard !isDryRun else {
            return report.note(
                options.restart
                    ? "the domain would be restarted, so that the running guest sees the new SMBIOS tables"
                    : "a restart is needed before the running guest sees the new SMBIOS tables")
        }
        guard options.restart else {
            let hint = "virt-metadata -c \(host.uri.shellWord) \(command) \(domain.commandWord) --restart"
            return report.note(
                "restart needed: the running guest has its previous SMBIOS tables until the domain is stopped and started again (a "
                    + "reboot inside the guest is not enough): \(hint)")
        }
        do {
            try await restart(within: options.limit)
        } catch let error as LibvirtError {
            throw CommandFailure("not restarted: \(Self.explanation(of: error, at: host.uri))")
        }
        report.restarted()
        report.status("restarted with the new SMBIOS tables")
    }

    private func restart(within limit: Duration) async throws {
        report.status("shutting down, for at most \(limit.components.seconds) s")
        try await host.hypervisor.shutDown(domain)
        let deadline = ContinuousClock.now + limit
        while try await host.hypervisor.isRunning(domain) {
            guard ContinuousClock.now < deadline else {
                let virsh = "virsh -c \(host.uri.shellWord)"
                throw CommandFailure(
                    "the guest did not shut down within \(limit.components.seconds) s and still has its previous SMBIOS tables: shut it down "
                        + "from inside, or force it off with `\(virsh) destroy \(domain.commandWord)`; then start it with "
                        + "`\(virsh) start \(domain.commandWord)`")
            }
            try await Task.sleep(for: .milliseconds(250))
        }
        try await host.hypervisor.start(domain)
    }
}
