import Host
import Identity

/// The files that settings name, as a server opens them at its start.
extension ConfigurationReport {
    /// Adds what is wrong with the files. Where only another user can read one, that is a warning.
    package mutating func checkNamedFiles() {
        for error in Secrets.problems(configuration.secrets) {
            add(ConfigurationError(location: error.setting, problem: error.problem), isDenied: error.isDenied)
        }
        guard let path = configuration.neighbours else { return }
        do throws(NeighbourFileError) {
            _ = try NeighbourFile(path: path)
        } catch {
            add(ConfigurationError(location: "--neighbours", problem: "\(error)"), isDenied: error.isDenied)
        }
    }

    private mutating func add(_ problem: ConfigurationError, isDenied: Bool) {
        if isDenied { warnings.append("\(problem) (not checked)") } else { add(problem) }
    }
}
