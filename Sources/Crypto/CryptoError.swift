internal import CCrypto

/// A function of libcrypto that failed.
package struct CryptoError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The function, such as `CMS_sign`.
    package let function: String
    /// libcrypto's number of the reason (ERR_get_error(3)); 0 where it has none.
    package let code: UInt
    /// The function and the reason in libcrypto's words, without a final stop.
    package let description: String

    /// The error of the function that this thread has just called.
    init(_ function: String) {
        self.function = function
        code = UInt(ERR_peek_error())
        let reason = unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) } ?? "no reason given"
        description = "\(function): \(reason) (OpenSSL error \(String(code, radix: 16, uppercase: true)))"
    }
}
