import CFuzzer

/// The fuzz program: `Fuzz TARGET` and then libFuzzer's own arguments.
@main
enum Fuzz {
    static func main() {
        // Safe: the arguments are the process's own, and last as long as it does; libFuzzer lends each input for one call.
        unsafe run(CommandLine.unsafeArgv)
    }

    private static func run(_ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) {
        let callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
        switch CommandLine.arguments.dropFirst().first {
        case "domain": unsafe callback = { DomainTarget.run(unsafe Fuzz.bytes($0, $1)) }
        case "netlink": unsafe callback = { NetlinkTarget.run(unsafe Fuzz.bytes($0, $1)) }
        case "request": unsafe callback = { RequestTarget.run(unsafe Fuzz.bytes($0, $1)) }
        case "parser": unsafe callback = { ParserTarget.run(unsafe Fuzz.bytes($0, $1)) }
        case "configuration": unsafe callback = { ConfigurationTarget.run(unsafe Fuzz.bytes($0, $1)) }
        case "token": unsafe callback = { TokenTarget.run(unsafe Fuzz.bytes($0, $1)) }
        default: fatalError("the first argument is a target: domain, netlink, request, parser, configuration, token")
        }
        // libFuzzer would take the target's name for the folder of a corpus.
        unsafe arguments[1] = arguments[0]
        var count = CommandLine.argc - 1
        var rest: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe arguments + 1
        _ = unsafe LLVMFuzzerRunDriver(&count, &rest, callback)
    }

    private static func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }
}
