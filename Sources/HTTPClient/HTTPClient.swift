internal import CCurl
import Common
import Dispatch
import Glibc

extension HTTPFailure {
    static func message(of number: Int32) -> String { unsafe String(cString: strerror(number)) }
}

/// Concurrent libcurl transfers (libcurl-multi(3)) on one thread, which runs only while there are transfers. Connections are kept
/// alive.
///
/// Redirects are not followed and proxies of the environment are ignored: only the host that the operator configured is
/// contacted.
@safe package final class HTTPClient: @unchecked Sendable {
    // Safe: `multi` and `active` are used on `queue` only, except for curl_multi_wakeup, which any thread may call
    // (curl_multi_wakeup(3)). State shared with other threads is locked.
    private struct State {
        /// The transfers that have not started.
        var waiting: [Transfer] = []
        /// Whether the thread is running.
        var isRunning = false
    }

    /// The longest sleep of the thread, in milliseconds; libcurl wakes it earlier for its own timeouts.
    private static let idlePeriod: Int32 = 10_000
    /// libcurl's state for the whole process.
    private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private let queue = DispatchQueue(label: "http-client")
    private let state = Locked(State())
    private let multi: UnsafeMutableRawPointer?
    private var active: [UnsafeMutableRawPointer: Transfer] = unsafe [:]

    /// - Parameter connections: the connection limit per host; further requests wait for a free connection.
    package init(connections: Int) {
        unsafe multi = Self.isReady ? curl_multi_init() : nil
        if let multi = unsafe multi { _ = unsafe vm_curl_set_most_connections(multi, connections, connections) }
    }

    deinit {
        // The thread retains this object while there are transfers.
        if let multi = unsafe multi { unsafe curl_multi_cleanup(multi) }
    }

    /// Sends a request and waits for the whole response.
    package func answer(to request: HTTPRequest) async throws(HTTPFailure) -> HTTPAnswer {
        let result: Result<HTTPAnswer, HTTPFailure> = await withCheckedContinuation { continuation in
            begin(Transfer(request) { continuation.resume(returning: $0) })
        }
        return try result.get()
    }

    private func begin(_ transfer: Transfer) {
        guard let multi = unsafe multi else { return transfer.fail("curl_multi_init") }
        let isFirst = state.withLock { state in
            state.waiting.append(transfer)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if isFirst {
            queue.async { self.run() }
        } else {
            _ = unsafe curl_multi_wakeup(multi)
        }
    }

    /// Runs all transfers until there are none.
    private func run() {
        guard let multi = unsafe multi else { return }
        while let new = next() {
            for transfer in new { add(transfer) }
            var count: Int32 = 0
            _ = unsafe curl_multi_perform(multi, &count)
            var result = CURLE_OK
            while let handle = unsafe vm_curl_next_ended(multi, &result) {
                guard let transfer = unsafe active.removeValue(forKey: handle) else { continue }
                _ = unsafe curl_multi_remove_handle(multi, handle)
                unsafe transfer.end(handle, result)
            }
            if unsafe !active.isEmpty { _ = unsafe curl_multi_poll(multi, nil, 0, Self.idlePeriod, nil) }
        }
    }

    /// The transfers to start; `nil` if no transfer is left.
    private func next() -> [Transfer]? {
        let hasNone = unsafe active.isEmpty
        return state.withLock { state in
            if hasNone, state.waiting.isEmpty {
                state.isRunning = false
                return nil
            }
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    private func add(_ transfer: Transfer) {
        guard let multi = unsafe multi, let handle = unsafe curl_easy_init() else {
            return transfer.fail("curl_easy_init")
        }
        let code = unsafe transfer.prepare(handle)
        guard code == CURLE_OK else { return unsafe transfer.end(handle, code) }
        unsafe active[handle] = transfer
        guard unsafe curl_multi_add_handle(multi, handle) == CURLM_OK else {
            unsafe active[handle] = nil
            return unsafe transfer.end(handle, CURLE_FAILED_INIT)
        }
    }
}

/// One request in progress. Only one thread has it at a time.
@safe private final class Transfer: @unchecked Sendable {
    // Safe: created by the requesting task, then handed to the client's thread, which alone uses it from then on.
    private let request: HTTPRequest
    private var body: [UInt8] = []
    private var isTooLong = false
    private var fields: UnsafeMutablePointer<curl_slist>?
    let done: @Sendable (Result<HTTPAnswer, HTTPFailure>) -> Void

    init(_ request: HTTPRequest, done: @escaping @Sendable (Result<HTTPAnswer, HTTPFailure>) -> Void) {
        (self.request, self.done) = (request, done)
    }

    deinit { unsafe curl_slist_free_all(fields) }

    /// Fails a transfer that libcurl could not start.
    func fail(_ function: String) {
        done(.failure(.other(number: Int(CURLE_FAILED_INIT.rawValue), message: "\(function) failed")))
    }

    /// Sets the request's options in libcurl.
    func prepare(_ handle: UnsafeMutableRawPointer) -> CURLcode {
        let milliseconds = max(1, Int(request.limit / .milliseconds(1)))
        // The empty Expect field disables `Expect: 100-continue`, for which a request with a body would wait although few servers
        // reply to it.
        for field in request.fields + ["Expect:"] {
            guard let more = unsafe curl_slist_append(fields, field) else { return CURLE_OUT_OF_MEMORY }
            unsafe fields = more
        }
        // Safe: the client retains this object until the transfer has ended, and libcurl calls the function on the client's
        // thread.
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        let sink: @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
            bytes, size, count, context in
            guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
            return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                .take(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        let steps: [() -> CURLcode] = [
            { unsafe vm_curl_set_text(handle, CURLOPT_URL, self.request.url) },
            { unsafe vm_curl_allow_http_alone(handle) },
            { unsafe vm_curl_set_number(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)) },
            // Signals belong to the whole process; libcurl must not handle them.
            { unsafe vm_curl_set_number(handle, CURLOPT_NOSIGNAL, 1) },
            { unsafe vm_curl_set_number(handle, CURLOPT_TIMEOUT_MS, milliseconds) },
            { unsafe vm_curl_set_text(handle, CURLOPT_PROXY, "") },
            { unsafe vm_curl_set_fields(handle, self.fields) },
            { unsafe vm_curl_set_sink(handle, sink, context) },
            { self.request.socket.map { unsafe vm_curl_set_text(handle, CURLOPT_UNIX_SOCKET_PATH, $0) } ?? CURLE_OK },
            {
                guard case .post(let body) = self.request.method else { return CURLE_OK }
                return unsafe body.withUnsafeBufferPointer { unsafe vm_curl_set_body(handle, $0.baseAddress, $0.count) }
            },
        ]
        for step in steps {
            let code = step()
            guard code == CURLE_OK else { return code }
        }
        return CURLE_OK
    }

    /// Receives a part of the body and returns the number of bytes used: fewer than all abort the transfer.
    private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard body.count + bytes.count <= request.longest else {
            isTooLong = true
            return 0
        }
        unsafe body.append(contentsOf: bytes)
        return bytes.count
    }

    /// Reports the result and frees the handle.
    func end(_ handle: UnsafeMutableRawPointer, _ code: CURLcode) {
        let (status, number) = unsafe (vm_curl_status(handle), Int32(truncatingIfNeeded: vm_curl_error_number(handle)))
        unsafe curl_easy_cleanup(handle)
        done(result(of: code, status: status, errorNumber: number))
    }

    private func result(of code: CURLcode, status: Int, errorNumber: Int32) -> Result<HTTPAnswer, HTTPFailure> {
        // The body of an error response is not read to its end.
        if isTooLong { return (200..<300).contains(status) ? .failure(.tooLong) : .success(HTTPAnswer(status: status, body: [])) }
        switch code {
        case CURLE_OK: return .success(HTTPAnswer(status: status, body: body))
        case CURLE_OPERATION_TIMEDOUT: return .failure(.tooLate)
        case CURLE_COULDNT_CONNECT: return .failure(.notConnected(errorNumber))
        case CURLE_COULDNT_RESOLVE_HOST: return .failure(.noAddress)
        case CURLE_PEER_FAILED_VERIFICATION: return .failure(.notTrusted)
        default:
            return .failure(.other(number: Int(code.rawValue), message: unsafe String(cString: curl_easy_strerror(code))))
        }
    }
}
