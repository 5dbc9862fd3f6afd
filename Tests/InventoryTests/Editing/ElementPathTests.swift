import Inventory
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
        ("", "a path is words with '/' between them, such as placement/region"),
        ("hostnme", "<instance> has no 'hostnme' below it; is 'hostname' meant?"),
        ("placement/zone", "<placement> has no 'zone' below it"),
        ("hostname/x", "<hostname> has nothing below it"),
        ("placement", "<placement> has no text of its own, but"),
        ("tags/tag", "which <tag>? Write its name in brackets: tag[NAME]"),
        ("hostname[a]", "a <hostname> of <instance> has no name that could stand in brackets"),
        ("imds@tokns", "<imds> has no attribute 'tokns'; there are hop-limit, tokens"),
        ("tags/tag[env", "the bracket after 'tag' is not closed"),
        ("tags/tag[a]b", "after a bracket comes '/', '@' or nothing"),
    ]) func `an invalid path gives the reason`(text: String, sentence: String) {
        let failure = #expect(throws: ElementPath.Failure.self) { try ElementPath(text) }
        #expect(failure?.description.hasPrefix(sentence) == true, "\(failure?.description ?? "")")
    }
}
