/// The largest recording that is written and read. A rich instance of EC2 has some 3,000 responses in all versions.
package enum RecordingLimits {
    /// In one recording.
    package static let responses = 20_000
    /// Of one body, in bytes; EC2's user data has at most 16 KiB, Nova's 64 KiB.
    package static let body = 16 << 20
    /// Of all bodies together, in bytes; a file that two responses share counts twice.
    package static let bodies = 256 << 20
    /// Of `recording.json`, in bytes.
    package static let index = 64 << 20
    /// Of a request target, in bytes.
    package static let target = 4096
    /// Of the header fields of one response.
    package static let fields = 100
    /// Of one field's value, in bytes.
    package static let value = 8192
}
