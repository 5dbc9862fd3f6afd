import Foundation
import TestSupport
import Testing

/// The tables of `docs/clients-under-faults.md`, as far as a run of their cells is quick: `Tests/clients/under_faults.py` makes them.
@Suite struct ClientsUnderFaultsTests {
    /// Cells that take less than five seconds each. Those of clients that give an answer one second are left out, since a machine that
    /// runs other tests may need it itself.
    private static let cells = [
        "ci22-ec2/503-twice", "ci25-openstack/429", "ci22-nocloud/none", "ci22-nocloud/portal", "ci22-nocloud/truncated",
        "ci22-openstack/none", "ci22-openstack/503", "ci22-openstack/portal", "ci22-openstack/token-403", "ci25-nocloud/none",
        "ci25-nocloud/503-twice",
        "cbi-openstack/none", "cbi-openstack/503-twice", "cbi-openstack/portal", "cbi-openstack/404", "os-collect-config/none",
        "os-collect-config/503-twice", "os-collect-config/token-403", "os-collect-config/portal", "ec2metadata/none",
        "ec2metadata/503", "ec2metadata/token-403", "ec2metadata/portal", "ec2metadata/reset", "ec2metadata/redirect",
        "ohai/none", "ohai/503-twice", "ohai/token-403", "ohai/reset", "ohai/truncated", "ohai/portal", "ec2-metadata/none",
        "ec2-metadata/503", "ec2-metadata/401", "ec2-metadata/truncated", "ec2-metadata/portal",
    ]

    private struct Cell: Decodable, CustomStringConvertible {
        let client, fault, column, row, outcome, note: String
        let requests: Int
        let text: String
        var description: String { "\(client)/\(fault): \(text) \(note)" }
    }

    /// The page's cells by column and row.
    private static func page() throws -> [String: [String: String]] {
        let file = URL(filePath: Program.fixtures).deletingLastPathComponent().appending(path: "docs/clients-under-faults.md")
        var tables: [String: [String: String]] = [:]
        var columns: [String] = []
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                columns = []
                continue
            }
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            if columns.isEmpty {
                columns = cells
                continue
            }
            guard columns.first == "fault", cells.count == columns.count, cells[0] != "---" else { continue }
            for (column, cell) in zip(columns, cells).dropFirst() { tables[column, default: [:]][cells[0]] = cell }
        }
        return tables
    }

    /// A cell without the time, which depends on the machine.
    private static func untimed(_ cell: String) -> String {
        cell.split(separator: ", ").filter { !$0.hasPrefix("+") }.joined(separator: ", ")
    }

    @Test(
        .enabled(
            if: CloudInit.isUnpacked && Clients.has("cloud-init-newer"),
            "needs both versions of cloud-init: run Tests/clients/install-cloud-init.sh"),
        .enabled(
            if: ["cloudbase-init", "os-collect-config", "cloud-guest-utils", "ohai", "amazon-ec2-utils"].allSatisfy(Clients.has),
            "needs clients: run Tests/clients/install-ec2-clients.sh"))
    func `quick cells are as the page says`() throws {
        let output = try Command.succeed(
            [
                Clients.driver("under_faults.py"), "--program", Program.path, "--cells", Self.cells.joined(separator: ","),
            ], limit: .seconds(240))
        let records = try JSONDecoder().decode([Cell].self, from: Data(output.utf8))
        #expect(records.count == Self.cells.count)
        let page = try Self.page()
        for record in records {
            let written = try #require(page[record.column]?[record.row], "the page has no cell \(record)")
            #expect(Self.untimed(written) == Self.untimed(record.text), "\(record)")
        }
    }

    /// Each table has a row for each fault and a cell for each client, and no cell was left out of the run.
    @Test func `the page has every cell`() throws {
        let driver = try String(contentsOfFile: Clients.driver("faulted_clients.py"), encoding: .utf8)
        let page = try Self.page()
        #expect(page.count == driver.matches(of: /\n    "[a-z0-9.-]+": \("[a-z -]+", "/).count && page.count == 16)
        for (column, cells) in page {
            #expect(cells.count == 15, "\(column)")
            #expect(cells.values.allSatisfy { $0 != "–" && !$0.isEmpty }, "\(column)")
            #expect(cells["none"]?.hasPrefix("found, ") == true, "\(column)")
        }
    }

    @Test func `an unknown cell is refused`() throws {
        let output = try Command.run([Clients.driver("under_faults.py"), "--program", "/bin/false", "--cells", "curl/503"])
        #expect(output.status == 2 && output.stderr.contains("unknown cell curl/503"), "\(output)")
    }
}
