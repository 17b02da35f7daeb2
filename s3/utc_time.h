#pragma once
// Points in time as HTTP and S3 write them: UTC, no locale, years 1970 to 2255. Milliseconds since 1970.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bae::s3 {

// RFC 9110, 5.6.7: IMF-fixdate and the two obsolete forms ("Sunday, 06-Nov-94 ..." is of 1970 to 2069). The name of the
// day is not held against the date. A leap second counts as the second after it.
std::optional<int64_t> http_date_ms(std::string_view text);
// What S3 writes in XML: "2026-11-20T08:33:07.358Z", any number of decimals or none.
std::optional<int64_t> iso_date_ms(std::string_view text);
std::string amz_date(int64_t ms);  // "20130524T000000Z"; ms >= 0

}  // namespace bae::s3
