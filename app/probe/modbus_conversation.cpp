#include "app/probe/modbus_conversation.hpp"

#include <algorithm>
#include <utility>

namespace esshub::app {

using protocol::Bytes;
namespace modbus = protocol::modbus;

ModbusConversation::ModbusConversation(std::vector<modbus::RtuRequest> requests, ModbusPace pace)
    : requests_(std::move(requests)), pace_(pace), answers_(requests_.size()) {}

Duration ModbusConversation::wire_time(std::size_t characters) const {
  return as_duration(std::chrono::duration<double>(
      static_cast<double>(characters * pace_.bits_per_character) / pace_.baud));
}

std::vector<Bytes> ModbusConversation::on_start(Instant now) {
  next_ = now + pace_.listen;
  return on_timer(now);
}

std::vector<Bytes> ModbusConversation::on_bytes(protocol::ByteView bytes, Instant at) {
  if (over_) return {};
  heard_ += bytes.size();
  scanner_.push(bytes, at);
  take_frames(at);
  return on_timer(at);
}

void ModbusConversation::take_frames(Instant at) {
  using Kind = modbus::ScannedFrame::Kind;
  while (const auto frame = scanner_.next()) {
    if (!asked_) {
      // Between our own requests a late answer may come, but no request of ours.
      other_master_ = other_master_ || frame->kind == Kind::request;
      continue;
    }
    auto& answer = answers_[current_];
    const auto& request = requests_[current_];
    if (frame->kind == Kind::request && frame->request != request) other_master_ = true;
    if (frame->request != request) continue;
    if (frame->kind == Kind::response) {
      const auto registers = modbus::decode_response(frame->bytes, request);
      if (!registers) continue;
      answer.registers.assign(registers->begin(), registers->end());
    } else if (frame->kind != Kind::exception) {
      continue;  // damaged, or the adapter's echo of our request
    }
    answer.answered = true;
    settle(at);
    return;
  }
}

/// The present request is through.
void ModbusConversation::settle(Instant now) {
  ++current_;
  tried_ = 0;
  asked_ = false;
  next_ = now + pace_.gap;
}

std::vector<Bytes> ModbusConversation::on_timer(Instant now) {
  if (over_ || now < next_) return {};
  if (other_master_) {
    over_ = true;
    return {};
  }
  if (asked_) {  // in vain
    scanner_.silence();
    take_frames(now);
    if (!asked_) return {};  // what waited for its rest was the answer
    answers_[current_].noise = heard_;
    asked_ = false;
    if (tried_ == pace_.tries) settle(now);
  }
  if (current_ == requests_.size()) {
    over_ = true;
    return {};
  }
  const auto& request = requests_[current_];
  scanner_.restart(request);
  asked_ = true;
  heard_ = 0;
  ++tried_;
  next_ = now + pace_.patience +
          wire_time(modbus::request_size +
                    std::max(modbus::response_size(request), modbus::exception_size));
  return {modbus::encode(request)};
}

}  // namespace esshub::app
