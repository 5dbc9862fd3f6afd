import Common
import OpenStackAPI
import Testing

@Suite struct DeviceListTests {
    private func devices(_ instance: Instance, in version: String = "latest") -> String? {
        let document = read("/openstack/\(version)/meta_data.json", instance)
        guard let document, let start = document.firstRange(of: #""devices": "#)?.upperBound else { return nil }
        let end =
            document[start...].firstRange(of: #", "dedicated_cpus""#)?.lowerBound ?? document.index(before: document.endIndex)
        return String(document[start..<end])
    }

    private func card(_ change: (inout NetworkInterface) -> Void = { _ in }) -> NetworkInterface {
        var interface = NetworkInterface(mac: MACAddress(bits: 0x5254_0000_0001))
        interface.device = DeviceAddress(.pci, "0000:00:03.0")
        change(&interface)
        return interface
    }

    private func disk(_ change: (inout Disk) -> Void) -> Disk {
        var disk = Disk(target: "vdb", role: nil, isRoot: false)
        change(&disk)
        return disk
    }

    @Test func `a card is listed if tagged, later if in a VLAN, later always`() {
        let tagged = card { $0.tags = ["a", "b"] }
        let inVLAN = card { $0.vlan = 7 }
        #expect(devices(.example(interfaces: [tagged]), in: "2015-10-15") == nil)
        let members = #""type": "nic", "mac": "52:54:00:00:00:01", "bus": "pci", "address": "0000:00:03.0""#
        #expect(devices(.example(interfaces: [tagged]), in: "2016-06-30") == #"[{\#(members), "tags": ["a", "b"]}]"#)
        #expect(devices(.example(interfaces: [inVLAN]), in: "2016-10-06") == "[]")
        #expect(devices(.example(interfaces: [inVLAN]), in: "2017-02-22") == #"[{"vlan": 7, \#(members)}]"#)
        #expect(devices(.example(interfaces: [card()]), in: "2017-02-22") == "[]")
        #expect(devices(.example(interfaces: [card()]), in: "2018-08-27") == #"[{"vf_trusted": false, \#(members)}]"#)
        let trusted = card { $0.isTrusted = true }
        #expect(devices(.example(interfaces: [trusted])) == #"[{"vf_trusted": true, \#(members)}]"#)
    }

    @Test func `a disk is listed if it has a serial number or a tag`() {
        let plain = disk { _ in }
        let numbered = disk { ($0.serial, $0.device) = ("s1", DeviceAddress(.scsi, "1:0:2:0")) }
        let tagged = disk { $0.tags = ["data"] }
        #expect(devices(.example(disks: [plain])) == "[]")
        #expect(
            devices(.example(disks: [numbered]), in: "2016-06-30")
                == #"[{"type": "disk", "serial": "s1", "bus": "scsi", "address": "1:0:2:0"}]"#)
        let members = #"{"type": "disk", "serial": null, "path": "/dev/vdb", "bus": "none", "address": "none", "tags": ["data"]}"#
        #expect(devices(.example(disks: [tagged])) == "[\(members)]")
    }

    @Test func `shares came in April 2025`() {
        let shared = Instance.example(shares: [Share(tag: "home")])
        #expect(devices(shared, in: "2020-10-14") == "[]")
        #expect(
            devices(shared, in: "2025-04-04")
                == #"[{"type": "share", "share_id": "home", "tag": "home", "bus": "none", "address": "none"}]"#)
    }
}
