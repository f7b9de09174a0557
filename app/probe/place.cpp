#include "app/probe/place.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace esshub::app {
namespace {

constexpr std::uint32_t read_and_write = 06;

}  // namespace

bool may_open(const PortFacts& port, const UserFacts& user) {
  if (user.uid == 0) return true;
  const auto allows = [&](unsigned shift) {
    return (port.mode >> shift & read_and_write) == read_and_write;
  };
  if (user.uid == port.uid) return allows(6);
  if (std::ranges::find(user.gids, port.gid) != user.gids.end()) return allows(3);
  return allows(0);
}

Finding judge_port(const std::string& bus, const PortFacts& port,
                   const std::optional<UserFacts>& user) {
  const auto what = fmt::format("{}: {}", bus, port.path);
  const auto failed = [&](std::string symptom, std::string cause, std::string action) {
    return Finding{what, Verdict::failed, std::move(symptom), std::move(cause), std::move(action)};
  };
  if (!port.exists)
    return failed("no such device", "the adapter is not plugged in, or has another name",
                  port.adapters.empty()
                      ? "plug it in; /dev/serial/by-id shows none at the moment"
                      : fmt::format("plug it in, or set port to one of /dev/serial/by-id: {}",
                                    fmt::join(port.adapters, ", ")));
  if (!port.character_device)
    return failed("it is no serial port", "port names a file or folder",
                  "set port to the adapter's name in /dev/serial/by-id");
  if (port.holder != 0)
    return failed(
        fmt::format("held by {} (process {})",
                    port.holder_name.empty() ? "a program" : port.holder_name, port.holder),
        "two programs on one port take each other's bytes, so the hub opens it for "
        "itself alone",
        fmt::format("stop that program first (`ps {}` shows it; ModemManager: "
                    "systemctl disable --now ModemManager)",
                    port.holder));
  const auto place = port.target.empty() || port.target == port.path ? std::string{"exists"}
                                                                     : "leads to " + port.target;
  if (!user) return ok(what, place + ", nobody holds it");
  if (!may_open(port, *user))
    return failed(
        fmt::format("{}, and the user {} may not open it (mode {:o}, group {})", place, user->name,
                    port.mode, port.group),
        fmt::format("{} is not in the group {}", user->name, port.group),
        fmt::format("usermod -aG {} {}; then restart the service", port.group, user->name));
  return ok(what, fmt::format("{}, nobody holds it, {} may open it", place, user->name));
}

Finding judge_clock(civil_time::ClockSource source, const ClockFacts& facts) {
  using civil_time::ClockSource;
  const std::string what = "clock";
  const auto& status = facts.status;
  std::string seen = status.synchronised ? "a time server keeps it" : "no time server keeps it";
  if (status.ahead_of_rtc) {
    seen += fmt::format(", {} s from the RTC", status.ahead_of_rtc->count());
  } else {
    seen += ", no RTC";
  }
  if (civil_time::is_trusted(source, status)) {
    if (source == ClockSource::ntp && !status.ahead_of_rtc && facts.schedule_or_tariff)
      return {what, Verdict::warning, seen,
              "after a power cut without internet it does not know the time",
              "an RTC with a battery makes it sure; else schedule and tariff stand aside until the "
              "internet is back"};
    return ok(what, seen);
  }
  const auto verdict = facts.schedule_or_tariff ? Verdict::failed : Verdict::warning;
  switch (source) {
    case ClockSource::ntp:
      return {what, verdict, seen,
              "schedule, tariff and Smart plan stand aside while the clock is not trusted",
              "timedatectl set-ntp true (or chrony); without internet: an RTC with a battery and "
              "clock = \"rtc\" in [site]"};
    case ClockSource::rtc:
      return {what, verdict, seen, "there is no RTC that answers, or it shows another time",
              "look at `hwclock --show --verbose`; set it once with `hwclock --systohc`"};
    case ClockSource::manual:
      break;
  }
  return {what, verdict, seen, "it shows a time before this program was written",
          "set it: timedatectl set-time \"2026-12-01 12:00:00\""};
}

Finding hub_runs(int process, const std::string& file) {
  return {"hub", Verdict::failed, fmt::format("a hub of {} runs (process {})", file, process),
          "it holds the ports and asks the devices: nothing was opened or sent",
          "sudo systemctl stop esshub, probe, sudo systemctl start esshub (by hand: Ctrl-C at its "
          "terminal). What it sees itself: esshub status"};
}

Finding other_hub_runs(int process, const std::string& file) {
  auto out = hub_runs(process, file);
  out.cause =
      "a device that both ask would have two masters (on TCP and CAN nobody sees who else asks): "
      "nothing was opened or sent";
  out.action += ". --beside-hub goes on, where no device is of both";
  return out;
}

}  // namespace esshub::app
