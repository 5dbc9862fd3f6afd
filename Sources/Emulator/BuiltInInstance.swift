/// The instance without a source: it has a value for every entry that the server knows, so that an agent finds something everywhere.
///
/// All of it is made up: addresses are those of documentation (RFC 5737, RFC 3849), the account is Amazon's example, and the
/// credentials are theirs too.
enum BuiltInInstance {
    static let xml = Array(text.utf8)

    /// The domain in the place of one that a recorded server knew.
    static let standIn = Array(
        """
        <domain><name>recording</name><uuid>00000000-0000-4000-8000-000000000000</uuid>
        <devices><interface type='user'><mac address='52:54:00:00:00:01'/></interface></devices></domain>
        """.utf8)

    private static let text = """
        <domain type='kvm'>
          <name>example</name>
          <uuid>ec2e1916-9099-4caf-8d21-012345abcdef</uuid>
          <title>Example instance</title>
          <metadata>
            <instance xmlns='urn:virt-metadata:instance:1'>
              <instance-id>i-1234567890abcdef0</instance-id>
              <hostname>example</hostname>
              <instance-type>m6i.large</instance-type>
              <image-id>ami-0abcdef1234567890</image-id>
              <image-manifest-path>(unknown)</image-manifest-path>
              <ancestor-images><image-id>ami-0a1b2c3d4e5f60718</image-id></ancestor-images>
              <product-codes><product-code>3iplms73etrdhxdepv72l6ywj</product-code></product-codes>
              <kernel-id>aki-5c21674b</kernel-id>
              <ramdisk-id>ari-56ef3d19</ramdisk-id>
              <reservation-id>r-046cb3eca3e201d2f</reservation-id>
              <owner-id>123456789012</owner-id>
              <project-id>f7ac731cc11f40efbc03a9f9e1d1d21f</project-id>
              <instance-life-cycle>spot</instance-life-cycle>
              <ec2-profile>default-hvm</ec2-profile>
              <placement>
                <availability-zone>us-east-1a</availability-zone>
                <availability-zone-id>use1-az4</availability-zone-id>
                <region>us-east-1</region>
                <group-name>a-placement-group</group-name>
                <host-id>h-0da999999f9999fb9</host-id>
                <partition-number>1</partition-number>
              </placement>
              <public-keys>
                <public-key name='example'>
                  <key>ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7yKQ2sP3wq0Zr3v1n6w3f1s2m5k8d0a4x7c9b1e3g5 example</key>
                </public-key>
              </public-keys>
              <security-groups><group>default</group><group>web</group></security-groups>
              <tags><tag name='Name'>example</tag><tag name='environment'>test</tag></tags>
              <services><domain>amazonaws.com</domain><partition>aws</partition></services>
              <events>
                <maintenance><history>[]</history><scheduled>[]</scheduled></maintenance>
                <recommendations><rebalance>{"noticeTime": "2026-01-01T00:00:00Z"}</rebalance></recommendations>
              </events>
              <autoscaling><target-lifecycle-state>InService</target-lifecycle-state></autoscaling>
              <spot>
                <instance-action>{"action": "terminate", "time": "2026-01-01T00:02:00Z"}</instance-action>
                <termination-time>2026-01-01T00:02:00Z</termination-time>
              </spot>
              <iam>
                <info>{"Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z",
        "InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/example-role",
        "InstanceProfileId": "AIPABAJE3EQQ3HEXAMPLE"}</info>
                <security-credentials role='example-role'>{"Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z",
        "Type": "AWS-HMAC", "AccessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "Token": "example-session-token",
        "Expiration": "2036-01-01T00:00:00Z"}</security-credentials>
              </iam>
              <interfaces>
                <interface mac='52:54:00:12:34:56'>
                  <address>192.0.2.10/24</address>
                  <address>2001:db8::10/64</address>
                  <gateway>192.0.2.1</gateway>
                  <dns>192.0.2.53</dns>
                  <public-ipv4>203.0.113.10</public-ipv4>
                  <interface-id>eni-0f95d3625f5c521cc</interface-id>
                  <subnet-id>subnet-0b6ac81a</subnet-id>
                  <vpc-id>vpc-0e0f3bb0</vpc-id>
                  <subnet-cidr-block>192.0.2.0/24</subnet-cidr-block>
                  <subnet-cidr-block>2001:db8::/64</subnet-cidr-block>
                  <vpc-cidr-block>192.0.2.0/24</vpc-cidr-block>
                  <vpc-cidr-block>2001:db8::/56</vpc-cidr-block>
                </interface>
              </interfaces>
              <disks><disk target='vdb' role='ephemeral'/></disks>
              <userdata>#cloud-config
        packages: [htop]
        </userdata>
              <vendordata>{"cloud-init": "#cloud-config\\n{}"}</vendordata>
              <files><file path='/etc/motd'>Welcome to the example instance.</file></files>
            </instance>
          </metadata>
          <memory unit='GiB'>8</memory>
          <vcpu>2</vcpu>
          <os><type arch='x86_64' machine='q35'>hvm</type></os>
          <devices>
            <disk type='file' device='disk'><target dev='vda' bus='virtio'/><serial>vol-0a1b2c3d4e5f60718</serial></disk>
            <disk type='file' device='disk'><target dev='vdb' bus='virtio'/></disk>
            <interface type='network'><mac address='52:54:00:12:34:56'/><source network='default'/></interface>
          </devices>
        </domain>
        """
}
