import Common
import Configuration
import Glibc
import Inventory
import Libvirt

/// A domain that an operator wants to change, and the connection that can change it.
///
/// A change is shown before it is made, and tried on a copy: libvirt never gets a definition that `check` would complain of.
struct DomainEditor {
    /// One of the two sides of a domain, with the change to make.
    private struct Plan {
        let isLive: Bool
        let edit: DefinitionEdit
        let part: EditableDomain.Part
        let outcome: DomainDefinition
        let remarks: [String]
        let difference: UnifiedDifference

        var changes: Bool { !difference.isEmpty }
        /// Whether more than the operator's element changes, for which libvirt needs the whole definition.
        var redefines: Bool { if case .enable = edit { true } else if case .disable = edit { true } else { false } }
    }

    let domain: EditableDomain
    private let hypervisor: Hypervisor
    private let uri: String
    private let assembly: InstanceAssembly

    /// Finds a domain.
    ///
    /// - Parameters:
    ///   - text: a name, a UUID, or the number of a run.
    ///   - uris: all of them are searched.
    /// - Throws: `CommandFailure` where there is none, or more than one, or libvirt does not allow changes.
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
        for failure in failures { VirtMetadata.printError("virt-metadata: \(failure)") }
        (hypervisor, uri, domain) = only
        do {
            assembly = try InstanceAssembly(
                networks: try await hypervisor.networks().map { Array($0.xml.utf8) }, readsBare: false)
        } catch let error as LibvirtError {
            throw CommandFailure(Self.explanation(of: error, at: uri))
        }
    }

    /// Shows and makes changes of the two sides; a `nil` side is left unchanged.
    ///
    /// - Parameters:
    ///   - onlyShows: whether nothing is to be changed.
    /// - Throws: `CommandFailure` where a change fails; changes made before that are printed.
    func change(definition: DefinitionEdit?, running: DefinitionEdit?, onlyShows: Bool = false) async throws {
        var plans: [Plan] = []
        if let definition, let part = domain.defined { plans.append(try plan(definition, of: part, isLive: false)) }
        if let running, let part = domain.running { plans.append(try plan(running, of: part, isLive: true)) }
        for remark in Set(plans.flatMap(\.remarks)).sorted() { note(remark) }
        guard plans.contains(where: \.changes) else { return note("all is so already; nothing was changed") }
        try show(plans)
        if onlyShows { return note("this was only shown; nothing was changed") }
        for plan in plans where plan.changes {
            try await make(plan)
            note(plan.isLive ? "the running domain was changed: its guest reads it at once" : "the definition was changed")
        }
        reportPending(plans)
    }

    /// Prints a sentence about the domain to the standard error stream.
    func note(_ sentence: String) {
        VirtMetadata.printError("\(domain.name): \(sentence)")
    }

    // MARK: Checking

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

    /// Refuses a change that adds a problem that `check` would complain of.
    private func refuseUnusable(in new: String, unlike old: String) throws {
        func findings(_ xml: String) throws(DescriptionError) -> [Finding] {
            try assembly.assemble(Array(xml.utf8)).findings.filter { $0.weight == .unusable }
        }
        // Lines move, and existing problems are not this change's fault.
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
            // Of the running domain only the operator's element changes; often both change alike.
            let elements = "\(plan.part.element ?? "")\n→\n\(plan.outcome.element ?? "")"
            if !shown.insert(elements).inserted, plan.isLive { continue }
            let (from, to) = ("\(domain.name) (\(side))", "\(domain.name) (\(side), changed)")
            let text = plan.difference.text(from: from, to: to, on: terminal)
            try FileDescriptorOutput.write(Array(text.utf8), to: STDOUT_FILENO)
        }
    }

    // MARK: Changing

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
            // The same edit was tried on this text without its passwords, which no edit touches.
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

    /// Prints which changes a running guest does not see yet.
    private func reportPending(_ plans: [Plan]) {
        guard let running = domain.running, let plan = plans.first(where: { !$0.isLive && $0.redefines }),
            let live = try? DomainDefinition(running.xml, element: nil), live.tables != plan.outcome.tables
        else { return }
        note(
            "it runs, and its SMBIOS tables change only when it is stopped and started again; a reboot from inside is not enough: "
                + "virsh -c \(uri) shutdown \(domain.commandWord); virsh -c \(uri) start \(domain.commandWord)")
    }

    /// libvirt's error message, and the remedy.
    static func explanation(of error: LibvirtError, at uri: String) -> String {
        if error.isDenied {
            return "\(uri): \(error.message); it takes root, or the group that libvirtd lets in: sudo usermod -aG libvirt USER"
        }
        return
            "\(uri): \(error.message)\(error.isAway ? "; sudo systemctl start libvirtd, or say where it is by --connect URI" : "")"
    }
}
