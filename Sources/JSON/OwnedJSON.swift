internal import CJansson

/// One owned reference to a jansson value, released at the end of its lifetime.
///
/// Safe: the pointer is private, holds one reference count for this noncopyable struct, and is passed to closures only.
@safe
struct OwnedJSON: ~Copyable {
    private let pointer: UnsafeMutablePointer<json_t>

    /// Takes ownership of the reference that a jansson function returned.
    init(owning pointer: UnsafeMutablePointer<json_t>) {
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe json_decref(pointer)
    }

    borrowing func withPointer<Result>(_ body: (UnsafeMutablePointer<json_t>) -> Result) -> Result {
        unsafe body(pointer)
    }
}
