import Common
import Testing

@testable import Server

/// What is said to nft; that nft takes it, and that it does what it should, the tests of whole hosts see.
struct RuleSetTests {
    private let mac = MACAddress(bits: 0x5254_0000_0001)

    private var rules: RuleSet {
        var rules = RuleSet()
        rules.add(port: "tap1")
        rules.guardPort("tap1", macs: [mac])
        rules.close("br9")
        return rules
    }

    @Test func `what did not change is not said again`() {
        #expect(rules.changes(from: rules) == nil)
    }

    @Test func `a change is said by the elements that came and went`() {
        var more = rules
        more.add(port: "tap2")
        more.close("br0")
        #expect(
            more.changes(from: rules) == """
                add element bridge virt_metadata ports { "tap2" }
                add element inet virt_metadata closed { "br0" }

                """)
        #expect(
            rules.changes(from: more) == """
                delete element bridge virt_metadata ports { "tap2" }
                delete element inet virt_metadata closed { "br0" }

                """)
    }

    @Test func `what changed its value goes before it comes`() {
        var (old, new) = (RuleSet(), RuleSet())
        old.lift("tap1", to: mac)
        new.lift("tap1", to: MACAddress(bits: 2))
        let lifting = "ip daddr 169.254.169.254 tcp dport 80 goto lift"
        #expect(old.script.contains(lifting) && !RuleSet().script.contains(lifting))
        #expect(
            new.changes(from: old) == """
                delete element bridge virt_metadata lifted { "tap1" : 52:54:00:00:00:01 }
                add element bridge virt_metadata lifted { "tap1" : 00:00:00:00:00:02 }

                """)
    }

    @Test func `each redirected bridge has a zone of its own, which is set anew when its port changes`() throws {
        var (old, new) = (RuleSet(), RuleSet())
        old.redirect("br0", index: 7, to: 8775, .v4)
        new.redirect("br0", index: 7, to: 8776, .v4)
        #expect(old.script.contains("zones_in iifname \"br0\" ip daddr 169.254.169.254 tcp dport 80 ct zone set 32775"))
        #expect(old.script.contains("zones_out oifname \"br0\" tcp sport 8775 ct zone set 32775"))
        let changes = try #require(new.changes(from: old))
        #expect(changes.contains("flush chain inet virt_metadata zones_out"))
        #expect(changes.contains("zones_out oifname \"br0\" tcp sport 8776 ct zone set 32775"))
    }

    @Test func `connections are tracked only while a bridge is redirected`() throws {
        var redirecting = rules
        redirecting.redirect("br0", index: 7, to: 8775, .v4)
        #expect(!rules.script.contains("type nat"))
        #expect(redirecting.script.contains("type nat"))
        #expect(redirecting.changes(from: rules) == redirecting.script)
        #expect(rules.changes(from: redirecting) == rules.script)
    }

    @Test func `how fast a port may begin connections is part of the rules`() {
        var limited = rules
        limited.connectionsPerSecond = 20
        #expect(limited.script.contains("iifname limit rate over 20/second burst 40 packets"))
        #expect(!rules.script.contains("limit rate"))
        #expect(limited.changes(from: rules) == limited.script)
    }

    @Test func `chains that are of no use at present are not there`() {
        var all = rules
        all.add(uplink: "eth0")
        #expect(!rules.script.contains("chain postrouting"))
        #expect(all.script.contains("chain postrouting"))
        #expect(all.changes(from: rules) == all.script)
        #expect(rules.script.contains("chain closed"))
        #expect(!RuleSet().script.contains("chain closed"))
        #expect(RuleSet().changes(from: rules) == RuleSet().script)
    }

    @Test(arguments: ["a*", "a\"b", "a\\b", "a b", "é", "a\nb", ""])
    func `a name that nft would read as something else is left out`(
        name: String
    ) {
        var rules = RuleSet()
        rules.add(port: name)
        rules.guardPort(name, macs: [])
        rules.lift(name, to: mac)
        rules.redirect(name, index: 1, to: 80, .v6)
        #expect(rules == RuleSet())
    }
}
