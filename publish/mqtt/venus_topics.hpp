// The MQTT topics of Venus OS: N/ what is, R/ asked for, W/ written; with keep-alive.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.hpp"
#include "publish/mqtt/outbox.hpp"
#include "publish/rate_limit.hpp"
#include "publish/venus/service.hpp"

namespace esshub::publish {

/// Says what dbus-flashmq would say (reference: venus-dbus-mqtt#5): nothing until somebody
/// sends a keep-alive, then everything once and what changes, until 60 s after the last one.
/// Nothing is retained but the system's serial number, which is said at every connection and stays
/// when the hub is gone: it is how clients find the portal id.
class VenusTopics {
 public:
  static constexpr Duration keep_alive = 60s;
  static constexpr Duration heartbeat_period = 3s;

  explicit VenusTopics(VenusIdentity identity);
  VenusTopics(const VenusTopics&) = delete;  // its rows refer to its own identity
  VenusTopics& operator=(const VenusTopics&) = delete;

  [[nodiscard]] std::vector<std::string> subscriptions() const;

  /// A new connection: nobody has heard anything yet.
  void on_connect(Outbox& out);
  /// Publishes what has changed since the last View, while somebody listens.
  void on_view(const View& view, Instant now, Outbox& out);
  void on_timer(Instant now, Outbox& out);
  /// A message on R/; false if it is none that is known.
  bool on_read(std::string_view topic, std::string_view payload, Instant now, Outbox& out);
  /// All services leave: each topic that was published gets an empty message.
  void on_stop(Instant now, Outbox& out);

  struct Write {
    std::string service;
    std::string path;             ///< "/Hub4/L1/AcPowerSetpoint"
    std::optional<double> value;  ///< nothing = null
  };
  /// A message on W/.
  [[nodiscard]] Result<Write> parse_write(std::string_view topic, std::string_view payload) const;

  [[nodiscard]] bool alive(Instant now) const { return alive_until_ && now < *alive_until_; }

 private:
  struct Address {
    const VenusService* service;
    std::string path;
  };
  [[nodiscard]] std::optional<Address> address(std::string_view topic) const;
  void on_keep_alive(std::string_view payload, Instant now, Outbox& out);
  void publish_all(Outbox& out, const std::string& echo);
  void publish(std::size_t row, Outbox& out);
  [[nodiscard]] std::string topic(const VenusRow& row) const;
  [[nodiscard]] std::string own_topic(std::string_view name) const;
  [[nodiscard]] long long unix_seconds(Instant now) const;

  const VenusIdentity identity_;
  std::vector<VenusRow> rows_;                        ///< of the newest View
  std::vector<std::optional<VenusValue>> published_;  ///< as last said
  WallTime wall_{};                                   ///< of the newest View
  Instant at_{};
  std::optional<Instant> alive_until_;
  Instant heartbeat_at_{};
  RateLimit full_publishes_{3, 3};
};

}  // namespace esshub::publish
