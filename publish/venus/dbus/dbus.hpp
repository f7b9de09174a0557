// The Venus services on D-Bus: owns the names and answers for every path, on a thread of its own.
#pragma once

#include <memory>

#include "model/command.hpp"
#include "model/event.hpp"
#include "model/view.hpp"
#include "publish/venus/service.hpp"
#include "publish/venus/settings.hpp"

namespace esshub::publish {

/// com.victronenergy.BusItem as Venus OS has it (reference: venus-dbus-mqtt#1): GetItems
/// and one ItemsChanged a View with what has changed, GetValue, GetText and SetValue per path;
/// invalid is an empty array. One connection per service, because their paths overlap. A bus that
/// is down or slow costs control nothing (F15).
class Dbus {
 public:
  static constexpr Duration period = 1s;  ///< of the Views it is given

  Dbus(const DbusSettings& settings, const VenusIdentity& identity, const CommandSink& commands,
       const EventSink& events);
  ~Dbus();
  Dbus(const Dbus&) = delete;
  Dbus& operator=(const Dbus&) = delete;

  /// Thread-safe; never waits.
  void update(const View& view);
  /// Gives the names back; waits at most 2 s. After it neither sink is called again.
  void close();

 private:
  class Server;
  std::shared_ptr<Server> server_;
  std::unique_ptr<class DetachableThread> thread_;
};

}  // namespace esshub::publish
