#include "s3/xml_shape.h"

#include <string>

#include "s3/s3_xml.h"

namespace bae::s3 {
namespace {

constexpr int kMaxDepth = 16;
constexpr size_t kMaxMarks = 250'000;  // 10,000 entries of a listing with all that servers write into one
constexpr size_t kEnd = std::string_view::npos;

tl::unexpected<Error> refuse(std::string why) { return fail(ErrorKind::corrupt, "XML: " + std::move(why)); }

class Scan {
  public:
    explicit Scan(std::string_view xml) : xml_(xml) {}

    Result<void> run() {
        for (at_ = xml_.find('<'); at_ != kEnd; at_ = xml_.find('<', at_)) {
            TRY(mark());
            TRY(markup());
        }
        if (depth_ != 0 || roots_ != 1) return refuse("it is cut off, or none");
        return {};
    }

  private:
    Result<void> mark() {
        if (++marks_ > kMaxMarks) return refuse("more than 250,000 tags and attributes");
        return {};
    }

    Result<void> markup() {
        const std::string_view rest = xml_.substr(at_);
        if (rest.starts_with("<!--")) return skip_behind("-->", 4);
        if (rest.starts_with("<![CDATA[")) return skip_behind("]]>", 9);
        if (rest.starts_with("<?")) return skip_behind("?>", 2);
        if (rest.starts_with("<!")) return refuse("it has a DOCTYPE");
        return tag(rest.starts_with("</"));
    }

    Result<void> skip_behind(std::string_view end, size_t from) {
        const size_t found = xml_.find(end, at_ + from);
        if (found == kEnd) return refuse("it is cut off");
        at_ = found + end.size();
        return {};
    }

    Result<void> tag(bool is_end) {
        char quote = 0;
        for (at_++; at_ < xml_.size() && (quote != 0 || xml_[at_] != '>'); at_++) {
            const char c = xml_[at_];
            if (c == '=' && quote == 0) TRY(mark());
            if (quote != 0 && c == quote)
                quote = 0;
            else if (quote == 0 && (c == '"' || c == '\''))
                quote = c;
        }
        if (at_ >= xml_.size()) return refuse("it is cut off");
        const bool is_whole = !is_end && xml_[at_ - 1] == '/';
        return count(is_end, is_whole);
    }

    Result<void> count(bool is_end, bool is_whole) {
        if (is_end && depth_ == 0) return refuse("an element ends that has not begun");
        if (!is_end && depth_ == 0 && ++roots_ > 1) return refuse("it has two roots");
        if (is_end)
            depth_--;
        else if (!is_whole && ++depth_ > kMaxDepth)
            return refuse("elements are nested more than 16 deep");
        return {};
    }

    std::string_view xml_;
    size_t at_ = 0;
    size_t marks_ = 0;
    int depth_ = 0, roots_ = 0;
};

}  // namespace

Result<void> check_xml_shape(std::string_view xml) {
    if (xml.size() > kMaxXmlBytes) return refuse("more than 16 MiB");
    if (xml.find('\0') != kEnd) return refuse("it has a NUL byte");
    return Scan(xml).run();
}

}  // namespace bae::s3
