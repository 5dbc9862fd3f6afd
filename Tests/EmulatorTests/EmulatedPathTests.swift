import Emulator
import Testing

@Suite struct EmulatedPathTests {
    @Test(arguments: [
        ("spot/instance-action", "/*/meta-data/spot/instance-action"), ("user-data", "/*/user-data"),
        ("meta-data/hostname", "/*/meta-data/hostname"),
        ("dynamic/fws/instance-monitoring", "/*/dynamic/fws/instance-monitoring"),
        ("api/token", "/*/api/token"), ("openstack/meta_data.json", "/openstack/*/meta_data.json"),
        ("nocloud/meta-data", "/nocloud/meta-data"), ("/nocloud/user-data", "/nocloud/user-data"),
        ("/latest/user-data", "/latest/user-data"), ("/ec2/2009-04-04/user-data", "/2009-04-04/user-data"),
        ("/*/user-data", "/*/user-data"), ("/openstack/latest/user_data", "/openstack/latest/user_data"),
        ("openstack/meta_data.json#/meta/a~1b", "/openstack/*/meta_data.json#/meta/a~1b"), ("hostname/", "/*/meta-data/hostname"),
    ]) func `a path names an entry of one version or of all`(text: String, path: String) throws {
        #expect(try EmulatedPath(text).description == path)
        #expect(try EmulatedPath(path) == EmulatedPath(text))
    }

    @Test(arguments: [
        ("", "invalid path ''"), ("/", "invalid path '/'"), ("/latest", "expected the path of an entry below a version"),
        ("openstack", "expected the path of an entry below a version"), ("/2999-01-01/user-data", "unknown version '2999-01-01'"),
        ("/openstack/1.0/user_data", "unknown version '1.0'"), ("a%2fb", "invalid path 'a%2fb'"),
        ("hostname#x", "expected a JSON pointer such as #/hostname"), ("hostname#/", "expected a JSON pointer"),
    ]) func `a text that is no path is refused with its reason`(text: String, reason: String) {
        let error = #expect(throws: EmulatorError.self) { try EmulatedPath(text) }
        #expect(error?.description.contains(reason) == true)
    }
}
