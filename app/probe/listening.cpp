#include "app/probe/listening.hpp"

#include <variant>

#include "protocol/vebus/messages.hpp"

namespace esshub::app {

using protocol::Bytes;

std::vector<Bytes> Listening::on_start(Instant now) {
  end_ = now + patience_;
  return {};
}

std::vector<Bytes> Listening::on_bytes(protocol::ByteView bytes, Instant at) {
  heard_ = heard_ || !bytes.empty();
  mk3_frames_.push(bytes);
  while (const auto frame = mk3_frames_.next(counters_))
    if (const auto message = protocol::vebus::decode(*frame))
      mk3_ = mk3_ || std::holds_alternative<protocol::vebus::Version>(*message);
  for (const auto& item : slcan_lines_.feed(bytes))
    slcan_ = slcan_ || std::holds_alternative<protocol::CanFrame>(item);
  modbus_frames_.push(bytes, at);
  while (const auto frame = modbus_frames_.next())
    other_master_ = other_master_ || frame->kind == protocol::modbus::ScannedFrame::Kind::request;
  return {};
}

std::vector<Bytes> Listening::on_timer(Instant now) {
  late_ = now >= end_;
  return {};
}

Talker Listening::talker() const {
  if (other_master_) return Talker::other_master;
  if (mk3_) return Talker::mk3;
  if (slcan_) return Talker::slcan;
  return heard_ ? Talker::unknown : Talker::nobody;
}

}  // namespace esshub::app
