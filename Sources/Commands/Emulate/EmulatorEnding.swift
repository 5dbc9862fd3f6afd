import Common
import Glibc
import Host

/// How `emulate` ends: by a signal, which goes to the command where there is one.
final class EmulatorEnding: Sendable {
    /// Signals that end the emulator. SIGHUP, of a terminal that is closed, is not among them where the starter has it ignored, as
    /// nohup(1) does.
    static var signals: [Int32] {
        var present = sigaction()
        // Safe: sigaction(2) fills one structure.
        guard unsafe sigaction(SIGHUP, nil, &present) == 0 else { return [SIGTERM, SIGINT] }
        let isIgnored = unsafe present.__sigaction_handler.sa_handler.map { unsafe unsafeBitCast($0, to: Int.self) } == 1
        return isIgnored ? [SIGTERM, SIGINT] : [SIGTERM, SIGINT, SIGHUP]
    }

    private struct State {
        /// The first one that came.
        var signal: Int32?
        var waiting: CheckedContinuation<Void, Never>?
        var command: ChildProgram?
    }

    private let state = Locked(State())

    func signal(_ number: Int32) {
        let (waiting, command) = state.withLock { state in
            state.signal = state.signal ?? number
            return (state.waiting.take(), state.command)
        }
        waiting?.resume()
        // An interrupt from the terminal goes to the command by itself.
        guard let command, number != SIGINT || tcgetpgrp(STDIN_FILENO) != getpgrp() else { return }
        command.send(number)
    }

    /// Waits for a signal.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.signal == nil { state.waiting = continuation }
                return state.signal != nil
            }
            if isDone { continuation.resume() }
        }
    }

    /// Sends signals to a command from now on, and those that came before.
    func passOn(to command: ChildProgram) {
        let earlier = state.withLock { state in
            state.command = command
            return state.signal
        }
        if let earlier { command.send(earlier) }
    }
}
