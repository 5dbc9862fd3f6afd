import Description
import Testing

struct PublicKeyLineTests {
    private static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6Xn1xJ9vX4Q0WmJw0m6r2JmZb0yq1b3Zk6pX4kT5aB"

    @Test(arguments: [
        "", "restrict ", "no-pty,no-port-forwarding ", "command=\"echo \\\"a b\\\"\",no-pty ",
        "from=\"192.0.2.0/24,*.example\"  ", "Restrict\t",
    ]) func `options of sshd may precede the type`(options: String) {
        #expect(PublicKeyLine(options + Self.key + " me")?.comment == "me")
    }

    @Test(arguments: [
        "github.com ", "foo bar ", "[192.0.2.1]:22 ", "command=echo ", "command=\"echo ", "restrict no-pty ", "no-pty, x ", "# ",
        "@cert-authority ",
    ]) func `a line with other words before the type is none, as for sshd`(words: String) {
        #expect(PublicKeyLine(words + Self.key) == nil)
    }
}
