#include "protocol/pylontech/rs485_messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "tests/protocol/pylontech/text.hpp"

namespace esshub::protocol::pylontech_rs485 {
namespace {

// Every field with a value of its own.
constexpr const char* parameters_info =
    "11"
    "0E42"
    "0BEA"
    "0B54"
    "0CA3"
    "0AAB"
    "2710"
    "D2F0"
    "B3B0"
    "AC00"
    "0CD5"
    "0A47"
    "D8F0";
constexpr const char* system_analog_info =
    "C15C"
    "FB2E"
    "57"
    "001F"
    "0028"
    "63"
    "62"
    "0D49"
    "0207"
    "0CE3"
    "010F"
    "0B7D"
    "0B87"
    "0102"
    "0A88"
    "0201"
    "0B7E"
    "0B88"
    "0304"
    "0A89"
    "0403"
    "0BD7"
    "0BE1"
    "0506"
    "0BCD"
    "0605";

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant t0{1000s};

/// An answer of address 2 with this INFO.
Bytes answer(std::string_view info, std::uint8_t return_code = 0) {
  return encode_frame({.cid2 = return_code, .info = from_hex(info).value()});
}

template <class T>
T decoded(CommandCode command, std::string_view info, bool whole_stack = false) {
  const auto result = decode_response(answer(info), {command, 2, whole_stack});
  if (!result) throw std::runtime_error(result.error().detail);
  return std::get<T>(*result);
}

DecodeErrorKind refused(CommandCode command, std::string_view info, bool whole_stack = false) {
  const auto result = decode_response(answer(info), {command, 2, whole_stack});
  if (result) throw std::runtime_error("was accepted");
  return result.error().kind;
}

// ---- every vector ------------------------------------------------------------------------------

std::vector<json> vectors() {
  std::ifstream file(ESSHUB_TEST_DATA "/pylontech-rs485-vectors.jsonl");
  std::vector<json> out;
  for (std::string line; std::getline(file, line);) out.push_back(json::parse(line));
  return out;
}

Bytes bytes_of(const json& vector) {
  return to_bytes(vector["ascii"].get<std::string>());
}
bool is_request(const json& vector) {
  return !vector.contains("request");
}

CommandCode command_named(const std::string& cid2) {
  const std::map<std::string, CommandCode> table{{"42", CommandCode::analog},
                                                 {"44", CommandCode::alarms},
                                                 {"51", CommandCode::maker},
                                                 {"92", CommandCode::management},
                                                 {"93", CommandCode::serial_number}};
  return table.at(cid2);
}

Rs485Request asked_by(const json& vector) {
  const auto& request = vector["request"];
  return {command_named(request["command"]), request["adr"].get<std::uint8_t>(),
          request.value("stack", false)};
}

void expect_same(const Analog& m, const json& want) {
  EXPECT_EQ(m.flags, want["info_flag"]);
  ASSERT_EQ(m.modules.size(), want["modules"].size());
  for (std::size_t i = 0; i < m.modules.size(); ++i) {
    const Module& module = m.modules[i];
    const auto& expected = want["modules"][i];
    ASSERT_EQ(module.cells.size(), expected["cells_mv"].size());
    for (std::size_t c = 0; c < module.cells.size(); ++c)
      EXPECT_DOUBLE_EQ(module.cells[c].value() * 1000.0, expected["cells_mv"][c].get<double>());
    ASSERT_EQ(module.temperatures.size(), expected["temps_c"].size());
    for (std::size_t t = 0; t < module.temperatures.size(); ++t)
      EXPECT_DOUBLE_EQ(module.temperatures[t].value(), expected["temps_c"][t].get<double>());
    EXPECT_DOUBLE_EQ(module.current.value(), expected["current_a"].get<double>());
    EXPECT_DOUBLE_EQ(module.voltage.value(), expected["voltage_v"].get<double>());
    EXPECT_DOUBLE_EQ(module.remaining_ah.value(), expected["remaining_ah"].get<double>());
    EXPECT_DOUBLE_EQ(module.total_ah.value(), expected["total_ah"].get<double>());
    EXPECT_EQ(module.cycles, expected["cycles"]);
  }
}
void expect_same(const AlarmInfo& m, const json& want) {
  ASSERT_EQ(m.modules.size(), 1u);
  const ModuleAlarms& module = m.modules[0];
  EXPECT_EQ(module.cells.size(), want["cells"]);
  EXPECT_EQ(module.temperatures.size(), want["temps"]);
  EXPECT_EQ(json(module.status), want["status_bytes"]);
  EXPECT_EQ(module.charge_switch(), want["charge_fet"]);
  EXPECT_EQ(module.discharge_switch(), want["discharge_fet"]);
  EXPECT_EQ(module.in_use(), want["pack_power"]);
  EXPECT_EQ(protections(module), 0u);
  EXPECT_EQ(warnings(module), 0u);
}
void expect_same(const Management& m, const json& want) {
  EXPECT_DOUBLE_EQ(m.cvl.value(), want["charge_voltage_v"].get<double>());
  EXPECT_DOUBLE_EQ(m.dvl.value(), want["discharge_voltage_v"].get<double>());
  EXPECT_DOUBLE_EQ(m.ccl.value(), want["charge_current_limit_a"].get<double>());
  EXPECT_DOUBLE_EQ(-m.dcl.value(), want["discharge_current_limit_a"].get<double>());
  const std::map<std::string, BmsRequest> table{{"charge_enable", BmsRequest::charge_enable},
                                                {"discharge_enable", BmsRequest::discharge_enable},
                                                {"force_charge_1", BmsRequest::force_charge_1},
                                                {"force_charge_2", BmsRequest::force_charge_2},
                                                {"full_charge_request", BmsRequest::full_charge}};
  for (const auto& [key, request] : table)
    EXPECT_EQ((m.requests & static_cast<std::uint32_t>(request)) != 0, want[key]) << key;
}
void expect_same(const SerialNumber& m, const json& want) {
  EXPECT_EQ(m.text, want["serial"].get<std::string>());
}
void expect_same(const Maker& m, const json& want) {
  EXPECT_EQ(m.device, want["device"].get<std::string>());
  EXPECT_EQ(std::to_string(m.version[0]) + "." + std::to_string(m.version[1]),
            want["version"].get<std::string>());
  EXPECT_EQ(m.maker, want["manufacturer"].get<std::string>());
}
template <class Other>
void expect_same(const Other&, const json&) {
  ADD_FAILURE() << "no vector has such an answer";
}

TEST(Rs485Vectors, EachAnswerDecodesToWhatItStates) {
  std::size_t count = 0;
  for (const auto& vector : vectors()) {
    if (is_request(vector)) continue;
    SCOPED_TRACE(vector["id"].get<std::string>());
    const auto message = decode_response(bytes_of(vector), asked_by(vector));
    ASSERT_TRUE(message) << message.error().detail;
    std::visit([&](const auto& m) { expect_same(m, vector["decoded"]); }, *message);
    ++count;
  }
  EXPECT_EQ(count, 13u);
}

TEST(Rs485Vectors, EachAnswerIsEncodedToTheSameBytes) {
  for (const auto& vector : vectors()) {
    if (is_request(vector)) continue;
    // A smaller module of a mixed stack uses 24 bits as well, which its values alone do not tell.
    if (vector["id"] == "rs485-202") continue;
    const auto message = decode_response(bytes_of(vector), asked_by(vector)).value();
    EXPECT_EQ(text(encode_response(asked_by(vector), message)), vector["ascii"].get<std::string>())
        << vector["id"];
  }
}

TEST(Rs485Vectors, EachRequestIsBuiltAndReadAlike) {
  std::size_t count = 0;
  for (const auto& vector : vectors()) {
    if (!is_request(vector)) continue;
    SCOPED_TRACE(vector["id"].get<std::string>());
    const auto& want = vector["decoded"];
    const Rs485Request request{command_named(want["request"]), want["adr"].get<std::uint8_t>()};
    EXPECT_EQ(text(encode(request)), vector["ascii"].get<std::string>());
    EXPECT_EQ(request_of(decode_frame(bytes_of(vector)).value()).value(), request);
    ++count;
  }
  EXPECT_EQ(count, 4u);
}

TEST(Rs485Vectors, EverySingleBitFlipIsRejected) {
  std::size_t count = 0;
  for (const auto& vector : vectors()) {
    const Bytes good = bytes_of(vector);
    for (std::size_t i = 0; i < 8 * good.size(); ++i) {
      Bytes bad = good;
      bad[i / 8] ^= std::byte{1} << (i % 8);
      EXPECT_NE(check(bad), ReturnCode::ok) << vector["id"] << " bit " << i;
      ++count;
    }
  }
  EXPECT_GT(count, 10000u);
}

TEST(Rs485Vectors, EveryTruncationIsRejected) {
  for (const auto& vector : vectors()) {
    const Bytes good = bytes_of(vector);
    for (std::size_t n = 0; n < good.size(); ++n)
      EXPECT_EQ(decode_frame(ByteView(good).first(n)).error().kind, DecodeErrorKind::length);
  }
}

TEST(Rs485Vectors, EveryChunkingFindsTheSameFrames) {
  Bytes stream;
  std::vector<Bytes> frames;
  for (const auto& vector : vectors()) {
    frames.push_back(bytes_of(vector));
    stream.insert(stream.end(), frames.back().begin(), frames.back().end());
  }
  for (std::size_t chunk = 1; chunk <= 300; chunk += 7) {
    FrameReader reader;
    std::vector<Bytes> found;
    for (std::size_t at = 0; at < stream.size(); at += chunk)
      for (auto& frame :
           reader.feed(ByteView(stream).subspan(at, std::min(chunk, stream.size() - at))))
        found.push_back(std::move(frame));
    ASSERT_EQ(found, frames) << chunk;
    ASSERT_EQ(reader.resyncs(), 0u);
  }
}

// ---- requests ----------------------------------------------------------------------------------

TEST(Rs485Request, EveryCommandIsReadBack) {
  for (const auto command : enum_values<CommandCode>) {
    const Rs485Request request{command, 0x13};
    EXPECT_EQ(request_of(decode_frame(encode(request)).value()).value(), request) << index(command);
  }
  const Rs485Request stack{CommandCode::alarms, 2, true};
  EXPECT_EQ(request_of(decode_frame(encode(stack)).value()).value(), stack);
}

TEST(Rs485Request, OnlyAnalogAndAlarmsKnowTheWholeStack) {
  EXPECT_EQ(encode({CommandCode::management, 2, true}), encode({CommandCode::management, 2}));
  const auto request = request_of({.cid2 = 0x92, .info = from_hex("FF").value()});
  EXPECT_EQ(request.error().kind, DecodeErrorKind::content);
}

TEST(Rs485Request, WhatIsNoneIsRefusedByKind) {
  const Bytes two = from_hex("02").value();
  EXPECT_EQ(request_of({.cid1 = 0x47, .cid2 = 0x42, .info = two}).error().kind,
            DecodeErrorKind::function);
  EXPECT_EQ(request_of({.cid2 = 0x95, .info = two}).error().kind, DecodeErrorKind::unsupported);
  EXPECT_EQ(request_of({.cid2 = 0x42, .info = {}}).error().kind, DecodeErrorKind::length);
  EXPECT_EQ(request_of({.cid2 = 0x51, .info = two}).error().kind, DecodeErrorKind::length);
  EXPECT_EQ(request_of({.address = 3, .cid2 = 0x42, .info = two}).error().kind,
            DecodeErrorKind::content);
}

TEST(Rs485Request, ErrorsSayWhatWasFoundAndExpected) {
  const Bytes two = from_hex("02").value();
  const auto error = [](const AsciiFrame& frame) {
    const auto request = request_of(frame);
    return request ? "good" : request.error().detail;
  };
  EXPECT_EQ(error({.cid1 = 0x47, .cid2 = 0x42, .info = two}), "CID1 71 is no battery's");
  EXPECT_EQ(error({.cid2 = 0x95, .info = two}), "command 149 is not known");
  EXPECT_EQ(error({.cid2 = 0x42, .info = {}}), "0 bytes of INFO, expected 1");
  EXPECT_EQ(error({.cid2 = 0x51, .info = two}), "1 bytes of INFO, expected 0");
  EXPECT_EQ(error({.address = 3, .cid2 = 0x42, .info = two}), "INFO names module 2");
  EXPECT_EQ(error({.cid2 = 0x42, .info = from_hex("FF").value()}), "good");
  EXPECT_EQ(error({.cid2 = 0x92, .info = from_hex("FF").value()}), "INFO names module 255");
  for (const unsigned cid2 : {0x42u, 0x44u, 0x47u, 0x61u, 0x62u, 0x63u, 0x92u, 0x93u, 0x96u})
    EXPECT_EQ(error({.cid2 = static_cast<std::uint8_t>(cid2), .info = two}), "good") << cid2;
  for (const unsigned cid2 : {0x4Fu, 0x51u})
    EXPECT_EQ(error({.cid2 = static_cast<std::uint8_t>(cid2), .info = {}}), "good") << cid2;
  const auto answered = [](const AsciiFrame& frame) {
    const auto response = decode_response(encode_frame(frame), {CommandCode::protocol_version, 2});
    return response ? "good" : response.error().detail;
  };
  EXPECT_EQ(answered({.info = {}}), "good");
  EXPECT_EQ(answered({.address = 3, .info = {}}), "from address 3, expected 2");
  EXPECT_EQ(answered({.cid1 = 0x47, .info = {}}), "CID1 71 is no battery's");
  EXPECT_EQ(answered({.cid2 = 0x42, .info = {}}), "return code 66");
}

// ---- answers -----------------------------------------------------------------------------------

TEST(Rs485Answer, FromAnotherAddressIsRefused) {
  const Bytes good = answer(
      "02"
      "48505443523033313731313132353930");
  EXPECT_TRUE(decode_response(good, {CommandCode::serial_number, 2}));
  EXPECT_EQ(decode_response(good, {CommandCode::serial_number, 3}).error().kind,
            DecodeErrorKind::address);
  EXPECT_EQ(refused(CommandCode::serial_number,
                    "03"
                    "48505443523033313731313132353930"),
            DecodeErrorKind::address)
      << "of another module";
}

TEST(Rs485Answer, ToNoCommandIsRefused) {
  EXPECT_EQ(refused(static_cast<CommandCode>(0xFF), ""), DecodeErrorKind::unsupported);
}

TEST(Rs485Answer, EveryReturnCodeIsARefusalWithItsReason) {
  for (const auto code :
       {ReturnCode::version, ReturnCode::checksum, ReturnCode::length_checksum, ReturnCode::command,
        ReturnCode::format, ReturnCode::data, ReturnCode::address, ReturnCode::internal}) {
    const auto result = decode_response(encode_return_code(2, code), {CommandCode::analog, 2});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, DecodeErrorKind::exception);
    EXPECT_EQ(result.error().detail, describe(code));
  }
  EXPECT_EQ(decode_response(encode_return_code(2, static_cast<ReturnCode>(0x42)),
                            {CommandCode::analog, 2})
                .error()
                .kind,
            DecodeErrorKind::unsupported)
      << "our own request heard";
}

TEST(Rs485Answer, ADamagedAnswerIsAChecksumError) {
  EXPECT_EQ(decode_response(to_bytes("~20024600C0220248505443523033313731313132353930F6D3\r"),
                            {CommandCode::serial_number, 2})
                .error()
                .kind,
            DecodeErrorKind::checksum);
}

constexpr std::string_view two_cells = "020CE40CE5";
constexpr std::string_view two_temperatures = "020BA50B9B";
constexpr std::string_view charge =
    "FFE6C189"
    "82DC"
    "02"
    "C350"
    "001F";

std::string analog(std::string_view cells = two_cells,
                   std::string_view temperatures = two_temperatures,
                   std::string_view rest = charge) {
  return "0002" + std::string(cells) + std::string(temperatures) + std::string(rest);
}

TEST(Rs485Analog, PositiveIsCharging) {
  const auto module = decoded<Analog>(CommandCode::analog, analog()).modules.at(0);
  EXPECT_THAT(module.cells, ElementsAre(Volts{3.3}, Volts{3.301}));
  EXPECT_THAT(module.temperatures, ElementsAre(Celsius{25.0}, Celsius{24.0}));
  EXPECT_EQ(module.current, Amperes{-2.6});
  EXPECT_EQ(decoded<Analog>(CommandCode::analog, analog(two_cells, two_temperatures,
                                                        "0064C189"
                                                        "82DC02C350001F"))
                .modules.at(0)
                .current,
            Amperes{10.0});
}

TEST(Rs485Analog, WhatCannotBeIsRefused) {
  EXPECT_NO_THROW(decoded<Analog>(CommandCode::analog, analog()));
  EXPECT_EQ(refused(CommandCode::analog, analog("020CE40000")), DecodeErrorKind::content) << "0 V";
  EXPECT_EQ(refused(CommandCode::analog, analog("020CE4FFFF")), DecodeErrorKind::content)
      << "-1 mV";
  EXPECT_EQ(refused(CommandCode::analog, analog("020CE41389")), DecodeErrorKind::content)
      << "5.001 V";
  EXPECT_EQ(refused(CommandCode::analog, analog("00")), DecodeErrorKind::content) << "no cell";
  EXPECT_EQ(refused(CommandCode::analog, analog(two_cells, "00")), DecodeErrorKind::content);
  EXPECT_EQ(refused(CommandCode::analog, analog(two_cells, "010000")), DecodeErrorKind::content)
      << "0 K";
  EXPECT_EQ(refused(CommandCode::analog, analog(two_cells, "010E94")), DecodeErrorKind::content)
      << "100.1";
  EXPECT_EQ(refused(CommandCode::analog, analog(two_cells, two_temperatures,
                                                "07D1C189"
                                                "82DC02C350001F")),
            DecodeErrorKind::content)
      << "200.1 A";
  EXPECT_EQ(refused(CommandCode::analog, analog(two_cells, two_temperatures,
                                                "FFE60000"
                                                "82DC02C350001F")),
            DecodeErrorKind::content)
      << "0 V at the terminals";
}

TEST(Rs485Analog, EveryMissingByteIsALengthError) {
  const std::string whole = analog();
  for (std::size_t n = 0; n < whole.size(); n += 2)
    EXPECT_EQ(refused(CommandCode::analog, whole.substr(0, n)), DecodeErrorKind::length) << n;
  EXPECT_NO_THROW(decoded<Analog>(CommandCode::analog, whole + "0102")) << "a newer firmware";
}

TEST(Rs485Analog, ACapacityThatIsNotStatedIsUnknownNotZero) {
  const auto module = decoded<Analog>(CommandCode::analog, analog(two_cells, two_temperatures,
                                                                  "FFE6C189"
                                                                  "FFFF02FFFF001F"))
                          .modules.at(0);
  EXPECT_FALSE(module.remaining_ah);
  EXPECT_FALSE(module.total_ah);
}

TEST(Rs485Analog, AStackHasItsModulesWithoutGap) {
  const std::string module =
      std::string(two_cells) + std::string(two_temperatures) + std::string(charge);
  EXPECT_EQ(decoded<Analog>(CommandCode::analog, "1102" + module + module, true).modules.size(),
            2u);
  EXPECT_EQ(refused(CommandCode::analog, "1103" + module + module, true), DecodeErrorKind::length);
  EXPECT_EQ(refused(CommandCode::analog, "1101" + module + module, true), DecodeErrorKind::length);
  EXPECT_EQ(refused(CommandCode::analog, "1100", true), DecodeErrorKind::content);
}

TEST(Rs485Alarms, AreReadWithFiveAndSixStatusBytes) {
  const std::string states =
      "0200F0"
      "020102"
      "000100";
  for (const std::string tail : {"8106030405", "810603040500"}) {
    const auto module =
        decoded<AlarmInfo>(CommandCode::alarms, "0002" + states + tail).modules.at(0);
    EXPECT_THAT(module.cells, ElementsAre(AlarmLevel::ok, AlarmLevel::other));
    EXPECT_THAT(module.temperatures, ElementsAre(AlarmLevel::low, AlarmLevel::high));
    EXPECT_EQ(module.voltage, AlarmLevel::low);
    EXPECT_THAT(module.status, ElementsAre(0x81, 6, 3, 4, 5));
    EXPECT_TRUE(module.charge_switch());
    EXPECT_FALSE(module.in_use());
    const auto stack =
        decoded<AlarmInfo>(CommandCode::alarms, "0002" + states + tail + states + tail, true);
    ASSERT_EQ(stack.modules.size(), 2u) << tail;
    EXPECT_THAT(stack.modules[1].status, ElementsAre(0x81, 6, 3, 4, 5));
  }
}

TEST(Rs485Alarms, AStateNoDocumentNamesIsRefused) {
  EXPECT_EQ(refused(CommandCode::alarms,
                    "0002"
                    "020003"
                    "0100"
                    "000000"
                    "0000000000"),
            DecodeErrorKind::content);
}

TEST(Rs485Alarms, TheAnswerToAnotherCommandIsNotTaken) {
  for (const auto& vector : vectors()) {
    if (is_request(vector)) continue;
    auto request = asked_by(vector);
    const bool alarms = request.command == CommandCode::alarms;
    if (!alarms && request.command != CommandCode::analog) continue;
    request.command = alarms ? CommandCode::analog : CommandCode::alarms;
    EXPECT_FALSE(decode_response(bytes_of(vector), request)) << vector["id"];
  }
}

TEST(Rs485Alarms, EveryStatusBitMeansProtection) {
  ModuleAlarms module;
  EXPECT_EQ(protections(module), 0u);
  for (unsigned i = 0; i < 8; ++i) {
    module.status[0] = static_cast<std::uint8_t>(1u << i);
    EXPECT_NE(protections(module), 0u) << i;
    EXPECT_EQ(protections(module) == bit(BmsFlag::unknown), i == 3) << i;
  }
  module.status[0] = 0x04;
  EXPECT_EQ(protections(module), bit(BmsFlag::high_charge_current));
}

TEST(Rs485Alarms, NoProtectionGetsLostInTheStatusByte) {
  for (unsigned i = 0; i < 16; ++i) EXPECT_NE(protection_byte(1u << i), 0u) << i;
  EXPECT_EQ(protection_byte(0), 0u);
  ModuleAlarms module;
  module.status[0] = protection_byte(bit(BmsFlag::high_voltage) | bit(BmsFlag::system));
  EXPECT_EQ(protections(module), bit(BmsFlag::high_voltage) | bit(BmsFlag::unknown));
}

TEST(Rs485Alarms, EveryStateThatIsNotOkIsAWarning) {
  const auto warned = [](auto set) {
    ModuleAlarms module{.cells = {AlarmLevel::ok, AlarmLevel::ok},
                        .temperatures = {AlarmLevel::ok}};
    set(module);
    return warnings(module);
  };
  EXPECT_EQ(warned([](auto&) {}), 0u);
  EXPECT_EQ(warned([](auto& m) { m.cells[1] = AlarmLevel::high; }), bit(BmsFlag::high_voltage));
  EXPECT_EQ(warned([](auto& m) { m.voltage = AlarmLevel::low; }), bit(BmsFlag::low_voltage));
  EXPECT_EQ(warned([](auto& m) { m.temperatures[0] = AlarmLevel::high; }),
            bit(BmsFlag::high_temperature));
  EXPECT_EQ(warned([](auto& m) { m.charge_current = AlarmLevel::high; }),
            bit(BmsFlag::high_charge_current));
  EXPECT_EQ(warned([](auto& m) { m.discharge_current = AlarmLevel::high; }),
            bit(BmsFlag::high_discharge_current));
  EXPECT_EQ(warned([](auto& m) { m.cells[0] = AlarmLevel::other; }), bit(BmsFlag::general));
  EXPECT_EQ(warned([](auto& m) { m.discharge_current = AlarmLevel::low; }), bit(BmsFlag::general));
}

TEST(Rs485Parameters, AreThresholdsOfCellsAndModule) {
  const auto p = decoded<Parameters>(CommandCode::parameters,
                                     "10"
                                     "0E42"
                                     "0BEA"
                                     "0B54"
                                     "0CA3"
                                     "0AAB"
                                     "2710"
                                     "D2F0"
                                     "B3B0"
                                     "AC00"
                                     "0CD5"
                                     "0A47"
                                     "D8F0");
  EXPECT_EQ(p.cell_high, Volts{3.65});
  EXPECT_EQ(p.cell_under, Volts{2.9});
  EXPECT_EQ(p.charge_high, Celsius{50.4});
  EXPECT_EQ(p.charge_low, Celsius{0.0});
  EXPECT_EQ(p.charge_current, Amperes{100.0});
  EXPECT_EQ(p.module_high, Volts{54.0});
  EXPECT_EQ(p.discharge_low, Celsius{-10.0});
  EXPECT_EQ(p.discharge_current, Amperes{100.0}) << "magnitude";
}

TEST(Rs485Management, LimitsThatCannotBeAreRefused) {
  const auto m = decoded<Management>(CommandCode::system_management, "D002AFC800C8FE0CC0");
  EXPECT_EQ(m.dcl, Amperes{50.0}) << "magnitude, and 63 names no module";
  EXPECT_EQ(refused(CommandCode::management,
                    "02"
                    "0000"
                    "0000"
                    "00C8"
                    "FE0C"
                    "C0"),
            DecodeErrorKind::content);
  EXPECT_EQ(refused(CommandCode::management,
                    "02"
                    "D002"
                    "D003"
                    "00C8"
                    "FE0C"
                    "C0"),
            DecodeErrorKind::content)
      << "discharge limit above charge limit";
  EXPECT_EQ(refused(CommandCode::management,
                    "02"
                    "D002"
                    "AFC8"
                    "FF38"
                    "FE0C"
                    "C0"),
            DecodeErrorKind::content)
      << "negative charge current";
}

TEST(Rs485ProtocolVersion, IsTheAnswersOwn) {
  const Rs485Request request{CommandCode::protocol_version, 2};
  const Bytes wire = encode_response(request, ProtocolVersion{0x35});
  EXPECT_EQ(std::get<ProtocolVersion>(decode_response(wire, request).value()).version, 0x35);
}

TEST(Rs485System, OneAnswerForTheStack) {
  const Rs485Request request{CommandCode::system_analog, 2};
  SystemAnalog sent;
  sent.voltage = Volts{49.5};
  sent.current = Amperes{-12.34};
  sent.soc = 87;
  sent.mean_cycles = 31;
  sent.most_cycles = 40;
  sent.mean_soh = 99;
  sent.least_soh = 98;
  sent.highest_cell = {Volts{3.401}, 2, 7};
  sent.lowest_cell = {Volts{3.299}, 1, 15};
  sent.cells = {Celsius{21.0}, {Celsius{22.0}, 1, 2}, {Celsius{-3.5}, 2, 1}};
  sent.switches = sent.cells;
  sent.boards = {Celsius{30.0}, {Celsius{31.0}, 1, 1}, {Celsius{29.0}, 2, 1}};
  const Bytes wire = encode_response(request, sent);
  EXPECT_EQ(decode_frame(wire).value().info.size(), 49u);
  const auto got = std::get<SystemAnalog>(decode_response(wire, request).value());
  EXPECT_EQ(got.current, sent.current);
  EXPECT_EQ(got.soc, 87u);
  EXPECT_EQ(got.least_soh, 98u);
  EXPECT_EQ(got.highest_cell.value, sent.highest_cell.value);
  EXPECT_EQ(got.lowest_cell.cell, 15);
  EXPECT_EQ(got.cells.lowest.value, Celsius{-3.5});
  EXPECT_EQ(got.boards.highest.module, 1);
  sent.soc = 101;
  EXPECT_EQ(decode_response(encode_response(request, sent), request).error().kind,
            DecodeErrorKind::content);
}

TEST(Rs485System, AlarmsAreFourBytes) {
  const auto alarms = decoded<SystemAlarms>(CommandCode::system_alarms, "01020304");
  EXPECT_THAT(alarms.warnings, ElementsAre(1, 2));
  EXPECT_THAT(alarms.protections, ElementsAre(3, 4));
  EXPECT_EQ(refused(CommandCode::system_alarms, "010203"), DecodeErrorKind::length);
}

TEST(Rs485Encode, AnAnswerToAnotherQuestionIsNone) {
  EXPECT_THAT(encode_response({CommandCode::analog, 2}, SerialNumber{"X"}), IsEmpty());
  EXPECT_THAT(encode_response({CommandCode::analog, 2}, Analog{}), IsEmpty()) << "no module";
}

/// Each INFO with distinct fields as the reference lays it out (pylontech-can#9), and back.
std::string again(CommandCode command, std::string_view info, bool stack = false) {
  const Rs485Request request{command, 2, stack};
  const auto response = decode_response(encode_frame({.info = from_hex(info).value()}), request);
  if (!response) return std::string(name(response.error().kind)) + ": " + response.error().detail;
  return to_hex(decode_frame(encode_response(request, *response)).value().info);
}

TEST(Rs485Fields, EachHasItsPlaceAndItsStepBothWays) {
  const std::string module_a =
      "02"
      "0CE4"
      "0D1F"
      "03"
      "0BA5"
      "0B9B"
      "0AAB"
      "FFE6"
      "C189"
      "82DC"
      "02"
      "C350"
      "001F";
  const std::string module_b =
      "01"
      "0CE5"
      "01"
      "0BA6"
      "0064"
      "C18A"
      "FFFF"
      "04"
      "FFFF"
      "0020"
      "011170"
      "0186A0";
  for (const auto& [command, info] : std::initializer_list<std::pair<CommandCode, std::string>>{
           {CommandCode::analog, "1102" + module_a},
           {CommandCode::analog, "1002" + module_b},
           {CommandCode::alarms,
            "0102"
            "02"
            "0001"
            "02"
            "02F0"
            "01"
            "02"
            "F0"
            "0102030405"
            "00"},
           {CommandCode::parameters, parameters_info},
           {CommandCode::management,
            "02"
            "D002"
            "AFC8"
            "00C8"
            "FE0C"
            "C8"},
           {CommandCode::system_management,
            "D002"
            "AFC8"
            "00C8"
            "FE0C"
            "C8"},
           {CommandCode::serial_number,
            "02"
            "48505443523033313731313132353930"},
           {CommandCode::maker,
            "55533230303043000000"
            "0102"
            "50796C6F6E2D2D2D2D2D2D2D2D2D2D2D2D2D2D2D"},
           {CommandCode::firmware,
            "02"
            "010203"},
           {CommandCode::system_analog, system_analog_info},
           {CommandCode::system_alarms, "01020304"}})
    EXPECT_EQ(again(command, info), info) << static_cast<int>(command);
  EXPECT_EQ(again(CommandCode::analog, "1102" + module_a + module_b, true),
            "1102" + module_a + module_b);
  const auto module = decoded<Analog>(CommandCode::analog, "1002" + module_b).modules.at(0);
  EXPECT_EQ(module.remaining_ah, 70.0);
  EXPECT_EQ(module.total_ah, 100.0);
  EXPECT_EQ(module.cycles, 32u);
  const auto p = decoded<Parameters>(CommandCode::parameters, parameters_info);
  EXPECT_EQ(p.flags, 0x11);
  EXPECT_EQ(p.cell_low, Volts{3.05});
  EXPECT_EQ(p.module_low, Volts{46.0});
  EXPECT_EQ(p.module_under, Volts{44.032});
  EXPECT_EQ(p.discharge_high, Celsius{55.4});
  const auto m = decoded<Management>(CommandCode::system_management, "D002AFC800C8FE0CC8");
  EXPECT_EQ(m.cvl, Volts{53.25});
  EXPECT_EQ(m.dvl, Volts{45.0});
  EXPECT_EQ(m.ccl, Amperes{20.0});
  EXPECT_EQ(m.requests, bit(BmsRequest::charge_enable) | bit(BmsRequest::discharge_enable) |
                            bit(BmsRequest::full_charge));
  const auto s = decoded<SystemAnalog>(CommandCode::system_analog, system_analog_info);
  EXPECT_EQ(s.voltage, Volts{49.5});
  EXPECT_EQ(s.mean_cycles, 31u);
  EXPECT_EQ(s.most_cycles, 40u);
  EXPECT_EQ(s.mean_soh, 99u);
  EXPECT_EQ(s.highest_cell.module, 2);
  EXPECT_EQ(s.highest_cell.cell, 7);
  EXPECT_EQ(s.lowest_cell.value, Volts{3.299});
  EXPECT_EQ(s.cells.mean, Celsius{21.0});
  EXPECT_EQ(s.cells.highest.value, Celsius{22.0});
  EXPECT_EQ(s.switches.mean, Celsius{21.1});
  EXPECT_EQ(s.boards.mean, Celsius{30.0});
}

TEST(Rs485Fields, ErrorsNameTheFieldAndItsValue) {
  const auto analog_with = [](std::string_view cells, std::string_view temperatures,
                              std::string_view amperes, std::string_view volts) {
    return again(CommandCode::analog, "0002" + std::string(cells) + std::string(temperatures) +
                                          std::string(amperes) + std::string(volts) +
                                          "82DC02C350001F");
  };
  EXPECT_EQ(analog_with("0101F4", "010BA5", "07D0", "2710").substr(0, 4), "0002") << "all lowest";
  EXPECT_EQ(analog_with("011388", "010E93", "F830", "EA60").substr(0, 4), "0002") << "all highest";
  EXPECT_EQ(analog_with("0101F3", "010BA5", "0000", "C189"), "content: cell voltage of 0.499000");
  EXPECT_EQ(analog_with("011389", "010BA5", "0000", "C189"), "content: cell voltage of 5.001000");
  EXPECT_EQ(analog_with("010CE4", "01091A", "0000", "C189"), "content: temperature of -40.100000");
  EXPECT_EQ(analog_with("010CE4", "01091B", "0000", "C189").substr(0, 4), "0002") << "-40.0";
  EXPECT_EQ(analog_with("010CE4", "010E94", "0000", "C189"), "content: temperature of 100.100000");
  EXPECT_EQ(analog_with("010CE4", "010BA5", "07D1", "C189"), "content: current of 200.100000");
  EXPECT_EQ(analog_with("010CE4", "010BA5", "F82F", "C189"), "content: current of -200.100000");
  EXPECT_EQ(analog_with("010CE4", "010BA5", "0000", "270F"), "content: voltage of 9.999000");
  EXPECT_EQ(analog_with("010CE4", "010BA5", "0000", "EA61"), "content: voltage of 60.001000");
  EXPECT_EQ(analog_with("00", "010BA5", "0000", "C189"), "content: number of cells of 0.000000");
  EXPECT_EQ(analog_with("010CE4", "00", "0000", "C189"),
            "content: number of temperatures of 0.000000");
  EXPECT_EQ(again(CommandCode::analog, "0000", true), "content: number of modules of 0.000000");
  EXPECT_EQ(again(CommandCode::analog, "0003010CE4"), "address: of module 3, expected 2");
  EXPECT_EQ(again(CommandCode::analog, "0002010C"),
            "length: INFO ends within a field after 3 bytes");
  EXPECT_EQ(again(CommandCode::analog, ""), "length: INFO ends within a field after 0 bytes");
  EXPECT_EQ(again(CommandCode::analog,
                  "0001"
                  "010CE4"
                  "010BA5"
                  "0000"
                  "C189"
                  "82DC02C350001F"
                  "00",
                  true),
            "length: INFO goes on after the last module");
  EXPECT_EQ(again(CommandCode::alarms,
                  "0002"
                  "0103"),
            "content: alarm state 3");

  const auto limits = [](std::string_view hex) {
    return again(CommandCode::system_management, hex);
  };
  EXPECT_EQ(limits("2710"
                   "2710"
                   "7D00"
                   "8300"
                   "00"),
            "2710"
            "2710"
            "7D00"
            "8300"
            "00");
  EXPECT_EQ(limits("EA60"
                   "0000"
                   "0000"
                   "0000"
                   "00"),
            "EA60"
            "0000"
            "0000"
            "0000"
            "00");
  EXPECT_EQ(limits("EA61"
                   "0000"
                   "0000"
                   "0000"
                   "00"),
            "content: charge voltage limit of 60.001000");
  EXPECT_EQ(limits("270F"
                   "0000"
                   "0000"
                   "0000"
                   "00"),
            "content: charge voltage limit of 9.999000");
  EXPECT_EQ(limits("2710"
                   "2711"
                   "0000"
                   "0000"
                   "00"),
            "content: discharge voltage limit of 10.001000");
  EXPECT_EQ(limits("2710"
                   "0000"
                   "7D01"
                   "0000"
                   "00"),
            "content: charge current limit of 3200.100000");
  EXPECT_EQ(limits("2710"
                   "0000"
                   "FFFF"
                   "0000"
                   "00"),
            "content: charge current limit of -0.100000");
  EXPECT_EQ(limits("2710"
                   "0000"
                   "0000"
                   "82FF"
                   "00"),
            "content: discharge current limit of 3200.100000");

  const auto stack = [](std::string_view head, std::string_view cells) {
    return again(CommandCode::system_analog,
                 std::string(head) + std::string(cells) +
                     "0B7D0B8701020A8802010B7E0B8803040A8904030BD70BE105060BCD0605");
  };
  EXPECT_EQ(stack("2710"
                  "0000"
                  "64"
                  "0000"
                  "0000"
                  "64"
                  "64",
                  "1388"
                  "0101"
                  "01F4"
                  "0101")
                .substr(0, 4),
            "2710");
  EXPECT_EQ(stack("270F"
                  "0000"
                  "64"
                  "0000"
                  "0000"
                  "64"
                  "64",
                  "1388"
                  "0101"
                  "01F4"
                  "0101"),
            "content: voltage of 9.999000");
  EXPECT_EQ(stack("EA61"
                  "0000"
                  "64"
                  "0000"
                  "0000"
                  "64"
                  "64",
                  "1388"
                  "0101"
                  "01F4"
                  "0101"),
            "content: voltage of 60.001000");
  EXPECT_EQ(stack("EA60"
                  "0000"
                  "65"
                  "0000"
                  "0000"
                  "64"
                  "64",
                  "1388"
                  "0101"
                  "01F4"
                  "0101"),
            "content: state of charge of 101.000000");
  EXPECT_EQ(stack("EA60"
                  "0000"
                  "64"
                  "0000"
                  "0000"
                  "65"
                  "64",
                  "1388"
                  "0101"
                  "01F4"
                  "0101"),
            "content: state of health of 101.000000");
  EXPECT_EQ(stack("EA60"
                  "0000"
                  "64"
                  "0000"
                  "0000"
                  "64"
                  "65",
                  "1388"
                  "0101"
                  "01F4"
                  "0101"),
            "content: state of health of 101.000000");
  EXPECT_EQ(stack("EA60"
                  "0000"
                  "64"
                  "0000"
                  "0000"
                  "64"
                  "64",
                  "1389"
                  "0101"
                  "01F4"
                  "0101"),
            "content: cell voltage of 5.001000");
  EXPECT_EQ(stack("EA60"
                  "0000"
                  "64"
                  "0000"
                  "0000"
                  "64"
                  "64",
                  "1388"
                  "0101"
                  "01F3"
                  "0101"),
            "content: cell voltage of 0.499000");
}

TEST(Rs485Fields, TextsAreTrimmedAndCut) {
  EXPECT_EQ(decoded<SerialNumber>(CommandCode::serial_number,
                                  "02"
                                  "41427F1F7E202D20002D2D2D2D2D2D2D")
                .text,
            "AB..~");
  EXPECT_EQ(decoded<SerialNumber>(CommandCode::serial_number,
                                  "02"
                                  "20202D2D202D20202020202020202020")
                .text,
            "");
  const auto m = decoded<Maker>(CommandCode::maker,
                                "55533230303043000000"
                                "0102"
                                "50796C6F6E2D2D2D2D2D2D2D2D2D2D2D2D2D2D2D");
  EXPECT_EQ(m.device, "US2000C");
  EXPECT_EQ(m.version, (std::array<std::uint8_t, 2>{1, 2}));
  EXPECT_EQ(m.maker, "Pylon");
  EXPECT_EQ(again(CommandCode::firmware, "02"), "02");
}

/// 65 Ah and more do not fit 16 bits; what is not stated is FFFF.
TEST(Rs485Encode, CapacitiesAreWrittenInTheShortestFormThatHoldsThem) {
  const auto written = [](std::optional<double> remaining, std::optional<double> total) {
    Module module;
    module.cells = {Volts{3.3}};
    module.temperatures = {Celsius{20.0}};
    module.voltage = Volts{50.0};
    module.remaining_ah = remaining;
    module.total_ah = total;
    const auto wire = encode_response({CommandCode::analog, 2}, Analog{0, {module}});
    return to_hex(decode_frame(wire).value().info).substr(24);
  };
  EXPECT_EQ(written(25.0, 50.0),
            "61A8"
            "02"
            "C350"
            "0000");
  EXPECT_EQ(written({}, 50.0),
            "FFFF"
            "02"
            "C350"
            "0000");
  EXPECT_EQ(written(64.999, 64.999),
            "FDE7"
            "02"
            "FDE7"
            "0000");
  EXPECT_EQ(written(64.999, 65.0),
            "FFFF"
            "04"
            "FFFF"
            "0000"
            "00FDE7"
            "00FDE8");
  EXPECT_EQ(written(65.0, 64.999),
            "FFFF"
            "04"
            "FFFF"
            "0000"
            "00FDE8"
            "00FDE7");
  EXPECT_EQ(written(-1.0, 1e9),
            "FFFF"
            "04"
            "FFFF"
            "0000"
            "000000"
            "FFFFFF");
}

TEST(Rs485Encode, ValuesAreRoundedAndClamped) {
  const auto limits = [](Management m) {
    return to_hex(
        decode_frame(encode_response({CommandCode::system_management, 2}, m)).value().info);
  };
  EXPECT_EQ(limits({Volts{53.2504}, Volts{44.9996}, Amperes{20.04}, Amperes{49.96}, 0}),
            "D002"
            "AFC8"
            "00C8"
            "FE0C"
            "00");
  EXPECT_EQ(limits({Volts{1e9}, Volts{-1.0}, Amperes{1e9}, Amperes{1e9}, 0}),
            "FFFF"
            "0000"
            "7FFF"
            "8000"
            "00");
}

TEST(Rs485Encode, ThresholdsOfBothDirectionsStandApart) {
  Parameters p;
  p.charge_current = Amperes{10.0};
  p.discharge_current = Amperes{20.0};
  const Rs485Request request{CommandCode::parameters, 2};
  const auto info = to_hex(decode_frame(encode_response(request, p)).value().info);
  // reference: pylontech-can#9: 0.01 A, discharge negative
  EXPECT_EQ(info.substr(2 + 5 * 4, 4), "03E8");
  EXPECT_EQ(info.substr(2 + 11 * 4, 4), "F830");
}

TEST(Rs485Encode, EachAnswerFitsItsOwnCommandAlone) {
  const Module module{.cells = {Volts{3.3}},
                      .temperatures = {Celsius{20.0}},
                      .current = {},
                      .voltage = {},
                      .remaining_ah = {},
                      .total_ah = {},
                      .cycles = 0};
  const std::vector<std::pair<Response, std::vector<CommandCode>>> rows{
      {Analog{0, {module}}, {CommandCode::analog}},
      {AlarmInfo{0, {ModuleAlarms{}}}, {CommandCode::alarms}},
      {Parameters{}, {CommandCode::parameters}},
      {Management{}, {CommandCode::management, CommandCode::system_management}},
      {SerialNumber{}, {CommandCode::serial_number}},
      {ProtocolVersion{}, {CommandCode::protocol_version}},
      {Maker{}, {CommandCode::maker}},
      {Firmware{}, {CommandCode::firmware}},
      {SystemAnalog{}, {CommandCode::system_analog}},
      {SystemAlarms{}, {CommandCode::system_alarms}}};
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (const auto command : enum_values<CommandCode>)
      EXPECT_EQ(!encode_response({command, 2}, rows[i].first).empty(),
                std::ranges::find(rows[i].second, command) != rows[i].second.end())
          << i << ' ' << static_cast<int>(command);
  EXPECT_TRUE(encode_response({CommandCode::analog, 2}, Analog{0, {module, module}}).empty());
  EXPECT_FALSE(
      encode_response({CommandCode::analog, 2, true}, Analog{0, {module, module}}).empty());
}

TEST(Rs485Alarms, EachStateOfEachPartIsItsWarning) {
  using Part = void (*)(ModuleAlarms&, AlarmLevel);
  struct Row {
    Part set;
    BmsFlag low;
    BmsFlag high;
  };
  for (const auto& [set, low, high] :
       std::initializer_list<Row>{{[](ModuleAlarms&m, AlarmLevel l) { m.cells[1] = l; },
                                   BmsFlag::low_voltage, BmsFlag::high_voltage},
                                  {[](ModuleAlarms&m, AlarmLevel l) { m.voltage = l; },
                                   BmsFlag::low_voltage, BmsFlag::high_voltage},
                                  {[](ModuleAlarms&m, AlarmLevel l) { m.temperatures[1] = l; },
                                   BmsFlag::low_temperature, BmsFlag::high_temperature},
                                  {[](ModuleAlarms&m, AlarmLevel l) { m.charge_current = l; },
                                   BmsFlag::general, BmsFlag::high_charge_current},
                                  {[](ModuleAlarms&m, AlarmLevel l) { m.discharge_current = l; },
                                   BmsFlag::general, BmsFlag::high_discharge_current}}) {
    const auto warned = [&](AlarmLevel level) {
      ModuleAlarms module{.cells = {AlarmLevel::ok, AlarmLevel::ok},
                          .temperatures = {AlarmLevel::ok, AlarmLevel::ok}};
      set(module, level);
      return warnings(module);
    };
    EXPECT_EQ(warned(AlarmLevel::ok), 0u);
    EXPECT_EQ(warned(AlarmLevel::low), bit(low));
    EXPECT_EQ(warned(AlarmLevel::high), bit(high));
    EXPECT_EQ(warned(AlarmLevel::other), bit(BmsFlag::general));
  }
  // Status 1 (reference: pylontech-can#9, from the highest bit) and the switches of status 2.
  constexpr std::array bits{BmsFlag::high_voltage,
                            BmsFlag::low_voltage,
                            BmsFlag::high_charge_current,
                            BmsFlag::unknown,
                            BmsFlag::high_discharge_current,
                            BmsFlag::high_temperature,
                            BmsFlag::high_charge_temperature,
                            BmsFlag::low_voltage};
  ModuleAlarms module;
  for (unsigned i = 0; i < bits.size(); ++i) {
    module.status = {static_cast<std::uint8_t>(1u << i), static_cast<std::uint8_t>(1u << i)};
    EXPECT_EQ(protections(module), bit(bits[i])) << i;
    EXPECT_EQ(module.charge_switch(), i == 1) << i;
    EXPECT_EQ(module.discharge_switch(), i == 2) << i;
    EXPECT_EQ(module.in_use(), i == 3) << i;
    EXPECT_EQ(protection_byte(bit(bits[i])), i == 1 || i == 7 ? 0x82u : 1u << i);
  }
}

// ---- values ------------------------------------------------------------------------------------

std::map<std::string, double> values(const std::vector<Sample>& samples, Point point) {
  std::map<std::string, double> out;
  for (const auto& sample : samples) {
    EXPECT_EQ(sample.channel.point, point);
    EXPECT_EQ(sample.at, t0);
    out[std::string(name(sample.channel.measure))] = sample.value;
  }
  return out;
}

TEST(Rs485Samples, TheBoardIsNoCell) {
  Module module;
  module.cells = {Volts{3.3}, Volts{3.28}, Volts{3.31}};
  module.temperatures = {Celsius{40.0}, Celsius{21.0}, Celsius{23.0}};
  module.current = Amperes{-3.0};
  module.voltage = Volts{49.5};
  const Point point = battery_module(1);
  EXPECT_EQ(values(samples(module, point, t0), point),
            (std::map<std::string, double>{{"voltage", 49.5},
                                           {"current", -3.0},
                                           {"temperature", 22.0},
                                           {"cell_voltage_min", 3.28},
                                           {"cell_voltage_max", 3.31},
                                           {"cell_temperature_min", 21.0},
                                           {"cell_temperature_max", 23.0}}));
}

TEST(Rs485Samples, OfTwoTemperaturesOneIsTheBoards) {
  Module module;
  module.cells = {Volts{3.3}};
  module.temperatures = {Celsius{40.0}, Celsius{21.0}};
  EXPECT_EQ(cell_range(module).coldest, Celsius{21.0});
  EXPECT_EQ(cell_range(module).warmest, Celsius{21.0});
  module.temperatures = {Celsius{22.0}};
  EXPECT_EQ(cell_range(module).warmest, Celsius{22.0}) << "alone it must do";
}

TEST(Rs485Samples, AStackRangesOverItsModules) {
  const CellRange both = joined({Volts{3.2}, Volts{3.3}, Celsius{20.0}, Celsius{25.0}},
                                {Volts{3.1}, Volts{3.25}, Celsius{21.0}, Celsius{26.0}});
  EXPECT_EQ(values(samples(both, Point::battery, t0), Point::battery),
            (std::map<std::string, double>{{"cell_voltage_min", 3.1},
                                           {"cell_voltage_max", 3.3},
                                           {"cell_temperature_min", 20.0},
                                           {"cell_temperature_max", 26.0}}));
}

// ---- anything at all ---------------------------------------------------------------------------

TEST(Rs485Robustness, RandomInfoNeverCrashesADecoder) {
  std::mt19937 random(485);
  const auto byte = [&] { return static_cast<std::byte>(random() & 0xFFu); };
  unsigned accepted = 0;
  for (int i = 0; i < 2000; ++i) {
    Bytes info(random() % 80);
    std::generate(info.begin(), info.end(), byte);
    if (info.size() > 2) {
      info[1] = std::byte{2};
      info[2] = static_cast<std::byte>(random() % 4);
    }
    const Bytes wire = encode_frame({.info = info});
    for (const auto command : enum_values<CommandCode>)
      for (const bool stack : {false, true})
        if (decode_response(wire, {command, 2, stack})) ++accepted;
  }
  EXPECT_GT(accepted, 2000u) << "firmware and version take anything";
}

TEST(Rs485Robustness, RandomBytesAreNoFrame) {
  std::mt19937 random(486);
  constexpr std::string_view alphabet = "~\r0123456789ABCDEFx";
  FrameReader reader;
  for (int i = 0; i < 50000; ++i) {
    const std::byte b{static_cast<unsigned char>(alphabet[random() % alphabet.size()])};
    for (const auto& frame : reader.feed({&b, 1})) EXPECT_FALSE(decode_frame(frame));
  }
  EXPECT_GT(reader.resyncs(), 0u);
}

TEST(Rs485Codec, AMessageSaysNothingBeforeItIsFilled) {
  EXPECT_EQ(Rs485Request{}, (Rs485Request{CommandCode::analog, 2, false})) << "the master's";
  EXPECT_EQ(Module{}.cycles, 0u);
  EXPECT_EQ(Analog{}.flags + AlarmInfo{}.flags + Parameters{}.flags, 0);
  EXPECT_EQ(warnings(ModuleAlarms{}), 0u);
  EXPECT_EQ(Management{}.requests, 0u);
  EXPECT_EQ(Extreme<Volts>{}.module, 1);
  EXPECT_EQ(Extreme<Volts>{}.cell, 1);
  const SystemAnalog system;
  for (const unsigned count :
       {system.soc, system.mean_cycles, system.most_cycles, system.mean_soh, system.least_soh})
    EXPECT_EQ(count, 0u);
}

}  // namespace
}  // namespace esshub::protocol::pylontech_rs485
