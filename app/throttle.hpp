// Keeps events from flooding the log: the first, every hundredth, and a sum in between.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/event.hpp"
#include "model/time.hpp"

namespace esshub::app {

class Throttle {
 public:
  static constexpr std::uint64_t every = 100;
  static constexpr Duration pause = 10s;  ///< between two that are shown of those alike, at least
  static constexpr std::size_t most_of_a_kind = 20;
  static constexpr Duration quiet_after = 60s;
  static constexpr Duration told_every = 30s;

  /// How many like it were held back since one was last shown; nothing = hold this one back too.
  /// Two events are alike if component, name and detail agree, numbers aside (`errors=5` is
  /// `errors=6`, but another `meter=` is another event). Strangers choose what some details say:
  /// beyond 20 different ones of a kind (a component's name) all the others are alike.
  [[nodiscard]] std::optional<std::uint64_t> admit(const std::string& component, const Event& event,
                                                   Instant now);

  struct Held {
    std::string component;
    Event event;  ///< the newest one held back
    std::uint64_t count;
  };
  /// What was held back for 30 s: what goes on is told, if not each time. Events that have not come
  /// for a minute are forgotten by this, so that the next one is a first one again.
  [[nodiscard]] std::vector<Held> take_held(Instant now);

 private:
  struct Entry {
    Event newest;
    std::uint64_t seen = 0;
    std::uint64_t held = 0;
    Instant last{};
    Instant told{};
  };
  using Kind = std::pair<std::string, std::string>;  // component, name
  struct Alike {
    Kind kind;
    std::string detail;  // without numbers
    bool others = false;
    friend auto operator<=>(const Alike&, const Alike&) = default;
  };
  std::map<Alike, Entry> entries_;
  std::map<Kind, std::size_t> kinds_;  // how many entries, but for that of all the others
};

}  // namespace esshub::app
