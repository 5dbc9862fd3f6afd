import Common
import Description
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

    @Test func `remedies name the libvirt and the file of the command line`() {
        var configuration = Configuration()
        #expect(Doctor(configuration: configuration).command("enable web") == "virt-metadata enable web")
        #expect(
            Doctor(configuration: configuration, file: "my conf.yaml").command("enable web")
                == "virt-metadata --config-file 'my conf.yaml' enable web")
        configuration.connect = ["test:///default"]
        configuration.remember("connect", .flag("--connect"))
        #expect(
            Doctor(configuration: configuration, file: "c.yaml").command("enable web")
                == "virt-metadata --config-file c.yaml -c test:///default enable web")
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

    // MARK: Networks

    private func routeProblems(_ network: String, _ option: String? = nil) -> [String] {
        let options = option.map { "<dnsmasq:options><dnsmasq:option value='\($0)'/></dnsmasq:options>" } ?? ""
        let xml = """
            <network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><name>n</name>\(network)\
            <ip address='192.0.2.1' prefix='24'><dhcp/></ip>\(options)</network>
            """
        return Doctor.checkRoute("n", xml).map(\.problem)
    }

    @Test(arguments: [
        "", "<dns><forwarder addr='192.0.2.53'/></dns>", "<forward mode='none'/>", "<!-- <forward mode='nat'/> -->",
    ])
    func `a network without forwarding is isolated`(network: String) {
        let problem = "isolated network n does not advertise a route to 169.254.169.254; most guests will not reach it"
        #expect(routeProblems(network) == [problem])
        #expect(routeProblems(network, "dhcp-option=3") == [problem])
        for option in [
            "dhcp-option=option:router,192.0.2.1", "dhcp-option=3,192.0.2.1",
            "dhcp-option-force=tag:a,121,169.254.169.254/32,192.0.2.1",
            "dhcp-option=option:classless-static-route,169.254.169.254/32,192.0.2.1",
        ] {
            #expect(routeProblems(network, option) == [], "\(option)")
        }
    }

    @Test func `a network that forwards has a route, unless it advertises no router`() {
        #expect(routeProblems("<forward mode='nat'/>") == [] && routeProblems("<forward/>", "dhcp-option=option:mtu,1400") == [])
        let problem = "network n does not advertise a route to 169.254.169.254; most guests will not reach it"
        #expect(routeProblems("<forward mode='nat'/>", "dhcp-option=3") == [problem])
        #expect(routeProblems("<forward mode='nat'/>", "dhcp-option=option:router") == [problem])
    }

    @Test func `a link that is down is named with the command that sets it up`() throws {
        let interfaces = ["<link state='down'/>", "", "<link state='up'/>"].enumerated().map { number, link in
            "<interface type='bridge'><mac address='52:54:00:00:00:0\(number)'/><source bridge='br0'/>\(link)</interface>"
        }
        let problems = { (interfaces: [String]) in
            let xml = """
                <domain><name>web</name><uuid>83679162-1378-4288-a2d4-70e13ec132aa</uuid><devices>\(interfaces.joined())</devices></domain>
                """
            let instance = try InstanceAssembly().assemble(Array(xml.utf8)).instance
            return instance.interfaces.compactMap { Doctor.checkLink($0, of: instance, "virsh domif-setlink web") }
        }
        let (problem, remedy) = (
            "the link of interface 52:54:00:00:00:00 is down in the domain's XML", "virsh domif-setlink web 52:54:00:00:00:00 up"
        )
        #expect(try problems([interfaces[0]]) == [.error(problem, remedy)])
        #expect(try problems(interfaces) == [.warning(problem, remedy)])
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
