import Common
import Glibc
import Host

/// How `emulate` ends: by a signal, which goes to the command where there is one.
final class EmulatorEnding: Sendable {
    private struct State {
        var isSignalled = false
        var waiting: CheckedContinuation<Void, Never>?
        var command: ChildProgram?
    }

    private let state = Locked(State())

    func signal(_ number: Int32) {
        let (waiting, command) = state.withLock { state in
            state.isSignalled = true
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
                if !state.isSignalled { state.waiting = continuation }
                return state.isSignalled
            }
            if isDone { continuation.resume() }
        }
    }

    /// Sends signals to a command from now on, and those that came before.
    func passOn(to command: ChildProgram) {
        let isSignalled = state.withLock { state in
            state.command = command
            return state.isSignalled
        }
        if isSignalled { command.send(SIGTERM) }
    }
}
