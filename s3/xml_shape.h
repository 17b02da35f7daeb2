#pragma once
// Private to this folder. What foreign XML must look like before a parser sees it, so that the parser needs neither
// much memory nor much stack.
#include <string_view>

#include "crypto/base/result.h"

namespace bae::s3 {

// corrupt unless: at most kMaxXmlBytes, no NUL byte, elements nested at most 16 deep with ends that match in number,
// one root, nothing that begins with "<!" but comments and CDATA, at most 250,000 tags and attributes.
Result<void> check_xml_shape(std::string_view xml);

}  // namespace bae::s3
