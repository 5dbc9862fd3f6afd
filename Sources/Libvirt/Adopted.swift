import Glibc

extension String {
    /// Copies a string that libvirt allocated for its caller, and frees it.
    init(adopting text: UnsafeMutablePointer<CChar>) {
        unsafe self.init(cString: text)
        unsafe free(text)
    }
}

/// Converts each element of an array that libvirt allocated for its caller to a value, and frees the array; `take` owns the element.
func adopted<Value>(
    _ list: UnsafeMutablePointer<OpaquePointer?>?, count: Int32, take: (OpaquePointer) -> Value
) -> [Value] {
    defer { unsafe free(list) }
    return unsafe UnsafeBufferPointer(start: list, count: Int(count)).compactMap { unsafe $0.map(take) }
}
