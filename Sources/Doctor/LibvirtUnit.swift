import FoundationEssentials

/// The systemd unit of this host's libvirt daemon: the monolithic `libvirtd`, or `virtqemud` of the modular daemons.
package enum LibvirtUnit {
    private static let folders = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ]

    /// Its name, without `.service`.
    ///
    /// - Parameter root: the directory in place of `/`.
    package static func name(root: String = "") -> String {
        let (modular, monolithic) = ("virtqemud", "libvirtd")
        guard exists(modular, root) else { return monolithic }
        guard exists(monolithic, root) else { return modular }
        // Both are installed: the one that starts at boot is in use.
        return isWanted(modular, root) && !isWanted(monolithic, root) ? modular : monolithic
    }

    private static func exists(_ unit: String, _ root: String) -> Bool {
        folders.contains { FileManager.default.fileExists(atPath: "\(root)\($0)/\(unit).service") }
    }

    private static func isWanted(_ unit: String, _ root: String) -> Bool {
        let links = ["sockets.target.wants/\(unit).socket", "multi-user.target.wants/\(unit).service"]
        // A link whose target does not exist under another root is one all the same.
        return links.contains { (try? FileManager.default.attributesOfItem(atPath: "\(root)/etc/systemd/system/\($0)")) != nil }
    }
}
