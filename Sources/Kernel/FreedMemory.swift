import CLinux

/// What the C library keeps of the memory that was freed.
public enum FreedMemory {
    /// Has what is free at the end of a heap given back to the kernel as soon as it is more than so many bytes.
    ///
    /// By itself the C library keeps more with every large block that is freed (mallopt(3), `M_TRIM_THRESHOLD`): what a start takes
    /// for libvirt's lists and nftables' rules would be the process's for ever.
    public static func keep(atMost bytes: Int32) {
        mallopt(M_TRIM_THRESHOLD, bytes)
    }
}
