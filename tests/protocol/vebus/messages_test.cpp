#include "protocol/vebus/messages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace esshub::protocol::vebus {
namespace {

using nlohmann::json;

std::vector<json> vectors(std::string_view kind) {
  std::vector<json> out;
  std::ifstream file{std::string{ESSHUB_TEST_DATA} + "/vebus-vectors.jsonl"};
  for (std::string line; std::getline(file, line);) {
    auto v = json::parse(line);
    if (v["layer"] == "mk2" && v["kind"] == kind) out.push_back(std::move(v));
  }
  EXPECT_FALSE(out.empty()) << kind;
  return out;
}

Message message(const json& vector) {
  const auto bytes = from_hex(vector["hex"].get<std::string>()).value();
  const auto decoded = decode(mk3::decode(bytes).value());
  EXPECT_TRUE(decoded) << vector["hex"] << ": " << decoded.error().detail;
  return decoded.value();
}

/// 0 to n - 1.
unsigned draw(std::mt19937& random, unsigned n) {
  return static_cast<unsigned>(random()) % n;
}

std::string encoded(const Message& m) {
  return to_hex(encode(m));
}

/// Each vector of a kind, as T, with what the file says of it.
template <class T, class Check>
void each(std::string_view kind, Check check) {
  for (const auto& v : vectors(kind)) {
    const Message m = message(v);
    ASSERT_TRUE(std::holds_alternative<T>(m)) << v["hex"];
    SCOPED_TRACE(v["hex"].get<std::string>());
    check(std::get<T>(m), v["decoded"], v);
  }
}

const Scale hundredths = scale_of({32668, 0}).value();
const Scale mains_period = scale_of({31791, 0}).value();

// ---- both directions ----------------------------------------------------------------------------

TEST(VebusCodec, EveryPublishedFrameIsUnderstoodAndEncodesBack) {
  std::ifstream file{std::string{ESSHUB_TEST_DATA} + "/vebus-vectors.jsonl"};
  unsigned checked = 0;
  for (std::string line; std::getline(file, line);) {
    const auto v = json::parse(line);
    const std::string kind = v["kind"];
    if (v["layer"] != "mk2" || kind == "invalid_checksum") continue;
    std::vector<std::string> frames{v["hex"].get<std::string>()};
    if (v["decoded"].contains("frames")) frames = v["decoded"]["frames"];
    for (const auto& hex : frames) {
      const auto bytes = from_hex(hex).value();
      const auto frame = mk3::decode(bytes).value();
      const auto decoded = decode(frame);
      ASSERT_TRUE(decoded) << hex << ": " << decoded.error().detail;
      auto again = vebus::frame(*decoded);
      again.leds = frame.leds;
      EXPECT_EQ(to_hex(mk3::encode(again)), to_hex(bytes));
      ++checked;
    }
  }
  EXPECT_GT(checked, 80u);
}

/// A payload of distinct bytes as the reference lays it out (vebus-mk3#3, vebus-mk3#4), and what it
/// says.
struct Layout {
  std::uint8_t type;
  const char* hex;
  Message message;
};

TEST(VebusCodec, EveryFieldHasItsPlaceAndItsByteOrder) {
  constexpr std::uint8_t to_interface = 0xFF;
  const std::vector<Layout> layouts{
      {to_interface, "56", VersionRequest{}},
      {to_interface, "560403020105", Version{0x01020304, 5}},
      {to_interface, "410107", Address{true, 7}},
      {to_interface, "410007", Address{false, 7}},
      {to_interface, "4C", LedRequest{}},
      {to_interface, "4C0102", Leds{1, 2, {}, {}, {}}},
      {to_interface, "4C010203", Leds{1, 2, std::uint8_t{3}, {}, {}}},
      {to_interface, "4C01020304", Leds{1, 2, std::uint8_t{3}, std::uint8_t{4}, {}}},
      {to_interface, "4C0102030405",
       Leds{1, 2, std::uint8_t{3}, std::uint8_t{4}, from_hex("05").value()}},
      {to_interface, "4C010203040506",
       Leds{1, 2, std::uint8_t{3}, std::uint8_t{4}, from_hex("0506").value()}},
      {to_interface, "4600", InfoRequest{InfoRequest::dc}},
      {to_interface, "4601", InfoRequest{InfoRequest::ac_l1}},
      {to_interface, "4605", InfoRequest{InfoRequest::config}},
      {to_interface, "460601", SnapshotRequest{{1}}},
      {to_interface, "4606010203040506", SnapshotRequest{{1, 2, 3, 4, 5, 6}}},
      {to_interface, "5301030201A4", StateSet{1, 0x0203, 0xA4, {}, {}}},
      {to_interface, "5301030201A40005", StateSet{1, 0x0203, 0xA4, std::uint8_t{5}, {}}},
      {to_interface, "5301030201A4000506",
       StateSet{1, 0x0203, 0xA4, std::uint8_t{5}, std::uint8_t{6}}},
      {to_interface, "53", StateAck{}},
      {to_interface, "48", HardwareFlags{}},
      {to_interface, "4803", HardwareFlags{std::uint8_t{3}}},
      {to_interface, "52", Reset{}},
      {to_interface, "4E", HighSpeed{}},
      {to_interface, "578509", Winmon{Letter::w, Code::ram_is, from_hex("09").value()}},
      {to_interface, "5A30", Winmon{Letter::z, Code::read_ram, {}}},
      {0x20, "010203040C060508070A0B0D0E0F",
       DcInfo{{1, 2, 3, 4}, 0x0506, 0x0A0708, 0x0E0D0B, 0x0F}},
      {0x20, "010203040806050880090A0B8C0D",
       AcInfo{1, 2, 3, 4, 8, 0x0506, -0x7FF8, 0x0A09, -0x73F5, 13}},
      {0x41, "01020304050706090802F3", ConfigInfo{1, 2, 3, 4, 5, 0x0607, 0x0809, 0xF302, {}}},
      {0x41, "01020304050706090802F30C",
       ConfigInfo{1, 2, 3, 4, 5, 0x0607, 0x0809, 0xF302, std::uint8_t{12}}},
      {0x40, "0102", Forwarded{0x40, from_hex("0102").value()}},
  };
  for (const auto& [type, hex, expected] : layouts) {
    const auto decoded = decode({type, from_hex(hex).value(), {}});
    ASSERT_TRUE(decoded) << hex << ": " << decoded.error().detail;
    EXPECT_TRUE(*decoded == expected) << hex;
    EXPECT_EQ(to_hex(frame(expected).payload), hex);
    EXPECT_EQ(frame(expected).type, type) << hex;
  }
}

// reference: vebus-mk3#2 rule 4: a longer frame is padded, a shorter one says nothing.
TEST(VebusCodec, APaddedFrameIsTakenAndATruncatedOneIsAnErrorThatSaysWhy) {
  const auto is_taken = [](std::uint8_t type, std::string_view hex) {
    return decode({type, from_hex(hex).value(), {}}).has_value();
  };
  EXPECT_TRUE(is_taken(0xFF, "56040302010500"));
  EXPECT_TRUE(is_taken(0xFF, "41010700"));
  EXPECT_TRUE(is_taken(0xFF, "480300"));
  EXPECT_TRUE(is_taken(0x20, "010203040C060508070A0B0D0E0F00"));
  EXPECT_TRUE(is_taken(0x20, "010203040806050880090A0B8C0D00"));
  EXPECT_TRUE(is_taken(0x41, "01020304050706090802F30C00"));
  EXPECT_TRUE(
      std::holds_alternative<StateAck>(decode({0xFF, from_hex("5300000000").value(), {}}).value()));

  using enum DecodeErrorKind;
  struct Bad {
    std::uint8_t type;
    const char* hex;
    DecodeErrorKind kind;
    const char* detail;
  };
  for (const auto& [type, hex, kind, detail] : std::initializer_list<Bad>{
           {0xFF, "", length, "interface frame with 0 bytes"},
           {0xFF, "5604030201", length, "version with 4 bytes"},
           {0xFF, "4101", length, "address with 1 bytes"},
           {0xFF, "4C01", length, "LED frame with 1 bytes"},
           {0xFF, "46", length, "info request with 0 bytes"},
           {0xFF, "460500", unsupported, "info request 5"},
           {0xFF, "4606", unsupported, "info request 6"},
           {0xFF, "460601020304050607", unsupported, "info request 6"},
           {0xFF, "4607", unsupported, "info request 7"},
           {0xFF, "460701", unsupported, "info request 7"},
           {0xFF, "530102030080", unsupported, "state frame of the first variant"},
           {0xFF, "530102030101", unsupported, "state frame of the first variant"},
           {0xFF, "58", length, "Winmon frame with 0 bytes"},
           {0xFF, "5200", unsupported, "interface command 52"},
           {0xFF, "4E00", unsupported, "interface command 4E"},
           {0xFF, "55", unsupported, "interface command 55"},
           {0xFF, "5B30", unsupported, "interface command 5B"},
           {0x20, "010203040C060508070A0B0D0E", length, "info frame with 13 bytes"},
           {0x20, "0102030404060508070A0B0D0E0F", content, "info frame with phase code 4"},
           {0x20, "010203040D060508070A0B0D0E0F", content, "info frame with phase code 13"},
           {0x41, "01020304050607080902", length, "configuration frame with 10 bytes"}}) {
    const auto decoded = decode({type, from_hex(hex).value(), {}});
    ASSERT_FALSE(decoded) << hex;
    EXPECT_EQ(decoded.error().kind, kind) << hex;
    EXPECT_EQ(decoded.error().detail, detail) << hex;
  }
}

TEST(VebusCodec, AMessageStartsWithNothingInIt) {
  const auto hex = [](const Message& message) { return to_hex(frame(message).payload); };
  EXPECT_EQ(hex(Version{}), "560000000000");
  EXPECT_EQ(hex(Address{}), "410100");
  EXPECT_EQ(hex(Leds{}), "4C0000");
  EXPECT_EQ(hex(InfoRequest{}), "4600");
  EXPECT_EQ(hex(StateSet{}),
            "5303008001"
            "80");
  EXPECT_EQ(hex(HardwareFlags{}), "48");
  EXPECT_EQ(hex(DcInfo{}),
            "000000000C"
            "000000000000000000");
  EXPECT_EQ(hex(AcInfo{}),
            "0101000008"
            "000000000000000000");
  EXPECT_EQ(hex(ConfigInfo{}),
            "1000000000"
            "000000000000");
  EXPECT_EQ(hex(Winmon{}), "5880");
  EXPECT_EQ(Forwarded{}.type, 0);
  EXPECT_EQ((Scale{}), (Scale{1.0, 0, false, {}}));
  EXPECT_EQ(RamInfo{}, (RamInfo{0, 0}));
  EXPECT_EQ(SettingInfo{}, (SettingInfo{0, 0, 0, 0, 0, {}}));
}

/// reference: vebus-mk3#5 and vebus-mk3#7.1
TEST(VebusCodec, RamVariablesHaveTheirNumbers) {
  constexpr std::array numbers{ram::mains_voltage,    ram::mains_current,   ram::inverter_voltage,
                               ram::inverter_current, ram::battery_voltage, ram::battery_current,
                               ram::inverter_period,  ram::mains_period,    ram::battery_power,
                               ram::mains_power,      ram::output_power,    ram::assistants};
  EXPECT_EQ(numbers, (std::array<std::uint8_t, 12>{0, 1, 2, 3, 4, 5, 7, 8, 14, 15, 16, 128}));
}

TEST(VebusCodec, TheMarksInsideAByteAreReadOneByOne) {
  for (unsigned mode = 0; mode < 256; ++mode) {
    const Version version{0, static_cast<std::uint8_t>(mode)};
    if (mode == 0x42 || mode == 0x57) {
      EXPECT_FALSE(version.address()) << mode;
    } else {
      EXPECT_EQ(version.address(), mode);
    }
  }
  EXPECT_EQ((Leds{0, 0, {}, std::uint8_t{0xFF}, {}}.error()), 0x1F);
  EXPECT_EQ((Leds{0, 0, {}, std::uint8_t{0xE0}, {}}.error()), 0);
  EXPECT_FALSE((Leds{0x1F, 0x1F, {}, {}, {}}.known()));
  EXPECT_TRUE((Leds{0x1F, 0, {}, {}, {}}.known()));
  EXPECT_TRUE((Leds{0, 0x1F, {}, {}, {}}.known()));
  // phase code: the phase, and of L1 how many there are (reference: vebus-mk3#3.4)
  constexpr std::array<unsigned, 7> phase{4, 3, 2, 1, 1, 1, 1};
  for (unsigned i = 0; i < phase.size(); ++i) {
    AcInfo info;
    info.phase_code = static_cast<std::uint8_t>(5 + i);
    EXPECT_EQ(std::get<AcInfo>(decode(frame(info)).value()).phase(), phase[i]);
    EXPECT_EQ(info.phases(), i < 3 ? std::nullopt : std::optional{i - 2});
  }
  EXPECT_EQ((DcInfo{.inverter_current = 30, .charger_current = 10}.battery_current(Scale{0.5})),
            Amperes{-10.0});
}

// ---- signs --------------------------------------------------------------------------------------

TEST(VebusSign, DischargeIsPositiveOnTheWireAndNegativeInside) {
  EXPECT_EQ(setpoint_word(Watts{-370.0}), 370);
  EXPECT_EQ(setpoint_watts(370), Watts{-370.0});
  EXPECT_EQ(encoded(write_ram(Letter::x, 131, setpoint_word(Watts{-60.0}).value())),
            "07FF583702833C00AA");
}

TEST(VebusSign, ChargeIsNegativeOnTheWireAndPositiveInside) {
  EXPECT_EQ(setpoint_word(Watts{200.0}), -200);
  EXPECT_EQ(setpoint_watts(-200), Watts{200.0});
  EXPECT_EQ(encoded(write_ram(Letter::x, 131, setpoint_word(Watts{200.0}).value())),
            "07FF5837028338FFAF");
}

TEST(VebusSign, EveryWholeWattComesBackTheSame) {
  for (int w = -32767; w <= 32767; ++w) {
    const auto word = setpoint_word(Watts{static_cast<double>(w)});
    ASSERT_EQ(word, -w);
    ASSERT_EQ(setpoint_watts(*word).value(), w);
  }
  EXPECT_FALSE(std::signbit(setpoint_watts(0).value()));
}

TEST(VebusSign, WhatDoesNotFitIsNoSetpoint) {
  EXPECT_FALSE(setpoint_word(Watts{std::numeric_limits<double>::quiet_NaN()}));
  EXPECT_FALSE(setpoint_word(Watts{std::numeric_limits<double>::infinity()}));
  EXPECT_FALSE(setpoint_word(Watts{32768.0}));
  EXPECT_FALSE(setpoint_word(Watts{-32768.0}));
  EXPECT_EQ(setpoint_word(Watts{-32767.4}), 32767);
  EXPECT_EQ(setpoint_word(Watts{0.6}), -1) << "rounded, not cut";
}

// ---- scales -------------------------------------------------------------------------------------

TEST(VebusScale, PublishedInfosInBothDialects) {
  each<Winmon>("ram_info", [](const Winmon& reply, const json& d, const json&) {
    const auto info = decode_ram_info(reply);
    ASSERT_TRUE(info);
    EXPECT_EQ(info->scale, d["scale_raw"]);
    const auto scale = scale_of(*info);
    ASSERT_TRUE(scale);
    if (d.contains("bit")) {
      EXPECT_EQ(scale->bit, d["bit"].get<unsigned>());
      EXPECT_EQ(scale->value(static_cast<std::uint16_t>(1u << *scale->bit)), 1.0);
      EXPECT_EQ(scale->value(static_cast<std::uint16_t>(~(1u << *scale->bit))), 0.0);
    } else {
      EXPECT_DOUBLE_EQ(scale->factor, d["scale"]);
      EXPECT_EQ(scale->is_signed, d["signed"].get<bool>());
      EXPECT_EQ(scale->offset, d["offset"]);
    }
  });
}

TEST(VebusScale, ImpossibleScalesMeanUnsupported) {
  EXPECT_FALSE(scale_of({0, 0}));
  EXPECT_FALSE(scale_of({-32768, 0}));
  EXPECT_FALSE(scale_of({-3, -32768}));
  EXPECT_FALSE(scale_of(decode_ram_info({Letter::x, Code::ram_info_is, {}}).value()));
}

/// reference: vebus-mk3#5, the rules of 0x36.
TEST(VebusScale, TheReciprocalRuleBeginsAtAQuarterOfTheWordAndBitsEndAtSixteen) {
  const auto factor = [](std::int16_t raw) { return scale_of({raw, 0}).value().factor; };
  EXPECT_DOUBLE_EQ(factor(0x3FFF), 16383.0);
  EXPECT_DOUBLE_EQ(factor(0x4000), 1.0 / 16384.0);
  EXPECT_DOUBLE_EQ(factor(-0x3FFF), 16383.0);
  EXPECT_DOUBLE_EQ(factor(-0x4000), 1.0 / 16384.0);
  EXPECT_DOUBLE_EQ(factor(32767), 1.0);
  EXPECT_DOUBLE_EQ(factor(-32767), 1.0);
  EXPECT_EQ(scale_of({7, -32767}), (Scale{7.0, -32767, false, {}}));
  EXPECT_EQ(scale_of({-7, 12}), (Scale{7.0, 12, true, {}}));
  EXPECT_EQ(scale_of({1, -32768}), (Scale{1.0, 0, false, 0u}));
  EXPECT_EQ(scale_of({16, -32768}), (Scale{1.0, 0, false, 15u}));
  EXPECT_FALSE(scale_of({17, -32768}));
  EXPECT_EQ(scale_of({16, -32768})->value(0x8000), 1.0);
  EXPECT_EQ(scale_of({16, -32768})->value(0x7FFF), 0.0);
}

/// reference: vebus-mk3#5, the table.
TEST(VebusScale, WhatAMultiPlusTwoTellsOfEachVariable) {
  struct Row {
    double factor;
    int offset;
    bool is_signed;
  };
  constexpr std::array<Row, 20> rows{{{0.01, 0, false},
                                      {0.01, 0, true},
                                      {0.01, 0, false},
                                      {0.01, 0, false},
                                      {0.01, 0, false},
                                      {0.1, 0, true},
                                      {0.01, 0, false},
                                      {1.0 / 1953, 256, false},
                                      {1.0 / 977, 0, false},
                                      {0.01, 0, true},
                                      {},
                                      {},
                                      {},
                                      {0.005, 0, false},
                                      {1.0, 0, true},
                                      {1.0, 0, true},
                                      {1.0, 0, true},
                                      {1.0, 0, true},
                                      {1.0, 0, true},
                                      {1.0, 0, true}}};
  for (std::uint8_t id = 0; id < rows.size(); ++id) {
    if (id >= 10 && id <= 12) continue;
    const auto scale = scale_of(usual_info(id).value()).value();
    EXPECT_DOUBLE_EQ(scale.factor, rows.at(id).factor) << int{id};
    EXPECT_EQ(scale.offset, rows.at(id).offset) << int{id};
    EXPECT_EQ(scale.is_signed, rows.at(id).is_signed) << int{id};
    EXPECT_FALSE(scale.bit) << int{id};
  }
  EXPECT_FALSE(scale_of(usual_info(10).value()));
  EXPECT_EQ(scale_of(usual_info(11).value())->bit, 4u);
  EXPECT_EQ(scale_of(usual_info(12).value())->bit, 5u);
  EXPECT_FALSE(usual_info(20));
}

TEST(VebusScale, SignedWordsAreExtendedAndOffsetsAddedFirst) {
  EXPECT_DOUBLE_EQ(scale_of({-1, 0})->value(0xFFFF), -1.0);
  EXPECT_DOUBLE_EQ(scale_of({-32758, 0})->value(0xFF9C), -10.0);
  EXPECT_DOUBLE_EQ(scale_of({1, 0})->value(0xFFFF), 65535.0);
  EXPECT_DOUBLE_EQ(scale_of({2, 10})->value(5), 30.0);
}

TEST(VebusScale, NoSignalIsNoFrequency) {
  EXPECT_FALSE(frequency(mains_period, 0x00));
  EXPECT_FALSE(frequency(mains_period, 0xFF));
  EXPECT_NEAR(frequency(mains_period, 195)->value(), 50.1026, 1e-3);
  EXPECT_NEAR(frequency(mains_period, 1)->value(), 9770.0, 1e-6);
  EXPECT_NEAR(frequency(mains_period, 0xFE)->value(), 9770.0 / 254, 1e-6);
  const Scale shifted{1.0, -5, true};
  EXPECT_FALSE(frequency(shifted, 4));
  EXPECT_FALSE(frequency(shifted, 5));
  EXPECT_EQ(frequency(shifted, 6), Hertz{10.0});
}

TEST(VebusScale, SplitCompatAnswerAsksForTheRest) {
  EXPECT_EQ(decode_ram_info({Letter::x, Code::ram_info_is, from_hex("9c7f").value()}).error().kind,
            DecodeErrorKind::length);
  const auto whole =
      decode_ram_info({Letter::x, Code::ram_info_is, from_hex("9c7f8f0000").value()});
  EXPECT_EQ(*whole, (RamInfo{32668, 0}));
}

// ---- interface messages -------------------------------------------------------------------------

TEST(VebusCodec, Versions) {
  each<Version>("version", [](Version version, const json& d, const json&) {
    EXPECT_EQ(version.version, d["version"]);
    EXPECT_EQ(version.mode, d["mode_byte"]);
    if (d["address"].is_null()) {
      EXPECT_FALSE(version.address());
    } else {
      EXPECT_EQ(version.address(), d["address"].get<unsigned>());
    }
  });
}

TEST(VebusCodec, Requests) {
  each<VersionRequest>("version_request", [](VersionRequest, const json&, const json&) {});
  each<LedRequest>("led_request", [](LedRequest, const json&, const json&) {});
  each<Reset>("reset_request", [](Reset, const json&, const json&) {});
  each<HighSpeed>("high_speed_magic", [](HighSpeed, const json&, const json&) {});
  each<Address>("address_set", [](Address a, const json& d, const json&) {
    EXPECT_EQ(a.select, d["action"] == 1);
    EXPECT_EQ(a.address, d["address"]);
  });
  each<InfoRequest>("info_request", [](InfoRequest r, const json& d, const json&) {
    EXPECT_EQ(r.what, d["what"]);
  });
  each<SnapshotRequest>("snapshot_request",
                        [](const SnapshotRequest& r, const json& d, const json&) {
                          EXPECT_EQ(json(r.ids), d["ram_ids"]);
                        });
  each<HardwareFlags>("interface_flags_set", [](HardwareFlags h, const json& d, const json&) {
    EXPECT_EQ(h.flags, d["flags"].get<unsigned>());
  });
  each<StateSet>("state_set", [](const StateSet& s, const json& d, const json&) {
    EXPECT_EQ(s.switch_state, d["switch"]);
    EXPECT_EQ(s.limit, d["limit_raw"]);
    EXPECT_EQ(s.flags, d["flags"]);
    if (d.contains("flags_ext0")) {
      EXPECT_EQ(s.ext0, d["flags_ext0"].get<unsigned>());
    }
  });
  each<StateAck>("state_ack", [](StateAck, const json&, const json&) {});
}

TEST(VebusCodec, Leds) {
  each<Leds>("led", [](const Leds& leds, const json& d, const json&) {
    EXPECT_EQ(leds.on, d["leds_on"]);
    EXPECT_EQ(leds.blink, d["leds_blink"]);
    EXPECT_EQ(leds.alarms, d["alarms"].get<unsigned>());
    EXPECT_EQ(leds.error(), d["vebus_error"].get<unsigned>());
    EXPECT_TRUE(leds.known());
    for (const auto& name : d["on"])
      EXPECT_NE(led_names(leds.on).find(name.get<std::string>()), std::string::npos);
    for (const auto& name : d["blink"])
      EXPECT_NE(led_names(leds.blink).find(name.get<std::string>()), std::string::npos);
  });
}

TEST(VebusCodec, ShortestLedFrameHasNoAlarmsRatherThanNone) {
  const auto leds =
      std::get<Leds>(decode({mk3::type_interface, from_hex("4c0100").value(), {}}).value());
  EXPECT_FALSE(leds.alarms);
  EXPECT_FALSE(leds.error());
}

TEST(VebusCodec, DcInfo) {
  each<DcInfo>("dc_info", [](const DcInfo& info, const json& d, const json&) {
    EXPECT_EQ(info.voltage, d["u_bat_raw"]);
    EXPECT_EQ(info.inverter_current, d["i_inverter_raw"]);
    EXPECT_EQ(info.charger_current, d["i_charger_raw"]);
    EXPECT_NEAR(hundredths.value(info.voltage), d["u_bat_V"].get<double>(), 1e-9);
    EXPECT_NEAR(info.battery_current(hundredths).value(), d["i_charger_A"].get<double>(), 1e-9);
    EXPECT_NEAR(frequency(scale_of({30807, 256}).value(), info.period)->value(),
                d["f_inverter_Hz"].get<double>(), 1e-3);
  });
}

TEST(VebusCodec, AcInfo) {
  each<AcInfo>("ac_info", [](const AcInfo& info, const json& d, const json&) {
    EXPECT_EQ(info.phase(), d["phase"]);
    EXPECT_EQ(info.phases(), d["num_phases"].get<unsigned>());
    EXPECT_EQ(info.mains_factor, d["bf_factor"]);
    EXPECT_EQ(info.inverter_factor, d["inv_factor"]);
    EXPECT_EQ(static_cast<int>(info.main_state().value()), d["state"]);
    EXPECT_NEAR(hundredths.value(info.mains_voltage), d["u_mains_V"].get<double>(), 1e-9);
    EXPECT_NEAR(info.mains_current * 0.01, d["i_mains_A"].get<double>(), 1e-9);
    EXPECT_NEAR(hundredths.value(info.output_voltage), d["u_inv_V"].get<double>(), 1e-9);
    EXPECT_NEAR(info.output_current * 0.01, d["i_inv_A"].get<double>(), 1e-9);
    const auto f = frequency(mains_period, info.period);
    if (d["f_mains_Hz"].is_null()) {
      EXPECT_FALSE(f);
    } else {
      EXPECT_NEAR(f->value(), d["f_mains_Hz"].get<double>(), 1e-3);
    }
  });
}

TEST(VebusCodec, PhaseCodesCountPhasesAndUnknownStatesAreNoState) {
  AcInfo info;
  info.phase_code = 0x0A;
  EXPECT_EQ(info.phase(), 1u);
  EXPECT_EQ(info.phases(), 3u);
  info.phase_code = 0x07;
  EXPECT_EQ(info.phase(), 2u);
  EXPECT_FALSE(info.phases());
  info.state = 10;
  EXPECT_FALSE(info.main_state());
  info.phase_code = 0x0D;
  EXPECT_EQ(decode(frame(info)).error().kind, DecodeErrorKind::content);
}

TEST(VebusCodec, ConfigInfo) {
  each<ConfigInfo>("config_info", [](const ConfigInfo& info, const json& d, const json&) {
    EXPECT_EQ(info.leds_on, d["master_leds_on"]);
    EXPECT_EQ(info.input, d["ac_cfg"]);
    EXPECT_NEAR(info.limit_min * 0.1, d["limit_min_A"].get<double>(), 1e-9);
    EXPECT_NEAR(info.limit_max * 0.1, d["limit_max_A"].get<double>(), 1e-9);
    EXPECT_NEAR(info.limit * 0.1, d["limit_actual_A"].get<double>(), 1e-9);
    EXPECT_EQ(info.switch_register, d["switch_register"].get<unsigned>());
  });
}

TEST(VebusCodec, ShortConfigInfoHasNoSwitchRegister) {
  const auto info = std::get<ConfigInfo>(
      decode({mk3::type_config, from_hex("10050000945e00f4016300").value(), {}}).value());
  EXPECT_FALSE(info.switch_register);
  EXPECT_EQ(info.limit, 99);
}

TEST(VebusCodec, OffByRemoteNeedsEverythingElseOnAndIsFalseWhereUnknown) {
  const auto off = [](std::uint8_t value, std::uint8_t input = 0x94) {
    return ConfigInfo{.input = input, .switch_register = value}.off_by_remote();
  };
  EXPECT_TRUE(off(0x44));
  EXPECT_TRUE(off(0xC4));   // generator selected: says nothing of the switch
  EXPECT_FALSE(off(0x77));  // on, as captured
  EXPECT_FALSE(off(0x43));  // front switch off
  EXPECT_FALSE(off(0x40));
  EXPECT_FALSE(off(0x4C));
  EXPECT_FALSE(off(0x04));  // the on-board remote input holds it off
  for (const unsigned value : {0x45u, 0x46u, 0x54u, 0x64u})
    EXPECT_FALSE(off(static_cast<std::uint8_t>(value)));
  EXPECT_FALSE(off(0x44, 0x9C));  // a Digital Multi Control decides
  EXPECT_FALSE(ConfigInfo{}.off_by_remote());
}

TEST(VebusCodec, HousekeepingIsForwardedUntouched) {
  for (const auto* kind : {"vebus_switch", "vebus_special_checksum"})
    each<Forwarded>(kind, [](const Forwarded&, const json&, const json&) {});
}

// ---- Winmon -------------------------------------------------------------------------------------

TEST(VebusWinmon, RequestsEncodeAsPublished) {
  EXPECT_EQ(encoded(ram_info(Letter::y, 0)), "05FF593600006D");
  EXPECT_EQ(encoded(read_ram(Letter::x, {128, 0})), "05FF58308000F4");
  EXPECT_EQ(encoded(device_state(Letter::w)), "05FF570E000097");
  EXPECT_EQ(encoded(read_snapshot(Letter::x)), "03FF58386E");
  EXPECT_EQ(encoded(firmware_low(Letter::x)), "03FF5805A1");
  EXPECT_EQ(encoded(SnapshotRequest{{14, 16, 15}}), "06FF46060E100F82");
  EXPECT_EQ(encoded(Address{true, 0}), "04FF410100BB");
  EXPECT_EQ(to_hex(frame(firmware_high(Letter::y)).payload), "5906");
  EXPECT_EQ(to_hex(frame(read_setting(Letter::z, 0x0201)).payload), "5A310102");
  EXPECT_EQ(to_hex(frame(setting_info(Letter::x, 0x0201)).payload), "58350102");
  EXPECT_EQ(to_hex(frame(ram_info(Letter::x, 0xFE)).payload), "5836FE00");
  EXPECT_EQ(encoded(StateSet{3, StateSet::keep_limit, 0x90, 0, 0}), "0AFF53030080019000000090");
}

TEST(VebusWinmon, WriteByIdCarriesTheSetpointWord) {
  each<Winmon>("write_via_id", [](const Winmon& m, const json& d, const json&) {
    EXPECT_EQ(m.code, Code::write_by_id);
    EXPECT_EQ(static_cast<unsigned>(m.code), d["winmon"]);
    EXPECT_EQ(read_u8(m.data, 0), d["flags"]);
    EXPECT_EQ(read_u8(m.data, 1), d["id"]);
    if (d.contains("value_s16")) {
      EXPECT_EQ(read_s16_le(m.data, 2), d["value_s16"]);
    }
  });
}

TEST(VebusWinmon, AcknowledgementsInBothPaddings) {
  each<Winmon>("ram_write_ok", [](const Winmon& m, const json&, const json&) {
    EXPECT_EQ(decode_written(m), true);
  });
  EXPECT_EQ(decode_written({Letter::x, Code::setting_written, {}}), true);
}

TEST(VebusWinmon, RefusalsAreExceptionsAndStrangersAreNot) {
  each<Winmon>("winmon_error", [](const Winmon& m, const json& d, const json&) {
    EXPECT_EQ(static_cast<unsigned>(m.code), d["code"]);
    EXPECT_EQ(decode_written(m).error().kind, DecodeErrorKind::exception);
    EXPECT_EQ(words(m).error().kind, DecodeErrorKind::exception);
  });
  for (const Code code : {Code::access_denied, Code::ram_unsupported, Code::setting_unsupported})
    EXPECT_EQ(decode_written({Letter::x, code, {}}).error().kind, DecodeErrorKind::exception);
  EXPECT_EQ(decode_written({Letter::x, Code::snapshot_is, {}}).error().kind,
            DecodeErrorKind::function);
}

TEST(VebusWinmon, EachReplyCodeFitsItsDecodersAloneAndTheErrorNamesIt) {
  const auto of = [](unsigned code) {
    return Winmon{Letter::x, static_cast<Code>(code), from_hex("0102030405060708090A0B0C").value()};
  };
  const auto error = [](const auto& decoded) {
    return decoded ? std::string{"good"} : decoded.error().detail;
  };
  for (unsigned code = 0x80; code < 0x100; ++code) {
    const auto byte = static_cast<std::byte>(code);
    const std::string hex = to_hex(std::span{&byte, 1});
    std::string refusal = "reply code " + hex;
    if (code == 0x80) refusal = "refused: unknown command (80)";
    if (code == 0x90 || code == 0x91) refusal = "refused: not supported (" + hex + ")";
    if (code == 0x9B) refusal = "refused: a higher access level is needed (9B)";
    const auto expected = [&](std::initializer_list<unsigned> good) {
      return std::ranges::find(good, code) != good.end() ? "good" : refusal;
    };
    EXPECT_EQ(error(words(of(code))), expected({0x85, 0x86, 0x99}));
    EXPECT_EQ(error(decode_ram_info(of(code))), expected({0x8E}));
    EXPECT_EQ(error(decode_setting_info(of(code))), expected({0x89}));
    EXPECT_EQ(error(decode_device_state(of(code))), expected({0x94}));
    EXPECT_EQ(error(decode_firmware(of(code))), expected({0x82, 0x83}));
    EXPECT_EQ(error(decode_written(of(code))), expected({0x87, 0x88}));
    EXPECT_TRUE(decode_written(of(code)).value_or(true));
    const bool refused = code == 0x80 || code == 0x90 || code == 0x91 || code == 0x9B;
    if (const auto info = decode_ram_info(of(code)); !info) {
      EXPECT_EQ(info.error().kind,
                refused ? DecodeErrorKind::exception : DecodeErrorKind::function);
    }
  }
}

TEST(VebusWinmon, AReplyIsReadByItsActualLength) {
  const auto reply = [](Code code, std::string_view hex) {
    return Winmon{Letter::x, code, from_hex(hex).value()};
  };
  EXPECT_EQ(words(reply(Code::ram_is, "0102030405")).value(),
            (std::vector<std::uint16_t>{0x0201, 0x0403}));
  EXPECT_TRUE(words(reply(Code::ram_is, "01")).value().empty());

  const auto ram = [&](std::string_view hex) {
    return decode_ram_info(reply(Code::ram_info_is, hex));
  };
  EXPECT_EQ(ram("").value(), RamInfo{});
  EXPECT_EQ(ram("01020384").value(), (RamInfo{0x0201, -0x7BFD}));
  EXPECT_EQ(ram("0102038405").value(), (RamInfo{0x0201, -0x7BFD})) << "padded";
  EXPECT_EQ(ram("01028F0384").value(), (RamInfo{0x0201, -0x7BFD})) << "compat";
  EXPECT_EQ(ram("01028F03").value(), (RamInfo{0x0201, 0x038F})) << "long, and 8F is a value";
  for (const auto* shorter : {"01", "0102", "010203", "01028F"}) {
    EXPECT_EQ(ram(shorter).error().kind, DecodeErrorKind::length) << shorter;
    EXPECT_EQ(ram(shorter).error().detail,
              "RAM info with " + std::to_string(std::string_view{shorter}.size() / 2) + " bytes");
  }

  const auto setting = [&](std::string_view hex) {
    return decode_setting_info(reply(Code::setting_info_is, hex));
  };
  constexpr SettingInfo whole{0x0201, 0x0403, 0x0605, 0x0807, 0x0A09, {}};
  EXPECT_EQ(setting("").error().detail, "refused: setting not supported");
  EXPECT_EQ(setting("0102030405060708090A").value(), whole);
  EXPECT_EQ(setting("0000030405060708090A").error().detail, "refused: setting not supported");
  EXPECT_EQ(setting("010203040506070809").error().kind, DecodeErrorKind::length);
  EXPECT_EQ(setting("010203040506070809").error().detail, "setting info with 9 bytes");
  EXPECT_EQ(setting("0102030405060708090A0B").value().access, 0x0B);
  EXPECT_EQ(setting("01028A03048B05068C07088D090A").value(), whole) << "compat";
  // Without each of its codes, or its end, it is the other dialect, padded.
  for (const auto* other : {"01028903048B05068C07088D090A", "01028A03048905068C07088D090A",
                            "01028A03048B05068907088D090A", "01028A03048B05068C070889090A",
                            "01028A03048B05068C07088D09"})
    EXPECT_EQ(setting(other).value().offset, read_s16_le(from_hex(other).value(), 2)) << other;

  const auto state = decode_device_state(reply(Code::device_state_is, "0901"));
  EXPECT_EQ(state->state, 9);
  EXPECT_EQ(state->sub_state, 1);
  EXPECT_EQ(decode_device_state(reply(Code::device_state_is, "09")).error().detail,
            "device state with 1 bytes");

  const auto firmware = [&](std::string_view hex) {
    return decode_firmware(reply(Code::firmware_low_is, hex));
  };
  EXPECT_EQ(firmware("01").error().detail, "firmware version with 1 bytes");
  EXPECT_EQ(firmware("0102").value().value, 0x0201u);
  EXPECT_FALSE(firmware("010203").value().whole);
  EXPECT_EQ(firmware("010203").value().value, 0x0201u);
  EXPECT_EQ(firmware("01020304").value().value, 0x04030201u);
  EXPECT_TRUE(firmware("01020304").value().whole);
  EXPECT_TRUE(firmware("01020001").value().whole);
}

TEST(VebusWinmon, RepliesBeginAtEighty) {
  EXPECT_FALSE((Winmon{Letter::x, static_cast<Code>(0x7F), {}}.is_reply()));
  EXPECT_TRUE((Winmon{Letter::x, Code::unknown_command, {}}.is_reply()));
  EXPECT_TRUE((Winmon{Letter::x, static_cast<Code>(0xFF), {}}.is_reply()));
}

TEST(VebusWinmon, Values) {
  each<Winmon>("ram_value", [](const Winmon& m, const json& d, const json&) {
    EXPECT_EQ(json(words(m).value()), d["values_u16"]);
  });
  each<Winmon>("setting_value", [](const Winmon& m, const json& d, const json&) {
    EXPECT_EQ(words(m).value().at(0), d["value_u16"]);
  });
  each<Winmon>("setting_value_led", [](const Winmon& m, const json& d, const json&) {
    EXPECT_EQ(words(m).value(), std::vector<std::uint16_t>{d["value_u16"]});
  });
  each<Winmon>("snapshot", [](const Winmon& m, const json& d, const json&) {
    const auto raw = words(m).value();
    ASSERT_EQ(raw.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_EQ(scale_of({-1, 0})->value(raw[i]), d["values_s16"][i].get<int>());
    // The published check: RAM 15 = -(RAM 14 + RAM 16), which is P_in = P_bat + P_out inside.
    const auto in = mirror(Watts{scale_of({-1, 0})->value(raw[2])});
    EXPECT_EQ(in.value(), -375 + 5);
  });
}

TEST(VebusWinmon, AssistantHeaders) {
  EXPECT_EQ(record_header(0x0054).assistant, RecordHeader::ess);
  EXPECT_EQ(record_header(0x0054).size, 4u);
  EXPECT_EQ(record_header(0x0090).assistant, 9u);
  EXPECT_EQ(record_header(0x0001).assistant, 0u);
  EXPECT_EQ(record_header(0x0001).size, 1u);
  EXPECT_EQ(record_header(0x8800).assistant, 0x880u);
}

TEST(VebusWinmon, FirmwareInBothDialects) {
  each<Winmon>("sw_version", [](const Winmon& m, const json& d, const json&) {
    const auto part = decode_firmware(m);
    EXPECT_EQ(part->value, d["version"]);
    EXPECT_TRUE(part->whole);
  });
  const auto low =
      decode_firmware({Letter::x, Code::firmware_low_is, from_hex("f0680000").value()});
  EXPECT_EQ(low->value, 0x68F0u);
  EXPECT_FALSE(low->whole);
}

TEST(VebusWinmon, SettingInfoInBothDialects) {
  each<Winmon>("setting_info", [](const Winmon& m, const json&, const json&) {
    EXPECT_EQ(decode_setting_info(m).error().kind, DecodeErrorKind::exception);
  });
  const SettingInfo limit{-10, 0, 320, 10, 500, {}};
  EXPECT_EQ(decode_setting_info({Letter::x, Code::setting_info_is,
                                 from_hex("f6ff8a00008b40018c0a008df401").value()}),
            limit);
  auto with_access = limit;
  with_access.access = 0x80;
  EXPECT_EQ(decode_setting_info(
                {Letter::x, Code::setting_info_is, from_hex("f6ff000040010a00f40180").value()}),
            with_access);
}

TEST(VebusWinmon, DeviceState) {
  const auto state =
      decode_device_state({Letter::x, Code::device_state_is, from_hex("0901").value()});
  EXPECT_EQ(state->state, 9);
  EXPECT_EQ(name(static_cast<VebusChargeState>(state->sub_state)), "bulk");
}

// ---- robustness ---------------------------------------------------------------------------------

TEST(VebusCodec, NoPayloadCrashesAnyDecoder) {
  std::mt19937 random{3};
  constexpr std::array<std::uint8_t, 4> types{0xFF, 0x20, 0x41, 0x38};
  constexpr std::string_view letters = "VALFSHRNDWXYZ";
  for (int i = 0; i < 50000; ++i) {
    mk3::Frame frame{types[draw(random, types.size())], {}, {}};
    for (unsigned n = draw(random, 18); n > 0; --n) put_u8(frame.payload, draw(random, 256));
    if (!frame.payload.empty())
      frame.payload[0] = static_cast<std::byte>(letters[draw(random, letters.size())]);
    if (frame.payload.size() > 1 && draw(random, 2) == 0)
      frame.payload[1] = static_cast<std::byte>(0x80 + draw(random, 0x20));
    const auto decoded = decode(frame);
    if (!decoded || !std::holds_alternative<Winmon>(*decoded)) continue;
    const auto& winmon = std::get<Winmon>(*decoded);
    if (const auto info = decode_ram_info(winmon)) {
      const auto scale = scale_of(*info);
      EXPECT_TRUE(!scale || std::isfinite(scale->value(0x8000)));
    }
    EXPECT_NO_FATAL_FAILURE((void)words(winmon));
    EXPECT_NO_FATAL_FAILURE((void)decode_setting_info(winmon));
    EXPECT_NO_FATAL_FAILURE((void)decode_firmware(winmon));
    EXPECT_NO_FATAL_FAILURE((void)decode_device_state(winmon));
  }
}

/// reference: vebus-mk3#3.3, vebus-mk3#8.3
TEST(VebusText, EveryLedAlarmSwitchStateAndErrorHasItsWords) {
  EXPECT_EQ(led_names(0), "");
  EXPECT_EQ(led_names(0xFF),
            "mains, absorption, bulk, float, inverter, overload, low_battery, temperature");
  EXPECT_EQ(led_names(0x81), "mains, temperature");
  EXPECT_EQ(alarm_names(0), "");
  constexpr std::array<std::string_view, 8> alarms{
      "temperature_warning", "low_battery_warning", "overload_warning", "dc_ripple_warning",
      "temperature",         "low_battery",         "overload",         "dc_ripple"};
  for (unsigned bit = 0; bit < alarms.size(); ++bit)
    EXPECT_EQ(alarm_names(static_cast<std::uint8_t>(1u << bit)), alarms[bit]);
  EXPECT_EQ(alarm_names(0x22), "low_battery_warning, low_battery");
  EXPECT_EQ(name(SwitchState::charger_only), "charger_only");
  EXPECT_EQ(name(SwitchState::inverter_only), "inverter_only");
  EXPECT_EQ(name(SwitchState::on), "on");
  EXPECT_EQ(name(SwitchState::off), "off");
  EXPECT_EQ(name(static_cast<SwitchState>(0)), "unknown");
  const std::map<unsigned, std::string_view> errors{
      {0, "no error"},
      {1, "another phase has switched off"},
      {2, "old and new types of MK2 are mixed"},
      {3, "not all or too many devices were found"},
      {4, "no other device was found"},
      {5, "over-voltage on AC-out"},
      {6, "error in an assistant's program"},
      {7, "a BMS is connected that needs an assistant, and there is none"},
      {8, "relay or ground test failed"},
      {10, "time synchronisation problem"},
      {11, "relay or ground test failed"},
      {14, "the device cannot transmit data"},
      {16, "dongle missing"},
      {17, "another unit took over the master's role"},
      {18, "AC over-voltage on a slave's output while switched off"},
      {22, "the device cannot act as slave"},
      {24, "switch-over system protection"},
      {25, "incompatible firmware"},
      {26, "internal error"}};
  for (unsigned code = 0; code < 256; ++code) {
    const auto it = errors.find(code);
    EXPECT_EQ(error_text(static_cast<std::uint8_t>(code)),
              it == errors.end() ? "unknown error" : it->second);
  }
}

TEST(VebusCodec, AMessageSaysNothingBeforeItIsFilled) {
  const SettingInfo info;
  EXPECT_EQ(info.scale, 0);
  EXPECT_EQ(info.offset, 0);
  EXPECT_EQ(info.usual, 0);
  EXPECT_EQ(info.min, 0);
  EXPECT_EQ(info.max, 0);
  EXPECT_EQ(DeviceState{}.state, 0);
  EXPECT_EQ(DeviceState{}.sub_state, 0);
  EXPECT_EQ(FirmwarePart{}.value, 0u);
  EXPECT_FALSE(FirmwarePart{}.whole);
  EXPECT_EQ(RecordHeader{}.assistant, 0u);
  EXPECT_EQ(RecordHeader{}.size, 0u);
}

/// reference: vebus-mk3#2, the tables of 'S', 'H' and F 5.
TEST(VebusCodec, BitsAreWhereTheReferenceHasThem) {
  EXPECT_EQ(StateSet::auto_resend, 1);
  EXPECT_EQ(StateSet::append_leds, 2);
  EXPECT_EQ(HardwareFlags::unknown_default, 4);
  EXPECT_EQ(ConfigInfo::remote_charge, 1);
  EXPECT_EQ(ConfigInfo::remote_invert, 2);
  EXPECT_EQ(ConfigInfo::front_up, 4);
  EXPECT_EQ(ConfigInfo::front_down, 8);
  EXPECT_EQ(ConfigInfo::digital_multi_control, 8);
}

}  // namespace
}  // namespace esshub::protocol::vebus
