import Common
import Foundation
import Libvirt
import Testing

@testable import Configuration
@testable import Doctor

struct DoctorChecksTests {
    @Test(arguments: ["test:///nowhere.xml", "test:///default"])
    func `a check that cannot be made is skipped, and none is left out`(uri: String) async {
        var configuration = Configuration()
        (configuration.connect, configuration.adminSocket) = ([uri], Configuration.noAdminSocket)
        let results = await Doctor(configuration: configuration).examine("no such domain")
        #expect(results.map(\.name) == Doctor.checks)
        #expect(results.last?.skipped != nil)
        #expect(Doctor.checks.allSatisfy { $0.count <= 9 })
    }

    // MARK: The last request

    private func request(_ target: String, _ status: Int64) -> JSONValue {
        .object([
            JSONMember("target", .string(target)), JSONMember("status", .integer(status)), JSONMember("age", .real(3)),
        ])
    }

    private func diagnoses(_ target: String, _ status: Int64) -> [Diagnosis] {
        Doctor.diagnoses(ofLast: request(target, status), of: "web") { "virt-metadata \($0)" }
    }

    @Test func `a last request that failed is a warning, with its path and status`() {
        let warning = Diagnosis.warning("last request 3 s ago: /nope returned 404", "sudo virt-metadata requests web")
        #expect(diagnoses("/nope", 404) == [warning])
        #expect(diagnoses("/latest/meta-data/", 429).map(\.severity) == [.warning])
        let unauthorized = diagnoses("/latest/meta-data/", 401)
        #expect(unauthorized.map(\.severity) == [.warning])
        #expect(unauthorized.first?.remedy?.hasSuffix("virt-metadata set web imds@tokens=optional") == true)
    }

    @Test(arguments: [
        ("/latest/meta-data/", 200 as Int64), ("/latest/user-data", 404), ("/openstack/latest/user_data", 404),
        ("/nocloud/vendor-data", 404), ("/latest/api/token", 200),
    ])
    func `a request that was answered is no problem, nor one of a file that is optional`(target: String, status: Int64) {
        #expect(diagnoses(target, status) == [])
    }

    // MARK: libvirt

    private func folder(_ files: [String]) throws -> String {
        let root = FileManager.default.temporaryDirectory.appending(path: "root-\(UUID().uuidString)")
        for file in files {
            let path = root.appending(path: file)
            try FileManager.default.createDirectory(at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data().write(to: path)
        }
        return root.path
    }

    @Test(arguments: [
        (["usr/lib/systemd/system/libvirtd.service"], "libvirtd"), ([], "libvirtd"),
        (["usr/lib/systemd/system/virtqemud.service"], "virtqemud"),
        (["lib/systemd/system/virtqemud.service", "lib/systemd/system/libvirtd.service"], "libvirtd"),
        (
            [
                "usr/lib/systemd/system/virtqemud.service", "usr/lib/systemd/system/libvirtd.service",
                "etc/systemd/system/sockets.target.wants/virtqemud.socket",
            ], "virtqemud"
        ),
        (
            [
                "usr/lib/systemd/system/virtqemud.service", "usr/lib/systemd/system/libvirtd.service",
                "etc/systemd/system/sockets.target.wants/virtqemud.socket",
                "etc/systemd/system/multi-user.target.wants/libvirtd.service",
            ], "libvirtd"
        ),
    ])
    func `the daemon to start is the one that this host has`(files: [String], unit: String) throws {
        let root = try folder(files)
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(LibvirtUnit.name(root: root) == unit)
    }

    @Test func `the remedy for a failed connection names the daemon, or tests another host's`() {
        let away = LibvirtError(code: .systemError, function: "virConnectOpen", message: "Failed", systemCode: ENOENT)
        #expect(
            Doctor.diagnosis(of: away, at: "qemu:///system", unit: "virtqemud")
                == .error("cannot connect to libvirt at qemu:///system: Failed", "sudo systemctl start virtqemud"))
        let remote = Doctor.diagnosis(of: away, at: "qemu+ssh://host/system", unit: "virtqemud")
        #expect(remote.remedy == "virsh -c qemu+ssh://host/system uri")
        let hung = LibvirtError(code: .operationTimeout, function: "virConnectOpen", message: "no answer")
        #expect(Doctor.diagnosis(of: hung, at: "qemu:///system", unit: "libvirtd").remedy == "sudo systemctl restart libvirtd")
        let denied = LibvirtError(code: .authFailed, function: "virConnectOpen", message: "no")
        #expect(Doctor.diagnosis(of: denied, at: "qemu:///system").isDenied)
    }
}
