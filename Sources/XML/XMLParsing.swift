internal import CLibXML2

/// One run of libxml2's parser: what it is told, and what it noted on its way.
///
/// libxml2 builds its own tree; these callbacks stand before its own (SAX2.h) to refuse what we do not read, and to write
/// down for each element the line and the bytes where it stands.
final class XMLParsing {
    /// The first error, which is the cause; those that follow it are mostly its echoes.
    private var failure: XMLError?

    /// Reads screened bytes into a tree that the caller then owns and frees with `xmlFreeDoc`.
    static func document(_ bytes: borrowing Span<UInt8>) throws(XMLError) -> xmlDocPtr {
        xmlInitParser()
        guard let context = unsafe xmlNewParserCtxt(), let handler = unsafe context.pointee.sax else {
            preconditionFailure("libxml2 has no memory for a parser.")
        }
        defer { unsafe xmlFreeParserCtxt(context) }
        let parsing = XMLParsing()
        unsafe parsing.listen(on: handler)
        unsafe context.pointee._private = Unmanaged.passUnretained(parsing).toOpaque()
        let document = unsafe withExtendedLifetime(parsing) {
            unsafe bytes.withUnsafeBufferPointer { unsafe vm_xml_read(context, $0.baseAddress, Int32($0.count)) }
        }
        // A parser that was stopped returns what it had.
        guard let document = unsafe document, parsing.failure == nil else {
            unsafe xmlFreeDoc(document)
            throw parsing.failure ?? XMLError(.malformed, message: "the document could not be parsed")
        }
        return unsafe document
    }

    /// The run that a callback belongs to.
    private static func of(_ context: xmlParserCtxtPtr) -> XMLParsing? {
        guard let pointer = unsafe context.pointee._private else { return nil }
        return unsafe Unmanaged<XMLParsing>.fromOpaque(pointer).takeUnretainedValue()
    }

    private func listen(on handler: UnsafeMutablePointer<xmlSAXHandler>) {
        // With a structured handler of its own, a context never falls back to the one that prints to stderr.
        unsafe handler.pointee.serror = { context, error in
            guard let context = unsafe context?.assumingMemoryBound(to: xmlParserCtxt.self), let error = unsafe error
            else { return }
            unsafe XMLParsing.of(context)?.note(error.pointee)
        }
        unsafe handler.pointee.internalSubset = { context, _, _, _ in
            guard let context = unsafe context?.assumingMemoryBound(to: xmlParserCtxt.self) else { return }
            unsafe XMLParsing.of(context)?.refuse(context, .documentType, "a document type declaration is not accepted")
        }
        unsafe handler.pointee.startElementNs = {
            context, name, prefix, namespace, count, namespaces, attributes, defaulted, values in
            guard let context = unsafe context?.assumingMemoryBound(to: xmlParserCtxt.self),
                let parsing = unsafe XMLParsing.of(context)
            else { return }
            guard unsafe parsing.isWithinLimits(context) else { return }
            let parent = unsafe context.pointee.node
            unsafe xmlSAX2StartElementNs(
                context, name, prefix, namespace, count, namespaces, attributes, defaulted, values)
            guard let node = unsafe context.pointee.node, unsafe node != parent else { return }
            unsafe XMLMark.begin(node, in: context)
        }
        unsafe handler.pointee.endElementNs = { context, name, prefix, namespace in
            guard let context = unsafe context?.assumingMemoryBound(to: xmlParserCtxt.self) else { return }
            if let node = unsafe context.pointee.node { unsafe XMLMark.end(node, in: context) }
            unsafe xmlSAX2EndElementNs(context, name, prefix, namespace)
        }
    }

    private func isWithinLimits(_ context: xmlParserCtxtPtr) -> Bool {
        if unsafe context.pointee.nodeNr >= XMLDocument.maximumDepth {
            unsafe refuse(context, .tooDeep, "elements are nested more than \(XMLDocument.maximumDepth) deep")
        } else if unsafe context.pointee.nsNr / 2 > XMLDocument.maximumNamespaces {
            // Each declaration takes two places, one for its prefix and one for its URI.
            unsafe refuse(context, .tooMany, "more than \(XMLDocument.maximumNamespaces) namespaces are in scope")
        }
        return failure == nil
    }

    private func note(_ error: xmlError) {
        // Warnings leave a document well-formed; an unbound prefix is an "error", below "fatal", and not read either.
        guard failure == nil, unsafe error.level.rawValue >= XML_ERR_ERROR.rawValue else { return }
        let text = unsafe error.message.map { unsafe String(cString: $0) } ?? "the document could not be parsed"
        let line = unsafe error.line > 0 ? Int(error.line) : nil
        let column = unsafe line != nil && error.int2 > 0 ? Int(error.int2) : nil
        failure = XMLError(
            .malformed, line: line, column: column, message: text.split(separator: "\n").first.map(String.init) ?? text)
    }

    private func refuse(_ context: xmlParserCtxtPtr, _ code: XMLError.Code, _ message: String) {
        let line = unsafe context.pointee.input.map { unsafe Int($0.pointee.line) }
        if failure == nil { failure = XMLError(code, line: line, message: message) }
        unsafe xmlStopParser(context)
    }
}
