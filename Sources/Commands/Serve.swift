import ArgumentParser
import Configuration
import Logging
import Server

/// `virt-metadata serve`: answers guests until it is stopped.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer guests.",
        discussion: """
            Settings come from the configuration file, then from environment variables (VIRT_METADATA_LISTEN for --listen), \
            then from these flags; the later wins. SIGHUP reads them once more, and the log says what of it waits for a restart.

            EXAMPLES
              Serve the guests of this host, on the bridges of all its networks and domains, as root:
                virt-metadata serve

              Serve only the guests of one network:
                virt-metadata serve --networks default

              Serve libvirt's test driver to yourself, as any guest that you name:
                virt-metadata serve --connect test:///default --listen 127.0.0.1:8775 \\
                  --trust-forwarded-for 127.0.0.1/32 --neighbours fixtures/neighbours
                curl -H 'X-Forwarded-For: 192.168.0.39' http://127.0.0.1:8775/latest/meta-data/
            """)

    @OptionGroup var settings: SettingsOptions

    func run() async throws {
        let configuration = try settings.load()
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        let settings = settings
        try await Wiring(configuration) { () throws(ConfigurationError) in try settings.load() }.run()
    }
}
