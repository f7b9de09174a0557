#include "model/published_values.hpp"

#include <gtest/gtest.h>

#include "model/enums.hpp"

namespace esshub {
namespace {

TEST(PublishedValues, EachHasTheGetterOfItsKindAndNoOther) {
  for (const ValueId id : enum_values<ValueId>) {
    const PublishedValue& row = published(id);
    const bool is_text = row.kind == ValueKind::state || row.kind == ValueKind::text;
    EXPECT_EQ(row.text != nullptr, is_text) << name(id);
    EXPECT_EQ(row.number != nullptr, !is_text) << name(id);
  }
}

}  // namespace
}  // namespace esshub
