import Common
import JSON

/// Changes of single members of JSON documents.
enum JSONDocument {
    /// A text as JSON, else as a string.
    static func value(ofText bytes: [UInt8]) -> JSONValue {
        (try? JSONParsing.value(of: bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
    }

    /// The document with a member set, or removed where the value is `nil`; `nil` where the bytes are no JSON.
    static func bytes(_ document: [UInt8], setting member: ArraySlice<String>, to value: JSONValue?) -> [UInt8]? {
        guard let parsed = try? JSONParsing.value(of: document) else { return nil }
        return JSONEncoding.bytes(changed(parsed, at: member, to: value) ?? .object([]))
    }

    /// The value of a member; `nil` where there is none.
    static func value(at member: ArraySlice<String>, in value: JSONValue) -> JSONValue? {
        guard let name = member.first else { return value }
        switch value {
        case .object(let members):
            return members.first { $0.name == name }.flatMap { self.value(at: member.dropFirst(), in: $0.value) }
        case .array(let items):
            guard let index = Int(name), items.indices.contains(index) else { return nil }
            return self.value(at: member.dropFirst(), in: items[index])
        default: return nil
        }
    }

    /// Whether a member can be set: each index on its way is that of an item, or of the place after the last.
    static func hasPlace(at member: ArraySlice<String>, in value: JSONValue) -> Bool {
        guard let name = member.first else { return true }
        switch value {
        case .object(let members):
            return members.first { $0.name == name }.map { hasPlace(at: member.dropFirst(), in: $0.value) } ?? true
        case .array(let items):
            guard name != "-", Int(name) != items.count else { return true }
            guard let index = Int(name), items.indices.contains(index) else { return false }
            return hasPlace(at: member.dropFirst(), in: items[index])
        default: return true
        }
    }

    /// - Returns: `nil` where nothing is left.
    private static func changed(_ old: JSONValue?, at member: ArraySlice<String>, to value: JSONValue?) -> JSONValue? {
        guard let name = member.first else { return value }
        let rest = member.dropFirst()
        if case .array(var items) = old {
            // `-` is the place after the last item.
            let index = name == "-" ? items.count : Int(name) ?? -1
            guard (0...items.count).contains(index) else { return old }
            let item = changed(index < items.count ? items[index] : nil, at: rest, to: value)
            if index < items.count { items.remove(at: index) }
            if let item { items.insert(item, at: index) }
            return .array(items)
        }
        var members: [JSONMember] = []
        if case .object(let existing) = old { members = existing }
        // What is to be removed is not there: no objects are made on the way to it.
        let index = members.firstIndex { $0.name == name }
        if index == nil, value == nil { return old }
        let new = changed(index.map { members[$0].value }, at: rest, to: value).map { JSONMember(name, $0) }
        switch (index, new) {
        case (let index?, let new?): members[index] = new
        case (let index?, nil): members.remove(at: index)
        case (nil, let new?): members.append(new)
        case (nil, nil): break
        }
        return .object(members)
    }
}
