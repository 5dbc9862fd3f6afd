import CLinux

/// Returns freed memory that the C library keeps to the kernel.
package enum FreedMemory {
    /// Returns free memory at the end of a heap to the kernel as soon as it exceeds this number of bytes.
    ///
    /// By default the C library raises the threshold with every large block that is freed (mallopt(3), `M_TRIM_THRESHOLD`): the process would keep
    /// the memory used at start for libvirt's lists and nftables' rules for its whole life.
    package static func keep(atMost bytes: Int32) {
        mallopt(M_TRIM_THRESHOLD, bytes)
    }

    /// Returns whole free pages between used memory to the kernel (malloc_trim(3)).
    ///
    /// Where long-lived small objects were allocated between short-lived ones, a heap never shrinks by itself. Other threads that allocate from
    /// the same heap wait meanwhile: half a millisecond for the heap of ten thousand domains.
    package static func giveBack() {
        malloc_trim(0)
    }
}
