#include "protocol/vebus/messages.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
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
  EXPECT_FALSE(setpoint_word(Watts{40000.0}));
  EXPECT_FALSE(setpoint_word(Watts{-40000.0}));
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

TEST(VebusText, AlarmsAndErrorsHaveWords) {
  EXPECT_EQ(alarm_names(0), "");
  EXPECT_EQ(alarm_names(0x22), "low_battery_warning, low_battery");
  EXPECT_EQ(error_text(5), "over-voltage on AC-out");
  EXPECT_EQ(error_text(31), "unknown error");
}

}  // namespace
}  // namespace esshub::protocol::vebus
