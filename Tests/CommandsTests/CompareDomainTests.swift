import Foundation
import TestSupport
import Testing

/// `virt-metadata compare` with a domain that libvirt knows.
@Suite struct CompareDomainTests {
    private static let fixtures = "\(Program.fixtures)/instances"

    @Test func `a domain is compared by its name or UUID, as it would be served`() async throws {
        let other = try await RunningEmulator("\(Self.fixtures)/rich", "--set", "hostname=other")
        let node = ["-c", Program.node, "--latest-only"]
        for name in ["web", "83679162-1378-4288-a2d4-70e13ec132aa"] {
            let output = try await Program.run("compare", name, other.ready.url, more: node + ["-o", "json"])
            #expect(output.status == 1, "\(output)")
        }
        let same = try await Program.run("compare", "min", "min", more: node)
        #expect(same.status == 0 && same.stdout.hasPrefix("0 differences in "), "\(same)")
        // A file of the name comes first.
        let file = try await Program.shell(
            "cd '\(Self.fixtures)'; \"$virt_metadata\" compare minimal min -c 'test:///nowhere' --latest-only")
        let reason = "'min': no such file or folder; as a domain: test:///nowhere: "
        #expect(file.status == 2 && file.stderr.contains(reason), "\(file)")
        let none = try await Program.run("compare", "min", "nobody", more: node)
        #expect(none.status == 2)
        #expect(
            none.stderr.hasPrefix(
                "virt-metadata: 'nobody': no such file or folder; as a domain: no domain 'nobody' at \(Program.node)"), "\(none)")
        // The folder is misspelt, or the scheme of the URL missing.
        let misspelt = try await Program.shell(
            "cd '\(Self.fixtures)'; \"$virt_metadata\" compare minimal minimol -c 'test:///nowhere' --latest-only")
        #expect(
            misspelt.status == 2
                && misspelt.stderr.contains(
                    "virt-metadata: 'minimol': no such file or folder; did you mean 'minimal'?; as a domain: "),
            "\(misspelt)")
        for (text, url) in [
            ("127.0.0.1:1234", "http://127.0.0.1:1234"), ("localhost:80/x", "http://localhost:80/x"), ("::1", "http://[::1]"),
            ("[fd00:ec2::254]:80", "http://[fd00:ec2::254]:80"), ("169.254.169.254", "http://169.254.169.254"),
        ] {
            let scheme = try await Program.run("compare", "\(Self.fixtures)/minimal", text, "--latest-only")
            #expect(
                scheme.status == 2
                    && scheme.stderr == "virt-metadata: '\(text)': no such file or folder; a URL begins with http://: '\(url)'\n",
                "\(scheme)")
        }
        // What has a slash is a path, and libvirt is not asked.
        let path = try await Program.run("compare", "./nobody", "min", more: ["-c", "test:///nowhere"])
        #expect(
            path.status == 2 && path.stderr == "virt-metadata: ./nobody: cannot be read: No such file or directory\n", "\(path)")
        let settings = try await Program.run("compare", "min", "min", "--config-file", "/nonexistent.yaml")
        #expect(settings.status == 2 && settings.stderr.contains("/nonexistent.yaml"), "\(settings)")
    }
}
