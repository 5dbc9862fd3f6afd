import Testing

@testable import Configuration
@testable import Doctor

struct DoctorChecksTests {
    @Test(arguments: ["test:///nowhere.xml", "test:///default"])
    func `a check that cannot be made is skipped, and none is left out`(uri: String) async {
        var configuration = Configuration()
        (configuration.connect, configuration.adminSocket) = ([uri], Configuration.noAdminSocket)
        let results = await Doctor(configuration: configuration).examine("no such domain")
        #expect(results.map(\.name) == Doctor.checks)
        #expect(results.last?.skipped != nil)
        #expect(Doctor.checks.allSatisfy { $0.count <= 9 })
    }
}
