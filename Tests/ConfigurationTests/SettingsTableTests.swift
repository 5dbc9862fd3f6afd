import ArgumentParser
import Foundation
import Interception
import TestSupport
import Testing

@testable import Commands
@testable import Configuration

/// The table of settings: names, defaults, groups and help texts.
struct SettingsTableTests {
    @Test(arguments: Setting.all)
    func `each setting is the same by flag, by variable and by key`(_ setting: Setting) throws {
        let bare = try Loading.text()
        let name = setting.example == "false" ? "--no-\(setting.name)" : "--\(setting.name)"
        let flag = setting.isFlag ? [name] : [name, setting.example]
        let byFlag = try Loading.text(flags: flag)
        let byVariable = try Loading.text(environment: [setting.variable: setting.example])
        let byKey = try Loading.text(yaml: "\(setting.name): \(setting.example)")
        #expect(byFlag != bare, "its example changes something")
        #expect(byVariable == byFlag)
        #expect(byKey == byFlag)
    }

    @Test(arguments: Setting.all)
    func `each setting is distinct, and the help of serve shows it in its group, with its default`(_ setting: Setting) throws {
        #expect(Setting.all.count { $0.name == setting.name } == 1)
        #expect(setting.name.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil)
        #expect(setting.summary.hasSuffix("."))
        #expect(!setting.valueName.isEmpty)
        #expect(setting.help.hasSuffix("default: \(setting.defaultText))"))
        let sections = Self.help.components(separatedBy: "\n\n")
        let section = try #require(sections.first { $0.hasPrefix("\(setting.group.rawValue.uppercased()):") })
        let option = setting.isFlag ? "--\(setting.name)/--no-\(setting.name)" : "--\(setting.name) <\(setting.valueName)>"
        #expect(section.contains(option))
        #expect(section.contains(setting.help))
    }

    @Test(arguments: Setting.all)
    func `a value is printed as it can be given, and the default changes nothing`(_ setting: Setting) throws {
        let given = try Loading.configuration(yaml: "\(setting.name): \(setting.example)")
        #expect(given.values(of: setting)?.joined(separator: ",") == setting.example)
        #expect(!given.isDefault(setting))
        guard let values = Configuration().values(of: setting) else {
            #expect(setting.unset != nil)
            return
        }
        let text = setting.isList ? "[\(values.joined(separator: ", "))]" : values.joined()
        #expect(try Loading.text(yaml: "\(setting.name): \(text)") == Loading.text(of: Configuration()))
        if setting.unset == nil, !values.isEmpty { #expect(setting.defaultText == values.joined(separator: ", ")) }
    }

    @Test func `the page of the configuration has each setting with its default, and each former name`() throws {
        let page = try String(contentsOfFile: Program.fixtures + "/../docs/configuration.md", encoding: .utf8)
        for setting in Setting.all {
            let row = try #require(page.firstMatch(of: try Regex("\n\\| `\(setting.name)` \\| ([^|]*) \\|")), "\(setting.name)")
            let cell = String(row.output[1].substring ?? "")
            guard setting.unset == nil else { continue }
            let values = Configuration().values(of: setting) ?? []
            let written = cell == "none" ? [] : cell.replacing("`", with: "").components(separatedBy: ", ")
            #expect(written == values, "\(setting.name)")
        }
        let former = try #require(page.components(separatedBy: "## Former names").last)
        for (old, new) in Setting.formerNames {
            #expect(former.contains("`\(old)`") && former.contains("`\(new)`"), "\(old)")
        }
    }

    @Test func `each former name names a setting, and is none`() {
        for (old, new) in Setting.formerNames {
            #expect(!Setting.all.contains { $0.name == old })
            #expect(Setting.all.contains { $0.name == new })
        }
    }

    @Test(arguments: Setting.formerNames.sorted { $0.key < $1.key })
    func `a former name still works, with a hint`(old: String, new: String) throws {
        let setting = Setting.named(new)
        let expected = try Loading.text(yaml: "\(new): \(setting.example)")
        let byKey = try Loading.report(yaml: "\n\(old): \(setting.example)")
        #expect(Loading.text(of: byKey.configuration) == expected)
        #expect(byKey.hints.count == 1)
        #expect(byKey.hints.first?.hasSuffix("config.yaml:2: '\(old)' is now named '\(new)'; the old name still works") == true)
        let variable = Setting.variable(of: old)
        let byVariable = try Loading.report(environment: [variable: setting.example])
        #expect(Loading.text(of: byVariable.configuration) == expected)
        #expect(
            byVariable.hints == ["environment variable \(variable) is now named \(setting.variable); the old name still works"])
    }

    @Test func `a setting under both of its names is an error`() throws {
        Loading.expect("config.yaml:3: 'networks' is the former name of 'network' in line 2: remove one of them") {
            try Loading.text(yaml: "\nnetwork: a\nnetworks: b")
        }
        let both = ["VIRT_METADATA_NETWORK": "a", "VIRT_METADATA_NETWORKS": "b"]
        Loading.expect("both VIRT_METADATA_NETWORK and its former name VIRT_METADATA_NETWORKS are set: unset one") {
            try Loading.text(environment: both)
        }
        let files = ["VIRT_METADATA_CONFIG": "a", "VIRT_METADATA_CONFIG_FILE": "b"]
        Loading.expect("both VIRT_METADATA_CONFIG_FILE and its former name VIRT_METADATA_CONFIG are set: unset one") {
            try Configuration.load(file: nil, environment: files, flags: [])
        }
        // Different sources may differ: the stronger one wins.
        let mixed = try Loading.configuration(yaml: "networks: a", environment: ["VIRT_METADATA_NETWORK": "b"])
        #expect(mixed.interception.selection.networks == ["b"])
    }

    @Test(arguments: Setting.all.filter { !$0.isFlag })
    func `an empty value is an error`(_ setting: Setting) {
        Loading.expect("missing value for --\(setting.name)") { try Loading.text(flags: ["--\(setting.name)", ""]) }
        Loading.expect("missing value for \(setting.variable)") {
            try Loading.text(environment: [setting.variable: ""])
        }
        for nothing in ["", "~", "null", "''"] {
            Loading.expect("config.yaml:2: missing value for \(setting.name)") {
                try Loading.text(yaml: "\n\(setting.name): \(nothing)")
            }
        }
    }

    private static let help = SettingSections.divide(VirtMetadata.helpMessage(for: Serve.self, columns: 1000))
}
