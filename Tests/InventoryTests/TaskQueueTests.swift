import Common
import Libvirt
import Testing

@testable import Inventory

@Suite struct TaskQueueTests {
    private let queue = TaskQueue()

    private func domain(_ number: UInt8) throws -> InstanceUUID {
        try #require(InstanceUUID("00000000-0000-4000-8000-00000000000\(number)"))
    }

    private func drain() -> [InventoryTask] { Array(sequence(state: queue) { $0.next() }) }

    @Test func `each task waits once, in the order of first addition`() {
        for task in [InventoryTask.synchronise, .read(.leases(network: "a")), .synchronise, .retry, .read(.leases(network: "a"))]
        {
            queue.add(task)
        }
        #expect(drain() == [.synchronise, .read(.leases(network: "a")), .retry])
        #expect(drain().isEmpty)
        queue.add(.synchronise)
        #expect(drain() == [.synchronise], "a task that was taken may be added again")
    }

    @Test func `changed domains and all other tasks take turns`() throws {
        let networks = (["a", "b", "c", "d"] as [LibvirtName]).map { InventoryTask.read(.network(name: $0)) }
        let assembledAgain = InventoryTask.read(.attachedDomain(try domain(1)))
        for task in networks + [assembledAgain] { queue.add(task) }
        let domains = [InventoryTask.read(.domain(try domain(1))), .read(.domain(try domain(2)))]
        for task in domains { queue.add(task) }
        #expect(drain() == [domains[0], networks[0], domains[1], networks[1], networks[2], networks[3], assembledAgain])
    }

    @Test func `a change of a network that comes while others wait is read in its turn, as is one of a domain`() throws {
        let (first, second) = (InventoryTask.read(.domain(try domain(1))), InventoryTask.read(.domain(try domain(2))))
        queue.add(first)
        #expect(queue.next() == first)
        queue.add(first)
        queue.add(.retry)
        queue.add(second)
        #expect(queue.next() == .retry)
        queue.add(.synchronise)
        #expect(drain() == [first, .synchronise, second])
    }

    @Test func `domains that are needed first are taken by the next task, and by themselves where there is none`() async throws {
        let domain = try #require(InstanceUUID("00000000-0000-4000-8000-000000000001"))
        queue.add(.synchronise)
        for _ in 0..<2 { queue.addFirst([domain]) }
        #expect(queue.next() == .synchronise, "others get their turn, however many taps appear")
        #expect(queue.drainFirst() == [domain] && queue.drainFirst().isEmpty)
        #expect(queue.next() == nil)
        var signals = queue.signals.makeAsyncIterator()
        await signals.next()
        queue.addFirst([domain])
        await signals.next()
        #expect(drain() == [.read(.domain(domain))])
    }

    @Test func `networks with equivalent names wait for themselves`() {
        let tasks = (["b\u{FC}ro", "bu\u{308}ro"] as [LibvirtName]).map { InventoryTask.read(.network(name: $0)) }
        for task in tasks { queue.add(task) }
        #expect(drain() == tasks)
    }

    @Test func `the reader is woken once for all that was added meanwhile`() async {
        for network: LibvirtName in ["a", "b", "c"] { queue.add(.read(.leases(network: network))) }
        var signals = queue.signals.makeAsyncIterator()
        await signals.next()
        #expect(drain().count == 3)
        queue.add(.reassemble)
        await signals.next()
        #expect(drain() == [.reassemble])
    }

    @Test func `a hint is a task to read what it names`() throws {
        let domain = try #require(InstanceUUID("00000000-0000-4000-8000-000000000001"))
        #expect(InventoryTask(.domain(domain)) == .read(.domain(domain)))
        #expect(InventoryTask(.network(name: "default")) == .read(.network(name: "default")))
        #expect(InventoryTask(.connectionLost(reason: "r")) == .connectionLost(reason: "r"))
    }
}
