/// Where the value of a setting was given.
package enum SettingSource: Sendable, Equatable, CustomStringConvertible {
    case file(String, line: Int)
    case variable(String)
    case flag(String)

    /// In words, for reports.
    package var description: String {
        switch self {
        case .file(let path, let line): "file \(path), line \(line)"
        case .variable(let name): "environment variable \(name)"
        case .flag(let name): "flag \(name)"
        }
    }

    /// The location in errors; a flag is named by the error itself.
    var location: String? {
        switch self {
        case .file(let path, let line): "\(path):\(line)"
        case .variable, .flag: nil
        }
    }
}
