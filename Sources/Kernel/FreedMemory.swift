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

    /// Gives back to the kernel what is free between what is in use, of whole pages (malloc_trim(3)).
    ///
    /// Where small things that stay were made between others that go, each heap is for ever as large as it ever was. Whoever wants
    /// memory of the same heap waits meanwhile: half a millisecond for the heap of ten thousand domains.
    public static func giveBack() {
        malloc_trim(0)
    }
}
