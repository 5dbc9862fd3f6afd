import Description
import Testing

/// Paths of values in the operator's element, as written on the command line.
struct ElementPathTests {
    @Test(arguments: [
        ("hostname", "hostname"), ("placement/region", "placement/region"), ("tags/tag[env]", "tags/tag[env]"),
        ("imds@tokens", "imds@tokens"), ("public-keys/public-key[a@b/c]", "public-keys/public-key[a@b/c]/key"),
        ("files/file[/etc/motd]", "files/file[/etc/motd]"), ("security-groups", "security-groups/group"),
        ("interfaces/interface[52:54:00:00:00:01]/mtu", "interfaces/interface[52:54:00:00:00:01]/mtu"),
        ("interfaces/vlan[v1]@id", "interfaces/vlan[v1]@id"),
    ]) func `a path is extended to its value`(text: String, complete: String) throws {
        #expect(try ElementPath(text).description == complete)
    }

    @Test(arguments: [
        ("", "invalid path: expected element names separated by '/', such as placement/region"),
        ("hostnme", "unknown element 'hostnme' in instance; did you mean 'hostname'?"),
        ("zzzzzzzz", "unknown element 'zzzzzzzz' in instance; /usr/share/doc/virt-metadata/docs/metadata.md lists the elements"),
        ("placement/zone", "unknown element 'zone' in placement; expected one of availability-zone, "),
        ("hostname/x", "hostname has no elements below it"),
        ("placement", "placement is a container: use one of placement/availability-zone, "),
        ("tags", "tags is a container: use one of tags/tag[NAME]"),
        ("tags/tag", "missing key: use tags/tag[NAME]"),
        ("hostname[a]", "hostname has no key: remove the brackets"),
        ("imds@tokns", "imds has no attribute 'tokns'; expected one of hop-limit, tokens"),
        ("tags/tag[env", "missing ']' after 'tag['"),
        ("tags/tag[a]b", "unexpected text after ']': expected '/', '@' or the end"),
    ]) func `an invalid path gives the reason`(text: String, sentence: String) {
        let failure = #expect(throws: ElementPath.Failure.self) { try ElementPath(text) }
        #expect(failure?.description.hasPrefix(sentence) == true, "\(failure?.description ?? "")")
    }
}
