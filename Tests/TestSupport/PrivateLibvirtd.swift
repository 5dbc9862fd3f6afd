import Foundation

/// A private libvirtd in mount, process and network namespaces of its own, with a socket that is reachable from outside.
///
/// It shares nothing with the host's libvirt: state, logs and `/run` are empty file systems, and the configuration is a copy.
/// All that it starts ends with it, and it ends with this process: the first process in its namespace waits for the end of a
/// pipe that this process holds.
package final class PrivateLibvirtd {
    /// Which driver its URI names.
    package enum Driver: Sendable {
        /// libvirt's make-believe hypervisor; its domains live as long as one connection is open.
        case test
        /// QEMU, for real; domains should say `<domain type='qemu'>`, which needs no KVM.
        case qemu
    }

    /// Why it cannot run here, in a sentence; `nil` if there can.
    package static func obstacle(to driver: Driver = .test) -> String? {
        var needed = ["/usr/sbin/libvirtd", "/usr/bin/virsh", "/usr/bin/unshare", "/usr/bin/nsenter", "/bin/bash"]
        if driver == .qemu { needed += ["/usr/bin/qemu-system-x86_64", "/usr/sbin/dnsmasq", "/usr/sbin/ip"] }
        let missing = needed.filter { !FileManager.default.isReadableFile(atPath: $0) }
        if geteuid() != 0 { return "A private libvirtd needs root, for namespaces." }
        return missing.isEmpty ? nil : "A private libvirtd needs \(missing.joined(separator: ", "))."
    }

    /// Where the daemon's socket, configuration and log are.
    package let directory: String
    /// The URI that reaches it.
    package let uri: String

    private let namespace = Process()
    private let lifeline = Pipe()
    private let answers = Pipe()
    /// The first process in the namespaces, as seen from outside.
    private var firstProcess = ""

    /// Starts a libvirtd and waits until it answers.
    package init(driver: Driver = .test) throws {
        let temporary = FileManager.default.temporaryDirectory.path
        directory = temporary + "/libvirtd-" + UUID().uuidString.prefix(8)
        let base = driver == .test ? "test+unix:///default" : "qemu+unix:///system"
        uri = "\(base)?socket=\(directory)/libvirt-sock"
        do {
            try writeConfiguration()
            try enterNamespaces()
            try start()
        } catch {
            stop()
            throw error
        }
    }

    deinit {
        stop()
    }

    /// Runs virsh, connected to this daemon, for at most 20 seconds.
    @discardableResult
    package func virsh(_ arguments: String...) throws -> String {
        try virsh(arguments)
    }

    /// Runs virsh, connected to this daemon, for at most 20 seconds.
    @discardableResult
    package func virsh(_ arguments: [String]) throws -> String {
        try Command.succeed(["virsh", "--quiet", "--connect", uri] + arguments)
    }

    /// Runs a program inside the daemon's namespaces, for at most 20 seconds.
    @discardableResult
    package func inside(_ command: String...) throws -> String {
        try Command.succeed(["nsenter", "--target", firstProcess, "--mount", "--pid", "--net"] + command)
    }

    /// Writes a file into `directory` and gives its path, for virsh to read.
    package func file(_ name: String, _ text: String) throws -> String {
        let path = directory + "/" + name
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// Sends a signal to the daemon, but to none of the processes that it started.
    package func kill(_ signal: Int32) throws {
        let pid = try String(contentsOfFile: directory + "/pid", encoding: .utf8)
        try inside("kill", "-\(signal)", pid.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// Kills the daemon, if it still runs, and starts another at the same socket; guests of QEMU survive this.
    package func restart() throws {
        try? kill(SIGKILL)
        try start()
    }

    /// Ends the daemon and all that runs in its namespaces, and removes its files. It cannot be started again.
    package func stop() {
        try? lifeline.fileHandleForWriting.close()
        if namespace.isRunning {
            Glibc.kill(namespace.processIdentifier, SIGKILL)
            namespace.waitUntilExit()
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func start() throws {
        let command = ["libvirtd", "--daemon", "--config", directory + "/libvirtd.conf", "--pid-file", directory + "/pid"]
        // The first process starts it: a child of this process would keep Foundation waiting for as long as the daemon lives.
        lifeline.fileHandleForWriting.write(Data("timeout 20 \(command.joined(separator: " ")); echo $?\n".utf8))
        let status = answer()
        guard status == "0" else {
            let output = Command.Output(status: Int32(status) ?? 1, stdout: "", stderr: "the daemon did not start")
            throw Command.Failure.failed(arguments: command, output: output)
        }
        // It listens before its drivers are ready, and then lets clients wait.
        try Command.succeed(["virsh", "--quiet", "--connect", uri, "version"])
    }

    /// The next line that the first process writes; empty once it has ended.
    private func answer() -> String {
        var line = Data()
        while let byte = try? answers.fileHandleForReading.read(upToCount: 1), byte != Data("\n".utf8), !byte.isEmpty {
            line += byte
        }
        return String(decoding: line, as: UTF8.self)
    }

    private func enterNamespaces() throws {
        namespace.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        namespace.arguments = [
            "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", Self.firstScript, "bash",
            directory,
        ]
        namespace.standardInput = lifeline
        namespace.standardOutput = answers
        try namespace.run()
        try lifeline.fileHandleForReading.close()
        try answers.fileHandleForWriting.close()
        let answer = answer()
        let outer = namespace.processIdentifier
        firstProcess = try String(contentsOfFile: "/proc/\(outer)/task/\(outer)/children", encoding: .utf8)
            .trimmingCharacters(in: .whitespaces)
        guard answer == "ready" else {
            let output = Command.Output(status: 1, stdout: answer, stderr: "could not prepare the namespaces")
            throw Command.Failure.failed(arguments: ["unshare"], output: output)
        }
    }

    /// The first process prepares the file systems, then executes commands until its standard input ends; the kernel ends
    /// the rest with it.
    ///
    /// It is bash because the first process must reap orphans, which other shells do not do while they read: libvirt would wait
    /// for a QEMU that has ended already. libvirt's QEMU driver does not start without a user `libvirt-qemu`, even where it is
    /// told to use another one.
    private static let firstScript = """
        set -e
        for place in /run /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
            mkdir -p $place
            mount -t tmpfs none $place
        done
        cp -a /etc/libvirt/. $1/etc/
        cp $1/qemu.conf $1/etc/qemu.conf
        mount --bind $1/etc /etc/libvirt
        cp /etc/passwd /etc/group $1/
        if ! grep -q ^libvirt-qemu: $1/passwd; then
            echo libvirt-qemu:x:64055:64055::/:/bin/false >> $1/passwd
            echo libvirt-qemu:x:64055: >> $1/group
            mount --bind $1/passwd /etc/passwd
            mount --bind $1/group /etc/group
        fi
        ip link set lo up
        echo ready
        set +e
        while read -r command; do eval "$command"; done
        """

    private func writeConfiguration() throws {
        try FileManager.default.createDirectory(atPath: directory + "/etc", withIntermediateDirectories: true)
        _ = try file(
            "libvirtd.conf",
            """
            unix_sock_dir = "\(directory)"
            auth_unix_ro = "none"
            auth_unix_rw = "none"
            log_outputs = "3:file:\(directory)/libvirtd.log"

            """)
        _ = try file(
            "qemu.conf",
            """
            security_driver = "none"
            namespaces = []
            cgroup_controllers = []
            remember_owner = 0
            stdio_handler = "file"
            user = "root"
            group = "root"

            """)
    }
}
