import Common
import Glibc
import Inventory
import Libvirt

/// A domain that a person wants changed, and the connection that can change it.
///
/// What is asked for is shown before it is done, and tried on a copy: libvirt never sees what `check` would complain of.
struct DomainEditor {
    /// One of the two sides of a domain, with a change that is to be made of it.
    private struct Plan {
        let isLive: Bool
        let edit: DefinitionEdit
        let part: EditableDomain.Part
        let outcome: DomainDefinition
        let remarks: [String]
        let difference: UnifiedDifference

        var changes: Bool { !difference.isEmpty }
        /// Whether more than the operator's element changes, for which libvirt must be given the whole definition.
        var redefines: Bool { if case .enable = edit { true } else if case .disable = edit { true } else { false } }
    }

    let domain: EditableDomain
    private let hypervisor: Hypervisor
    private let uri: String
    private let assembly: InstanceAssembly

    /// Finds the domain that a person named.
    ///
    /// - Parameters:
    ///   - text: a name, a UUID, or the number of a run.
    ///   - uris: all of them are asked.
    /// - Throws: `CommandFailure` where there is none, or more than one, or libvirt does not let it be changed.
    init(_ text: String, uris: [String]) async throws {
        var found: [(hypervisor: Hypervisor, uri: String, domain: EditableDomain)] = []
        var (names, failures): (Set<String>, [String]) = ([], [])
        for uri in uris {
            let hypervisor = Hypervisor(uri: uri, access: .writing) { _ in }
            do throws(LibvirtError) {
                try await hypervisor.connect()
                let domains = try await hypervisor.editableDomains(text, namespace: InstanceElement.namespace)
                found += domains.map { (hypervisor, uri, $0) }
                if domains.isEmpty { names.formUnion(try await hypervisor.allDomains().map(\.name)) }
            } catch {
                failures.append(Self.explanation(of: error, at: uri))
            }
        }
        guard found.count <= 1 else {
            let all = found.map { "\($0.domain.name) (\($0.domain.uuid)) at \($0.uri)" }.joined(separator: " and ")
            let advice = Set(found.map(\.uri)).count > 1 ? "say which by --connect URI" : "say which by its UUID"
            throw CommandFailure("'\(text)' is \(all): \(advice)")
        }
        guard let only = found.first else {
            let nearest = nearestWord(to: text, among: names).map { "; is '\($0)' meant?" }
            let hint = nearest ?? (uris.count == 1 ? "; `virsh -c \(uris[0]) list --all` shows those there are" : "")
            if failures.count < uris.count {
                failures.append("there is no domain '\(text)' at \(uris.joined(separator: " or "))\(hint)")
            }
            throw CommandFailure(failures.joined(separator: "; "))
        }
        for failure in failures { VirtMetadata.complain("virt-metadata: \(failure)") }
        (hypervisor, uri, domain) = only
        do {
            assembly = try InstanceAssembly(
                networks: try await hypervisor.networks().map { Array($0.xml.utf8) }, readsBare: false)
        } catch let error as LibvirtError {
            throw CommandFailure(Self.explanation(of: error, at: uri))
        }
    }

    /// Shows and makes changes of the two sides, of which either may be left as it is.
    ///
    /// - Parameters:
    ///   - onlyShows: whether nothing is to be changed.
    /// - Throws: `CommandFailure` where something stands against it; what was changed before that is said.
    func change(definition: DefinitionEdit?, running: DefinitionEdit?, onlyShows: Bool = false) async throws {
        var plans: [Plan] = []
        if let definition, let part = domain.defined { plans.append(try plan(definition, of: part, isLive: false)) }
        if let running, let part = domain.running { plans.append(try plan(running, of: part, isLive: true)) }
        for remark in Set(plans.flatMap(\.remarks)).sorted() { say(remark) }
        guard plans.contains(where: \.changes) else { return say("all is so already; nothing was changed") }
        try show(plans)
        if onlyShows { return say("this was only shown; nothing was changed") }
        for plan in plans where plan.changes {
            try await make(plan)
            say(plan.isLive ? "the running domain was changed: its guest reads it at once" : "the definition was changed")
        }
        sayWhatWaits(plans)
    }

    /// Says something about the domain, on the standard error stream.
    func say(_ sentence: String) {
        VirtMetadata.complain("\(domain.name): \(sentence)")
    }

    // MARK: Before

    private func plan(_ edit: DefinitionEdit, of part: EditableDomain.Part, isLive: Bool) throws -> Plan {
        do {
            let before = try DomainDefinition(part.xml, element: part.element)
            var outcome = before
            let remarks = try edit.apply(to: &outcome)
            try refuseUnusable(in: outcome.xml, unlike: part.xml)
            return Plan(
                isLive: isLive, edit: edit, part: part, outcome: outcome, remarks: remarks,
                difference: UnifiedDifference(from: try before.laidOut, to: try outcome.laidOut))
        } catch let failure as DefinitionFailure {
            throw CommandFailure("\(domain.name): \(failure)")
        } catch let error as DescriptionError {
            throw CommandFailure("\(domain.name): with this the domain's XML cannot be used: \(error)")
        }
    }

    /// What `check` would complain of, and did not before.
    private func refuseUnusable(in new: String, unlike old: String) throws {
        func findings(_ xml: String) throws(DescriptionError) -> [Finding] {
            try assembly.assemble(Array(xml.utf8)).findings.filter { $0.weight == .unusable }
        }
        // Lines move, and what was wrong before is not this change's doing.
        let known = Set((try? findings(old))?.map { "\($0.element): \($0.problem)" } ?? [])
        let added = try findings(new).map { "\($0.element): \($0.problem)" }.filter { !known.contains($0) }
        guard added.isEmpty else {
            throw CommandFailure(
                "\(domain.name): nothing was changed, for it could not be used: " + added.joined(separator: "; "))
        }
    }

    private func show(_ plans: [Plan]) throws(CommandFailure) {
        let terminal = Terminal(STDOUT_FILENO)
        var shown: Set<String> = []
        for plan in plans {
            let side = plan.isLive ? "running" : "definition"
            // Of the running domain, of which only the operator's element changes; often both change alike.
            let elements = "\(plan.part.element ?? "")\n→\n\(plan.outcome.element ?? "")"
            if !shown.insert(elements).inserted, plan.isLive { continue }
            let (from, to) = ("\(domain.name) (\(side))", "\(domain.name) (\(side), changed)")
            let text = plan.difference.text(from: from, to: to, on: terminal)
            try FileDescriptorOutput.write(Array(text.utf8), to: STDOUT_FILENO)
        }
    }

    // MARK: Making it so

    private func make(_ plan: Plan) async throws {
        let change: MetadataChange
        do throws(LibvirtError) {
            change = plan.redefines && !plan.isLive ? try await redefine(plan) : try await setMetadata(plan)
        } catch {
            let side = plan.isLive ? "the running domain" : "the definition"
            throw CommandFailure("\(domain.name): \(side) was not changed: \(Self.explanation(of: error, at: uri))")
        }
        switch change {
        case .made: break
        case .notAllowed:
            throw CommandFailure(
                "\(domain.name): somebody else has changed it meanwhile; nothing of theirs was touched: try again")
        case .noDomain: throw CommandFailure("\(domain.name): the domain is gone")
        }
    }

    private func redefine(_ plan: Plan) async throws(LibvirtError) -> MetadataChange {
        let (edit, element) = (plan.edit, plan.part.element)
        return try await hypervisor.redefine(domain) { xml in
            // It was tried on the same text without the passwords, which are what no edit touches.
            guard var definition = try? DomainDefinition(xml, element: element), (try? edit.apply(to: &definition)) != nil else {
                return nil
            }
            return definition.xml
        }
    }

    private func setMetadata(_ plan: Plan) async throws(LibvirtError) -> MetadataChange {
        try await hypervisor.setMetadata(
            to: plan.outcome.element, namespace: InstanceElement.namespace, prefix: InstanceElement.prefix, of: domain,
            live: plan.isLive)
    }

    /// What a running guest does not see yet.
    private func sayWhatWaits(_ plans: [Plan]) {
        guard let running = domain.running, let plan = plans.first(where: { !$0.isLive && $0.redefines }),
            let live = try? DomainDefinition(running.xml, element: nil), live.tables != plan.outcome.tables
        else { return }
        say(
            "it runs, and its SMBIOS tables change only when it is stopped and started again; a reboot from inside is not enough: "
                + "virsh -c \(uri) shutdown \(domain.name); virsh -c \(uri) start \(domain.name)")
    }

    /// What libvirt says, and what to do about it.
    static func explanation(of error: LibvirtError, at uri: String) -> String {
        if error.isDenied {
            return "\(uri): \(error.message); it takes root, or the group that libvirtd lets in: sudo usermod -aG libvirt USER"
        }
        let isAway = error.message.contains("Failed to connect")
        return "\(uri): \(error.message)\(isAway ? "; sudo systemctl start libvirtd, or say where it is by --connect URI" : "")"
    }
}
