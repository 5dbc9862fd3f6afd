import Common
import Testing

@testable import Emulator

/// What is said about a path that no instance has.
@Suite struct PathAdviceTests {
    private func problem(_ text: String, isRemoval: Bool = false) throws -> String {
        let problem = ScenarioExample.names.problem(with: try EmulatedPath(text), as: text, mayBeDirectory: isRemoval)
        return problem.map { "\($0)".replacing("no path '\(text)'", with: "") } ?? "none"
    }

    @Test(arguments: [
        // A tree is missing.
        ("meta_data.json#/meta/role", "; did you mean 'openstack/meta_data.json#/meta/role'?"),
        ("user_data", "; did you mean 'openstack/user_data' or 'user-data'?"), ("token", "; did you mean 'api/token'?"),
        ("network-config", "; did you mean 'nocloud/network-config'?"),
        ("termination-time", "; did you mean 'spot/termination-time'?"),
        ("vpc-id", "; did you mean 'network/interfaces/macs/<mac>/vpc-id'?"),
        // The number sign is missing.
        ("openstack/meta_data.json/meta/role", "; did you mean 'openstack/meta_data.json#/meta/role'?"),
        ("meta_data.json/meta/a~b", "; did you mean 'openstack/meta_data.json#/meta/a~0b'?"),
        ("spot/instance-action/time", "; did you mean 'spot/instance-action#/time'?"),
        ("dynamic/instance-identity/document/region", "; did you mean 'dynamic/instance-identity/document#/region'?"),
        ("/latest/meta-data/iam/info/Code", "; did you mean '/latest/meta-data/iam/info#/Code'?"),
        // The slash before a version is missing.
        (
            "latest/meta-data/spot/instance-action",
            "; begin with '/' for one version: '/latest/meta-data/spot/instance-action'; leave out the version for all: "
                + "'spot/instance-action'"
        ),
        (
            "2009-04-04/user-data",
            "; begin with '/' for one version: '/2009-04-04/user-data'; leave out the version for all: 'user-data'"
        ),
        (
            "openstack/latest/meta_data.json#/a",
            "; begin with '/' for one version: '/openstack/latest/meta_data.json#/a'; leave out the version for all: "
                + "'openstack/meta_data.json#/a'"
        ),
        // Letters are wrong.
        ("spot/instance-acton", "; did you mean 'spot/instance-action'?"), ("user-date", "; did you mean 'user-data'?"),
        ("/latest/meta-data/hostnam", "; did you mean '/latest/meta-data/hostname'?"),
        ("openstack/meta_dat.json#/a", "; did you mean 'openstack/meta_data.json#/a'?"),
        ("openstack/user-data", "; did you mean 'openstack/user_data'?"),
        ("metadata.json", "; did you mean 'openstack/meta_data.json'?"),
        (
            "network/interfaces/macs/52:54:00:00:00:01/local-ipv4",
            "; did you mean 'network/interfaces/macs/52:54:00:00:00:01/local-ipv4s'?"
        ),
        ("rack/row", ""), ("nothing", ""), ("spott", ""), ("hostname", "none"),
    ]) func `a path that no instance has is told with those that may be meant`(text: String, advice: String) throws {
        #expect(try problem(text) == advice)
    }

    @Test func `where all below a path is removed, directories may be meant`() throws {
        #expect(try problem("spott", isRemoval: true) == "; did you mean 'spot'?")
        #expect(try problem("security-credentials", isRemoval: true).hasPrefix("; did you mean 'iam/security-credentials'"))
        #expect(try problem("token", isRemoval: true) == "; did you mean 'api/token'?")
        #expect(try problem("events", isRemoval: true) == "none")
    }

    @Test func `a declared path is known, with its directories`() throws {
        let names = ScenarioExample.names.declaring([try EmulatedPath("rack/row")])
        for text in ["rack/row", "/latest/meta-data/rack/row", "rack/row#/a"] {
            #expect(names.problem(with: try EmulatedPath(text), as: text) == nil, "\(text)")
        }
        #expect(names.problem(with: try EmulatedPath("rack"), as: "rack", mayBeDirectory: true) == nil)
        let near = names.problem(with: try EmulatedPath("rack/rwo"), as: "rack/rwo")
        #expect(near.map { "\($0)" } == "no path 'rack/rwo'; did you mean 'rack/row'?")
    }

    @Test(arguments: [
        "meta-data/**", "**", "/", "/latest/**", "/*/user-data", "spot/*", "spot", "meta-data/spot/instance-*", "api/token",
        "/ec2/latest/meta-data/", "/openstack", "openstack/**", "/openstack/2018-08-27/meta_data.json", "/nocloud/user-data",
        "public-keys/0/openssh-key", "iam/security-credentials/web", "network/interfaces/macs/52:54:00:00:00:01/*", "hostname",
        "/openstack/content/0000", "latest/user-data",
    ]) func `a pattern that matches a path of some instance is known`(text: String) throws {
        #expect(ScenarioExample.names.problem(with: try #require(PathPattern(text))) == nil)
    }

    @Test(arguments: [
        ("meta-data/spott/*", "; did you mean 'meta-data/spot/*'?"), ("hostnam", "; did you mean 'hostname'?"),
        ("/lates/user-data", "; did you mean '/*/user-data'?"), ("/latest/user-date", "; did you mean '/latest/user-data'?"),
        ("/latest/meta-data/spot/instance-acton", "; did you mean '/latest/meta-data/spot/instance-action'?"),
        ("openstack/*/meta_dat.json", "; did you mean 'openstack/*/meta_data.json'?"),
        ("openstack/meta_data.json", "; did you mean 'openstack/*/meta_data.json'?"),
        ("openstack/user_data", "; did you mean 'openstack/*/user_data'?"), ("computeMetadata/**", ""), ("hostname/x", ""),
    ]) func `a pattern that matches no path is told`(text: String, advice: String) throws {
        let problem = ScenarioExample.names.problem(with: try #require(PathPattern(text)))
        #expect(problem?.hasPrefix("no instance has a path that '\(text)' matches") == true, "\(problem as Any)")
        if !advice.isEmpty { #expect(problem?.hasSuffix(advice) == true, "\(problem as Any)") }
    }
}
