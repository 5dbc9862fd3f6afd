internal import CLibXML2
import Common

/// One run of libxml2's parser: its callbacks and the first error that they recorded.
///
/// libxml2 builds its own tree; these callbacks run before its own (SAX2.h), reject unsupported content, and record the line and
/// byte range of each element.
final class XMLParsing {
    /// The first error; those after it are mostly its consequences.
    private var failure: ParseError?
    private var elements = 0
    private let mostElements: Int

    private init(mostElements: Int) { self.mostElements = mostElements }

    /// Parses screened bytes into a tree, which the caller owns and frees with `xmlFreeDoc`.
    static func document(_ bytes: borrowing Span<UInt8>, mostElements: Int) throws(ParseError) -> xmlDocPtr {
        xmlInitParser()
        guard let context = unsafe xmlNewParserCtxt(), let handler = unsafe context.pointee.sax else {
            preconditionFailure("libxml2 has no memory for a parser.")
        }
        defer { unsafe xmlFreeParserCtxt(context) }
        let parsing = XMLParsing(mostElements: mostElements)
        unsafe parsing.listen(on: handler)
        unsafe context.pointee._private = Unmanaged.passUnretained(parsing).toOpaque()
        let document = unsafe withExtendedLifetime(parsing) {
            unsafe bytes.withUnsafeBufferPointer { unsafe vm_xml_read(context, $0.baseAddress, Int32($0.count)) }
        }
        // A stopped parser returns the tree so far.
        guard let document = unsafe document, parsing.failure == nil else {
            unsafe xmlFreeDoc(document)
            throw parsing.failure ?? ParseError(.malformed, problem: "the document could not be parsed")
        }
        return unsafe document
    }

    /// The run that a callback belongs to.
    private static func of(_ context: xmlParserCtxtPtr) -> XMLParsing? {
        guard let pointer = unsafe context.pointee._private else { return nil }
        return unsafe Unmanaged<XMLParsing>.fromOpaque(pointer).takeUnretainedValue()
    }

    private func listen(on handler: UnsafeMutablePointer<xmlSAXHandler>) {
        // Without a structured error handler, libxml2 falls back to the one that prints to stderr.
        unsafe handler.pointee.serror = { context, error in
            guard let context = unsafe context?.assumingMemoryBound(to: xmlParserCtxt.self), let error = unsafe error
            else { return }
            unsafe XMLParsing.of(context)?.record(error.pointee)
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
            guard unsafe parsing.isWithinLimits(context), unsafe parsing.areShort(namespaces, Int(count), context) else { return }
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
        elements += 1
        if elements > mostElements {
            unsafe refuse(context, .tooMany, "there are more than \(mostElements) elements")
        } else if unsafe context.pointee.nodeNr >= XMLDocument.maximumDepth {
            unsafe refuse(context, .tooDeep, "elements are nested more than \(XMLDocument.maximumDepth) deep")
        } else if unsafe context.pointee.nsNr / 2 > XMLDocument.maximumNamespaces {
            // Each declaration takes two array elements: prefix and URI.
            unsafe refuse(context, .tooMany, "more than \(XMLDocument.maximumNamespaces) namespaces are in scope")
        }
        return failure == nil
    }

    /// - Parameter namespaces: the prefixes and names of an element's namespaces, by turns.
    private func areShort(
        _ namespaces: UnsafeMutablePointer<UnsafePointer<xmlChar>?>?, _ count: Int, _ context: xmlParserCtxtPtr
    ) -> Bool {
        for index in 0..<count {
            guard let name = unsafe namespaces?[2 * index + 1], unsafe xmlStrlen(name) > XMLDocument.longestNamespace else {
                continue
            }
            unsafe refuse(context, .tooLarge, "a namespace has more than \(XMLDocument.longestNamespace) bytes")
            return false
        }
        return true
    }

    private func record(_ error: xmlError) {
        // After a warning the document is still well formed; an unbound prefix is an "error", below "fatal", and is rejected too.
        guard failure == nil, unsafe error.level.rawValue >= XML_ERR_ERROR.rawValue else { return }
        let text = unsafe error.message.map { unsafe String(cString: $0) } ?? "the document could not be parsed"
        let line = unsafe error.line > 0 ? Int(error.line) : nil
        let column = unsafe line != nil && error.int2 > 0 ? Int(error.int2) : nil
        failure = ParseError(
            .malformed, line: line, column: column, problem: text.split(separator: "\n").first.map(String.init) ?? text)
    }

    private func refuse(_ context: xmlParserCtxtPtr, _ code: ParseError.Code, _ problem: String) {
        let line = unsafe context.pointee.input.map { unsafe Int($0.pointee.line) }
        if failure == nil { failure = ParseError(code, line: line, problem: problem) }
        unsafe xmlStopParser(context)
    }
}
