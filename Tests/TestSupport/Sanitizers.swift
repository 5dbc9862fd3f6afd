import Glibc

/// Whether a sanitizer has replaced the C library's malloc and maps memory of its own.
package let hasSanitizer: Bool = {
    // Safe: the pointers are only compared; no handle asks for all that is loaded.
    unsafe dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil
}()
