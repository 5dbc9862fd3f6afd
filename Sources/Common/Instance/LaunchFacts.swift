/// Type, image, placement and project of an instance.
package struct LaunchFacts: Sendable, Equatable {
    /// The flavour or size.
    package var type: String
    package var images = ImageIdentifiers()
    /// The number of the instance in the batch that was launched together, from 0.
    package var index = 0
    /// The pending action on the instance, usually `none`.
    package var action = "none"
    /// The values below `placement/` by name, such as `availability-zone` and `region`, in the operator's order.
    package var placement: [Tag] = []
    /// The project (tenant) of the instance.
    package var project: String?
    /// The account of the instance, as EC2 shows it.
    package var owner: String?
    /// The name of the instance in a cluster that manages it, such as Kubernetes' `spec.providerID`.
    package var provider: String?

    package init(type: String) {
        self.type = type
    }

    /// The operator's value of an element of `placement/`.
    package func placement(_ name: String) -> String? {
        placement.first { $0.name == name }?.value
    }

    package var availabilityZone: String? { placement("availability-zone") }

    /// The operator's region, else the zone without its last letter if a digit precedes that letter.
    package var region: String? {
        if let region = placement("region") { return region }
        guard let zone = availabilityZone?.unicodeScalars, zone.last.map({ ("a"..."z").contains($0) }) == true,
            zone.dropLast().last.map({ ("0"..."9").contains($0) }) == true
        else { return nil }
        return String(zone.dropLast())
    }
}

/// The image and boot identifiers.
package struct ImageIdentifiers: Sendable, Equatable {
    package var image: String?
    /// The location of the image's manifest.
    package var manifestPath: String?
    /// The identifier of the kernel that is booted without a boot loader.
    package var kernel: String?
    /// The identifier of that kernel's initial RAM disk.
    package var ramdisk: String?
    /// The identifier of the launch request.
    package var reservation: String?
    /// The identifiers of the images from which the machine image was derived.
    package var ancestors: [String] = []
    /// The codes of products sold with the image.
    package var productCodes: [String] = []

    package init() {}
}
