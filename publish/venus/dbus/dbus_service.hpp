// One Venus service on one D-Bus connection: its objects, its answers, its signals.
#pragma once

#include <systemd/sd-bus.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/result.hpp"
#include "publish/venus/service.hpp"

namespace esshub::publish {

/// Not thread-safe: belongs to the thread of the Dbus.
class DbusService {
 public:
  /// A write by `sender` to a path of ours.
  using Write = std::function<Result<void>(const VenusService& service, std::string_view path,
                                           std::optional<double> value, const std::string& sender)>;

  DbusService(const VenusService& service, Write write);
  ~DbusService();
  DbusService(const DbusService&) = delete;
  DbusService& operator=(const DbusService&) = delete;

  /// Connects, exports all `rows` (those of this service) and asks for the name, in this order.
  /// `bus`: "system", "session" or an address. Empty, or what went wrong.
  [[nodiscard]] std::string connect(const std::string& bus, const std::vector<VenusRow>& rows);
  [[nodiscard]] bool connected() const { return bus_ != nullptr; }

  /// Takes up the values and says in one signal which have changed. Skipped while the bus takes
  /// nothing: the next time says it.
  void show(const std::vector<VenusRow>& rows);

  // For the loop: what to wait for, and what to do then.
  [[nodiscard]] int fd() const;
  [[nodiscard]] short events() const;
  [[nodiscard]] std::optional<Duration> timeout(Instant now) const;
  /// Handles at most `most` messages. Empty, or why the connection is lost.
  [[nodiscard]] std::string process(int most);
  /// True if the last process() left messages waiting.
  [[nodiscard]] bool flooded() const { return flooded_; }
  /// Why the name was not given; once.
  [[nodiscard]] std::string take_trouble() { return std::exchange(trouble_, {}); }
  [[nodiscard]] bool take_named() { return std::exchange(named_, false); }

  void disconnect();

  [[nodiscard]] const VenusService& service() const { return service_; }

 private:
  struct Item;
  struct Branch;
  [[nodiscard]] std::string export_objects(const std::vector<VenusRow>& rows);
  int append_items(sd_bus_message* message, bool only_changed) const;

  static int get_value(sd_bus_message* m, void* self, sd_bus_error* error);
  static int get_text(sd_bus_message* m, void* self, sd_bus_error* error);
  static int set_value(sd_bus_message* m, void* self, sd_bus_error* error);
  static int get_items(sd_bus_message* m, void* self, sd_bus_error* error);
  static int get_branch(sd_bus_message* m, void* self, sd_bus_error* error);
  static int get_branch_text(sd_bus_message* m, void* self, sd_bus_error* error);
  static int on_name(sd_bus_message* m, void* self, sd_bus_error* error);

  static const sd_bus_vtable leaf_table[];
  static const sd_bus_vtable branch_table[];
  static const sd_bus_vtable root_table[];

  const VenusService& service_;
  const Write write_;
  sd_bus* bus_ = nullptr;
  std::vector<std::unique_ptr<Item>> items_;
  std::vector<std::unique_ptr<Branch>> branches_;
  std::string trouble_;
  bool named_ = false;
  bool flooded_ = false;
};

}  // namespace esshub::publish
