#include "model/fault.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <regex>
#include <sstream>
#include <string>

namespace esshub {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(FaultFlags, SeveralStandBesideOneAnother) {
  FaultFlags flags{Fault::bus_contended, Fault::grid_meter_frozen};
  flags |= FaultFlags{Fault::islanded};
  for (const Fault fault : enum_values<Fault>)
    EXPECT_EQ(flags.active(fault), fault == Fault::bus_contended ||
                                       fault == Fault::grid_meter_frozen ||
                                       fault == Fault::islanded);
  flags.set(Fault::bus_contended, false);
  EXPECT_EQ(flags, (FaultFlags{Fault::islanded, Fault::grid_meter_frozen}));
  EXPECT_FALSE(FaultFlags{}.any());
}

/// Of the repository, with every run of white space as one blank.
std::string text_of(const std::string& file) {
  std::ifstream in{std::string{ESSHUB_SOURCE_DIR} + "/" + file};
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_THAT(text.str(), Not(IsEmpty())) << file;
  return std::regex_replace(text.str(), std::regex{"\\s+"}, " ");
}

TEST(FaultTable, EveryFaultHasAnAlertOfItsOwnThatSaysTheSame) {
  const std::string alerts = text_of("deploy/prometheus/rules/alerts.yml");
  for (const Fault fault : enum_values<Fault>) {
    // The alert's first fault is its own; others may follow in its expression.
    const std::string own = "{fault=\"" + std::string{name(fault)} + "\"}";
    std::string found;
    for (auto at = alerts.find("- alert: "); at != alerts.npos;) {
      const auto next = alerts.find("- alert: ", at + 1);
      const auto alert = alerts.substr(at, next == alerts.npos ? next : next - at);
      if (const auto first = alert.find("{fault="); first != alert.npos)
        if (alert.compare(first, own.size(), own) == 0 &&
            alert.find("summary: " + std::string{title(fault)} + " description:") != alert.npos)
          found = alert;
      at = next;
    }
    EXPECT_THAT(found, HasSubstr("description: >- " + std::string{advice(fault)} + " "))
        << name(fault);
  }
}

TEST(FaultTable, TheSafetyPageNamesEveryFaultWithItsSeverity) {
  const std::string page = text_of("docs/safety.md");
  for (const Fault fault : enum_values<Fault>)
    EXPECT_THAT(page, HasSubstr("`" + std::string{name(fault)} + "`, " +
                                std::string{name(severity(fault))}));
}

TEST(FaultSet, KeepsTheFirstMomentUntilItIsCleared) {
  FaultSet faults;
  faults.set(Fault::bms_lost, true, Instant{5s});
  faults.set(Fault::bms_lost, true, Instant{9s});
  EXPECT_EQ(faults.since(Fault::bms_lost), Instant{5s});
  faults.set(Fault::bms_lost, false, Instant{10s});
  EXPECT_FALSE(faults.since(Fault::bms_lost));
  faults.set(Fault::bms_lost, true, Instant{11s});
  EXPECT_EQ(faults.since(Fault::bms_lost), Instant{11s});
}

TEST(FaultSet, EachFaultStandsByItself) {
  for (const Fault fault : enum_values<Fault>) {
    FaultSet faults;
    EXPECT_FALSE(faults.any());
    faults.set(fault, true, Instant{1s});
    EXPECT_TRUE(faults.any());
    for (const Fault other : enum_values<Fault>) EXPECT_EQ(faults.active(other), other == fault);
  }
}

TEST(FaultSet, AClearedFaultLeavesNoTrace) {
  FaultSet faults;
  faults.set(Fault::islanded, true, Instant{5s});
  EXPECT_NE(faults, FaultSet{});
  faults.set(Fault::islanded, false, Instant{6s});
  EXPECT_EQ(faults, FaultSet{});
}

}  // namespace
}  // namespace esshub
