/// A guest of which its operator wrote all that the clients of EC2 ask for, and one of which the operator wrote nothing.
enum DescribedGuest {
    /// Whether a guest has to show a token, as `<imds tokens='…'/>` says it.
    enum Tokens: String, CaseIterable {
        case optional, required
    }

    static let instanceID = "i-1a2b3c4d5e6f70819"
    static let hostname = "front-1"
    static let instanceType = "m1.small"
    static let imageID = "ami-0a1b2c3d"
    static let zone = "rack-1a"
    static let region = "rack-1"
    static let groups = ["default", "web"]
    static let tags = ["Name": "Front", "role": "front end"]
    /// Names and keys, in the order of the names.
    static let keys: KeyValuePairs = [
        "admin": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAdminAdminAdminAdminAdminAdminAdminAdminAd admin@example",
        "deploy": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeployDeployDeployDeployDeployDeployDeploy deploy=ci@example",
    ]
    static let userData = "#cloud-config\nruncmd: [\"echo 'naïve ☃'\"]"
    static let nics = [
        Guest.NIC(mac: "52:54:00:3c:a1:0a", address: "192.168.122.10/24"),
        Guest.NIC(mac: "52:54:00:3c:a1:0b", address: "192.168.123.10/24", bridge: "virbr1"),
    ]
    /// The addresses of the two, as the guest reads them.
    static let addresses = ["192.168.122.10", "192.168.123.10"]
    /// The network and the subnet that the operator names for each.
    static let subnets = ["subnet-0a1b2c3d", "subnet-1a2b3c4d"]
    static let network = "vpc-0a1b2c3d"

    static let role = "backup"
    static let accessKey = "ASIAEXAMPLE"
    static let secretKey = "secret/example"
    static let sessionToken = "token+example=="
    /// What the operator gives the role, as botocore wants it.
    static let credentials = """
        {"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z", "Expiration": "2099-01-01T00:00:00Z",
        "AccessKeyId": "\(accessKey)", "SecretAccessKey": "\(secretKey)", "Token": "\(sessionToken)"}
        """

    /// The guest.
    /// - Parameter hasRole: whether the operator gives it credentials.
    static func guest(tokens: Tokens = .optional, hasRole: Bool = false) -> Guest {
        let iam = hasRole ? "<iam><security-credentials role='\(role)'>\(credentials)</security-credentials></iam>" : ""
        let groups = groups.map { "<group>\($0)</group>" }.joined()
        let tags = tags.sorted { $0.key < $1.key }.map { "<tag name='\($0.key)'>\($0.value)</tag>" }.joined()
        let keys = keys.map {
            "<public-key name='\($0.key)'><key format='openssh-key'>\($0.value)</key></public-key>"
        }
        let interfaces = zip(nics, subnets).map {
            "<interface mac='\($0.mac)'><address>\($0.address)</address>"
                + "<vpc-id>\(network)</vpc-id><subnet-id>\($1)</subnet-id></interface>"
        }
        return Guest(
            name: "front", uuid: uuid, nics: nics,
            words: """
                <instance-id>\(instanceID)</instance-id><hostname>\(hostname)</hostname>
                <instance-type>\(instanceType)</instance-type><image-id>\(imageID)</image-id>
                <placement><availability-zone>\(zone)</availability-zone><region>\(region)</region></placement>
                <public-keys>\(keys.joined())</public-keys>
                <security-groups>\(groups)</security-groups>
                <tags>\(tags)</tags>
                <interfaces>\(interfaces.joined())</interfaces>
                <imds tokens='\(tokens)'/>\(iam)
                <userdata>\(userData)</userdata>
                """)
    }

    /// It begins as those of Amazon's own guests do.
    static let uuid = "ec2b5f1d-7c24-4a5b-9d11-2f6c8a90e471"

    /// The guest of which the operator wrote nothing.
    static let bare = Guest(
        name: "bare", uuid: "ec2d2c0e-e1b8-4d6f-93aa-1c2d3e4f5061",
        nics: [Guest.NIC(mac: "52:54:00:3c:a1:0c", address: "192.168.122.11/24")])
    /// Its instance-id, made from its UUID.
    static let bareID = "i-ec2d2c0ee1b84d6f9"
}
