#pragma once
/* Debian builds libxml2 with ICU, whose headers clash with the copy of ICU that Foundation carries: leave them out. */
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>
