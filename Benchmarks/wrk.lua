-- The method, where it is not GET, is the first argument behind the URL.
init = function(args)
    wrk.method = args[1] or "GET"
end

-- What wrk measured, as one line of JSON: requests, seconds, latencies in microseconds, errors by kind.
done = function(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\n{"requests":%d,"seconds":%.6f,"p50":%d,"p99":%d,'
            .. '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
        errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
