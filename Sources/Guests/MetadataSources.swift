package import Common
package import VendorData

/// What views read from besides an instance.
package struct MetadataSources: Sendable {
    package let entropy: Entropy
    /// Signs documents; `nil` where nothing is signed.
    package let signatures: DocumentSignatures?
    /// The seal of documents; `nil` where nothing is signed.
    let seal: DocumentSeal?
    /// The services that add to vendor data; `nil` where there are none.
    package let vendorDataTargets: VendorDataTargets?
    let renderings = Renderings()

    package init(entropy: Entropy, signatures: DocumentSignatures? = nil, vendorDataTargets: VendorDataTargets? = nil) {
        (self.entropy, self.signatures, seal) = (entropy, signatures, signatures?.seal)
        self.vendorDataTargets = vendorDataTargets
    }
}
