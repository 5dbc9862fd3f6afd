/// Why a neighbour file cannot be used.
package struct NeighbourFileError: Error, Sendable, Equatable {
    package let path: String
    /// The line, counted from 1; `nil` where the file cannot be read at all.
    package let line: Int?
    package let message: String
    /// Whether another user may read the file.
    package var isDenied = false
}

extension NeighbourFileError: CustomStringConvertible {
    /// `PATH:LINE: message`, as compilers write it.
    package var description: String {
        "\(path):\(line.map { "\($0):" } ?? "") \(message)"
    }
}
