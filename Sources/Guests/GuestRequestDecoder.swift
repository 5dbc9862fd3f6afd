import NIOCore
import NIOHTTP1

/// NIO's request decoder, which notifies the connection before and after it parses bytes.
///
/// Not a separate handler before the decoder's: each handler of a pipeline costs a connection several thousand instructions.
final class GuestRequestDecoder: ByteToMessageDecoder {
    typealias InboundOut = HTTPServerRequestPart

    /// How many bytes are parsed without charging the client.
    private static let freeBytes = 1 << 10

    private let decoder: HTTPRequestDecoder
    private let connection: GuestConnectionHandler

    init(_ decoder: HTTPRequestDecoder, for connection: GuestConnectionHandler) {
        (self.decoder, self.connection) = (decoder, connection)
    }

    func decoderAdded(context: ChannelHandlerContext) { decoder.decoderAdded(context: context) }

    func decoderRemoved(context: ChannelHandlerContext) { decoder.decoderRemoved(context: context) }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        connection.bytesArrived()
        guard connection.acceptsRequests else {
            buffer.clear()
            return .needMoreData
        }
        let count = buffer.readableBytes
        // Nearly every request is so short that measuring its parsing would take longer than the parsing.
        let state =
            count <= Self.freeBytes
            ? try decoder.decode(context: context, buffer: &buffer)
            : try connection.charging { try decoder.decode(context: context, buffer: &buffer) }
        connection.bytesParsed(count - buffer.readableBytes, leaving: buffer.readableBytes)
        return state
    }

    func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws -> DecodingState {
        guard connection.acceptsRequests else { return .needMoreData }
        return try decoder.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
    }
}
