#include "protocol/vebus/task.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "tests/protocol/vebus/hand.hpp"

namespace esshub::protocol::vebus {
namespace {

TEST(VebusDriverWire, LateAnswersAreDroppedAndCounted) {
  Hand hand;
  hand.make_ready();
  hand.command(-100.0);
  hand.answer();
  const auto lost = std::get<Winmon>(hand.last());
  ASSERT_EQ(lost.code, Code::write_by_id);
  hand.wait(600ms);
  hand.give(Winmon{lost.letter, Code::ram_written, {}});
  EXPECT_FALSE(hand.sample(Point::inverter, Measure::setpoint));
  EXPECT_EQ(hand.health().frames[FrameResult::late], 1u);
  EXPECT_EQ(hand.words_written().size(), 2u);  // written again, still alive
}

TEST(VebusDriverWire, OneRequestAtATime) {
  Hand hand;
  hand.make_ready();
  const auto before = hand.sent.size();
  for (int i = 0; i < 20; ++i) {
    hand.command(-100.0 - i);
    hand.give(Version{good_version, 0}, 5ms);
    hand.give(Forwarded{0x38, Bytes(4, std::byte{9})}, 5ms);
  }
  EXPECT_EQ(hand.sent.size(), before);
}

// ---- what answers what (reference: vebus-mk3#3, vebus-mk3#4.2) ---------------------------------

constexpr std::array all_tasks{
    Task::find_interface, Task::select_address, Task::settings,  Task::hardware_flags,
    Task::firmware_low,   Task::firmware_high,  Task::scales,    Task::units,
    Task::records,        Task::switch_state,   Task::setpoint,  Task::snapshot,
    Task::mains,          Task::leds,           Task::heartbeat, Task::check_record,
    Task::device_state,   Task::battery,        Task::input,     Task::keep_flags};

TEST(VebusTask, EachBelongsToItsGroups) {
  const std::vector<Task> optional{Task::hardware_flags, Task::firmware_low, Task::firmware_high};
  const std::vector<Task> of_power{Task::snapshot, Task::check_record};
  for (std::size_t i = 0; i < all_tasks.size(); ++i) {
    const Task task = all_tasks[i];
    EXPECT_EQ(is_handshake(task), i <= 8) << i;
    EXPECT_EQ(is_poll(task), i >= 11) << i;
    EXPECT_EQ(is_optional(task), std::ranges::find(optional, task) != optional.end()) << i;
    EXPECT_EQ(reads_power(task), std::ranges::find(of_power, task) != of_power.end()) << i;
    EXPECT_EQ(i > 0 ? after(all_tasks[i - 1]) : task, task) << i;
    EXPECT_EQ(reply_limit(task), task == Task::find_interface ? 2s
                                 : task == Task::input        ? 1200ms
                                                              : 500ms)
        << i;
  }
}

TEST(VebusTask, EachIsAnsweredByItsOwnKindOfMessageAlone) {
  struct Kind {
    Message message;
    std::vector<Task> tasks;
  };
  const auto winmon = [](Code code) { return Winmon{Letter::y, code, {}}; };
  const std::vector<Task> any_winmon{Task::firmware_low, Task::firmware_high, Task::scales,
                                     Task::records,      Task::setpoint,      Task::snapshot,
                                     Task::check_record, Task::device_state};
  const std::vector<Kind> kinds{
      {Version{}, {Task::find_interface, Task::heartbeat}},
      {VersionRequest{}, {}},
      {Address{}, {Task::select_address}},
      {StateAck{}, {Task::settings, Task::switch_state}},
      {StateSet{}, {}},
      {HardwareFlags{}, {Task::hardware_flags, Task::keep_flags}},
      {AcInfo{.phase_code = 0x08}, {Task::units, Task::mains}},
      {AcInfo{.phase_code = 0x0B}, {Task::units, Task::mains}},
      {AcInfo{.phase_code = 0x07}, {}},
      {Leds{}, {Task::leds}},
      {LedRequest{}, {}},
      {DcInfo{}, {Task::battery}},
      {ConfigInfo{}, {Task::input}},
      {Forwarded{}, {}},
      {Reset{}, {}},
      {winmon(Code::firmware_low_is), {Task::firmware_low}},
      {winmon(Code::firmware_high_is), {Task::firmware_high}},
      {winmon(Code::ram_info_is), {Task::scales}},
      {winmon(Code::ram_offset_is), {}},
      {winmon(Code::ram_is), {Task::records, Task::check_record}},
      {winmon(Code::ram_written), {Task::setpoint}},
      {winmon(Code::setting_written), {Task::setpoint}},
      {winmon(Code::snapshot_is), {Task::snapshot}},
      {winmon(Code::device_state_is), {Task::device_state}},
      {winmon(Code::setting_is), {}},
      {winmon(Code::unknown_command), any_winmon},
      {winmon(Code::ram_unsupported), any_winmon},
      {winmon(Code::setting_unsupported), any_winmon},
      {winmon(Code::access_denied), any_winmon},
      {winmon(Code::read_snapshot), {}},  // a request heard back
      {winmon(Code::read_ram), {}},
  };
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const auto& [message, tasks] = kinds[k];
    for (const Task task : all_tasks) {
      const bool expected = std::ranges::find(tasks, task) != tasks.end();
      const auto index = static_cast<int>(task);
      EXPECT_EQ(is_response(task, Letter::y, false, message), expected) << k << " task " << index;
      EXPECT_EQ(is_response(task, Letter::z, false, message),
                expected && !std::holds_alternative<Winmon>(message))
          << k << " task " << index;
    }
  }
  for (const Task task : all_tasks)
    EXPECT_EQ(is_response(task, Letter::y, true, winmon(Code::ram_offset_is)),
              task == Task::scales);
}

// ---- letters ------------------------------------------------------------------------------------

TEST(VebusRequestIds, GoRoundAndOneThatIsOwedRestsForThreeSeconds) {
  RequestIds ids;
  const Instant start = Instant{} + 1h;
  for (const Letter letter : {Letter::x, Letter::y, Letter::z, Letter::x})
    EXPECT_EQ(ids.next(start), letter);
  ids.rest(Letter::y, start);
  EXPECT_EQ(ids.next(start), Letter::z);
  EXPECT_EQ(ids.next(start), Letter::x);
  EXPECT_EQ(ids.next(start), Letter::z);
  ids.rest(Letter::x, start + 1s);
  ids.rest(Letter::z, start + 2s);
  EXPECT_FALSE(ids.next(start + 2s));
  EXPECT_EQ(ids.free_at(), start + 3s);
  EXPECT_FALSE(ids.next(start + 3s - 1ns));
  EXPECT_EQ(ids.next(start + 3s), Letter::y);
}

}  // namespace
}  // namespace esshub::protocol::vebus
