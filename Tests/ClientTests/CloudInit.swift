import Foundation
import TestSupport

/// What one data source of Debian's cloud-init became in a guest, as `clients/cloud_init_datasource.py` prints it.
struct CloudInit: Decodable {
    /// The data source classes that the driver runs.
    enum DataSource: String {
        case ec2, openstack, nocloud
    }

    /// One record that cloud-init logged at WARNING or above.
    struct Warning: Decodable, Equatable {
        let level: String
        let logger: String
        let message: String
    }

    /// One HTTP request; without a status there was no answer.
    struct Request: Decodable {
        let method: String
        let url: String
        let status: Int?
    }

    /// What is read here of the metadata, in the spelling of either tree.
    struct Metadata: Decodable {
        let instanceID: String
        let hostname: String?
        let name: String?
        /// Of tags there is only `instance`.
        let tags: [String: [String: String]]?
        /// Of the network there are only `interfaces`, and of these only `macs`.
        let network: [String: [String: [String: NIC]]]?

        private enum CodingKeys: String, CodingKey {
            case instanceID = "instance-id", hostname, name, tags, network
        }
    }

    /// What is read here of a card, `network/interfaces/macs/MAC` of the EC2 tree.
    struct NIC: Decodable, Equatable {
        let number: String
        let vpc: String
        let subnet: String
        let addresses: String

        enum CodingKeys: String, CodingKey {
            case number = "device-number", vpc = "vpc-id", subnet = "subnet-id", addresses = "local-ipv4s"
        }
    }

    /// What is read here of the EC2 tree's identity document.
    struct Identity: Decodable, Equatable {
        let instanceId: String
        let region: String
        let availabilityZone: String
        let privateIp: String?
    }

    /// A network configuration of version 1 (`config`, from OpenStack) or 2 (`ethernets`, from EC2).
    struct NetworkConfiguration: Decodable {
        struct Item: Decodable {
            let type: String
            let name: String?
            let mac_address: String?
            let subnets: [Subnet]?
        }

        struct Subnet: Decodable {
            let type: String
        }

        struct Ethernet: Decodable {
            let dhcp4: Bool
            let match: [String: String]
        }

        let version: Int
        let config: [Item]?
        let ethernets: [String: Ethernet]?
    }

    let found: Bool
    let cloud_init: String
    let warnings: [Warning]
    let requests: [Request]

    // From here on nil, unless found.
    let errors: [String: String]?
    let cloud_name: String?
    let instance_id: String?
    let check_instance_id: Bool?
    let hostname: String?
    let public_ssh_keys: [String]?
    let availability_zone: String?
    let region: String?
    /// Read on Amazon's platform only.
    let identity: Identity?
    let metadata: Metadata?
    let ec2_metadata: Metadata?
    /// The raw bytes, which the driver writes as base64.
    let userdata: Data?
    let userdata_parts: [String]?
    let vendordata: String?
    let vendordata_parts: [String]?
    let vendordata2: String?
    let vendordata2_parts: [String]?
    let network_config: NetworkConfiguration?

    /// Whether the package is unpacked on this machine; `clients/install-cloud-init.sh` does it.
    static let isUnpacked = Clients.has("cloud-init/usr/bin/cloud-init")

    /// Runs a data source in a guest.
    /// - Parameters:
    ///   - uuid: The UUID in the guest's SMBIOS tables and of the domain.
    ///   - serial: The serial number in the tables. Where both are the same and begin with `ec2`, the EC2 source detects the platform as
    ///     Amazon's, and asks for a token first.
    ///   - patience: for how many seconds the EC2 source looks for a service that does not answer as it wants.
    /// - Throws: `Command.Failure` where the driver fails, `DecodingError` where it prints something else.
    static func run(
        _ source: DataSource, in guest: NetworkNamespace, uuid: String, serial: String = "", patience: Int = 10
    ) throws -> CloudInit {
        let identity = "uuid=\(uuid),serial=\(serial)" + (source == .openstack ? ",product=OpenStack Nova" : "")
        let driver = Clients.driver("cloud_init_datasource.py")
        let command = [driver, source.rawValue, "--dmi", identity, "--max-wait", "\(patience)"]
        let printed = try Command.succeed(command, in: guest.name, limit: .seconds(90))
        return try JSONDecoder().decode(CloudInit.self, from: Data(printed.utf8))
    }
}
