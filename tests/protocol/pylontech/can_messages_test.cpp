#include "protocol/pylontech/can_messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

namespace esshub::protocol::pylontech {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant t0{1000s};

CanFrame frame(std::uint32_t can_id, std::string_view hex) {
  return make_frame(can_id, from_hex(hex).value());
}

template <class T>
T decoded(std::uint32_t can_id, std::string_view hex) {
  const auto message = decode(frame(can_id, hex));
  if (!message) throw std::runtime_error(message.error().detail);
  return std::get<T>(*message);
}

std::vector<Sample> samples_of(const CanFrame& wire, std::optional<unsigned> modules) {
  return samples(decode(wire).value(), modules, t0).samples;
}

/// All samples of a frame by the name of their measure.
std::map<std::string, double> values(std::uint32_t can_id, std::string_view hex,
                                     std::optional<unsigned> modules = {}) {
  std::map<std::string, double> out;
  for (const auto& sample : samples_of(frame(can_id, hex), modules)) {
    EXPECT_EQ(sample.channel.point, Point::battery);
    EXPECT_EQ(sample.at, t0);
    out[std::string(name(sample.channel.measure))] = sample.value;
  }
  return out;
}

// ---- every vector ------------------------------------------------------------------------------

/// The vectors' names of flags.
std::uint32_t flags(const json& names) {
  const std::map<std::string, BmsFlag> table{
      {"discharge_over_current", BmsFlag::high_discharge_current},
      {"charge_over_current", BmsFlag::high_charge_current},
      {"cell_over_temperature", BmsFlag::high_temperature},
      {"cell_low_temperature", BmsFlag::low_temperature},
      {"over_voltage", BmsFlag::high_voltage},
      {"high_voltage", BmsFlag::high_voltage},
      {"under_voltage", BmsFlag::low_voltage},
      {"low_voltage", BmsFlag::low_voltage},
      {"internal_communication_fail", BmsFlag::internal_communication},
  };
  std::uint32_t out = 0;
  for (const auto& one : names) out |= bit(table.at(one.get<std::string>()));
  return out;
}

void expect_same(const Controller& m, const json&) {
  EXPECT_LE(m.id, id::controller_identity);
}
void expect_same(const Limits& m, const json& want) {
  EXPECT_EQ(m.cvl.value(), want["charge_voltage_v"]);
  EXPECT_EQ(m.ccl.value(), want["charge_current_limit_a"]);
  EXPECT_EQ(m.dcl.value(), std::abs(want["discharge_current_limit_a"].get<double>()));
  ASSERT_EQ(m.dvl.has_value(), !want["discharge_voltage_v"].is_null());
  if (m.dvl) {
    EXPECT_EQ(m.dvl->value(), want["discharge_voltage_v"]);
  }
}
void expect_same(const StateOfCharge& m, const json& want) {
  EXPECT_EQ(m.soc, want["soc_pct"]);
  EXPECT_EQ(m.soh, want["soh_pct"]);
}
void expect_same(const Measurement& m, const json& want) {
  EXPECT_EQ(m.voltage.value(), want["voltage_v"]);
  EXPECT_EQ(m.current.value(), want["current_a"]);
  EXPECT_EQ(m.temperature.value().value(), want["temperature_c"]);
}
void expect_same(const Alarms& m, const json& want) {
  EXPECT_EQ(m.protections, flags(want[m.pairs ? "alarms" : "protections"]));
  EXPECT_EQ(m.warnings, flags(want["warnings"]));
  if (!m.pairs) {
    EXPECT_EQ(m.modules.value_or(0), want["modules"]);
  }
}
void expect_same(const Requests& m, const json& want) {
  const std::map<std::string, BmsRequest> table{{"charge_enable", BmsRequest::charge_enable},
                                                {"discharge_enable", BmsRequest::discharge_enable},
                                                {"force_charge_1", BmsRequest::force_charge_1},
                                                {"force_charge_2", BmsRequest::force_charge_2},
                                                {"full_charge_request", BmsRequest::full_charge}};
  for (const auto& [key, request] : table)
    EXPECT_EQ((m.bits & static_cast<std::uint32_t>(request)) != 0, want[key]) << key;
}
void expect_same(const Maker& m, const json& want) {
  EXPECT_EQ(m.text, want["manufacturer"].get<std::string>());
}
void expect_same(const Product& m, const json& want) {
  EXPECT_EQ(m.code, want["product_code"]);
  EXPECT_EQ(json(m.firmware), want["firmware_bytes"]);
  EXPECT_EQ(m.available_ah, want["available_capacity_ah"]);
}
void expect_same(const ChargeRequest& m, const json& want) {
  EXPECT_EQ(m.wanted, want["charge_request"]);
}
void expect_same(const ModuleStates& m, const json& want) {
  EXPECT_EQ(m.online, want["modules_online"]);
  EXPECT_EQ(m.blocking_charge, want["modules_blocking_charge"]);
  EXPECT_EQ(m.blocking_discharge, want["modules_blocking_discharge"]);
  EXPECT_EQ(m.offline, want["modules_offline"]);
}
void expect_same(const Cells& m, const json& want) {
  EXPECT_EQ(m.lowest.value(), want["cell_min_v"]);
  EXPECT_EQ(m.highest.value(), want["cell_max_v"]);
  EXPECT_EQ(m.coldest.value() + 273.0, want["cell_temp_min_k"]);
  EXPECT_EQ(m.warmest.value() + 273.0, want["cell_temp_max_k"]);
}
void expect_same(const Energy& m, const json& want) {
  EXPECT_DOUBLE_EQ(m.charged.value() / 1000.0, want["charged_kwh"]);
  EXPECT_DOUBLE_EQ(m.discharged.value() / 1000.0, want["discharged_kwh"]);
}
void expect_same(const Size& m, const json& want) {
  EXPECT_EQ(m.installed_ah, want["installed_capacity_ah"]);
}
void expect_same(const Text& m, const json& want) {
  EXPECT_EQ(m.text, want["text"].get<std::string>());
}
void expect_same(const Opaque&, const json&) {
  ADD_FAILURE() << "no vector has such a message";
}

std::vector<json> vectors() {
  std::ifstream file(ESSHUB_TEST_DATA "/pylontech-vectors.jsonl");
  std::vector<json> out;
  for (std::string line; std::getline(file, line);) out.push_back(json::parse(line));
  return out;
}

TEST(PylontechVectors, EachDecodesToWhatItStates) {
  std::size_t count = 0;
  for (const auto& vector : vectors()) {
    if (vector["decoded"].is_null()) continue;
    SCOPED_TRACE(vector["id"].get<std::string>());
    const auto can_id = std::stoul(vector["can_id"].get<std::string>(), nullptr, 16);
    const CanFrame wire =
        frame(static_cast<std::uint32_t>(can_id), vector["data"].get<std::string>());
    ASSERT_EQ(wire.size, vector["dlc"]);
    const auto message = decode(wire);
    ASSERT_TRUE(message) << message.error().detail;
    std::visit([&](const auto& m) { expect_same(m, vector["decoded"]); }, *message);
    ++count;
  }
  EXPECT_GE(count, 50u);
}

TEST(PylontechVectors, OnlySixteenCellStacksAndADeadMeterAreImplausible) {
  std::set<std::string> refused;
  for (const auto& vector : vectors()) {
    const auto can_id = std::stoul(vector["can_id"].get<std::string>(), nullptr, 16);
    const auto message =
        decode(frame(static_cast<std::uint32_t>(can_id), vector["data"].get<std::string>()));
    if (message && !samples(*message, {}, t0).impossible.empty()) refused.insert(vector["id"]);
  }
  // Cubix, BYD and diyBMS ask for 58 V; a synthetic 0.00 V; a robustness vector of 327.67 V
  EXPECT_THAT(refused, ElementsAre("can-036", "can-049", "can-066", "can-108", "can-115"));
}

TEST(PylontechVectors, RobustnessFramesAreRejectedOrUsedInPart) {
  EXPECT_EQ(decode(frame(0x355, "1A00")).error().kind, DecodeErrorKind::length);
  EXPECT_EQ(decode(frame(0x35C, "")).error().kind, DecodeErrorKind::length);
  EXPECT_FALSE(decoded<Alarms>(0x359, "00000000").modules);
  EXPECT_TRUE(truncated(frame(0x359, "00000000")));
}

std::vector<CanFrame> candump(const std::string& name) {
  std::ifstream file(std::string(ESSHUB_TEST_DATA "/") + name);
  std::vector<CanFrame> out;
  for (std::string line; std::getline(file, line);) out.push_back(parse_candump(line).value());
  return out;
}

TEST(PylontechLogs, RealFramesAreAllPlausible) {
  const auto frames = candump("pylontech-real-frames.candump.log");
  EXPECT_EQ(frames.size(), 18u);
  for (const auto& wire : frames) {
    const auto message = decode(wire);
    ASSERT_TRUE(message) << to_text(wire);
    EXPECT_THAT(samples(*message, {}, t0).impossible, IsEmpty()) << to_text(wire);
  }
}

TEST(PylontechLogs, TheTaperForbidsChargingWhenFull) {
  const auto frames = candump("pylontech-2xus2000-charge-taper.synthetic.candump.log");
  EXPECT_EQ(frames.size(), 840u);
  double soc = 0.0;
  unsigned full = 0;
  std::set<double> ccl;
  std::map<Measure, double> last;
  for (const auto& wire : frames) {
    for (const auto& sample : samples_of(wire, 2)) last[sample.channel.measure] = sample.value;
    if (wire.id == id::state) {
      EXPECT_GE(last[Measure::soc], soc) << "it only charges";
      soc = last[Measure::soc];
    }
    if (wire.id == id::limits) {
      ccl.insert(last[Measure::ccl]);
      EXPECT_EQ(last[Measure::dcl], 50.0);
      EXPECT_EQ(last[Measure::cvl], 53.2);
      EXPECT_EQ(last[Measure::dvl], 45.0);
    }
    if (wire.id == id::requests && last[Measure::ccl] == 0.0) {
      EXPECT_GE(soc, 97.0);
      EXPECT_EQ(last[Measure::requests], static_cast<double>(BmsRequest::discharge_enable));
      ++full;
    }
  }
  EXPECT_EQ(soc, 100.0);
  EXPECT_EQ(full, 20u);
  EXPECT_THAT(ccl, ElementsAre(0.0, 10.0, 20.0, 50.0));
  EXPECT_EQ(last[Measure::modules], 2.0);
  EXPECT_EQ(last[Measure::current], -12.0) << "discharging at the end";
}

// ---- the messages ------------------------------------------------------------------------------

using Values = std::map<std::string, double>;

TEST(PylontechLimits, LengthsSixToEight) {
  EXPECT_EQ(values(0x351, "1402F401F401C201"),
            (Values{{"cvl", 53.2}, {"ccl", 50.0}, {"dcl", 50.0}, {"dvl", 45.0}}));
  EXPECT_EQ(values(0x351, "1402F401F401"), (Values{{"cvl", 53.2}, {"ccl", 50.0}, {"dcl", 50.0}}));
  EXPECT_EQ(values(0x351, "1402F401F401C2"), (Values{{"cvl", 53.2}, {"ccl", 50.0}, {"dcl", 50.0}}));
  EXPECT_FALSE(truncated(frame(0x351, "1402F401F401"))) << "6 bytes are normal";
  EXPECT_TRUE(truncated(frame(0x351, "1402F401F401C2")));
  EXPECT_EQ(decode(frame(0x351, "1402F401")).error().kind, DecodeErrorKind::length);
}

TEST(PylontechLimits, ADvlOfZeroIsUnknownNotZero) {
  EXPECT_FALSE(values(0x351, "1402F401F4010000").contains("dvl"));
  EXPECT_EQ(values(0x351, "1402F401F4010100")["dvl"], 0.1);
}

TEST(PylontechLimits, NegativeDclIsAMagnitude) {
  EXPECT_EQ(values(0x351, "1402F4010CFEC201")["dcl"], 50.0);
}

TEST(PylontechLimits, NegativeCclForbidsCharging) {
  EXPECT_EQ(values(0x351, "14020CFEF401C201")["ccl"], 0.0);
}

TEST(PylontechState, LengthsFourSixAndEight) {
  for (const auto* hex : {"58006400", "580064000000", "5800640000000000"})
    EXPECT_EQ(values(0x355, hex), (Values{{"soc", 88.0}, {"soh", 100.0}})) << hex;
}

TEST(PylontechMeasurement, PositiveIsCharging) {
  EXPECT_EQ(values(0x356, "E213E001D200"),
            (Values{{"voltage", 50.9}, {"current", 48.0}, {"temperature", 21.0}}));
  EXPECT_EQ(values(0x356, "141488FFD800")["current"], -12.0);
}

TEST(PylontechMeasurement, WithoutTemperatureItIsCountedShort) {
  EXPECT_EQ(values(0x356, "E213E001"), (Values{{"voltage", 50.9}, {"current", 48.0}}));
  EXPECT_TRUE(truncated(frame(0x356, "E213E001")));
  EXPECT_TRUE(truncated(frame(0x356, "E213E001D2")));
  EXPECT_FALSE(truncated(frame(0x356, "E213E001D200")));
  for (const auto* unusable : {"E213E0", "E213", ""})
    EXPECT_FALSE(truncated(frame(0x356, unusable))) << unusable;
  EXPECT_FALSE(truncated(frame(0x356, "E213E001D2000000")));
}

TEST(PylontechAlarms, DocumentedBitsByName) {
  const std::pair<const char*, BmsFlag> protections[] = {
      {"02000000", BmsFlag::high_voltage},
      {"04000000", BmsFlag::low_voltage},
      {"08000000", BmsFlag::high_temperature},
      {"10000000", BmsFlag::low_temperature},
      {"80000000", BmsFlag::high_discharge_current},
      {"00010000", BmsFlag::high_charge_current},
      {"00080000", BmsFlag::system}};
  for (const auto& [hex, flag] : protections) {
    EXPECT_EQ(decoded<Alarms>(0x359, hex).protections, bit(flag)) << hex;
    EXPECT_EQ(decoded<Alarms>(0x359, hex).warnings, 0u) << hex;
  }
  const std::pair<const char*, BmsFlag> warnings[] = {
      {"00000200", BmsFlag::high_voltage},           {"00000400", BmsFlag::low_voltage},
      {"00000800", BmsFlag::high_temperature},       {"00001000", BmsFlag::low_temperature},
      {"00008000", BmsFlag::high_discharge_current}, {"00000001", BmsFlag::high_charge_current},
      {"00000008", BmsFlag::internal_communication}};
  for (const auto& [hex, flag] : warnings) {
    EXPECT_EQ(decoded<Alarms>(0x359, hex).protections, 0u) << hex;
    EXPECT_EQ(decoded<Alarms>(0x359, hex).warnings, bit(flag)) << hex;
  }
}

TEST(PylontechAlarms, EveryOtherBitIsAnUnknownProtection) {
  const std::set<unsigned> documented{1, 2, 3, 4, 7, 8, 11};
  for (unsigned i = 0; i < 16; ++i) {
    Bytes data;
    put_u32_le(data, 1u << i);
    const auto message = decode(make_frame(0x359, data)).value();
    const bool unknown = (std::get<Alarms>(message).protections & bit(BmsFlag::unknown)) != 0;
    EXPECT_EQ(unknown, !documented.contains(i)) << i;
    EXPECT_NE(std::get<Alarms>(message).protections, 0u) << i;
  }
}

TEST(PylontechAlarms, SamplesCarryBothSetsEvenWhenNothingIsWrong) {
  EXPECT_EQ(values(0x359, "0000000002504E"),
            (Values{{"protections", 0.0}, {"warnings", 0.0}, {"modules", 2.0}}));
  EXPECT_EQ(values(0x35A, "AAAAAAAAAAAAAAAA"), (Values{{"protections", 0.0}, {"warnings", 0.0}}));
}

TEST(PylontechAlarms, NoModulesIsUnknownNotZero) {
  EXPECT_FALSE(values(0x359, "0000000000000000").contains("modules"));
}

TEST(PylontechAlarmPairs, OneIsActiveTwoIsNotZeroIsUnsupported) {
  EXPECT_EQ(decoded<Alarms>(0x35A, "0400000000000000").protections, bit(BmsFlag::high_voltage));
  EXPECT_EQ(decoded<Alarms>(0x35A, "0800000000000000").protections, 0u);
  EXPECT_EQ(decoded<Alarms>(0x35A, "0C00000000000000").protections, bit(BmsFlag::high_voltage))
      << "an undefined 11 fails closed";
  EXPECT_EQ(decoded<Alarms>(0x35A, "0000100004000001").warnings,
            bit(BmsFlag::high_voltage) | bit(BmsFlag::cell_imbalance));
  EXPECT_EQ(decoded<Alarms>(0x35A, "0000100000000000").protections, bit(BmsFlag::short_circuit));
  EXPECT_EQ(decoded<Alarms>(0x35A, "0000004000000000").protections, bit(BmsFlag::unknown));
}

TEST(PylontechAlarmPairs, ShorterThanEightBytesIsNotAllClear) {
  EXPECT_EQ(decode(frame(0x35A, "AAAAAAAA")).error().kind, DecodeErrorKind::length);
}

TEST(PylontechRequests, NormalIsChargeAndDischarge) {
  EXPECT_THAT(names_of<BmsRequest>(decoded<Requests>(0x35C, "C000").bits),
              ElementsAre("charge_enable", "discharge_enable"));
  EXPECT_THAT(names_of<BmsRequest>(decoded<Requests>(0x35C, "38").bits),
              ElementsAre("force_charge_1", "force_charge_2", "full_charge"));
}

TEST(PylontechMaker, IsTrimmedOfBlanksAndNuls) {
  for (const auto* hex : {"50594C4F4E202020", "50594C4F4E000000", "50594C4F4E", "2050594C4F4E0041"})
    EXPECT_EQ(decoded<Maker>(0x35E, hex).text, "PYLON") << hex;
  EXPECT_EQ(decoded<Maker>(0x35E, "").text, "");
  EXPECT_EQ(decoded<Maker>(0x35E, "5059FF0A").text, "PY..") << "never raw bytes in a log line";
}

TEST(PylontechExtensions, AreKnownButGiveControlNothing) {
  for (const auto* line :
       {"305#0000000000000000", "306#00", "307#1234567856494300", "35B#00", "360#FF", "370#44",
        "371#44", "372#0200000000000000", "373#CA0CCF0C1B011C01", "374#30", "375#30", "376#30",
        "377#30", "378#400800002B070000", "379#C800", "380#41", "381#41", "382#41"}) {
    const auto message = decode(parse_candump(line).value());
    ASSERT_TRUE(message) << line;
    EXPECT_THAT(samples(*message, {}, t0).samples, IsEmpty()) << line;
  }
  EXPECT_EQ(values(0x35F, "4C4901033C02AA00"), (Values{{"capacity", 572.0}}));
}

TEST(PylontechDecode, OtherFramesAreUnsupported) {
  for (const auto* line : {"00000351#1402F401F401", "351#R8", "350#00", "123#00", "7FF#",
                           "20000040#0000000000000000"}) {
    const auto message = decode(parse_candump(line).value());
    ASSERT_FALSE(message) << line;
    EXPECT_EQ(message.error().kind, DecodeErrorKind::unsupported) << line;
  }
}

TEST(PylontechDecode, TheChargeVoltageLimitIsThatOfSoManyCells) {
  const auto possible = [](unsigned cells, double volts) {
    const auto message = decode(encode(Limits{Volts{volts}, Amperes{}, Amperes{}, {}}));
    return message && samples(*message, {}, t0, cells).impossible.empty();
  };
  for (const auto& [cells, least, most] :
       {std::tuple{15U, 48.0, 56.0}, std::tuple{16U, 51.2, 59.7}}) {
    EXPECT_TRUE(possible(cells, least));
    EXPECT_FALSE(possible(cells, least - 0.1));
    EXPECT_TRUE(possible(cells, most));
    EXPECT_FALSE(possible(cells, most + 0.1));
    EXPECT_TRUE(possible(cells, 0.0)) << "no charging";
  }
}

TEST(PylontechDecode, AnyFrameIsSurvivedAndGivesOnlyPossibleValues) {
  std::mt19937 random(3);
  for (int i = 0; i < 100000; ++i) {
    Bytes data;
    for (auto n = random() % 9; n > 0; --n) put_u8(data, static_cast<std::uint8_t>(random()));
    const auto message =
        decode(make_frame(0x300 + static_cast<std::uint32_t>(random() % 0x90), data));
    if (!message) continue;
    const auto result = samples(*message, {}, t0);
    for (const auto& [channel, value, at, max_age] : result.samples) {
      EXPECT_GE(value, channel.measure == Measure::current       ? -3200.0
                       : channel.measure == Measure::temperature ? -40.0
                                                                 : 0.0);
      if (channel.measure == Measure::soc) {
        EXPECT_LE(value, 100.0);
      }
      if (channel.measure == Measure::voltage) {
        EXPECT_GE(value, 40.0);
        EXPECT_LE(value, 60.0);
      }
    }
  }
}

/// reference: pylontech-can#2 to pylontech-can#4, the lengths of what makes each message.
TEST(PylontechDecode, EachIdentifierNeedsItsBytesAndNoOtherIsKnown) {
  const std::map<std::uint32_t, std::size_t> least{
      {0x305, 0}, {0x306, 0}, {0x307, 0}, {0x351, 6}, {0x355, 4}, {0x356, 4}, {0x359, 4},
      {0x35A, 8}, {0x35B, 0}, {0x35C, 1}, {0x35E, 0}, {0x35F, 6}, {0x360, 1}, {0x370, 0},
      {0x371, 0}, {0x372, 8}, {0x373, 8}, {0x374, 0}, {0x375, 0}, {0x376, 0}, {0x377, 0},
      {0x378, 8}, {0x379, 2}, {0x380, 0}, {0x381, 0}, {0x382, 0}};
  for (std::uint32_t can_id = 0; can_id <= 0x7FF; ++can_id) {
    const auto row = least.find(can_id);
    if (row == least.end()) {
      const auto unknown = decode(make_frame(can_id, Bytes(8)));
      ASSERT_FALSE(unknown) << can_id;
      EXPECT_EQ(unknown.error().kind, DecodeErrorKind::unsupported);
      EXPECT_EQ(unknown.error().detail, "an identifier no document names");
      continue;
    }
    for (std::size_t size = 0; size <= 8; ++size) {
      const auto message = decode(make_frame(can_id, Bytes(size)));
      EXPECT_EQ(message.has_value(), size >= row->second) << can_id << ' ' << size;
      if (message) continue;
      EXPECT_EQ(message.error().detail, std::to_string(size) + " bytes, at least " +
                                            std::to_string(row->second) + " expected");
    }
  }
  for (const auto flag : {&CanFrame::extended, &CanFrame::remote, &CanFrame::error}) {
    CanFrame other = frame(0x355, "58006400");
    other.*flag = true;
    EXPECT_EQ(decode(other).error().detail, "not a standard data frame");
  }
}

TEST(PylontechDecode, EveryFieldHasItsPlace) {
  const auto limits = decoded<Limits>(0x351, "0102030405060708");
  EXPECT_DOUBLE_EQ(limits.cvl.value(), 51.3);
  EXPECT_DOUBLE_EQ(limits.ccl.value(), 102.7);
  EXPECT_DOUBLE_EQ(limits.dcl.value(), 154.1);
  EXPECT_DOUBLE_EQ(limits.dvl.value().value(), 205.5);
  const auto soc = decoded<StateOfCharge>(0x355, "01020304");
  EXPECT_EQ(soc.soc, 0x0201u);
  EXPECT_EQ(soc.soh, 0x0403u);
  const auto measured = decoded<Measurement>(0x356, "010283848586");
  EXPECT_DOUBLE_EQ(measured.voltage.value(), 5.13);
  EXPECT_DOUBLE_EQ(measured.current.value(), -3161.3);
  EXPECT_DOUBLE_EQ(measured.temperature.value().value(), -3109.9);
  EXPECT_FALSE(decoded<Measurement>(0x356, "0102838485").temperature);
  EXPECT_EQ(decoded<Alarms>(0x359, "0000000009").modules, 9u);
  EXPECT_EQ(decoded<Product>(0x35F, "010203040506").code, 0x0201u);
  EXPECT_EQ(decoded<Product>(0x35F, "010203040506").firmware, (std::array<unsigned, 2>{3, 4}));
  EXPECT_EQ(decoded<Product>(0x35F, "010203040506").available_ah, 0x0605u);
  EXPECT_TRUE(decoded<ChargeRequest>(0x360, "FF").wanted);
  EXPECT_FALSE(decoded<ChargeRequest>(0x360, "FE").wanted);
  const auto modules = decoded<ModuleStates>(0x372, "0102030405060708");
  EXPECT_EQ(modules.online, 0x0201u);
  EXPECT_EQ(modules.blocking_charge, 0x0403u);
  EXPECT_EQ(modules.blocking_discharge, 0x0605u);
  EXPECT_EQ(modules.offline, 0x0807u);
  const auto cells = decoded<Cells>(0x373, "F00CF10D25012601");
  EXPECT_DOUBLE_EQ(cells.lowest.value(), 3.312);
  EXPECT_DOUBLE_EQ(cells.highest.value(), 3.569);
  EXPECT_DOUBLE_EQ(cells.coldest.value(), 20.0);
  EXPECT_DOUBLE_EQ(cells.warmest.value(), 21.0);
  const auto energy = decoded<Energy>(0x378, "0100000002000000");
  EXPECT_DOUBLE_EQ(energy.charged.value(), 100.0);
  EXPECT_DOUBLE_EQ(energy.discharged.value(), 200.0);
  EXPECT_EQ(decoded<Size>(0x379, "0102").installed_ah, 0x0201u);
  for (const std::uint32_t can_id : {0x305u, 0x306u, 0x307u})
    EXPECT_EQ(decoded<Controller>(can_id, "00").id, can_id);
  EXPECT_EQ(decoded<Opaque>(0x35B, "00").id, 0x35Bu);
  EXPECT_EQ(decoded<Text>(0x374, "2041427F1F7E2000").text, "AB..~");
  EXPECT_EQ(decoded<Text>(0x374, "4100422020202020").text, "A");
  EXPECT_EQ(decoded<Text>(0x374, "2020202020202020").text, "");
  EXPECT_EQ(decoded<Text>(0x381, "41").id, 0x381u);
}

/// reference: pylontech-can#4, the order of the pairs; what no document names is unknown.
TEST(PylontechAlarmPairs, EachPairIsItsFlagInBothHalves) {
  const std::array order{BmsFlag::general,
                         BmsFlag::high_voltage,
                         BmsFlag::low_voltage,
                         BmsFlag::high_temperature,
                         BmsFlag::low_temperature,
                         BmsFlag::high_charge_temperature,
                         BmsFlag::low_charge_temperature,
                         BmsFlag::high_discharge_current,
                         BmsFlag::high_charge_current,
                         BmsFlag::contactor,
                         BmsFlag::short_circuit,
                         BmsFlag::internal_failure,
                         BmsFlag::cell_imbalance,
                         BmsFlag::unknown,
                         BmsFlag::unknown,
                         BmsFlag::unknown};
  for (std::size_t i = 0; i < order.size(); ++i) {
    Bytes data;
    put_u32_le(data, 1u << 2 * i);
    put_u32_le(data, 2u << 2 * i);
    auto alarms = std::get<Alarms>(decode(make_frame(0x35A, data)).value());
    EXPECT_EQ(alarms.protections, bit(order[i])) << i;
    EXPECT_EQ(alarms.warnings, 0u) << i;
    EXPECT_TRUE(alarms.pairs);
    if (i < 13) {
      const CanFrame wire = encode(Alarms{bit(order[i]), bit(BmsFlag::general), {}, true});
      const std::uint32_t all_inactive = 0x02AAAAAA;
      EXPECT_EQ(read_u32_le(wire.payload(), 0), all_inactive ^ (3u << 2 * i)) << i;
      EXPECT_EQ(read_u32_le(wire.payload(), 4), all_inactive ^ 3u) << i;
    }
  }
  EXPECT_EQ(read_u32_le(encode(Alarms{bit(BmsFlag::system), 0, {}, true}).payload(), 0),
            0x42AAAAAAu)
      << "what has no pair is sent as one that no document names";
}

// ---- plausibility ------------------------------------------------------------------------------

bool plausible(std::uint32_t can_id, std::string_view hex, std::optional<unsigned> modules = 2) {
  return samples(decode(frame(can_id, hex)).value(), modules, t0).impossible.empty();
}

TEST(PylontechPlausibility, BoundsAreInclusive) {
  EXPECT_TRUE(plausible(0x351, "E0010000000000"));   // 48.0 V
  EXPECT_FALSE(plausible(0x351, "DF010000000000"));  // 47.9 V
  EXPECT_TRUE(plausible(0x351, "30020000000000"));   // 56.0 V
  EXPECT_FALSE(plausible(0x351, "31020000000000"));  // 56.1 V
  EXPECT_TRUE(plausible(0x355, "64006400"));
  EXPECT_TRUE(plausible(0x355, "69006400"));  // 105 %: full
  EXPECT_FALSE(plausible(0x355, "6A006400"));
  EXPECT_TRUE(plausible(0x355, "64008200"));  // 130 % of its plate
  EXPECT_FALSE(plausible(0x355, "64008300"));
  EXPECT_TRUE(plausible(0x356, "A00F00000000"));  // 40.00 V
  EXPECT_FALSE(plausible(0x356, "9F0F00000000"));
  EXPECT_TRUE(plausible(0x356, "701700000000"));  // 60.00 V
  EXPECT_FALSE(plausible(0x356, "711700000000"));
  EXPECT_TRUE(plausible(0x356, "7017000070FE"));  // -40.0 C
  EXPECT_FALSE(plausible(0x356, "701700006FFE"));
  EXPECT_TRUE(plausible(0x356, "70170000E803"));  // 100.0 C
  EXPECT_FALSE(plausible(0x356, "70170000E903"));
}

TEST(PylontechPlausibility, CurrentsAreBoundByTheModules) {
  EXPECT_TRUE(plausible(0x356, "7013A00F0000", 2));   // 400.0 A
  EXPECT_FALSE(plausible(0x356, "7013A10F0000", 2));  // 400.1 A
  EXPECT_TRUE(plausible(0x356, "701360F00000", 2));   // -400.0 A
  EXPECT_FALSE(plausible(0x356, "70135FF00000", 2));
  EXPECT_FALSE(plausible(0x351, "1402A10FF401C201", 2));
  EXPECT_FALSE(plausible(0x351, "1402F401A10FC201", 2));
  EXPECT_TRUE(plausible(0x351, "1402A10FA10FC201", {})) << "unknown number of modules";
  EXPECT_FALSE(plausible(0x356, "7013FF7F0000", {})) << "no stack has 3276.7 A";
}

/// F23: CVL 0 or CCL 0 stops charging only.
TEST(PylontechPlausibility, AChargeVoltageOfZeroForbidsChargingAndIsNoError) {
  EXPECT_TRUE(plausible(0x351, "0000F401F401C201"));
  EXPECT_FALSE(plausible(0x351, "0100F401F401C201"));
  EXPECT_EQ(values(0x351, "00000000F401C201"),
            (Values{{"ccl", 0.0}, {"cvl", 0.0}, {"dcl", 50.0}, {"dvl", 45.0}}));
}

TEST(PylontechPlausibility, ADischargeVoltageLimitIsThatOfAPack) {
  EXPECT_TRUE(plausible(0x351, "1402F401F4015802"));   // 60.0 V
  EXPECT_FALSE(plausible(0x351, "1402F401F4015902"));  // 60.1 V
}

TEST(PylontechPlausibility, AStateOfChargeUpTo105CountsAs100) {
  EXPECT_EQ(values(0x355, "64006400"), (Values{{"soc", 100.0}, {"soh", 100.0}}));
  EXPECT_EQ(values(0x355, "69006400"), (Values{{"soc", 100.0}, {"soh", 100.0}}));
}

TEST(PylontechPlausibility, BigEndianReadingOfARealFrameIsRefused) {
  EXPECT_FALSE(plausible(0x351, "021401F401F401C2")) << "pitfall 1: 0x0214 becomes 512 V";
}

/// F5: a stop beside a value that cannot be is still a stop.
TEST(PylontechPlausibility, WhatCannotBeIsLeftOutAndTheRestIsUsed) {
  const auto told = [](std::uint32_t can_id, std::string_view hex) {
    std::set<std::string> out;
    for (const auto& sample : samples(decode(frame(can_id, hex)).value(), {}, t0).samples)
      out.insert(std::string(name(sample.channel.measure)) + "=" +
                 std::to_string(std::lround(sample.value)));
    return out;
  };
  using Set = std::set<std::string>;
  EXPECT_EQ(told(0x351, "40020000F401C201"), (Set{"ccl=0", "dcl=50", "dvl=45"})) << "57.6 V";
  EXPECT_EQ(told(0x351, "1402FF7F0000C201"), (Set{"cvl=53", "dcl=0", "dvl=45"}));
  EXPECT_EQ(told(0x351, "14020000FF7FC201"), (Set{"cvl=53", "ccl=0", "dvl=45"}));
  EXPECT_EQ(told(0x351, "140200000000FFFF"), (Set{"cvl=53", "ccl=0", "dcl=0"}));
  EXPECT_EQ(told(0x355, "82006400"), (Set{"soh=100"}));
  EXPECT_EQ(told(0x355, "32008300"), (Set{"soc=50"}));
  EXPECT_EQ(told(0x356, "FF7F00004A00"), (Set{"current=0", "temperature=7"}));
  EXPECT_EQ(told(0x356, "E213FF7F4A00"), (Set{"voltage=51", "temperature=7"}));
  EXPECT_EQ(told(0x356, "E213000052F4"), (Set{"voltage=51", "current=0"})) << "-299 degC";
}

TEST(PylontechPlausibility, AnErrorNamesTheFieldItsValueAndWhatIsAccepted) {
  const auto why = [](std::uint32_t can_id, std::string_view hex) {
    std::string out;
    for (const auto& field : samples(decode(frame(can_id, hex)).value(), 1, t0).impossible)
      out += (field.required ? "! " : "- ") + field.text + "\n";
    return out;
  };
  EXPECT_EQ(why(0x351, "1402D007D007C201"), "");
  EXPECT_EQ(why(0x351, "1402D107F401C201"),
            "! charge current limit of 200.10, accepted -200 to 200 A\n");
  EXPECT_EQ(why(0x351, "140230F8F401C201"), "") << "-200 A";
  EXPECT_EQ(why(0x351, "14022FF8F401C201"),
            "! charge current limit of -200.10, accepted -200 to 200 A\n");
  EXPECT_EQ(why(0x351, "1402F401D107C201"),
            "! discharge current limit of 200.10, accepted 0 to 200 A\n");
  EXPECT_EQ(why(0x351, "1402F401F4015902"),
            "- discharge voltage limit of 60.10, accepted 0 to 60 V\n");
  EXPECT_EQ(why(0x351, "DF01D107F401C201"),
            "! charge voltage limit of 47.90, accepted 48 to 56 V of 15 cells\n"
            "! charge current limit of 200.10, accepted -200 to 200 A\n");
  EXPECT_EQ(why(0x355, "82006400"), "! state of charge of 130.00, accepted 0 to 105 %\n");
  EXPECT_EQ(why(0x355, "64008300"), "- state of health of 131.00, accepted 0 to 130 %\n");
  EXPECT_EQ(why(0x356, "FF7F00000000"), "! voltage of 327.67, accepted 40 to 60 V\n");
  EXPECT_EQ(why(0x356, "E2132FF80000"), "- current of -200.10, accepted -200 to 200 A\n");
  EXPECT_EQ(why(0x356, "E2130000E903"), "- temperature of 100.10, accepted -40 to 100 degC\n");
  // Where the number of modules is not known, what any battery can.
  EXPECT_TRUE(plausible(0x356, "E21310270000", {}));
  EXPECT_FALSE(plausible(0x356, "E21311270000", {}));
}

// ---- encoding ----------------------------------------------------------------------------------

TEST(PylontechEncode, WritesTheFramesOfTheReference) {
  EXPECT_EQ(to_text(keep_alive()), "305#0000000000000000");
  EXPECT_EQ(to_text(encode(Limits{53.2_V, 50.0_A, 50.0_A, 45.0_V})), "351#1402F401F401C201");
  EXPECT_EQ(to_text(encode(Limits{53.2_V, 59.2_A, 148.0_A, {}})), "351#14025002C805");
  EXPECT_EQ(to_text(encode(StateOfCharge{88, 100})), "355#58006400");
  EXPECT_EQ(to_text(encode(Measurement{49.83_V, -34.3_A, 26.7_degC})), "356#7713A9FE0B01");
  EXPECT_EQ(to_text(encode(Alarms{0, 0, 2, false})), "359#0000000002504E");
  EXPECT_EQ(to_text(encode(Alarms{0, 0, {}, true})), "35A#AAAAAA02AAAAAA02");
  EXPECT_EQ(to_text(encode(Requests{3})), "35C#C000");
  EXPECT_EQ(to_text(encode(Maker{"PYLON"})), "35E#50594C4F4E202020");
  EXPECT_EQ(to_text(encode(Product{1, {22, 4}, 20})), "35F#010016041400");
}

TEST(PylontechEncode, BothProfilesCarryEveryFlagOrAnUnknownOne) {
  for (std::uint32_t i = 0; i < 16; ++i)
    for (const bool pairs : {false, true}) {
      const std::uint32_t flag = 1u << i;
      const auto back =
          std::get<Alarms>(decode(encode(Alarms{flag, 0, 2, pairs})).value()).protections;
      EXPECT_TRUE(back == flag || back == bit(BmsFlag::unknown)) << i;
      EXPECT_EQ(std::get<Alarms>(decode(encode(Alarms{flag, 0, 2, pairs})).value()).warnings, 0u);
    }
}

TEST(PylontechEncode, RequestsComeBackAsTheyWent) {
  for (std::uint32_t bits = 0; bits < 32; ++bits)
    EXPECT_EQ(std::get<Requests>(decode(encode(Requests{bits})).value()).bits, bits);
}

TEST(PylontechEncode, EachRequestIsItsBit) {
  const std::map<BmsRequest, unsigned> at{{BmsRequest::charge_enable, 7},
                                          {BmsRequest::discharge_enable, 6},
                                          {BmsRequest::force_charge_1, 5},
                                          {BmsRequest::force_charge_2, 4},
                                          {BmsRequest::full_charge, 3}};
  for (const auto& [request, n] : at) {
    EXPECT_EQ(requests_of(static_cast<std::uint8_t>(1u << n)), bit(request));
    EXPECT_EQ(request_byte(bit(request)), 1u << n);
  }
  EXPECT_EQ(requests_of(0x07), 0u);
  EXPECT_EQ(joined({}), "");
  EXPECT_EQ(joined({"a"}), "a");
  EXPECT_EQ(joined({"a", "b"}), "a,b");
}

TEST(PylontechEncode, ValuesAreRoundedAndTheModulesEndAtAByte) {
  EXPECT_EQ(to_text(encode(Measurement{49.836_V, -34.34_A, {}})), "356#7813A9FE");
  EXPECT_EQ(to_text(encode(Measurement{Volts{-1e9}, Amperes{1e9}, Celsius{-1e9}})),
            "356#0080FF7F0080");
  EXPECT_EQ(to_text(encode(StateOfCharge{70000, 0})), "355#FFFF0000");
  EXPECT_EQ(to_text(encode(Alarms{0, 0, 256, false})), "359#00000000FF504E");
  EXPECT_EQ(to_text(encode(Alarms{0, 0, {}, false})), "359#0000000000504E");
  EXPECT_EQ(to_text(encode(Alarms{bit(BmsFlag::contactor), bit(BmsFlag::contactor), 1, false})),
            "359#0080008001504E");
}

TEST(PylontechEncode, ValuesBeyondTheWireAreClamped) {
  const auto back = std::get<Limits>(
      decode(encode(Limits{Volts{1e9}, Amperes{1e9}, Amperes{-1e9}, Volts{-1.0}})).value());
  EXPECT_EQ(back.cvl.value(), 6553.5);
  EXPECT_EQ(back.ccl.value(), 3276.7);
  EXPECT_EQ(back.dcl.value(), 3276.8);
  EXPECT_EQ(to_text(encode(Limits{Volts{-0.1}, Amperes{}, Amperes{}, Volts{-5.0}})),
            "351#0000000000000000");
}

TEST(PylontechCodec, AMessageSaysNothingBeforeItIsFilled) {
  EXPECT_EQ(to_text(encode(StateOfCharge{})), "355#00000000");
  EXPECT_EQ(Alarms{}.protections, 0u);
  EXPECT_EQ(Alarms{}.warnings, 0u);
  EXPECT_FALSE(Alarms{}.pairs);
  EXPECT_EQ(Requests{}.bits, 0u);
  EXPECT_EQ(Product{}.code, 0u);
  EXPECT_EQ(Product{}.available_ah, 0u);
  EXPECT_FALSE(ChargeRequest{}.wanted);
  for (const unsigned count : {ModuleStates{}.online, ModuleStates{}.offline,
                               ModuleStates{}.blocking_charge, ModuleStates{}.blocking_discharge})
    EXPECT_EQ(count, 0u);
  EXPECT_EQ(Size{}.installed_ah, 0u);
  EXPECT_EQ(Text{}.id, 0u);
  EXPECT_EQ(Opaque{}.id, 0u);
  EXPECT_FALSE(Impossible{}.required);
}

TEST(PylontechAlarms, OneModuleIsCounted) {
  EXPECT_EQ(decoded<Alarms>(0x359, "0000000001504E").modules, 1u);
}

/// While the number of modules is unknown what anything can bounds the current.
TEST(PylontechPlausibility, WithoutAModuleCountAThousandAmperesAreTheBound) {
  EXPECT_TRUE(values(0x356, "70131027").contains("current")) << "1000.0 A";
  EXPECT_FALSE(values(0x356, "70131127").contains("current")) << "1000.1 A";
  EXPECT_TRUE(values(0x356, "7013F0D8").contains("current"));
  EXPECT_FALSE(values(0x356, "7013EFD8").contains("current"));
}

/// reference: pylontech-can#1
TEST(PylontechCodec, TheBusRunsAtFiveHundredKilobits) {
  EXPECT_EQ(bit_rate, 500'000u);
}

}  // namespace
}  // namespace esshub::protocol::pylontech
