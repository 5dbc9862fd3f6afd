import Testing

@testable import Commands

@Suite struct ArgumentNormalizationTests {
    private func normalized(_ line: String) -> String {
        ArgumentNormalization()(line.split(separator: " ").map(String.init)).joined(separator: " ")
    }

    @Test(arguments: [
        ("-c qemu:///system list --json", "list -c qemu:///system --json"),
        ("--connect=test:///default list", "list --connect=test:///default"),
        ("--config x.yaml set web a=b", "set --config-file x.yaml web a=b"),
        ("--json list web", "list --json web"),
        ("-o json config show --all", "config show -o json --all"),
        ("--networks default --no-guard serve", "serve --network default --no-guard"),
        ("--guard off serve", "serve --no-guard"),
    ])
    func optionsMayPrecedeTheSubcommand(given: String, expected: String) {
        #expect(normalized(given) == expected)
    }

    @Test(arguments: [
        ("log web", "requests web"), ("release", "cleanup"), ("certificate", "identity-certificate"),
        (
            "serve --networks default --connections=10 --sweep-interval 5m",
            "serve --network default --max-connections=10 --resync-interval 5m"
        ),
        ("serve --edited --tokens required", "serve --use-persistent-metadata --session-tokens required"),
        ("serve --no-edited", "serve --no-use-persistent-metadata"),
        ("serve --guard off --allow-password yes", "serve --no-guard --allow-password"),
        ("serve --guard=on --leave-open", "serve --guard --leave-open"),
        ("serve --config x.yaml", "serve --config-file x.yaml"),
        ("config check --config=x.yaml", "config check --config-file=x.yaml"),
    ])
    func formerNamesBecomeTodays(given: String, expected: String) {
        #expect(normalized(given) == expected)
    }

    @Test(arguments: [
        "set web --config hostname=x", "enable web --config --ssh-key k", "get web /latest", "--help", "--version",
        "serve --guard --no-leave-open",
        "set web -- --networks=1", "--nosuch list", "-c", "get web --nosuch=1", "---completion enable -- domain", "help log", "",
    ])
    func allElseIsLeftToTheParser(line: String) {
        #expect(normalized(line) == line)
    }
}
