#include "s3/utc_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>

namespace bae::s3 {
namespace {

using Names = std::span<const std::string_view>;
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 7> kLongDays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};

class DateReader {
  public:
    explicit DateReader(std::string_view text) : rest_(text) {}

    DateReader& literal(std::string_view text) {
        good_ = good_ && rest_.starts_with(text);
        if (good_) rest_.remove_prefix(text.size());
        return *this;
    }
    DateReader& number(size_t digits, int& out) {
        out = 0;
        for (; digits > 0 && good_; digits--) {
            good_ = !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9';
            if (!good_) break;
            out = out * 10 + (rest_[0] - '0');
            rest_.remove_prefix(1);
        }
        return *this;
    }
    DateReader& name(Names names, int& out) {
        const auto found = std::find_if(names.begin(), names.end(), [&](auto name) { return rest_.starts_with(name); });
        good_ = good_ && found != names.end();
        if (good_) rest_.remove_prefix(found->size());
        out = static_cast<int>(found - names.begin());
        return *this;
    }
    DateReader& month() { return name(kMonths, month_); }
    DateReader& date_number(size_t digits) { return number(digits, day_); }
    DateReader& weekday(Names names) {
        int ignored = 0;
        return name(names, ignored);
    }
    DateReader& year() { return number(4, year_); }
    DateReader& short_year() {
        number(2, year_);
        year_ += year_ < 70 ? 2000 : 1900;
        return *this;
    }
    DateReader& month_number() {
        number(2, month_);
        month_--;
        return *this;
    }
    DateReader& clock() { return number(2, hour_).literal(":").number(2, minute_).literal(":").number(2, second_); }
    DateReader& fraction() {
        if (!rest_.starts_with('.')) return *this;
        rest_.remove_prefix(1);
        good_ = good_ && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9';
        for (int unit = 100; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; unit /= 10) {
            millisecond_ += unit * (rest_[0] - '0');
            rest_.remove_prefix(1);
        }
        return *this;
    }
    bool next_is(char c) const { return rest_.starts_with(c); }

    std::optional<int64_t> ms() const {
        using namespace std::chrono;
        if (!good_ || !rest_.empty() || year_ < 1970 || year_ > 2255 || hour_ > 23 || minute_ > 59 || second_ > 60)
            return std::nullopt;
        const year_month_day date{std::chrono::year(year_), std::chrono::month(static_cast<unsigned>(month_) + 1),
                                  day(static_cast<unsigned>(day_))};
        if (!date.ok()) return std::nullopt;
        const int64_t seconds =
            sys_days(date).time_since_epoch().count() * int64_t{86'400} + hour_ * 3600 + minute_ * 60 + second_;
        return seconds * 1000 + millisecond_;
    }

  private:
    std::string_view rest_;
    bool good_ = true;
    int year_ = 0, month_ = 0, day_ = 0, hour_ = 0, minute_ = 0, second_ = 0, millisecond_ = 0;
};

std::optional<int64_t> imf_date(DateReader reader) {
    reader.weekday(kDays).literal(", ").date_number(2).literal(" ").month().literal(" ");
    return reader.year().literal(" ").clock().literal(" GMT").ms();
}

std::optional<int64_t> rfc850_date(DateReader reader) {
    reader.weekday(kLongDays).literal(", ").date_number(2).literal("-").month().literal("-");
    return reader.short_year().literal(" ").clock().literal(" GMT").ms();
}

std::optional<int64_t> asctime_date(DateReader reader) {
    reader.weekday(kDays).literal(" ").month().literal(" ");
    if (reader.next_is(' '))
        reader.literal(" ").date_number(1);
    else
        reader.date_number(2);
    return reader.literal(" ").clock().literal(" ").year().ms();
}

}  // namespace

std::optional<int64_t> http_date_ms(std::string_view text) {
    if (const auto ms = imf_date(DateReader(text))) return ms;
    if (const auto ms = rfc850_date(DateReader(text))) return ms;
    return asctime_date(DateReader(text));
}

std::optional<int64_t> iso_date_ms(std::string_view text) {
    DateReader reader(text);
    reader.year().literal("-").month_number().literal("-").date_number(2).literal("T");
    return reader.clock().fraction().literal("Z").ms();
}

std::string amz_date(int64_t ms) {
    using namespace std::chrono;
    const sys_seconds at{seconds(ms / 1000)};
    const auto midnight = floor<days>(at);
    const year_month_day date(midnight);
    const hh_mm_ss clock(at - midnight);
    return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

}  // namespace bae::s3
