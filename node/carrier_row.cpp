#include "node/carrier_row.h"

#include "node/blobs/ledger.h"

namespace bae::node {

using s3::ConditionalPut;

std::string_view to_string(ConditionalPut conditional_put) {
    switch (conditional_put) {
        case ConditionalPut::unknown:
            break;
        case ConditionalPut::honoured:
            return "honoured";
        case ConditionalPut::refused:
            return "refused";
        case ConditionalPut::ignored:
            return "ignored";
    }
    return "";
}

ConditionalPut conditional_put_of(std::string_view text) {
    for (const ConditionalPut known : {ConditionalPut::honoured, ConditionalPut::refused, ConditionalPut::ignored}) {
        if (text == to_string(known)) return known;
    }
    return ConditionalPut::unknown;
}

Result<std::optional<CarrierRow>> current_carrier(sync::sqlite::Connection& connection) {
    std::optional<CarrierRow> found;
    TRY(connection.each("SELECT url, conditional_put, region, probed_ms FROM carriers WHERE current = 1",
                        [&](const sync::sqlite::Statement& row) {
                            found = CarrierRow{.url = row.string(0),
                                               .conditional_put = conditional_put_of(row.text(1)),
                                               .region = row.string(2),
                                               .probed_ms = row.integer(3)};
                        }));
    return found;
}

Result<void> use_carrier(sync::sqlite::Connection& connection, const CarrierRow& row) {
    TRY(connection.run("UPDATE carriers SET current = 0"));
    TRY(
        connection.run("INSERT INTO carriers (url, current, used_since_ms, audited_ms) VALUES (?1, 1, ?2, ?2) ON "
                       "CONFLICT DO UPDATE SET current = 1, used_since_ms = ?2, audited_ms = ?2",
                       row.url, sync::system_clock().now_ms()));
    TRY(update_carrier(connection, row));
    return BlobLedger::start_over(connection, row.url);
}

Result<void> update_carrier(sync::sqlite::Connection& connection, const CarrierRow& row) {
    return connection.run("UPDATE carriers SET conditional_put = ?2, region = ?3, probed_ms = ?4 WHERE url = ?1",
                          row.url, std::string(to_string(row.conditional_put)), row.region, row.probed_ms);
}

}  // namespace bae::node
