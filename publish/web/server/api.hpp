// What the page's server answers, without sockets: files, REST, and who may write.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "publish/web/http.hpp"
#include "publish/web/server/auth.hpp"
#include "publish/web/server/web.hpp"

namespace esshub::publish {

/// Thread-safe; answers of one kind may wait for the disk while others are given.
class WebApi {
 public:
  /// `host_names`: what it answers to beside IP addresses and localhost, in lower case.
  WebApi(WebParts parts, std::vector<std::string> host_names);

  void update(const View& view);
  /// The newest View, or null before the first.
  [[nodiscard]] std::shared_ptr<const View> view() const;

  /// Nothing when the request may be answered; else the refusal: a foreign Host (DNS rebinding), or
  /// a write from another site.
  [[nodiscard]] std::optional<WebResponse> check_origin(const WebRequest& request) const;
  /// Whether the answer waits: for the disk, the password hash or the lock of the commands.
  [[nodiscard]] static bool waits(const WebRequest& request);
  [[nodiscard]] WebResponse answer(const WebRequest& request);
  /// The refusal of a query that has a parameter which is not `known`.
  [[nodiscard]] static std::optional<WebResponse> check_query(
      const WebRequest& request, const std::vector<std::string_view>& known);

  /// The newest state as the page gets it, or nothing before the first View.
  [[nodiscard]] std::optional<std::string> state() const;
  /// What the last state meant (see state_fingerprint()); empty before the first View.
  [[nodiscard]] std::string gist_now() const;

 private:
  using Handler = WebResponse (WebApi::*)(const WebRequest&);
  struct Route {
    std::string_view method;
    std::string_view path;
    Handler handler;
    bool waits;
    std::vector<std::string_view> parameters{};
  };
  static const std::vector<Route>& routes();

  WebResponse get_state(const WebRequest& request);
  WebResponse get_site(const WebRequest& request);
  WebResponse get_buses(const WebRequest& request);
  WebResponse get_readings(const WebRequest& request);
  WebResponse get_faults(const WebRequest& request);
  WebResponse get_minutes(const WebRequest& request);
  WebResponse get_days(const WebRequest& request);
  WebResponse get_events(const WebRequest& request);
  WebResponse get_limits(const WebRequest& request);
  WebResponse get_plan(const WebRequest& request);
  WebResponse get_savings(const WebRequest& request);
  WebResponse get_yesterday(const WebRequest& request);
  WebResponse get_session(const WebRequest& request);
  WebResponse log_in(const WebRequest& request);
  WebResponse log_out(const WebRequest& request);
  WebResponse set_mode(const WebRequest& request);
  WebResponse set_reserve(const WebRequest& request);
  WebResponse start_override(const WebRequest& request);
  WebResponse end_override(const WebRequest& request);
  WebResponse start_dispatch(const WebRequest& request);
  WebResponse end_dispatch(const WebRequest& request);
  WebResponse start_storm(const WebRequest& request);
  WebResponse end_storm(const WebRequest& request);
  WebResponse acknowledge(const WebRequest& request);
  WebResponse tell_prices(const WebRequest& request);
  WebResponse tell_solar(const WebRequest& request);
  WebResponse tell(const WebRequest& request, const std::vector<FeedKind>& kinds);

  WebResponse file(const WebRequest& request) const;
  /// The refusal of a write that its session does not cover.
  std::optional<WebResponse> unauthorised(const WebRequest& request);
  WebResponse obey(const WebRequest& request, const Result<Command>& command);
  void report(Level level, std::string name, const WebRequest& request);

  WebParts parts_;
  std::vector<std::string> host_names_;
  Sessions sessions_;
  LoginThrottle brake_;  ///< guarded by login_mutex_
  std::mutex login_mutex_;
  mutable std::mutex view_mutex_;
  std::shared_ptr<const View> view_;
};

}  // namespace esshub::publish
