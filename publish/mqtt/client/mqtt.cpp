#include "publish/mqtt/client/mqtt.hpp"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <fstream>
#include <mutex>
#include <random>
#include <system_error>
#include <utility>

#include "model/feed.hpp"
#include "publish/mqtt/client/outlook_reader.hpp"
#include "publish/threads/closable_sinks.hpp"
#include "publish/threads/detachable_thread.hpp"
#include "publish/threads/latest_view.hpp"

namespace esshub::publish {
namespace {

constexpr auto component = "mqtt";
constexpr int keep_alive_s = 15;            // a broker that stalls is noticed within two of them
constexpr Duration response_timeout = 10s;  // from the connection to the broker's welcome
constexpr Duration farewell_limit = 1s;     // to say the last words
constexpr Duration settled_after = 30s;     // then a loss is a new one: short pauses again
constexpr std::uint32_t largest_in =
    feed_message_bytes + 1024;          // with its topic; nothing is longer
constexpr int send_buffer = 32 * 1024;  // what a stalled broker gets late, at most

Instant clock_now() {
  return std::chrono::steady_clock::now();
}

std::string unique_client_id(const std::string& portal) {
  constexpr auto digits = "0123456789abcdef";
  std::random_device dice;
  std::string id = "esshub-" + portal;  // 23 bytes: what MQTT 3.1.1 promises to take
  for (int i = 0; i < 4; ++i) id += digits[dice() % 16];
  return id;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

struct Properties {
  mosquitto_property* list = nullptr;
  ~Properties() { mosquitto_property_free_all(&list); }
};

}  // namespace

/// Lives as long as its thread, which may be longer than its Mqtt.
class Mqtt::Client {
 public:
  Client(MqttSettings settings, const VenusIdentity& identity, const CommandSink& commands,
         const EventSink& events, const MqttParts& parts)
      : settings_(std::move(settings)),
        broker_(settings_.host + ":" + std::to_string(settings_.port)),
        gate_(commands, events),
        session_(
            settings_, identity, "mqtt " + broker_,
            [this](const Command& c, const std::string& who) { return gate_.command(c, who); },
            [this](const std::string& from, const Event& e) { gate_.event(from, e); }, parts.house,
            parts.feeds),
        outlook_(settings_.home_assistant ? parts.outlook : OutlookSource{}),
        own_client_id_(!settings_.client_id.empty()) {
    if (settings_.client_id.empty()) settings_.client_id = unique_client_id(identity.portal_id);
  }

  void run() {
    static std::once_flag once;
    std::call_once(once, [] { mosquitto_lib_init(); });
    if (!settings_.user.empty() && settings_.tls_ca.empty() && !is_loopback(settings_.host))
      tell(Level::warning, "password_sent_unencrypted", "hint=\"set mqtt.tls_ca\"");
    Backoff pause;
    while (!slot_.stopping()) {
      const Instant begin = clock_now();
      try {
        connect_and_serve();
      } catch (const std::exception& e) {
        lost(e.what());
      }
      if (slot_.stopping()) return;
      if (fall_back()) continue;
      if (clock_now() - begin > settled_after) pause.reset();
      for (const Instant until = clock_now() + pause.next();
           clock_now() < until && !slot_.stopping();) {
        slot_.wait(until - clock_now());
        fetch_view();
      }
    }
  }

  LatestView& slot() { return slot_; }
  ClosableSinks& gate() { return gate_; }

 private:
  using Handle = std::unique_ptr<mosquitto, void (*)(mosquitto*)>;

  void connect_and_serve() {
    connected_ = false;
    welcomed_ = false;
    unsupported_ = false;
    turned_away_ = false;
    taken_over_ = false;
    failure_.clear();
    trouble_.clear();
    const Handle handle{mosquitto_new(settings_.client_id.c_str(), true, this), &mosquitto_destroy};
    if (!handle) return lost("no memory");
    auto* m = handle.get();
    if (const auto error = prepare(m); !error.empty()) return lost(error);
    Properties properties;
    if (is_5())
      mosquitto_property_add_int32(&properties.list, MQTT_PROP_MAXIMUM_PACKET_SIZE, largest_in);
    if (const int rc = mosquitto_connect_bind_v5(m, settings_.host.c_str(), settings_.port,
                                                 keep_alive_s, nullptr, properties.list);
        rc != MOSQ_ERR_SUCCESS)
      return lost(text_of(rc));
    ::setsockopt(mosquitto_socket(m), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    const auto reason = serve(m);
    if (reason.empty()) return;  // we take leave ourselves
    // A broker of MQTT 3.1.1 says so, or hangs up on what it does not understand.
    const bool hung_up = reason == text_of(MOSQ_ERR_CONN_LOST) && trouble_.empty();
    turned_away_ = !welcomed_ && is_5() && (unsupported_ || hung_up);
    if (!turned_away_) lost(reason);
  }

  [[nodiscard]] bool is_5() const { return protocol_ == MQTT_PROTOCOL_V5; }

  /// True: at once again, with MQTT 3.1.1. Every other connection tries MQTT 5 first: one that was
  /// lost before its welcome says little of the broker.
  bool fall_back() {
    protocol_ = turned_away_ ? MQTT_PROTOCOL_V311 : MQTT_PROTOCOL_V5;
    return turned_away_;
  }

  /// What is wrong, or nothing.
  std::string prepare(mosquitto* m) {
    mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, protocol_);
    mosquitto_connect_v5_callback_set(m, &Client::on_connect);
    mosquitto_disconnect_v5_callback_set(m, &Client::on_disconnect);
    mosquitto_message_v5_callback_set(m, &Client::on_message);
    mosquitto_log_callback_set(m, &Client::on_log);
    if (!settings_.tls_ca.empty() &&
        mosquitto_tls_set(m, settings_.tls_ca.c_str(), nullptr, nullptr, nullptr, nullptr) !=
            MOSQ_ERR_SUCCESS)
      return "tls_ca cannot be read: " + settings_.tls_ca;
    if (!settings_.user.empty()) {
      auto password = settings_.password;
      if (!settings_.password_file.empty()) {
        std::ifstream file{settings_.password_file};
        if (!std::getline(file, password))
          return "password_file cannot be read: " + settings_.password_file;
      }
      mosquitto_username_pw_set(m, settings_.user.c_str(),
                                password.empty() ? nullptr : password.c_str());
    }
    if (const auto will = session_.will())
      mosquitto_will_set_v5(m, will->topic.c_str(), static_cast<int>(will->payload.size()),
                            will->payload.data(), 0, will->retain, nullptr);
    return {};
  }

  /// Until the connection is lost (why) or we shall end (nothing).
  std::string serve(mosquitto* m) {
    const Instant begin = clock_now();
    RateLimit reads{2000, 500};  // messages a second: a flood waits at the broker
    for (;;) {
      const Instant now = clock_now();
      if (slot_.stopping()) {
        if (connected_) farewell(m);
        return {};
      }
      if (!connected_ && now - begin > response_timeout) return "no answer from the broker";
      fetch_view();
      if (connected_) {
        session_.on_timer(now);
        if (!send(m)) {
          // It may have said why it hung up.
          while (failure_.empty() && is_readable(m) &&
                 mosquitto_loop_read(m, 1) == MOSQ_ERR_SUCCESS)
            continue;
          return failure_.empty() ? text_of(MOSQ_ERR_CONN_LOST) : failure_;
        }
      }
      const bool may_read = reads.take(now);
      const int rc = exchange(m, may_read);
      if (!failure_.empty()) return failure_;  // says more than the code
      if (rc != MOSQ_ERR_SUCCESS) return text_of(rc);
    }
  }

  static bool is_readable(mosquitto* m) {
    pollfd ready{mosquitto_socket(m), POLLIN, 0};
    return ready.fd >= 0 && ::poll(&ready, 1, 0) > 0;
  }

  /// Waits for the network or a View and moves bytes: reads first, because a broker that hangs up
  /// may have said why.
  int exchange(mosquitto* m, bool may_read) {
    const auto wanted =
        static_cast<short>((may_read ? POLLIN : 0) | (mosquitto_want_write(m) ? POLLOUT : 0));
    std::array<pollfd, 2> ready{{{mosquitto_socket(m), wanted, 0}, {slot_.fd(), POLLIN, 0}}};
    ::poll(ready.data(), ready.size(), may_read ? 250 : 20);
    const bool hung_up = (ready[0].revents & (POLLERR | POLLHUP)) != 0;
    if ((ready[0].revents & POLLIN) || (hung_up && may_read))
      if (const int rc = mosquitto_loop_read(m, 1); rc != MOSQ_ERR_SUCCESS) return rc;
    if (ready[0].revents & POLLOUT)
      if (const int rc = mosquitto_loop_write(m, 1); rc != MOSQ_ERR_SUCCESS) return rc;
    return mosquitto_loop_misc(m);
  }

  /// Hands over as much as the connection takes now. False when it is broken.
  bool send(mosquitto* m) {
    auto& box = session_.outbox();
    while (!mosquitto_want_write(m)) {
      const auto message = box.pop();
      if (!message) break;
      const int rc = mosquitto_publish_v5(m, nullptr, message->topic.c_str(),
                                          static_cast<int>(message->payload.size()),
                                          message->payload.data(), 0, message->retain, nullptr);
      if (rc == MOSQ_ERR_OVERSIZE_PACKET) continue;  // the broker takes no such message
      if (rc != MOSQ_ERR_SUCCESS) return false;
    }
    if (box.dropped() != dropped_told_) {
      dropped_told_ = box.dropped();
      tell(Level::warning, "messages_dropped", "total=" + std::to_string(dropped_told_));
    }
    return true;
  }

  void farewell(mosquitto* m) {
    session_.on_stop(clock_now());
    for (const Instant until = clock_now() + farewell_limit; clock_now() < until;) {
      if (!send(m)) return;
      if (session_.outbox().empty() && !mosquitto_want_write(m)) break;
      pollfd ready{mosquitto_socket(m), POLLOUT, 0};
      ::poll(&ready, 1, 100);
      if (mosquitto_loop_write(m, 1) != MOSQ_ERR_SUCCESS) return;
    }
    mosquitto_disconnect_v5(m, 0, nullptr);
  }

  void fetch_view() {
    const auto view = slot_.take();
    if (!view) return;
    newest_ = view;
    outlook_.update(*view);
    if (!connected_) return;
    if (auto outlook = outlook_.take()) session_.on_outlook(std::move(*outlook));
    session_.on_view(*view, clock_now());
  }

  void lost(const std::string& reason) {
    std::string detail = "broker=" + log_quoted(broker_) + " reason=" + log_quoted(reason);
    if (taken_over_)
      detail += " client_id=" + log_quoted(settings_.client_id) +
                " hint=\"another client has signed in with this client_id: give each its own\"";
    else if (connected_ && own_client_id_ && reason == text_of(MOSQ_ERR_CONN_LOST))
      detail += " client_id=" + log_quoted(settings_.client_id) +
                " hint=\"the broker hung up without a word: does another client use this "
                "client_id?\"";
    else if (trouble_.find("certificate verify failed") != std::string::npos)
      detail += " hint=\"tls_ca does not vouch for the broker's certificate\"";
    else if (trouble_.find("host name verification failed") != std::string::npos)
      detail += " hint=\"the broker's certificate is not for this address\"";
    if (!trouble_.empty()) detail += " library=" + log_quoted(trouble_);
    tell(Level::warning, connected_ ? "disconnected" : "connect_failed", detail);
    connected_ = false;
  }

  static std::string text_of(int rc) {
    return rc == MOSQ_ERR_ERRNO ? std::generic_category().message(errno)
                                : std::string{mosquitto_strerror(rc)};
  }

  void tell(Level level, std::string name, std::string detail) {
    gate_.event(component, {level, std::move(name), std::move(detail)});
  }

  // ---- called by the library, within serve() ----
  static Client& of(void* self) { return *static_cast<Client*>(self); }

  static void on_connect(mosquitto* m, void* self, int rc, int, const mosquitto_property*) {
    auto& client = of(self);
    client.unsupported_ = rc == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION || rc == 1;
    if (rc != 0) {
      client.failure_ = client.unsupported_ ? "the broker speaks neither MQTT 5 nor 3.1.1"
                        : client.is_5()     ? mosquitto_reason_string(rc)
                                            : mosquitto_connack_string(rc);
      return;
    }
    client.connected_ = true;
    client.welcomed_ = true;
    client.tell(
        Level::notice, "connected",
        "broker=" + log_quoted(client.broker_) + " protocol=" + (client.is_5() ? "5" : "3.1.1"));
    if (!client.is_5())
      client.tell(
          Level::warning, "old_protocol",
          "broker=" + log_quoted(client.broker_) +
              " protocol=3.1.1 hint=\"the broker did not answer in MQTT 5: a write that is to "
              "be kept is seen only at the next connection\"");
    for (const auto& topic : client.session_.subscriptions())
      mosquitto_subscribe_v5(m, nullptr, topic.c_str(), 0,
                             client.is_5() ? MQTT_SUB_OPT_RETAIN_AS_PUBLISHED : 0, nullptr);
    const Instant now = clock_now();
    if (auto outlook = client.outlook_.take()) client.session_.on_outlook(std::move(*outlook));
    if (client.newest_) client.session_.on_view(*client.newest_, now);
    client.session_.on_connect(now);
  }

  static void on_disconnect(mosquitto*, void* self, int rc, const mosquitto_property*) {
    of(self).taken_over_ = rc == MQTT_RC_SESSION_TAKEN_OVER;
    if (rc != 0 && of(self).failure_.empty())
      of(self).failure_ = rc >= 0x80 ? mosquitto_reason_string(rc) : text_of(rc);
  }

  static void on_message(mosquitto*, void* self, const mosquitto_message* message,
                         const mosquitto_property*) {
    const auto* bytes = static_cast<const char*>(message->payload);
    const auto size = static_cast<std::size_t>(message->payloadlen);
    if (size > feed_message_bytes) return;  // MQTT 5 says that to the broker
    try {
      of(self).session_.on_message(message->topic, bytes ? std::string{bytes, size} : std::string{},
                                   message->retain, clock_now());
    } catch (const std::exception& e) {  // not through the library's own frames
      of(self).failure_ = e.what();
    }
  }

  static void on_log(mosquitto*, void* self, int level, const char* text) {
    if (level == MOSQ_LOG_ERR) of(self).trouble_ = text;
  }

  MqttSettings settings_;
  const std::string broker_;
  LatestView slot_;
  ClosableSinks gate_;
  MqttSession session_;
  OutlookReader outlook_;
  const bool own_client_id_;  ///< configured: another client may have it too
  std::shared_ptr<const View> newest_;
  int protocol_ = MQTT_PROTOCOL_V5;
  bool connected_ = false;
  bool welcomed_ = false;     ///< this connection was connected once
  bool unsupported_ = false;  ///< the broker said so of the protocol
  bool turned_away_ = false;  ///< not welcomed, because of MQTT 5
  bool taken_over_ = false;   ///< by another client of the same id
  std::string failure_;       ///< why the library lost the connection
  std::string trouble_;       ///< the library's last error line
  std::uint64_t dropped_told_ = 0;
};

Mqtt::Mqtt(const MqttSettings& settings, const VenusIdentity& identity, const CommandSink& commands,
           const EventSink& events, const MqttParts& parts)
    : client_(std::make_shared<Client>(settings, identity, commands, events, parts)),
      thread_(std::make_unique<DetachableThread>("mqtt", [client = client_] { client->run(); })) {}

Mqtt::~Mqtt() {
  close();
}

void Mqtt::close() {
  client_->slot().stop();
  static_cast<void>(thread_->wait(2s));
  client_->gate().close();
}

void Mqtt::update(const View& view) {
  client_->slot().put(view);
}

}  // namespace esshub::publish
