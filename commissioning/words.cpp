#include "commissioning/words.hpp"

#include <cmath>
#include <string>

#include "model/enums.hpp"

namespace esshub::commissioning {
namespace {

std::string watts(double power) {
  return std::to_string(std::lround(power)) + " W";
}

/// How the configuration calls a conductor of that role.
std::string measures(Role role) {
  switch (role) {
    case Role::grid:
      return "measures = \"grid\"";
    case Role::solar:
      return "measures = \"solar\"";
    case Role::battery_line:
      return "measures = \"battery_meter\"";
    case Role::spare:
      return "measures = \"circuit1\" (or another free circuit)";
    case Role::no_current:
    case Role::not_sure:
      return "no measures";
  }
  return {};
}

bool follows_the_battery(Role role) {
  return role == Role::grid || role == Role::battery_line;
}

std::string found_of(const ChannelFinding& f, bool limit_possible) {
  switch (f.role) {
    case Role::grid:
      return "it shows the battery's steps and the house: the grid connection";
    case Role::battery_line:
      return "it shows the battery's steps and nothing else: the line to the inverter";
    case Role::solar:
      return "the battery does not move it, and the grid falls by what it rises: solar";
    case Role::spare:
      return "the battery does not move it, and the grid rises with it: a circuit of the house";
    case Role::no_current:
      return follows_the_battery(configured_role(f.point))
                 ? "no current, although the battery moved: a clamp that is off, a broken wire, a "
                   "clamp on another conductor, a meter whose system type is not 3P4W, or at the "
                   "grid a solar inverter that holds the export at 0 W"
                 : "no current: solar at night, a circuit that draws nothing and a dead clamp look "
                   "alike";
    case Role::not_sure:
      break;
  }
  if (f.likely == Role::solar)
    return "probably solar, " + watts(f.mean.value()) + "; too steady or too noisy to be certain";
  if (f.likely == Role::spare)
    return std::string{"probably a circuit of the house; too steady or too noisy to be certain"} +
           (limit_possible ? ", or a solar inverter that now and then meets its export limit" : "");
  if (f.likely == Role::grid && limit_possible)
    return "it shows the battery's steps and more: the grid, or a solar inverter that holds an "
           "export limit and hides the grid";
  if (f.likely == Role::grid || f.likely == Role::battery_line)
    return "it shows the battery's steps; whether it is the grid or the line to the inverter is "
           "not certain";
  return "too much happened in the house, or too little: nothing is certain";
}

std::string ratio_change(Ratio ratio) {
  switch (ratio) {
    case Ratio::twice:
      return "twice the power there is: look at the meter's CT ratio and at the label of the "
             "clamp, "
             "and halve the ratio if it is wrong";
    case Ratio::half:
      return "half the power there is: a CT ratio of half, or the voltage input on another phase, "
             "which also turns the sign: mend that, then measure again";
    case Ratio::open:
    case Ratio::one:
      break;
  }
  return {};
}

void add(std::string& text, const std::string& more) {
  if (more.empty()) return;
  if (!text.empty()) text += "; ";
  text += more;
}

std::string change_of(const ChannelFinding& f) {
  std::string text;
  if (f.role == Role::not_sure) return text;
  const Role wanted = configured_role(f.point);
  if (f.role == Role::no_current) {
    if (follows_the_battery(wanted)) add(text, "mend clamp or wire, then measure again");
    return text;
  }
  if (f.role != wanted)
    add(text, "the channel that is now " + std::string{esshub::name(f.point)} + " is " +
                  measures(f.role));
  if (f.sign == Sign::reversed)
    add(text, "turn its `invert` over: true where it is false or not set");
  add(text, ratio_change(f.ratio));
  return text;
}

}  // namespace

const char* name(Role role) {
  switch (role) {
    case Role::not_sure:
      return "not sure";
    case Role::grid:
      return "grid";
    case Role::solar:
      return "solar";
    case Role::battery_line:
      return "battery line";
    case Role::spare:
      return "circuit";
    case Role::no_current:
      return "no current";
  }
  return "";
}

Role configured_role(Point point) {
  if (point == Point::grid) return Role::grid;
  if (point == Point::solar) return Role::solar;
  if (point == Point::battery_meter) return Role::battery_line;
  return Role::spare;
}

void put_into_words(Findings& findings) {
  for (auto& channel : findings.channels) {
    channel.found = findings.enough ? found_of(channel, findings.limit_possible)
                                    : "the inverter did not move enough: nothing was measured";
    channel.change = findings.enough ? change_of(channel) : std::string{};
  }
}

}  // namespace esshub::commissioning
