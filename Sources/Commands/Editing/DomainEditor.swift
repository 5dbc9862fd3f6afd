import Common
import Configuration
import Description
import Doctor
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
        let before: DomainDefinition
        let outcome: DomainDefinition
        let remarks: [String]
        /// Between the complete texts; the operator sees another without secrets.
        let isChange: Bool
    }

    let domain: EditableDomain
    let host: DomainFinder.Host
    private let options: ChangeOptions
    var report: ChangeReport

    /// - Throws: `CommandFailure` where there is no such domain, or more than one.
    init(_ text: String, in finder: DomainFinder, _ options: ChangeOptions) async throws(CommandFailure) {
        (host, domain) = try await finder.domain(text)
        self.options = options
        report = ChangeReport(domain.name, uuid: domain.uuid, options)
    }

    // MARK: Changing

    /// Shows and makes changes of the two sides; a `nil` side is left unchanged.
    ///
    /// - Throws: `CommandFailure` where a change fails; changes made before that are reported.
    mutating func change(definition: DefinitionEdit?, running: DefinitionEdit?) async throws {
        var plans: [Plan] = []
        if let definition, let part = domain.defined { plans.append(try plan(definition, of: part, isLive: false)) }
        if let running, let part = domain.running { plans.append(try plan(running, of: part, isLive: true)) }
        for remark in Set(plans.flatMap(\.remarks)).sorted() { report.note(remark) }
        report.needsRestart = tablesDiffer(after: plans)
        guard plans.contains(where: \.isChange) else { return report.status("no changes") }
        try show(plans)
        report.isChanged = true
        if options.dryRun { return report.status("dry run: no changes made") }
        report.isChanged = false
        for plan in plans where plan.isChange {
            try await make(plan)
            report.isChanged = true
            report.status(plan.isLive ? "running domain updated; \(Self.effect(of: plan, among: plans))" : "definition updated")
        }
        noteWhatStays(plans)
    }

    /// What a change of the running domain means for its guest. `disable` has no new values.
    private static func effect(of plan: Plan, among plans: [Plan]) -> String {
        guard plans.contains(where: { if case .disable = $0.edit { true } else { false } }) else {
            return "the new values are served from now on"
        }
        return plan.outcome.element == nil ? "its values are no longer served" : "the removed values are no longer served"
    }

    /// Tries changes of the two sides on copies.
    ///
    /// - Throws: `DraftProblem` where one cannot be made.
    func check(definition: DefinitionEdit?, running: DefinitionEdit?) throws(DraftProblem) {
        do throws(CommandFailure) {
            if let definition, let part = domain.defined { _ = try plan(definition, of: part, isLive: false) }
            if let running, let part = domain.running { _ = try plan(running, of: part, isLive: true) }
        } catch {
            throw DraftProblem(error.description)
        }
    }

    private func plan(_ edit: DefinitionEdit, of part: EditableDomain.Part, isLive: Bool) throws(CommandFailure) -> Plan {
        do {
            let before = try DomainDefinition(part.xml, element: part.element)
            var outcome = before
            let remarks = try edit.apply(to: &outcome)
            let notes = try UnusableValues.refuse(in: outcome.xml, unlike: part.xml, host.assembly)
            let isChange = try before.laidOut(showingSecrets: true) != outcome.laidOut(showingSecrets: true)
            return Plan(
                isLive: isLive, edit: edit, part: part, before: before, outcome: outcome, remarks: remarks + notes,
                isChange: isChange)
        } catch let failure as CommandFailure {
            throw failure
        } catch let failure as DefinitionFailure {
            throw CommandFailure("\(failure); no changes made")
        } catch {
            throw CommandFailure("unusable domain XML: \(error)")
        }
    }

    private mutating func show(_ plans: [Plan]) throws {
        var shown: Set<String> = []
        for plan in plans {
            // Of the running domain only the operator's element changes; often both change alike.
            let elements = "\(plan.part.element ?? "")\n→\n\(plan.outcome.element ?? "")"
            if !shown.insert(elements).inserted, plan.isLive {
                if options.dryRun, plan.isChange { report.note("the running domain would change in the same way") }
                continue
            }
            let side = plan.isLive ? "running" : "definition"
            let difference = try DomainDifference(
                from: plan.before, to: plan.outcome, showsSecrets: options.showSecrets)
            try report.show(
                difference.unified, from: "\(domain.name) (\(side))", to: "\(domain.name) (\(side), changed)")
        }
    }

    private func make(_ plan: Plan) async throws(CommandFailure) {
        let change: MetadataChange
        do throws(LibvirtError) {
            change = plan.edit.redefines && !plan.isLive ? try await redefine(plan) : try await setMetadata(plan)
        } catch {
            let side = plan.isLive ? "running domain" : "definition"
            throw CommandFailure("\(side) not updated: \(Self.explanation(of: error, at: host.uri))")
        }
        switch change {
        case .made: break
        case .notAllowed:
            throw CommandFailure("another program changed the domain meanwhile; no changes made: try again")
        case .noDomain: throw CommandFailure("the domain no longer exists")
        }
    }

    private func redefine(_ plan: Plan) async throws(LibvirtError) -> MetadataChange {
        let (edit, element) = (plan.edit, plan.part.element)
        return try await host.hypervisor.redefine(domain) { xml in
            // The same edit was tried on this text without its passwords, which no edit touches.
            guard var definition = try? DomainDefinition(xml, element: element), (try? edit.apply(to: &definition)) != nil else {
                return nil
            }
            return definition.xml
        }
    }

    private func setMetadata(_ plan: Plan) async throws(LibvirtError) -> MetadataChange {
        try await host.hypervisor.setMetadata(
            to: plan.outcome.element, namespace: InstanceElement.namespace, prefix: InstanceElement.prefix, of: domain,
            live: plan.isLive)
    }

    // MARK: Consequences

    /// Whether the running guest has other SMBIOS tables than its domain's next start will have.
    private func tablesDiffer(after plans: [Plan]) -> Bool {
        guard let running = domain.running, let defined = domain.defined,
            let live = try? DomainDefinition(running.xml, element: nil)
        else { return false }
        let next = plans.first { !$0.isLive }?.outcome ?? (try? DomainDefinition(defined.xml, element: nil))
        return next.map { $0.tables != live.tables } ?? false
    }

    /// The elements that cloud-init reads once for each instance-id.
    private static let readOnce: Set<String> = ["hostname", "public-keys", "userdata", "vendordata", "interfaces", "files"]

    /// Notes which of the running guest's new values cloud-init does not read again.
    ///
    /// Not of `disable`: a guest that reads again what it no longer has could lose its key.
    private mutating func noteWhatStays(_ plans: [Plan]) {
        guard !plans.contains(where: { if case .disable = $0.edit { true } else { false } }) else { return }
        guard let plan = plans.first(where: { $0.isLive && $0.isChange }) else { return }
        let changed = plan.outcome.changedElements(since: plan.before)
        guard !changed.contains("instance-id") else { return }
        let names = changed.intersection(Self.readOnce).sorted().joined(separator: ", ")
        guard !names.isEmpty else { return }
        report.note(
            "cloud-init reads \(names) once for each instance: a guest that has booted before uses the change after "
                + "`cloud-init clean --reboot` in the guest, or with a new instance-id")
    }

    /// libvirt's error message, and the remedy.
    static func explanation(of error: LibvirtError, at uri: String) -> String {
        if error.isDenied {
            return "\(uri): \(error.message); run as root, or add the user to the group libvirt: sudo usermod -aG libvirt USER"
        }
        let remedy = "; start libvirt (sudo systemctl start \(LibvirtUnit.name())), or select another URI with --connect URI"
        return "\(uri): \(error.message)\(error.isAway ? remedy : "")"
    }
}

/// The check before any change: what an operator writes must be usable.
enum UnusableValues {
    /// Refuses a change that adds a problem that `check` would complain of.
    ///
    /// - Returns: the notes that the change adds, such as on user data that its guest will not read.
    /// - Throws: `CommandFailure` with the added problems.
    static func refuse(
        in new: String, unlike old: String, _ assembly: InstanceAssembly
    ) throws(CommandFailure) -> [String] {
        func findings(_ xml: String) throws(DescriptionError) -> [(weight: Finding.Weight, text: String, label: String)] {
            try assembly.assemble(Array(xml.utf8)).findings.map { finding in
                // A fault in the configuration file is not the change's, though the change may name its profile.
                let label = finding.label ?? "note"
                guard finding.file == nil else { return (.note, "\(finding)", label) }
                return (finding.weight, "\(finding.element): \(finding.problem)", label)
            }
        }
        // Lines move, and existing problems are not this change's fault.
        let known = Set(((try? findings(old)) ?? []).map(\.text))
        let added: [(weight: Finding.Weight, text: String, label: String)]
        do throws(DescriptionError) {
            added = try findings(new).filter { !known.contains($0.text) }
        } catch {
            throw CommandFailure("the change makes the domain XML unusable: \(error); no changes made")
        }
        let problems = added.filter { $0.weight == .unusable }.map(\.text)
        guard problems.isEmpty else { throw CommandFailure(problems.joined(separator: "; ") + "; no changes made") }
        return added.map { "\($0.label): \($0.text)" }
    }
}

/// The difference of two versions of a domain, as the operator sees it.
struct DomainDifference {
    let unified: UnifiedDifference

    init(from old: DomainDefinition, to new: DomainDefinition, showsSecrets: Bool) throws(ParseError) {
        unified = UnifiedDifference(
            from: try old.laidOut(showingSecrets: showsSecrets), to: try new.laidOut(showingSecrets: showsSecrets, since: old))
    }
}
