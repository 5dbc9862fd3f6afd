import Glibc

extension String {
    /// Copies a text that libvirt allocated for us, and frees it.
    init(adopting text: UnsafeMutablePointer<CChar>) {
        unsafe self.init(cString: text)
        unsafe free(text)
    }
}

/// Turns each entry of an array that libvirt allocated for us into a value, and frees the array; `take` owns its entry.
func adopted<Value>(
    _ list: UnsafeMutablePointer<OpaquePointer?>?, count: Int32, take: (OpaquePointer) -> Value
) -> [Value] {
    defer { unsafe free(list) }
    return unsafe UnsafeBufferPointer(start: list, count: Int(count)).compactMap { unsafe $0.map(take) }
}
