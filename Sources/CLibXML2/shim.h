#pragma once
/* Debian builds libxml2 with ICU, whose headers clash with the copy of ICU that Foundation carries: leave them out. */
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>

/* Swift's bytes are unsigned and libxml2's are char: the cast stands here, once. No base address is given (a document from
   memory has none); the declared encoding is ignored, because the bytes are known to be UTF-8 and a conversion is what makes
   libxml2 print to stderr without a context; no option that loads, substitutes or fetches is set. */
static inline xmlDocPtr vm_xml_read(xmlParserCtxtPtr context, const unsigned char *bytes, int count) {
    return xmlCtxtReadMemory(context, (const char *)bytes, count, NULL, NULL,
                             XML_PARSE_NONET | XML_PARSE_COMPACT | XML_PARSE_IGNORE_ENC);
}

/* Nodes share their first fields by convention, not by type: an attribute or a text is reached by a cast from C only. */
static inline const xmlChar *vm_xml_content(const xmlNode *node) {
    return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE ? node->content : NULL;
}
