// View, history and plan -> JSON for the page and the REST interface; what is stale becomes null.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/command.hpp"
#include "model/feed.hpp"
#include "model/order_limits.hpp"
#include "model/past_day.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"
#include "model/savings.hpp"
#include "model/smart_plan.hpp"
#include "model/view.hpp"
#include "publish/config_notes.hpp"
#include "publish/history/history.hpp"

namespace esshub::publish {

/// Powers in W with the hub's signs, SOC in %, energies in kWh, times as seconds since 1970 (UTC).
/// Every measured value stands beside its age; a value past its maximum age is null, its age stays.
/// `now` is when it is sent: a control that has stopped makes everything stale.
[[nodiscard]] nlohmann::json state_json(const View& view, Instant now,
                                        const ConfigNotes& notes = {});
/// Name, severity, advice and how long ago each active fault was raised.
[[nodiscard]] nlohmann::json faults_json(const View& view, Instant now);
[[nodiscard]] nlohmann::json buses_json(const View& view);
/// The newest reading of every power, each with its own time stamp on the steady clock of the hub,
/// and of what the battery's terminals show. For whoever asks ten times a second and fits a line.
[[nodiscard]] nlohmann::json readings_json(const View& view, Instant now);

[[nodiscard]] nlohmann::json minutes_json(const std::vector<MinuteRow>& rows);
[[nodiscard]] nlohmann::json days_json(const std::vector<DayRow>& rows);
[[nodiscard]] nlohmann::json events_json(const std::vector<HistoryEvent>& events);
[[nodiscard]] nlohmann::json plan_json(const std::vector<PlanSpan>& spans, const SmartState& smart,
                                       const std::vector<FeedState>& feeds);
[[nodiscard]] nlohmann::json savings_json(const SavingsState& savings);
/// Null where it is not known.
[[nodiscard]] nlohmann::json past_day_json(const std::optional<PastDay>& day);

/// The ranges of what may be ordered here, by their names; a dispatch is not.
[[nodiscard]] nlohmann::json limits_json(const std::vector<OrderLimit>& limits);

/// What changes the sense of the picture, as one text: reasons, faults, instruction, which values
/// are current. Equal texts differ only in numbers.
[[nodiscard]] std::string state_fingerprint(const View& view, Instant now);

/// Bodies of the writes -> commands. An Error names the key, what was found and what is allowed; a
/// key that is not known is one too.
[[nodiscard]] Result<Command> mode_command(const std::string& body);
[[nodiscard]] Result<Command> reserve_command(const std::string& body);
[[nodiscard]] Result<Command> override_command(const std::string& body);
[[nodiscard]] Result<Command> dispatch_command(const std::string& body);
/// `now` as begins_in() has it.
[[nodiscard]] Result<Command> storm_command(const std::string& body,
                                            const std::optional<WallTime>& now);
/// The one member "password" of a sign-in.
[[nodiscard]] Result<std::string> password_of(const std::string& body);

}  // namespace esshub::publish
