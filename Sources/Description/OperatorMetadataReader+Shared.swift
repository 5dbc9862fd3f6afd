import Common
import JSON
import XML

/// Reads what layers of values have in common: profiles, the attribute `merge`, parts of user data, and interfaces of many.
extension OperatorMetadataReader {
    /// The most profiles that one element names; more are rather a mistake.
    static let mostProfiles = 64

    func readProfile(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        guard let name = line(element, &metadata) else { return }
        if metadata.profiles.contains(where: { $0.name == name }) {
            reject(element, "duplicate profile '\(shown(name))'; the first one is used", &metadata)
        } else if metadata.profiles.count == Self.mostProfiles {
            reject(element, "more than \(Self.mostProfiles) profiles; the first \(Self.mostProfiles) are used", &metadata)
        } else {
            metadata.profiles.append(.init(name: name, line: element.line))
        }
    }

    func readMerge(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        guard let text = element.attribute("merge") else { return }
        guard let merge = ListMerge(rawValue: text) else {
            return reject(element, "invalid value '\(shown(text))' for merge: expected add or replace", &metadata)
        }
        if let first = metadata.merges[element.name], first != merge {
            return reject(element, "contradicting value '\(merge.rawValue)' for merge; the first one is used", &metadata)
        }
        metadata.merges[element.name] = merge
    }

    func readUserData(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        guard let content = bytes(element, &metadata) else { return }
        var part = UserDataPart(content: content, line: element.line)
        if let type = element.attribute("type") {
            if UserDataPart.isMediaType(type) {
                part.type = type
            } else {
                let problem = "invalid type '\(shown(type))': expected a media type, such as text/x-shellscript"
                reject(element, problem, &metadata)
            }
        }
        metadata.userDataParts.append(part)
    }

    /// Vendor data: a document that cloud-init knows by its beginning, or JSON.
    func vendorData(_ bytes: [UInt8], _ element: XMLElement, _ metadata: inout OperatorMetadata) -> JSONValue? {
        if MultipartMessage.mediaType(of: bytes) != nil {
            if let text = String(validating: bytes, as: UTF8.self) { return .string(text) }
            reject(element, "is not UTF-8 text, which vendor data must be", &metadata)
            return nil
        }
        do {
            let value = try JSONParsing.value(of: bytes).asVendorData
            if let problem = Self.problem(ofVendorData: value) { note(element, problem, &metadata) }
            return value
        } catch {
            let problem = "invalid JSON: \(error); a text must begin with #cloud-config, #! or another header of cloud-init"
            reject(element, problem, &metadata)
            return nil
        }
    }

    private static let failingList =
        "cloud-init fails at a list of more than \(MultipartMessage.mostParts) items, or whose items are not all texts"

    /// What cloud-init does not take (`convert_vendordata`), though other programs may.
    private static func problem(ofVendorData value: JSONValue) -> String? {
        switch value {
        case .array: return failingList
        case .object:
            switch value["cloud-init"] {
            case .object?: return "cloud-init ignores its member cloud-init: expected a text or a list of texts"
            case .array(let items)? where !items.isEmpty: return failingList
            default: return nil
            }
        case .integer, .real, .bool: return "cloud-init ignores it: expected a text, a list of texts or an object"
        case .null, .string: return nil
        }
    }

    // MARK: Interfaces of many

    /// Interfaces are named by `*`, or by their libvirt network or bridge, in the attribute that else has the MAC address.
    func readSharedInterfaces(_ element: XMLElement, into metadata: inout OperatorMetadata) {
        for child in children(of: element, path: "interfaces/", &metadata) {
            guard child.name == "interface" else {
                reject(
                    child, path: "interfaces/", "a \(child.name) belongs to one instance and cannot be shared", &metadata)
                continue
            }
            let key = child.attribute("mac") ?? ""
            guard !key.isEmpty, MACAddress(key) == nil else {
                let problem =
                    "the MAC address '\(shown(key))' belongs to one instance: expected interface[*], or the name of a network or bridge"
                reject(child, path: "interfaces/", problem, &metadata)
                continue
            }
            for value in child.children where OperatorMetadata.InterfaceElement.own.contains(value.name) {
                let problem = "<\(value.name)> is per-instance and cannot be shared"
                reject(value, path: "interfaces/interface/", problem, &metadata)
            }
            var values = values(of: child, &metadata)
            (values.configuration.addresses, values.publicIPv4, values.deviceNumber) = ([], nil, nil)
            values.identifiers.interface = nil
            metadata.sharedInterfaces.append(
                SharedInterface(selection: key == "*" ? .all : .network(LibvirtName(key)), values: values))
        }
    }
}
