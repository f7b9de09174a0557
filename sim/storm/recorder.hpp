// Recorder: writes what happens in an episode as docs/storm-record.md says.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "control/tick.hpp"
#include "model/command.hpp"
#include "sim/plant/plant.hpp"
#include "sim/storm/injection.hpp"
#include "sim/storm/plan.hpp"
#include "sim/storm/wire_tap.hpp"

namespace esshub::sim::storm {

class Recorder {
 public:
  Recorder(std::ostream& out, Instant start) : out_(out), start_(start) {}

  void header(const Plan& plan, unsigned episode);
  void truth(const House& house, Instant now);
  void meter(const MeterReply& reply, Instant now);
  void bms(const CanWords& frame, Instant now);
  void inverter(const InterfaceFrame& frame, Instant now);
  void setpoint(Watts at_ac_in, Instant now);
  void release(Instant now);
  void injection(const Injection& injection, std::size_t id, bool begins, Instant now);
  void clock(WallTime wall, bool trusted, Instant now);
  void process(const char* what, Instant now, const std::string& part = {},
               std::optional<bool> acknowledged = {});
  void history(const char* what, bool ok, Instant now);
  void disk(const char* what, std::optional<bool> ok, Instant now);
  void order(const std::string& who, const Command& command, const Result<void>& answer,
             Instant now);
  void line(Bus bus, bool open, Instant now);
  void event(const std::string& component, const Event& event, Instant now);
  /// The hub's claims after a tick.
  void claims(const control::Tick& tick, Instant now);
  /// None runs: the next one's claims are all new.
  void forget_claims();
  void end(const std::string& verdict, std::uint64_t hash, std::uint64_t ticks,
           std::uint64_t setpoints, Instant now);

 private:
  using Json = nlohmann::ordered_json;
  [[nodiscard]] Json begin(const char* kind, Instant now) const;
  void write(const Json& line);

  std::ostream& out_;
  const Instant start_;
  Json truth_ = Json::object();  ///< as written last
  FaultFlags faults_;
  Json decision_, reasons_, shown_;
  Instant next_shown_{};
};

/// A command as the record has it, also for a trace: {"name":"override",...}.
[[nodiscard]] nlohmann::ordered_json command_json(const Command& command);

}  // namespace esshub::sim::storm
