#include "protocol/vebus/handshake.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/protocol/vebus/hand.hpp"

namespace esshub::protocol::vebus {
namespace {

// ---- scales by themselves -----------------------------------------------------------------------

Winmon told(Code code, std::string_view hex) {
  return {Letter::x, code, from_hex(hex).value()};
}

/// All the driver reads: V and period of the mains, V and A of the battery, the three powers; A of
/// the mains, V and A of AC-out.
const std::vector<std::uint8_t> needed{0, 4, 5, 8, 14, 15, 16, 1, 2, 3};

TEST(VebusScales, AreAskedForOneByOneAndKeptUntilToldAnew) {
  Scales scales;
  scales.begin_walk();
  for (std::size_t i = 0; i < needed.size(); ++i) {
    EXPECT_EQ(scales.request(Letter::y), ram_info(Letter::y, needed[i]));
    Winmon reply = told(Code::ram_info_is, "");
    put_u16_le(reply.data, static_cast<unsigned>(i + 2));  // a factor of its own
    put_u16_le(reply.data, 0);
    EXPECT_EQ(scales.on_reply(reply),
              i + 1 < needed.size() ? Scales::Walk::next : Scales::Walk::done);
  }
  for (std::size_t i = 0; i < needed.size(); ++i)
    EXPECT_EQ(scales.value(needed[i], 10), 10.0 * static_cast<double>(i + 2));
  EXPECT_FALSE(scales.of(7));
  EXPECT_FALSE(scales.value(7, 10));
  scales.begin_walk();
  EXPECT_EQ(scales.request(Letter::x), ram_info(Letter::x, 0));
  EXPECT_EQ(scales.value(0, 10), 20.0) << "not yet told anew";
  EXPECT_EQ(scales.on_reply(told(Code::ram_unsupported, "00")), Scales::Walk::next);
  EXPECT_FALSE(scales.of(0)) << "not supported any more";
  EXPECT_EQ(scales.value(4, 10), 30.0);
}

/// reference: vebus-mk3#4.1, the compat dialect.
TEST(VebusScales, AReplyInTwoHalvesIsPutTogether) {
  const auto begun = [] {
    Scales scales;
    (void)scales.request(Letter::x);
    EXPECT_EQ(scales.on_reply(told(Code::ram_info_is, "0200")), Scales::Walk::half);
    EXPECT_TRUE(scales.half_came());
    return scales;
  };
  Scales scales = begun();
  EXPECT_EQ(scales.on_reply(told(Code::ram_offset_is, "0500")), Scales::Walk::next);
  EXPECT_EQ(scales.of(0), (Scale{2.0, 5, false, {}}));
  EXPECT_FALSE(scales.half_came());
  EXPECT_EQ(scales.on_reply(told(Code::ram_info_is, "020000")), Scales::Walk::half) << "padded";
  EXPECT_EQ(scales.on_reply(told(Code::ram_offset_is, "060000")), Scales::Walk::next);
  EXPECT_EQ(scales.of(4), (Scale{2.0, 6, false, {}}));

  scales = begun();
  EXPECT_EQ(scales.on_reply(told(Code::unknown_command, "00")), Scales::Walk::next);
  EXPECT_FALSE(scales.of(0));

  scales = begun();
  (void)scales.request(Letter::x);  // asked again: the half is void
  EXPECT_FALSE(scales.half_came());

  Scales lonely;
  EXPECT_EQ(lonely.on_reply(told(Code::ram_info_is, "02")), Scales::Walk::next) << "too short";
  EXPECT_FALSE(lonely.of(0));
  EXPECT_EQ(lonely.on_reply(told(Code::ram_offset_is, "0500")), Scales::Walk::next);
  EXPECT_FALSE(lonely.of(4)) << "a second half without a first one";
}

// ---- the record by itself (reference: vebus-mk3#7.1) --------------------------------------------

TEST(VebusEssRecord, TheWalkGoesFromHeaderToHeaderAndEndsAtTheListsOrTheIdsEnd) {
  const auto walk = [](std::map<unsigned, unsigned> words) {
    EssRecord record;
    std::string asked;
    for (int i = 0; i < 200; ++i) {
      const Winmon request = record.walk_request(Letter::z);
      EXPECT_EQ(request.letter, Letter::z);
      EXPECT_EQ(request.code, Code::read_ram);
      EXPECT_EQ(request.data.size(), 2u);
      EXPECT_EQ(read_u8(request.data, 1), 0) << "alone, also for old firmware";
      const unsigned id = read_u8(request.data, 0);
      asked += std::to_string(id) + " ";
      Winmon reply = told(Code::ram_is, "");
      put_u16_le(reply.data, words[id]);
      if (record.on_walk(reply)) break;
    }
    return asked + (record.found() ? "at " + std::to_string(record.setpoint_id()) : "none");
  };
  EXPECT_EQ(walk({}), "128 none");
  EXPECT_EQ(walk({{128, 0x0054}}), "128 at 129");
  EXPECT_EQ(walk({{128, 0x0051}}), "128 at 129") << "a setpoint alone";
  EXPECT_EQ(walk({{128, 0x0050}}), "128 129 none") << "no setpoint";
  EXPECT_EQ(walk({{128, 0x0044}, {133, 0x0064}, {138, 0x0054}}), "128 133 138 at 139");
  EXPECT_EQ(walk({{128, 0x0090}, {129, 0x8800}, {130, 0x0054}}), "128 129 130 at 131");
  std::map<unsigned, unsigned> full;
  for (unsigned id = 128; id < 256; id += 16) full[id] = 0x001F;
  EXPECT_EQ(walk(full), "128 144 160 176 192 208 224 240 none");
  full[240] = 0x001D;
  full[254] = 0x0051;
  EXPECT_EQ(walk(full), "128 144 160 176 192 208 224 240 254 at 255");
  full[240] = 0x001E;
  full[255] = 0x0051;
  EXPECT_EQ(walk(full), "128 144 160 176 192 208 224 240 255 none") << "no id for its setpoint";
}

TEST(VebusEssRecord, AnswersWithoutAWordEndTheWalk) {
  for (const auto& reply :
       {told(Code::ram_is, ""), told(Code::ram_unsupported, "00"), told(Code::ram_is, "0000")}) {
    EssRecord record;
    EXPECT_TRUE(record.on_walk(reply));
    EXPECT_FALSE(record.found());
  }
}

TEST(VebusEssRecord, ItsHeaderIsReadAgainWithFiveValuesWhereTheUnitGivesSeveral) {
  const auto found = [](std::string_view words) {
    EssRecord record;
    EXPECT_FALSE(record.on_walk(told(Code::ram_is,
                                     "0100"
                                     "0000")));  // size 1, to 130
    EXPECT_TRUE(record.on_walk(told(Code::ram_is, words)));
    return record;
  };
  using Check = EssRecord::Check;
  std::vector<std::uint16_t> raw;

  EssRecord one = found("5400");
  EXPECT_FALSE(one.reads_many());
  EXPECT_EQ(to_hex(one.check_request(Letter::x).data), "8200");
  EXPECT_EQ(one.on_check(told(Code::ram_is, "54000102"), raw), Check::there);
  EXPECT_TRUE(raw.empty());
  EXPECT_EQ(one.on_check(told(Code::ram_is, "5500"), raw), Check::moved);
  EXPECT_EQ(one.on_check(told(Code::ram_is, ""), raw), Check::moved);
  EXPECT_EQ(one.on_check(told(Code::ram_unsupported, "00"), raw), Check::moved);

  EssRecord many = found("54000000");
  EXPECT_TRUE(many.reads_many());
  EXPECT_EQ(to_hex(many.check_request(Letter::x).data), "820F0E100405");
  EXPECT_EQ(many.on_check(told(Code::ram_is, "540001000200030004000500"), raw), Check::there);
  EXPECT_EQ(raw, (std::vector<std::uint16_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(many.on_check(told(Code::ram_is, "550001000200030004000500"), raw), Check::moved);
  EXPECT_TRUE(many.reads_many());
  for (const auto& few :
       {told(Code::ram_is, "54000100020003000400"), told(Code::ram_unsupported, "00")}) {
    EssRecord record = many;
    EXPECT_EQ(record.on_check(few, raw), Check::again);
    EXPECT_FALSE(record.reads_many());
    EXPECT_EQ(to_hex(record.check_request(Letter::x).data), "8200");
  }
  EXPECT_EQ(raw.size(), 5u);
}

TEST(VebusEssRecord, OneUnitIsOnLineOneByItselfAndWithoutFactors) {
  const auto why = [](std::uint8_t phase_code, std::uint8_t mains = 1, std::uint8_t inverter = 1) {
    AcInfo info;
    info.phase_code = phase_code;
    info.mains_factor = mains;
    info.inverter_factor = inverter;
    return more_than_one_unit(info).value_or("single");
  };
  EXPECT_EQ(why(0x08), "single");
  EXPECT_EQ(why(0x08, 0, 0), "single");
  EXPECT_EQ(why(0x09), "the system has 2 phases; only a single unit is supported");
  EXPECT_EQ(why(0x0B), "the system has 4 phases; only a single unit is supported");
  EXPECT_EQ(why(0x07), "a unit on phase L2 answers; only a single unit is supported");
  EXPECT_EQ(why(0x05), "a unit on phase L4 answers; only a single unit is supported");
  EXPECT_EQ(why(0x08, 2, 1), "units work in parallel; only a single unit is supported");
  EXPECT_EQ(why(0x08, 1, 2), "units work in parallel; only a single unit is supported");
}

// ---- the whole by itself ------------------------------------------------------------------------

struct Unit {
  std::uint32_t version = good_version;
  AcInfo info{};
  std::optional<std::uint8_t> without{};  ///< a RAM variable that is not supported
  std::string_view record = "5400";

  [[nodiscard]] Handshake handshake() const {
    Handshake h;
    (void)h.on_version(Version{version, 0});
    while (h.stage() < Task::firmware_low) h.advance();
    h.on_firmware(told(Code::firmware_low_is, "F0682800"));
    for (const auto id : needed)
      (void)h.on_scale(id == without ? told(Code::ram_unsupported, "00")
                                     : told(Code::ram_info_is, "FFFF0000"));
    h.on_units(info);
    h.on_record(told(Code::ram_is, record));
    EXPECT_TRUE(h.over());
    return h;
  }
};

TEST(VebusHandshake, RefusesWhatItMustNotCommandAndSaysWhy) {
  const auto why = [](const Unit& unit) {
    return unit.handshake().rejection_reason().value_or("none");
  };
  EXPECT_EQ(why({}), "none");
  EXPECT_EQ(why({.version = 1170131}), "none");
  EXPECT_EQ(why({.version = 1170130}), "the interface's firmware is too old");
  EXPECT_EQ(why({.version = 1170600}), "none") << "three digits are its number";
  EXPECT_EQ(why({.info = {.mains_factor = 2}}),
            "units work in parallel; only a single unit is supported");
  for (const auto id : {ram::battery_power, ram::mains_power, ram::output_power})
    EXPECT_EQ(why({.without = id}),
              "the inverter does not measure power (RAM " + std::to_string(id) + ")");
  for (const auto id :
       {ram::mains_voltage, ram::battery_voltage, ram::battery_current, ram::mains_period})
    EXPECT_EQ(why({.without = id}), "none");
  EXPECT_EQ(why({.record = "0000"}),
            "the inverter has no ESS assistant: install it with VEConfigure");
}

TEST(VebusHandshake, FirmwareComesWholeOrInTwoHalvesOrNotAtAll) {
  const auto at_firmware = [] {
    Handshake h;
    while (h.stage() < Task::firmware_low) h.advance();
    return h;
  };
  Handshake whole = at_firmware();
  whole.on_firmware(told(Code::firmware_low_is, "F0682800"));
  EXPECT_EQ(whole.stage(), Task::scales);
  EXPECT_EQ(whole.firmware(), 2648304u);
  Handshake halves = at_firmware();
  halves.on_firmware(told(Code::firmware_low_is, "F068"));
  EXPECT_EQ(halves.stage(), Task::firmware_high);
  halves.on_firmware(told(Code::firmware_high_is, "2800"));
  EXPECT_EQ(halves.stage(), Task::scales);
  EXPECT_EQ(halves.firmware(), 2648304u);
  Handshake refused = at_firmware();
  refused.on_firmware(told(Code::unknown_command, "00"));
  EXPECT_EQ(refused.stage(), Task::firmware_high);
  refused.on_firmware(told(Code::unknown_command, "00"));
  EXPECT_EQ(refused.stage(), Task::scales);
  EXPECT_EQ(refused.firmware(), 0u);
}

TEST(VebusHandshake, TellsANewInterfaceAndBeginsAgainOrLooksAgain) {
  Handshake h = Unit{}.handshake();
  EXPECT_EQ(h.scales().value(0, 7), 7.0);
  h.repeat();
  EXPECT_EQ(h.stage(), Task::scales);
  EXPECT_TRUE(h.scales().of(0));
  EXPECT_EQ(h.scales().request(Letter::x), ram_info(Letter::x, 0));
  EXPECT_TRUE(h.ess().found());
  EXPECT_FALSE(h.on_scale(told(Code::ram_info_is, "01000000")));
  EXPECT_TRUE(h.on_scale(told(Code::ram_info_is, "0100"))) << "the other half is on the way";
  while (h.stage() < Task::units) h.advance();
  h.on_units({});
  EXPECT_EQ(h.stage(), Task::records);
  EXPECT_FALSE(h.ess().found()) << "to be found anew";
  h.start_over();
  EXPECT_EQ(h.stage(), Task::find_interface);
  EXPECT_FALSE(h.scales().of(0));
  EXPECT_FALSE(h.ess().found());
  EXPECT_FALSE(h.on_version(Version{good_version, 0})) << "the same as before";
  EXPECT_EQ(h.stage(), Task::select_address);
  h.start_over();
  EXPECT_TRUE(h.on_version(Version{good_version + 1, 0}));
  while (!h.over()) h.advance();
  const auto stage = h.stage();
  EXPECT_TRUE(h.on_version(Version{good_version, 0})) << "a heartbeat tells it too";
  EXPECT_EQ(h.stage(), stage);
}

// ---- in the driver ------------------------------------------------------------------------------

TEST(VebusDriverHandshake, AsksInOrderAndCommandsNothing) {
  Hand hand;
  hand.make_ready();
  ASSERT_GE(hand.sent.size(), 16u);
  EXPECT_TRUE(std::holds_alternative<VersionRequest>(hand.sent[0]));
  EXPECT_EQ(std::get<Address>(hand.sent[1]), (Address{true, 0}));
  const auto set = std::get<StateSet>(hand.sent[2]);
  EXPECT_EQ(set.flags, StateSet::new_format | StateSet::settings_only);
  EXPECT_EQ(set.limit, StateSet::keep_limit);
  EXPECT_EQ(set.ext0, StateSet::long_replies);
  EXPECT_EQ(std::get<HardwareFlags>(hand.sent[3]).flags, 0x07);
  EXPECT_TRUE(hand.words_written().empty());
  EXPECT_TRUE(hand.said("mk3_found"));
  EXPECT_TRUE(hand.said("ess_found"));
  EXPECT_EQ(hand.health().trouble, "");
  EXPECT_FALSE(hand.health().faults.any());
}

TEST(VebusDriverHandshake, TakesScalesInTwoFrames) {
  Hand hand;
  hand.split = true;
  hand.make_ready();
  hand.settle();
  EXPECT_DOUBLE_EQ(hand.value(Point::inverter, Measure::dc_voltage), 50.0);
}

TEST(VebusDriverHandshake, GoesOnWithoutHardwareFlags) {
  Hand hand;
  hand.answers_flags = false;
  hand.make_ready();
  EXPECT_EQ(hand.health().frames[FrameResult::timeout], 2u);
}

TEST(VebusDriverHandshake, FindsTheEssRecordWhereverItIs) {
  using Records = std::map<std::uint8_t, std::uint16_t>;
  const std::vector<std::pair<Records, int>> layouts{
      {{{128, 0x0090}, {129, 0x8800}, {130, 0x0054}}, 131},
      {{{128, 0x0054}}, 129},
      {{{128, 0x0001}, {129, 0x0054}, {130, 0x0054}}, 131},  // a data word is no header
      {{{128, 0x001F}, {144, 0x0022}, {147, 0x0051}}, 148}};
  for (const auto& [records, id] : layouts) {
    Hand hand;
    hand.records = records;
    hand.make_ready();
    hand.command(-100.0);
    hand.answer();
    hand.answer();
    const auto requests = hand.sent_of<Winmon>();
    const auto write = std::ranges::find(requests, Code::write_by_id, &Winmon::code);
    ASSERT_NE(write, requests.end());
    EXPECT_EQ(read_u8(write->data, 0), 0x02);
    EXPECT_EQ(read_u8(write->data, 1), id);
  }
}

TEST(VebusDriverHandshake, WithoutEssItWatchesAndNeverWrites) {
  const std::vector<std::map<std::uint8_t, std::uint16_t>> none{
      {},
      {{128, 0x0090}, {129, 0x8800}},
      {{128, 0x001F},
       {144, 0x001F},
       {160, 0x001F},
       {176, 0x001F},
       {192, 0x001F},
       {208, 0x001F},
       {224, 0x001F},
       {240, 0x001F}},   // runs past 255
      {{128, 0x0050}}};  // no room for a setpoint
  for (const auto& records : none) {
    Hand hand;
    hand.records = records;
    hand.start();
    for (int i = 0; i < 80; ++i) {
      hand.command(-500.0);
      ASSERT_TRUE(hand.answer());
    }
    EXPECT_FALSE(hand.health().ready);
    EXPECT_EQ(hand.health().faults, FaultFlags{Fault::inverter_lost});
    EXPECT_NE(hand.health().trouble.find("ESS"), std::string::npos);
    EXPECT_TRUE(hand.said("ess_missing"));
    EXPECT_TRUE(hand.words_written().empty());
    EXPECT_TRUE(hand.sample(Point::inverter, Measure::main_state));
    EXPECT_FALSE(hand.sample(Point::inverter, Measure::controllable));
  }
}

TEST(VebusDriverHandshake, LooksForEssAgainEveryHalfMinute) {
  Hand hand;
  hand.records.clear();
  hand.start();
  for (int i = 0; i < 60; ++i) hand.answer();
  hand.records = {{128, 0x0054}};
  const Instant until = hand.now + 31s;
  while (hand.now < until) ASSERT_TRUE(hand.answer());
  EXPECT_TRUE(hand.health().ready);
  EXPECT_EQ(std::ranges::count(hand.events, "ess_missing", &Event::name), 1);
}

TEST(VebusDriverHandshake, RefusesSeveralUnitsAndOldInterfaces) {
  {
    Hand hand;
    hand.ac.phase_code = 0x0A;
    hand.start();
    for (int i = 0; i < 40; ++i) hand.answer();
    EXPECT_FALSE(hand.health().ready);
    EXPECT_NE(hand.health().trouble.find("3 phases"), std::string::npos);
  }
  {
    Hand hand;
    hand.ac.mains_factor = 2;
    hand.start();
    for (int i = 0; i < 40; ++i) hand.answer();
    EXPECT_FALSE(hand.health().ready);
  }
  {
    Hand hand;
    hand.version = 1130130;
    hand.start();
    for (int i = 0; i < 40; ++i) hand.answer();
    EXPECT_FALSE(hand.health().ready);
  }
}

TEST(VebusDriverHandshake, ASecondUnitHeardLaterStopsWritingButOneDamagedFrameDoesNot) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.give(AcInfo{.mains_factor = 2, .state = 9});
  hand.give(hand.ac);
  EXPECT_TRUE(hand.health().ready);
  hand.give(AcInfo{.state = 9, .phase_code = 0x07});
  hand.give(AcInfo{.state = 9, .phase_code = 0x07});
  EXPECT_FALSE(hand.health().ready);
  EXPECT_EQ(hand.health().faults, FaultFlags{Fault::inverter_lost});
  EXPECT_NE(hand.health().trouble.find("L2"), std::string::npos);
  EXPECT_TRUE(hand.said("inverter_unusable"));
  const auto before = hand.words_written().size();
  for (int i = 0; i < 20; ++i) {
    hand.command(-100.0);
    hand.answer();
  }
  EXPECT_EQ(hand.words_written().size(), before);
}

TEST(VebusDriverHandshake, WakesASilentInterfaceThenResetsItFromHighSpeed) {
  Hand hand;
  hand.start();
  hand.wait(2100ms);
  EXPECT_EQ(hand.wake_ups, 1u);
  EXPECT_TRUE(hand.said("inverter_silent"));
  EXPECT_EQ(hand.health().faults, FaultFlags{Fault::inverter_lost});
  hand.wait(2100ms);
  EXPECT_EQ(hand.bauds, (std::vector<std::uint32_t>{2400, 115200}));
  EXPECT_TRUE(std::holds_alternative<Reset>(hand.last()));
  hand.wait(1s);
  EXPECT_EQ(hand.bauds.back(), 2400u);
  EXPECT_TRUE(std::holds_alternative<VersionRequest>(hand.last()));
  EXPECT_EQ(hand.reopens, 0u);
  hand.wait(8s);
  EXPECT_EQ(hand.reopens, 1u);
  hand.wait(60s);
  EXPECT_EQ(std::ranges::count(hand.events, "inverter_silent", &Event::name), 1);
}

}  // namespace
}  // namespace esshub::protocol::vebus
