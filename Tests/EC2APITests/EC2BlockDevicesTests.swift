import Common
import EC2API
import Testing

@Suite struct EC2BlockDevicesTests {
    private func mapping(_ disks: [Disk]) -> [String] {
        let path = "/latest/meta-data/block-device-mapping"
        let instance = Instance.example(disks: disks)
        return (read(path, instance) ?? "").split(separator: "\n").map { "\($0)=\(read("\(path)/\($0)", instance) ?? "")" }
    }

    private func disk(_ target: String, _ role: Disk.Role? = nil, isRoot: Bool = false) -> Disk {
        Disk(target: target, role: role, isRoot: isRoot)
    }

    @Test func `the root disk has two names, one of them without /dev/`() {
        #expect(mapping([disk("vda", isRoot: true)]) == ["ami=vda", "root=/dev/vda"])
    }

    @Test func `without disks there is no mapping`() {
        #expect(mapping([]) == [])
        #expect(read("/latest/meta-data", .example())?.contains("block-device-mapping") == false)
    }

    @Test func `a domain may boot from no disk and have some`() {
        #expect(mapping([disk("vdb")]) == ["ebs0=/dev/vdb"])
    }

    @Test func `volumes are numbered in the order of their names, whatever their order in the domain`() {
        let targets = ["vdaa", "vdz", "vdc", "sdb"]
        #expect(mapping(targets.map { disk($0) }) == ["ebs0=/dev/sdb", "ebs1=/dev/vdc", "ebs2=/dev/vdz", "ebs3=/dev/vdaa"])
    }

    @Test func `ephemeral disks are numbered in the order of the domain`() {
        #expect(mapping([disk("vdc", .ephemeral), disk("vdb", .ephemeral)]) == ["ephemeral0=/dev/vdc", "ephemeral1=/dev/vdb"])
    }

    @Test func `of several swap disks the last counts, and none is a volume`() {
        #expect(mapping([disk("vdb", .swap), disk("vdc", .swap), disk("vdd")]) == ["ebs0=/dev/vdd", "swap=/dev/vdc"])
    }

    @Test func `a root disk with a role is the root disk`() {
        #expect(mapping([disk("vda", .swap, isRoot: true)]) == ["ami=vda", "root=/dev/vda"])
    }
}
