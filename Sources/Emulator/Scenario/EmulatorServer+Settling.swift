import Dispatch
import NIOCore

extension EmulatorServer {
    /// Waits until the thread of the connections has done what it was asked to do before; not on that thread.
    package func settle() {
        let done = DispatchSemaphore(value: 0)
        desk.loop.execute { done.signal() }
        // It never blocks, so this is for the case that it has ended.
        _ = done.wait(timeout: .now() + 5)
    }
}
