import RequestOracle

/// The bytes of requests, read by our parser and by NIO's decoder. The first byte says in pieces of how many bytes they arrive, a
/// space in one piece.
enum ParserTarget {
    static func run(_ input: [UInt8]) -> Int32 {
        guard input.count > 1 else { return -1 }
        let size = input[0] == UInt8(ascii: " ") ? input.count : max(1, Int(input[0]))
        if let difference = RequestOracle.difference(of: Array(input[1...]), inPiecesOf: size) { fatalError(difference) }
        return 0
    }
}
