import Admin
import Common
import JSON
import Libvirt

extension Doctor {
    /// What the server would answer the guest, and what the guest has requested.
    func checkRequest(_ examined: ExaminedDomain) async -> CheckResult {
        var result = CheckResult(name: "request")
        switch examined.host.server.state {
        case .running: break
        case .down: return CheckResult(name: "request", skipped: "server not running")
        case .denied: return CheckResult(name: "request", skipped: "only root may query the server")
        }
        let client = AdminClient(configuration)
        let (uuid, path) = (examined.domain.uuid.description, "/latest/meta-data/instance-id")
        do throws(AdminClient.Failure) {
            let answer = try await client.get(["instances", uuid, "get"], query: [("path", path)])
            guard answer.status == 200 else {
                let problem = "the server does not serve this guest: \(answer.error ?? "status \(answer.status) for \(path)")"
                result.diagnoses = [.error(problem, "sudo journalctl -u virt-metadata")]
                return result
            }
            let log = try await client.get(["instances", uuid, "requests"])
            let document = try? JSONParsing.value(of: log.bytes)
            if case .array(let requests)? = document?["requests"], let last = requests.last, last["earlier_run"] != .bool(true) {
                result.detail = Self.summary(of: last)
                result.diagnoses = Self.diagnoses(ofLast: last, of: examined.word, command)
            } else {
                let start = (document?.number("count") ?? 0) > 0 ? "its domain" : "the server"
                result.diagnoses = [
                    .note(
                        "the server would answer, but the guest has sent no request since \(start) started",
                        "check the guest's console: \(examined.virsh) console \(examined.word)")
                ]
            }
        } catch {
            return CheckResult(name: "request", skipped: error.problem)
        }
        return result
    }

    private static func summary(of request: JSONValue) -> String {
        "last request \(Age.text(request.number("age"))) ago: \(request.text("target")) returned \(request.text("status"))"
    }

    /// Agents read these files whether they are served or not.
    private static let optionalFiles: Set = ["user-data", "user_data", "vendor-data", "network-config"]

    /// The problems that the guest's last request shows.
    ///
    /// - Parameters:
    ///   - domain: the domain as a word of a command.
    ///   - command: makes a command of this program.
    static func diagnoses(ofLast request: JSONValue, of domain: String, _ command: (String) -> String) -> [Diagnosis] {
        let file = request.text("target").split(separator: "/").last.map(String.init) ?? ""
        switch Int(request.number("status")) {
        case ..<400: return []
        case 404 where optionalFiles.contains(file): return []
        case 401:
            return [
                .warning(
                    "\(summary(of: request)): the agent sends no valid session token",
                    "let the agent use IMDSv2; or: \(command("set \(domain) imds@tokens=optional"))")
            ]
        default: return [.warning(summary(of: request), "sudo \(command("requests \(domain)"))")]
        }
    }
}
