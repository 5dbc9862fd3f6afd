import Common

extension EditableDomain {
    /// The domain as an argument of a command: its name, or its UUID where a shell or a command would misread the name.
    ///
    /// virsh looks for an ID first, then for a UUID, and accepts signs and leading zeros in an ID: a domain's name may equal another's ID or UUID.
    package var commandWord: String {
        let isNumber = name.drop { $0 == "+" || $0 == "-" }.allSatisfy(\.isNumber)
        let isUUID = name.utf8.count { $0 != UInt8(ascii: "-") } == 32 && name.allSatisfy { $0.isHexDigit || $0 == "-" }
        return name.isPlainWord && !isNumber && !isUUID ? name : "\(uuid)"
    }
}
