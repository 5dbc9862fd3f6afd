import ArgumentParser
import Configuration
import Logging
import Server

/// `virt-metadata serve`: answers guests until it is stopped.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the metadata server.",
        discussion: """
            Started as root, the server serves the bridges of running enabled domains: it drops privileges, and installs \
            nftables rules and the metadata addresses on these bridges. The package runs it as the service virt-metadata.

            Each option is also an environment variable (VIRT_METADATA_LISTEN for --listen) and a key of the configuration file. \
            Precedence: options > environment > file. Durations are a number with a unit: ms, s, m, h or d. SIGHUP re-reads the \
            configuration; the log names settings that need a restart.

            EXAMPLES
              Serve the bridges of enabled domains:
                sudo virt-metadata serve

              Serve every bridge, or those of one network:
                sudo virt-metadata serve --network all
                sudo virt-metadata serve --network default

              Try it without a guest: serve the domain of libvirt's test driver,
              and request its metadata from another terminal:
                echo '192.0.2.1 0x1 0x2 aa:bb:cc:dd:ee:ff * lo' > /tmp/neighbours
                virt-metadata serve --connect test:///default \\
                  --listen 127.0.0.1:8775 --neighbours /tmp/neighbours \\
                  --trust-forwarded-for 127.0.0.1/32
                curl -H 'X-Forwarded-For: 192.0.2.1' \\
                  http://127.0.0.1:8775/latest/meta-data/
            """)

    @OptionGroup var settings: SettingsOptions<AllSettings>

    func run() async throws {
        let configuration = try settings.load()
        LoggingSystem.bootstrap { LineLogHandler(label: $0) }
        let settings = settings
        try await Wiring(configuration) { () throws(ConfigurationError) in try settings.load() }.run()
    }
}
