import CLinux

/// The mapped pages of this program and its libraries: code and constants, which are never written.
package enum ProgramPages {
    /// Unmaps them; pages that are used again are mapped again from the kernel's page cache.
    ///
    /// The kernel maps sixteen pages per page fault, and the start uses most of the program once: relocations, types, the initialization of
    /// libvirt and nftables. Without this, two thirds of the process's resident memory (VmRSS) are such pages for its whole life. Mapping the
    /// pages that requests need takes less than a millisecond. A debugger's breakpoints, which are written into code, are lost.
    package static func unmap() {
        clinux_unmap_pages_of_objects()
    }
}
