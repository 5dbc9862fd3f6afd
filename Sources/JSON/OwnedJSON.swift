internal import CJansson

/// One reference to a jansson value, given back at the end of its life.
///
/// Safe: the pointer is private, counted once for this struct, which cannot be copied, and lent to closures only.
@safe
struct OwnedJSON: ~Copyable {
    private let pointer: UnsafeMutablePointer<json_t>

    /// Takes over the reference that a jansson function returned.
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
