/// The names of all domains of a hypervisor, running or only defined, by a connection of its own. Blocks as long as libvirt does.
package func domainNames(at uri: String) throws(LibvirtError) -> [String] {
    try EventLoop.ensureRunning()
    return try Connection(opening: uri, for: .reading).allDomains().map(\.name)
}
