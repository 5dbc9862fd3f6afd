import ArgumentParser
import Configuration
import Glibc
import Identity

/// `virt-metadata certificate`: prints what is needed to check the signatures of identity documents.
struct Certificate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the certificate by which the signatures of identity documents are checked.",
        discussion: """
            The server makes a key and its certificate at its first start, unless --identity-key names the operator's. Whoever \
            is shown an identity document checks it against this certificate.

            EXAMPLES
              In a guest:
                curl -s http://169.254.169.254/latest/dynamic/instance-identity/document > document
                (echo -----BEGIN PKCS7-----
                 curl -s http://169.254.169.254/latest/dynamic/instance-identity/rsa2048
                 echo; echo -----END PKCS7-----) > signed
              Wherever both are shown:
                virt-metadata certificate > certificate
                openssl smime -verify -in signed -inform PEM -content document -certfile certificate -noverify
            """)

    @OptionGroup var settings: CommandSettings

    func run() async throws {
        let configuration = try settings.load()
        guard let identity = try configuration.existingIdentity() else {
            let reason = "the server makes one at its first start, unless --identity-key is none"
            throw CommandFailure("there is no certificate that this user can read; \(reason)")
        }
        try FileDescriptorOutput.write(Array((try identity.certificatePEM + "\n").utf8), to: STDOUT_FILENO)
    }
}
