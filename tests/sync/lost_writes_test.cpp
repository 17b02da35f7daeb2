// Which writes count as lost, where an example says it best. The definition is held against random histories in
// tests/property.
#include "sync/library.h"

namespace bae::sync {

namespace {

std::vector<std::string> listed(Library& library) {
    std::vector<std::string> lines;
    const auto conflicts = library->conflicts().value();
    for (const Conflict& c : conflicts)
        lines.push_back(c.id + "." + c.column + " " + hex_encode(c.lost_value) + " " + c.lost_stamp + " < " +
                        c.won_stamp);
    return lines;
}

}  // namespace

// An INSERT that leaves a column at its DEFAULT has written it all the same: what it had seen there is no loss.
TEST(LostWrites, AreNotThoseThatALaterInsertHadSeenAndLeftAtDefault) {
    Library b(1), c(2), d(3);
    b.must_write("INSERT INTO shelves(id, name, height, _updated_at) VALUES('s1', 'b', 7, stamp())");
    const IncomingObject first = b.seal();
    d.must_merge(first);
    d.clock.now += 10;
    d.must_write("DELETE FROM shelves");
    d.must_write("INSERT INTO shelves(id, name, _updated_at) VALUES('s1', 'd', stamp())");
    const IncomingObject again = d.seal();
    c.clock.now += 20;
    c.must_write("INSERT INTO shelves(id, name, height, _updated_at) VALUES('s1', 'c', 1, stamp())");
    const IncomingObject last = c.seal();

    Library in_order(4), backwards(5);
    for (const auto* object : {&first, &again, &last}) in_order.must_merge(*object);
    for (const auto* object : {&last, &again, &first}) backwards.must_merge(*object);
    EXPECT_EQ(listed(in_order), listed(backwards));
    ASSERT_EQ(listed(in_order).size(), 1u);
    EXPECT_TRUE(listed(in_order)[0].starts_with("s1.name ")) << listed(in_order)[0];
}

}  // namespace bae::sync
