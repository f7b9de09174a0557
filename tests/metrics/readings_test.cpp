#include "tests/metrics/full_view.hpp"

namespace esshub::metrics {
namespace {

using testing::HasSubstr;

TEST(Sections, ReadingsShowTheirAge) {
  expect_shown(series(text(full_view(), 250ms)),
               {{"esshub_sample_age_seconds{channel=\"module8\"}", 0.25}});
}

TEST(Sections, ReadingsShowTheRolesOfCircuits) {
  View view;
  view.circuit_roles.at(2) = CircuitRole::heatpump;
  EXPECT_THAT(text(view),
              HasSubstr("esshub_circuit_info{channel=\"circuit3\",role=\"heatpump\"} 1\n"));
}

}  // namespace
}  // namespace esshub::metrics
