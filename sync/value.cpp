#include "sync/value.h"

#include <cmath>

namespace bae::sync {

bool ValueView::operator==(const ValueView& other) const {
    if (type != other.type) return false;
    switch (type) {
        case Type::integer:
            return integer == other.integer;
        case Type::real:
            return real == other.real || (std::isnan(real) && std::isnan(other.real));
        case Type::text:
        case Type::blob:
            return bytes == other.bytes;
        case Type::unset:
        case Type::null:
            return true;
    }
    return false;
}

void pack_value(Packer& out, const ValueView& value) {
    switch (value.type) {
        case ValueView::Type::unset:
            return out.boolean(false);
        case ValueView::Type::null:
            return out.nil();
        case ValueView::Type::integer:
            return out.sint(value.integer);
        case ValueView::Type::real:
            return out.real(value.real == 0 ? 0.0 : value.real);
        case ValueView::Type::text:
            return out.text(value.bytes);
        case ValueView::Type::blob:
            return out.bin(as_bytes(value.bytes));
    }
}

// SQLite turns NaN into NULL and forgets the sign of zero, so neither is a value.
static Result<ValueView> real_value(double value) {
    if (std::isnan(value) || (value == 0 && std::signbit(value)))
        return fail(ErrorKind::corrupt, "a number that SQLite cannot hold");
    return ValueView::of(value);
}

Result<ValueView> unpack_value(Unpacker& in) {
    switch (in.peek()) {
        case Unpacker::Type::nil:
            TRY(in.nil());
            return ValueView{};
        case Unpacker::Type::boolean:
            if (TRY(in.boolean())) return fail(ErrorKind::corrupt, "`true` is not a value");
            return ValueView::unset();
        case Unpacker::Type::uint:
        case Unpacker::Type::sint:
            return ValueView::of(TRY(in.sint()));
        case Unpacker::Type::real:
            return real_value(TRY(in.real()));
        case Unpacker::Type::text:
            return ValueView::of(TRY(in.text(kMaxValueBytes)));
        case Unpacker::Type::bin:
            return ValueView::of_blob(TRY(in.bin(kMaxValueBytes)));
        case Unpacker::Type::array:
        case Unpacker::Type::end:
            break;
    }
    return fail(ErrorKind::corrupt, "expected a value");
}

Bytes packed(const ValueView& value) {
    Bytes out;
    Packer packer(out);
    pack_value(packer, value);
    return out;
}

}  // namespace bae::sync
