import Common
import Libvirt
import Testing

@testable import Inventory

@Suite struct TaskQueueTests {
    private let queue = TaskQueue()

    @Test func `each task waits once, in the order of first addition`() throws {
        let domain = try #require(InstanceUUID("00000000-0000-4000-8000-000000000001"))
        for task in [InventoryTask.synchronise, .read(.domain(domain)), .synchronise, .retry, .read(.domain(domain))] {
            queue.add(task)
        }
        #expect(queue.drain() == [.synchronise, .read(.domain(domain)), .retry])
        #expect(queue.drain().isEmpty)
        queue.add(.synchronise)
        #expect(queue.drain() == [.synchronise], "what was drained may come again")
    }

    @Test func `the reader is woken once for all that was added meanwhile`() async {
        for network in ["a", "b", "c"] { queue.add(.read(.leases(network: network))) }
        var signals = queue.signals.makeAsyncIterator()
        await signals.next()
        #expect(queue.drain().count == 3)
        queue.add(.reassemble)
        await signals.next()
        #expect(queue.drain() == [.reassemble])
    }

    @Test func `a hint is a task to read what it names`() throws {
        let domain = try #require(InstanceUUID("00000000-0000-4000-8000-000000000001"))
        #expect(InventoryTask(.domain(domain)) == .read(.domain(domain)))
        #expect(InventoryTask(.network(name: "default")) == .read(.network(name: "default")))
        #expect(InventoryTask(.connectionLost(reason: "r")) == .connectionLost(reason: "r"))
    }
}
