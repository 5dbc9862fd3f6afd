/// Why a neighbour file is of no use.
public struct NeighbourFileError: Error, Sendable, Equatable {
    /// The file, as it was named to us.
    public let path: String
    /// The line, counted from 1; `nil` where the file cannot be read at all.
    public let line: Int?
    /// What is wrong, in English.
    public let message: String
}

extension NeighbourFileError: CustomStringConvertible {
    /// `PATH:LINE: message`, as compilers write it.
    public var description: String {
        "\(path):\(line.map { "\($0):" } ?? "") \(message)"
    }
}
