import Common
import Foundation
import TestSupport
import Testing

@testable import Emulator

@Suite struct ControlTests {
    private func responder(_ emulator: LiveEmulator) -> ControlResponder {
        ControlResponder(
            director: emulator.director, names: ScenarioExample.names, instances: emulator.instances, clock: emulator.clock)
    }

    private func ask(_ responder: ControlResponder, _ method: String, _ target: String, _ body: String = "") -> (Int, String) {
        let reply = responder.respond(to: ControlRequest(method: method, target: target, body: Array(body.utf8)))
        return (reply.status, String(decoding: reply.body, as: UTF8.self))
    }

    @Test func `values are set and removed`() async throws {
        let emulator = try await LiveEmulator("")
        let control = responder(emulator)
        #expect(ask(control, "PUT", "/values/spot/instance-action", "{}") == (200, "{\"status\": \"ok\"}\n"))
        #expect(try await emulator.get("/latest/meta-data/spot/instance-action").text == "{}")
        #expect(ask(control, "PUT", "/values//latest/user-data?instance=db", "x").0 == 200)
        #expect(try await emulator.get("/latest/user-data", from: 1).text == "x")
        #expect(try await emulator.get("/latest/user-data").text == "#!/bin/sh")
        #expect(ask(control, "DELETE", "/values/hostname").0 == 200)
        #expect(try await emulator.get().status == 404)
    }

    @Test func `a path that no instance has is refused, unless it is meant`() async throws {
        let emulator = try await LiveEmulator("")
        let control = responder(emulator)
        for (method, target, reason) in [
            ("PUT", "/values/spot/instance-acton", "'spot/instance-acton'; did you mean 'spot/instance-action'?; to use"),
            ("DELETE", "/values/user-date", "no path 'user-date'; did you mean 'user-data'?"),
            ("DELETE", "/values/nothing", "no path 'nothing'; to use this path anyway, add ?new to the URL"),
            ("PUT", "/values/spot", "'spot' is a directory"),
            ("PUT", "/values/user-data%23/a", "cannot set /*/user-data#/a: the value of the path is not JSON"),
            ("DELETE", "/values/spott", "no path 'spott'; did you mean 'spot'?"),
            ("PUT", "/values/spot/instance-action%23/a", "/*/meta-data/spot/instance-action#/a: no instance has this document"),
            ("PUT", "/values/openstack/x.json%23/a?new", "no instance has this document; set the whole document first"),
            ("PUT", "/values/openstack/meta_data.json%23/devices/7", "a list of the document has no such item"),
            ("PUT", "/values/openstack/meta_data.json", "the body is not JSON: for a member of the document, write '#' as %23"),
        ] {
            let reply = ask(control, method, target, "x")
            #expect(reply.0 == 400 && reply.1.contains(reason), "\(reply)")
        }
        #expect(emulator.instances.allSatisfy { $0.values.current.isEmpty })
        #expect(ask(control, "PUT", "/values/rack/row?new&instance=web", "r7").0 == 200)
        #expect(try await emulator.get("/latest/meta-data/rack/row").text == "r7")
        // Now it is known, and it stays so when it is removed.
        for _ in 0..<2 { #expect(ask(control, "DELETE", "/values/rack/row").0 == 200) }
        #expect(ask(control, "PUT", "/values/rack/row", "r8").0 == 200)
        #expect(ask(control, "DELETE", "/values/tags").0 == 200)
        #expect(try await emulator.get("/latest/meta-data/tags/instance/Name").status == 404)
    }

    @Test func `times in a body are those of scenario files`() async throws {
        let emulator = try await LiveEmulator("")
        let control = responder(emulator)
        let notice = "/latest/meta-data/spot/instance-action"
        for (body, served) in [
            ("@+120s", "2026-01-07T01:05:47Z"), ("@ GMT\n", "07 Jan 2026 01:03:47 GMT"), ("@home", "@home"),
            ("@", "2026-01-07T01:03:47Z"),
            (#"{"action":"stop","time":"@+2m"}"#, #"{"action": "stop", "time": "2026-01-07T01:05:47Z"}"#),
            (#"{"mail":"@+a","list":["@+1s epoch"]}"#, #"{"mail": "@+a", "list": [1767747828]}"#),
            (#"{"mail":"a@b"}"#, #"{"mail":"a@b"}"#),
        ] {
            #expect(ask(control, "PUT", "/values/spot/instance-action", body).0 == 200)
            #expect(try await emulator.get(notice).text == served)
        }
        let reply = ask(control, "PUT", "/values/spot/instance-action", "@+2 weeks")
        #expect(reply.0 == 400 && reply.1.contains("invalid time '@+2 weeks': expected a time such as @"), "\(reply)")
        #expect(ask(control, "PUT", "/values/openstack/meta_data.json%23/meta/end", "@+120s").0 == 200)
        #expect(try await emulator.get("/openstack/latest/meta_data.json").text.contains(#""end": "2026-01-07T01:05:47Z""#))
    }

    @Test func `faults are added and removed`() async throws {
        let emulator = try await LiveEmulator("faults:\n- {name: own, when: {first: 1}, do: {status: 500}}")
        let control = responder(emulator)
        #expect(ask(control, "POST", "/rules", #"{"name": "added", "do": {"status": 503}}"#) == (200, "{\"added\": 1}\n"))
        let counts = { (added: String, own: String) in
            #"{"rules": ["added", "own"], "counts": [{"name": "added", \#(added)}, {"name": "own", \#(own)}]}"# + "\n"
        }
        let none = #""matched": 0, "applied": 0"#
        #expect(ask(control, "GET", "/rules").1 == counts(none, none))
        #expect(try await emulator.get().status == 503)
        #expect(
            ask(control, "GET", "/rules").1 == counts(#""matched": 1, "applied": 1"#, #""matched": 1, "applied": 0"#))
        #expect(ask(control, "DELETE", "/rules").0 == 200)
        #expect(try await emulator.get().status == 500)
        #expect(try await emulator.get().status == 200)
    }

    @Test func `the requests are told, and forgotten`() async throws {
        let emulator = try await LiveEmulator("")
        let control = responder(emulator)
        _ = try await emulator.get(token: "x")
        try #require(try await eventually { !emulator.director.records.kept.isEmpty })
        let text = ask(control, "GET", "/requests").1
        #expect(
            text.hasPrefix(#"{"requests": [{"n": 1, "time": "2026-01-07T01:03:47.000Z", "instance": "web", "method": "GET""#),
            "\(text)")
        #expect(text.contains(#""token": "wrong", "status": 401"#) && text.hasSuffix("\"dropped\": 0}\n"))
        #expect(ask(control, "DELETE", "/requests").0 == 200)
        #expect(ask(control, "GET", "/requests").1 == "{\"requests\": [], \"dropped\": 0}\n")
    }

    @Test func `the clock is stepped`() async throws {
        let emulator = try await LiveEmulator("steps:\n- {at: 2m, set: {hostname: x}}", expectations: "- {name: e, request: {}}")
        let control = responder(emulator)
        #expect(
            ask(control, "POST", "/clock", #"{"advance": 120.5}"#).1
                == #"{"elapsed": 120.5, "time": "2026-01-07T01:05:47.500Z", "manual": true}"# + "\n")
        #expect(try await emulator.get().text == "x")
        #expect(ask(control, "GET", "/clock").1.hasPrefix(#"{"elapsed": 120.5"#))
        #expect(ask(control, "GET", "/expectations").1.contains(#"{"name": "e", "met": true"#))
        #expect(ask(control, "GET", "/readyz").1 == "{\"status\": \"ready\"}\n")
    }

    @Test func `one step of the clock carries a slow reply to its end`() async throws {
        let emulator = try await LiveEmulator("faults:\n- {do: {delay: 5s, body-delay: 5s, rate: 1}}")
        let control = responder(emulator)
        let connection = try emulator.connection()
        try await connection.send(LiveEmulator.request())
        try await emulator.settle(afterRequests: 1)
        #expect(ask(control, "POST", "/clock", #"{"advance": 28}"#).0 == 200)
        #expect(emulator.director.records.kept.isEmpty)
        #expect(ask(control, "POST", "/clock", #"{"advance": 10}"#).0 == 200)
        #expect(emulator.director.records.kept.count == 1)
        let reply = try await connection.reply()
        #expect(reply.text == "web.example.internal")
        // The head is written when its delay is over, with the time of the request.
        #expect(reply.field("Date") == "Wed, 07 Jan 2026 01:03:47 GMT")
    }

    @Test func `the machine's clock is not stepped`() async throws {
        let emulator = try await LiveEmulator("")
        let control = ControlResponder(
            director: emulator.director, names: ScenarioExample.names, instances: emulator.instances, clock: RealClock())
        #expect(
            ask(control, "POST", "/clock", #"{"advance": 1}"#) == (
                409, "{\"error\": \"the emulator uses the machine's clock: start it with --clock manual to advance the time\"}\n"
            ))
    }

    @Test(arguments: [
        ("POST", "/clock", #"{"advance": -1}"#, 400, "expected {\\\"advance\\\": SECONDS}"),
        ("POST", "/clock", "5", 400, "invalid body"),
        ("POST", "/clock", #"{"advance": 1, "x": 2}"#, 400, "invalid body"),
        ("POST", "/clock", #"{"advance": 1e12}"#, 400, "invalid body"),
        ("POST", "/rules", "{", 400, "body:2: invalid YAML"),
        ("POST", "/rules", #"{"do": {"statsu": 1}}"#, 400, "did you mean 'status'?"),
        (
            "POST", "/rules", #"{"when": {"frist": 1}}"#, 400,
            #"{"error": "body:1: fault 1: when: unknown key 'frist'; did you mean 'first'?\nbody:1: fault 1: no effect"#
        ),
        ("PUT", "/values/", "x", 400, "invalid path"), ("PUT", "/values/spot?x=1", "x", 400, "expected instance=NAME"),
        ("PUT", "/values//3000-01-01/user-data", "x", 400, "unknown version '3000-01-01'"),
        ("PUT", "/values/hostname?instance=wed", "x", 404, "no instance 'wed': expected web or db"),
        ("GET", "/values/hostname", "", 405, "expected PUT, DELETE"), ("PATCH", "/clock", "", 405, "expected GET, POST"),
        ("GET", "/", "", 404, "unknown endpoint: expected one of /readyz"),
    ]) func `a wrong request is refused with its reason`(
        method: String, target: String, body: String, status: Int, reason: String
    ) async throws {
        let emulator = try await LiveEmulator("")
        let reply = ask(responder(emulator), method, target, body)
        #expect(reply.0 == status && reply.1.contains(reason), "\(reply)")
    }

    @Test func `a long body is refused`() async throws {
        let emulator = try await LiveEmulator("")
        let reply = ask(
            responder(emulator), "PUT", "/values/user-data", String(repeating: "x", count: ControlResponder.mostBytes + 1))
        #expect(reply.0 == 413)
    }

    // MARK: Over a socket

    @Test func `an address in use is reported with what to do`() async throws {
        let emulator = try await LiveEmulator("")
        let control = try ControlListener(on: ControlAddress("127.0.0.1:0"), responder(emulator))
        defer { control.close() }
        let text = String(control.url.dropFirst("http://".count))
        let error = #expect(throws: EmulatorError.self) { try ControlListener(on: ControlAddress(text), responder(emulator)) }
        let reason = "Address already in use; choose another port, or 127.0.0.1:0 for a free one"
        #expect(error?.description == "--control: cannot listen on \(text): \(reason)")
    }

    @Test func `the control socket is a port of loopback, and refuses pages`() async throws {
        let emulator = try await LiveEmulator("")
        let control = try ControlListener(on: ControlAddress("127.0.0.1:0"), responder(emulator))
        defer { control.close() }
        let set = try Command.run(["curl", "-s", "-X", "PUT", "--data-binary", "new", control.url + "/values/hostname"])
        #expect(set.stdout == "{\"status\": \"ok\"}\n")
        #expect(try await emulator.get().text == "new")
        for field in ["Origin: http://localhost", "Sec-Fetch-Site: same-origin"] {
            let page = try Command.run(["curl", "-s", "-w", "%{http_code}", "-H", field, control.url + "/requests"])
            #expect(page.stdout.hasSuffix("403") && page.stdout.contains("requests of a web page are refused"))
        }
    }

    @Test func `a step of the clock over the socket brings what is due before its reply`() async throws {
        let emulator = try await LiveEmulator("steps:\n- {at: 1h, set: {hostname: x}}")
        let control = try ControlListener(on: ControlAddress("127.0.0.1:0"), responder(emulator))
        defer { control.close() }
        let reply = try Command.run(["curl", "-s", "-d", #"{"advance": 3600}"#, control.url + "/clock"])
        #expect(reply.stdout.hasPrefix(#"{"elapsed": 3600"#))
        #expect(try await emulator.get().text == "x")
    }

    @Test func `the control socket is a Unix socket of its owner, which is removed`() async throws {
        let emulator = try await LiveEmulator("")
        let path = FileManager.default.temporaryDirectory.appending(path: "control-\(UUID().uuidString.prefix(8))").path()
        // A file that a killed emulator left.
        let first = try ControlListener(on: ControlAddress(path), responder(emulator))
        #expect(first.url == "unix:\(path)")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let reply = try Command.run(["curl", "-s", "--unix-socket", path, "http://localhost/readyz"])
        #expect(reply.stdout == "{\"status\": \"ready\"}\n")
        let error = #expect(throws: EmulatorError.self) { try ControlListener(on: ControlAddress(path), responder(emulator)) }
        #expect(error?.description.hasPrefix("--control: cannot listen on /") == true, "\(error as Any)")
        first.close()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test(arguments: [
        ("0.0.0.0:80", "'0.0.0.0:80' is not a loopback address"), ("192.168.0.1:80", "is not a loopback address"),
        ("[::]:80", "is not a loopback address"),
        ("localhost:80", "expected 127.0.0.1:PORT, [::1]:PORT or the path of a Unix socket"),
        ("127.0.0.1", "invalid value '127.0.0.1'"),
        ("127.0.0.1:99999", "invalid value '127.0.0.1:99999'"),
        ("/" + String(repeating: "x", count: 107), "expected at most 107 bytes"),
    ]) func `a control address that others reach is refused`(text: String, reason: String) {
        let error = #expect(throws: EmulatorError.self) { try ControlAddress(text) }
        #expect(error?.description.contains(reason) == true, "\(error as Any)")
    }

    @Test func `control addresses are read`() throws {
        #expect(try ControlAddress("127.0.0.1:0") == .loopback(try #require(IPAddress("127.0.0.1")), port: 0))
        #expect(try ControlAddress("[::1]:8080") == .loopback(try #require(IPAddress("::1")), port: 8080))
        #expect(try ControlAddress("./c.sock") == .unix("./c.sock"))
    }
}
