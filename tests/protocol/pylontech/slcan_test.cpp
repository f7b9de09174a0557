#include "protocol/pylontech/slcan.hpp"

#include <gtest/gtest.h>

#include <random>

namespace esshub::protocol {
namespace {

const CanFrame state = make_frame(0x355, from_hex("58006400").value());

/// One letter an item, in order: f frame, a accepted, z transmitted, r refused, i information,
/// s status, e error.
std::string kinds(const std::vector<SlcanItem>& items) {
  std::string out;
  for (const auto& item : items) {
    if (std::holds_alternative<CanFrame>(item)) {
      out += 'f';
    } else if (std::holds_alternative<DecodeError>(item)) {
      out += 'e';
    } else if (std::holds_alternative<SlcanStatus>(item)) {
      out += 's';
    } else {
      out += "azri"[static_cast<std::size_t>(std::get<SlcanResponse>(item))];
    }
  }
  return out;
}

std::string kinds(std::string_view text) {
  SlcanReader reader;
  return kinds(reader.feed(to_bytes(text)));
}

std::string text(const Bytes& bytes) {
  std::string out;
  for (const auto b : bytes) out.push_back(static_cast<char>(u8(b)));
  return out;
}

TEST(SlcanFrame, KeepAliveIsTheLineOfTheManual) {
  EXPECT_EQ(text(encode_slcan(make_frame(0x305, Bytes(8)))), "t30580000000000000000\r");
}

TEST(SlcanFrame, ComesBackAsItWent) {
  CanFrame extended = state;
  extended.extended = true;
  extended.id = 0x1ABCDEF0;
  CanFrame remote = make_frame(0x305, {});
  remote.remote = true;
  remote.size = 8;
  CanFrame extended_remote = remote;
  extended_remote.extended = true;
  for (const auto& frame : {state, extended, remote, extended_remote, make_frame(0x000, {})}) {
    std::string line = text(encode_slcan(frame));
    line.pop_back();
    EXPECT_EQ(parse_slcan(line), frame) << line;
  }
}

TEST(SlcanFrame, LowerCaseHexAndTimeStampsAreAccepted) {
  EXPECT_EQ(parse_slcan("t3554580064001a2b"), state);
  EXPECT_EQ(parse_slcan("t35c1c0"), make_frame(0x35C, from_hex("C0").value()));
}

TEST(SlcanFrame, RefusesEveryLineThatCannotBe) {
  const std::pair<const char*, DecodeErrorKind> rows[] = {
      {"", DecodeErrorKind::unsupported},
      {"hello", DecodeErrorKind::unsupported},
      {"t", DecodeErrorKind::length},
      {"t355", DecodeErrorKind::length},
      {"T1234567", DecodeErrorKind::length},
      {"t3559580064000000000000", DecodeErrorKind::content},  // DLC 9
      {"t355F58006400", DecodeErrorKind::content},
      {"t3G5458006400", DecodeErrorKind::content},
      {"t8005800640000", DecodeErrorKind::content},  // over 11 bits
      {"T200000000", DecodeErrorKind::content},      // over 29 bits
      {"t35545800640", DecodeErrorKind::length},     // odd hex
      {"t355458006400AA", DecodeErrorKind::length},  // one byte too many
      {"t3554580064", DecodeErrorKind::length},      // one byte short
      {"t35545800640G", DecodeErrorKind::content},
      {"t35545800 400", DecodeErrorKind::content},
      {"t355458006400EA60", DecodeErrorKind::content},  // the stamp wraps before it
      {"t3554580064000-01", DecodeErrorKind::content},
      {"r355458006400", DecodeErrorKind::length},  // a remote request carries no data
  };
  for (const auto& [line, kind] : rows) {
    const auto frame = parse_slcan(line);
    ASSERT_FALSE(frame) << line;
    EXPECT_EQ(frame.error().kind, kind) << line;
  }
}

TEST(SlcanFrame, LimitsAndTexts) {
  const auto error = [](std::string_view line) {
    const auto frame = parse_slcan(line);
    return frame ? "good" : frame.error().detail;
  };
  for (const auto* good : {"t7FF0", "t0000", "T1FFFFFFF0", "r7FF8", "R1FFFFFFF8",
                           "t00081122334455667788", "t0000EA5F", "T000000000"})
    EXPECT_EQ(error(good), "good") << good;
  EXPECT_EQ(error("x7FF0"), "a line that is no frame");
  EXPECT_EQ(error("t7FF"), "a frame line cut short");
  EXPECT_EQ(error("T1FFFFFFF"), "a frame line cut short");
  EXPECT_EQ(error("t8000"), "not a CAN identifier");
  EXPECT_EQ(error("T200000000"), "not a CAN identifier");
  EXPECT_EQ(error("t0009112233445566778899"), "length over 8");
  EXPECT_EQ(error("t000G"), "length over 8") << "no digit at all";
  EXPECT_EQ(error({}), "a line that is no frame");
  EXPECT_EQ(error("t000111223"), "a frame line longer or shorter than its length digit states");
  EXPECT_EQ(error("t0001112233445"), "a frame line longer or shorter than its length digit states");
  EXPECT_EQ(error("t00011"), "a frame line longer or shorter than its length digit states");
  EXPECT_EQ(error("t00011G"), "data is not hex");
  EXPECT_EQ(error("t0000EA60"), "not a time stamp of 0 to 59999 ms");
  EXPECT_EQ(error("t0000G000"), "not a time stamp of 0 to 59999 ms");
  const auto frame = parse_slcan("T1ABCDEF0412345678EA5F").value();
  EXPECT_EQ(frame.id, 0x1ABCDEF0u);
  EXPECT_TRUE(frame.extended);
  EXPECT_FALSE(frame.remote);
  EXPECT_EQ(to_hex(frame.payload()), "12345678");
}

TEST(SlcanReader, ErrorsSayWhatWasWrong) {
  const auto error = [](std::string_view text) {
    SlcanReader reader;
    for (const auto& item : reader.feed(to_bytes(text)))
      if (const auto* e = std::get_if<DecodeError>(&item))
        return std::string(name(e->kind)) + ": " + e->detail;
    return std::string("good");
  };
  EXPECT_EQ(error(std::string(32, 'V') + "\r"), "good");
  EXPECT_EQ(error(std::string(33, 'V') + "\r"), "length: a line of more than 32 characters");
  EXPECT_EQ(error(std::string(33, 'V') + "\a"), "length: a line of more than 32 characters");
  EXPECT_EQ(error("t3\a"), "length: a line cut short by BEL");
  EXPECT_EQ(error("F1\r"), "content: a status that is not two hex digits");
  EXPECT_EQ(error("v10\r"), "good");
  EXPECT_EQ(kinds("\r\a\rV1\a"), "araer");
}

TEST(SlcanReader, TellsAnswersFromFrames) {
  EXPECT_EQ(kinds("\r"), "a");
  EXPECT_EQ(kinds("z\rZ\r"), "zz");
  EXPECT_EQ(kinds("\a"), "r");
  EXPECT_EQ(kinds("V1013\rNE550\rF00\r"), "iis");
  EXPECT_EQ(kinds("F\rF0\rFG0\rF000\r"), "eeee");
  EXPECT_EQ(kinds("t355458006400\r\rt355458006400\rz\r"), "fafz");
}

TEST(SlcanReader, GoesOnAfterRubbish) {
  EXPECT_EQ(kinds("\xFFx?!\rt355458006400\r"), "ef");
  EXPECT_EQ(kinds("t35545\at355458006400\r"), "erf");
}

/// 0x359 of 7 bytes whose length digit lost a bit: what is left over would be a time of 20,558 ms.
TEST(SlcanReader, ATimeStampAmongFramesWithoutIsADamagedLengthDigit) {
  const std::string good = "t35970000000004504E\r";
  const std::string damaged = "t35950000000004504E\r";
  EXPECT_EQ(kinds(good + damaged + good), "fef");
  EXPECT_EQ(kinds(good + damaged + good + damaged), "fefe");
  EXPECT_EQ(kinds(damaged + "\r" + good), "eaf");
  SlcanReader reader;
  const auto items = reader.feed(to_bytes(damaged));
  EXPECT_EQ(std::get<DecodeError>(items.at(0)).kind, DecodeErrorKind::length);
  EXPECT_EQ(std::get<DecodeError>(items.at(0)).detail, "a time stamp, or none, unlike before");
}

TEST(SlcanReader, TwoInARowWithATimeStampAreAChannelThatHasThem) {
  const std::string stamped = "t3554580064001A2B\r";
  const std::string bare = "t355458006400\r";
  EXPECT_EQ(kinds(stamped + stamped + stamped), "eff");
  EXPECT_EQ(kinds(stamped + stamped + bare + stamped), "efef");
  EXPECT_EQ(kinds(stamped + stamped + bare + bare + bare), "efeff");
  EXPECT_EQ(kinds(stamped + "F\r" + stamped), "eef") << "what is no frame has no way";
}

TEST(SlcanReader, NoKindOfFrameSeemsToHaveATimeStamp) {
  for (const std::string line : {"t0000", "t000111", "t00081122334455667788", "T000000000",
                                 "T1ABCDEF0412345678", "r7FF8", "R1FFFFFFF8"}) {
    EXPECT_EQ(kinds(line + "\r"), "f") << line;
    EXPECT_EQ(kinds(line + "0000\r"), "e") << line;
  }
}

TEST(SlcanReader, ALineOfMoreThan32CharactersIsOneError) {
  EXPECT_EQ(kinds(std::string(32, '0') + "\r"), "e");
  EXPECT_EQ(kinds(std::string(5000, 't') + "\rt355458006400\r"), "ef");
}

TEST(SlcanReader, ChunkingChangesNothing) {
  const std::string stream = "\rz\r\at3518140 2F401F401C201\rt3558" + std::string(40, 'A') +
                             "\rT1ABCDEF0412345678\rt355458006400\rr3058\rt35C2C000ABCD\rV1013\r";
  const auto bytes = to_bytes(stream);
  const std::string whole = kinds(stream);
  EXPECT_EQ(whole, "azreefffei");
  for (std::size_t chunk = 1; chunk < bytes.size(); ++chunk) {
    SlcanReader reader;
    std::vector<SlcanItem> items;
    for (std::size_t at = 0; at < bytes.size(); at += chunk)
      for (auto& item :
           reader.feed(ByteView{bytes}.subspan(at, std::min(chunk, bytes.size() - at))))
        items.push_back(std::move(item));
    EXPECT_EQ(kinds(items), whole) << chunk;
  }
}

TEST(SlcanReader, ResetForgetsAHalfLine) {
  SlcanReader reader;
  EXPECT_TRUE(reader.feed(to_bytes("t3554580")).empty());
  reader.reset();
  EXPECT_EQ(kinds(reader.feed(to_bytes("t355458006400\r"))), "f");
}

TEST(SlcanReader, AnyBytesAreSurvived) {
  std::mt19937 random(2);
  const std::string alphabet = "tTrR0123456789ABCDEFzZVNF\r\r\a\xFF";
  SlcanReader reader;
  std::size_t frames = 0;
  for (int i = 0; i < 200000; ++i) {
    const std::byte b{static_cast<std::uint8_t>(alphabet[random() % alphabet.size()])};
    for (const auto& item : reader.feed({&b, 1}))
      if (const auto* frame = std::get_if<CanFrame>(&item)) {
        ++frames;
        EXPECT_LE(frame->size, 8);
        EXPECT_LE(frame->id, frame->extended ? 0x1FFFFFFFu : 0x7FFu);
      }
  }
  EXPECT_GT(frames, 0u);
}

TEST(SlcanStatus, IsShownRawWithTheMeaningOfLawicel) {
  SlcanReader reader;
  const auto items = reader.feed(to_bytes("F24\r"));
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(describe(std::get<SlcanStatus>(items.front())),
            "F24 (LAWICEL: error warning, error passive)");
  EXPECT_EQ(describe(SlcanStatus{0}), "F00");
  EXPECT_EQ(describe(SlcanStatus{0x01}), "F01 (LAWICEL: receive queue full)");
  EXPECT_EQ(describe(SlcanStatus{0x80}), "F80 (LAWICEL: bus error)");
  EXPECT_EQ(describe(SlcanStatus{0xFF}),
            "FFF (LAWICEL: receive queue full, transmit queue full, error warning, data overrun, "
            "bit 4, error passive, arbitration lost, bus error)");
  EXPECT_EQ(SlcanStatus{}.bits, 0) << "nothing is wrong before it is read";
}

// ---- opening -----------------------------------------------------------------------------------

constexpr Instant t0{1000s};

TEST(SlcanOpening, GoesOnWithEachAnswer) {
  SlcanOpening opening;
  EXPECT_EQ(text(opening.start(t0, SlcanMode::normal)), "\rC\r");
  EXPECT_FALSE(opening.done());
  EXPECT_EQ(text(opening.on_response(t0 + 1ms).value()), "S6\r");
  EXPECT_EQ(text(opening.on_response(t0 + 2ms).value()), "O\r");
  EXPECT_FALSE(opening.done());
  EXPECT_FALSE(opening.on_response(t0 + 3ms));
  EXPECT_TRUE(opening.done());
}

TEST(SlcanOpening, ListenOnlyEndsWithLNeverWithO) {
  SlcanOpening opening;
  std::string sent = text(opening.start(t0, SlcanMode::listen_only));
  EXPECT_FALSE(opening.at_last_command());
  while (const auto command = opening.on_response(t0)) sent += text(*command);
  EXPECT_EQ(sent, "\rC\rS6\rL\r");
}

TEST(SlcanOpening, KnowsWhichAnswerOpensTheChannel) {
  SlcanOpening opening;
  (void)opening.start(t0, SlcanMode::normal);
  (void)opening.on_response(t0);
  EXPECT_FALSE(opening.at_last_command());
  (void)opening.on_response(t0);
  EXPECT_TRUE(opening.at_last_command());
  (void)opening.on_response(t0);
  EXPECT_FALSE(opening.at_last_command());
}

TEST(SlcanOpening, NeverWaitsLongerThan100Milliseconds) {
  SlcanOpening opening;
  (void)opening.start(t0, SlcanMode::normal);
  Instant now = t0;
  std::string sent;
  while (!opening.done()) {
    ASSERT_LE(opening.deadline().value() - now, 100ms);
    EXPECT_FALSE(opening.on_timer(now)) << "too early";
    now = *opening.deadline();
    if (const auto command = opening.on_timer(now)) sent += text(*command);
  }
  EXPECT_EQ(sent, "S6\rO\r");
  EXPECT_LE(now - t0, 300ms);
}

TEST(SlcanOpening, LateAnswersAndWakeUpsDoNothingWhenDone) {
  SlcanOpening opening;
  EXPECT_TRUE(opening.done());
  EXPECT_FALSE(opening.closing());
  EXPECT_FALSE(opening.at_last_command());
  EXPECT_FALSE(opening.on_response(t0));
  EXPECT_FALSE(opening.on_timer(t0));
  EXPECT_FALSE(opening.deadline());
}

TEST(SlcanOpening, IsClosingUntilTheFirstAnswer) {
  SlcanOpening opening;
  (void)opening.start(t0, SlcanMode::normal);
  EXPECT_TRUE(opening.closing());
  while (!opening.done()) {
    (void)opening.on_response(t0);
    EXPECT_FALSE(opening.closing());
  }
}

}  // namespace
}  // namespace esshub::protocol
