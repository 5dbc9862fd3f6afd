import ArgumentParser
import Configuration
import Glibc
import Identity

/// `virt-metadata identity-certificate`: prints the certificate for the signatures of identity documents.
struct IdentityCertificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the certificate used to verify identity documents.",
        discussion: """
            The server creates a signing key and its certificate at its first start, unless --identity-key names a key. Verify a \
            guest's identity document with this certificate.

            EXAMPLES
              In a guest:
                url=http://169.254.169.254/latest/dynamic/instance-identity
                curl -s $url/document > document
                (echo -----BEGIN PKCS7-----; curl -s $url/rsa2048; \\
                  echo; echo -----END PKCS7-----) > signed
              On any host that has both files:
                sudo virt-metadata identity-certificate > certificate
                openssl smime -verify -in signed -inform PEM \\
                  -content document -certfile certificate -noverify
            """)

    @OptionGroup var settings: SettingsOptions<KeySettings>

    func run() async throws {
        let configuration = try settings.load()
        guard let identity = try configuration.existingIdentity() else {
            let hint = "the server creates one at its first start, unless --identity-key is none; run as root to read it"
            throw CommandFailure("no certificate found that this user can read; \(hint)")
        }
        try FileDescriptorOutput.write(Array((try identity.certificatePEM).utf8), to: STDOUT_FILENO)
    }
}
