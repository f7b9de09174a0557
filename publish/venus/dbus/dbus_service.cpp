#include "publish/venus/dbus/dbus_service.hpp"

#include <poll.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <system_error>

namespace esshub::publish {
namespace {

constexpr auto interface = "com.victronenergy.BusItem";
// What SetValue answers (reference: venus-dbus-mqtt#1.1).
constexpr std::int32_t set_ok = 0;
constexpr std::int32_t set_not_writable = 1;  // or not of the type that it has
constexpr std::int32_t set_refused = 2;       // by what is true of the value or of the hub now
constexpr std::uint64_t most_unsent = 4;      // signals that may wait for the bus

std::string text_of(int negative_errno) {
  return std::generic_category().message(-negative_errno);
}

int append_maps(sd_bus_message* m, const std::vector<VenusMap>& maps) {
  struct Appender {
    sd_bus_message* m;
    int operator()(bool v) const { return sd_bus_message_append(m, "v", "b", int{v}); }
    int operator()(std::int32_t v) const { return sd_bus_message_append(m, "v", "i", v); }
    int operator()(double v) const { return sd_bus_message_append(m, "v", "d", v); }
    int operator()(std::string_view v) const {
      return sd_bus_message_append(m, "v", "s", std::string{v}.c_str());
    }
  };
  int r = sd_bus_message_open_container(m, 'v', "aa{sv}");
  if (r >= 0) r = sd_bus_message_open_container(m, 'a', "a{sv}");
  for (const auto& map : maps) {
    if (r >= 0) r = sd_bus_message_open_container(m, 'a', "{sv}");
    for (const auto& [key, value] : map) {
      if (r >= 0) r = sd_bus_message_open_container(m, 'e', "sv");
      if (r >= 0) r = sd_bus_message_append(m, "s", std::string{key}.c_str());
      if (r >= 0) r = std::visit(Appender{m}, value);
      if (r >= 0) r = sd_bus_message_close_container(m);
    }
    if (r >= 0) r = sd_bus_message_close_container(m);
  }
  if (r >= 0) r = sd_bus_message_close_container(m);
  return r >= 0 ? sd_bus_message_close_container(m) : r;
}

int append_value(sd_bus_message* m, const std::optional<VenusValue>& value) {
  if (!value) {  // the one and only null
    int r = sd_bus_message_open_container(m, 'v', "ai");
    if (r >= 0) r = sd_bus_message_append_array(m, 'i', nullptr, 0);
    if (r >= 0) r = sd_bus_message_close_container(m);
    return r;
  }
  struct Appender {
    sd_bus_message* m;
    int operator()(std::int32_t v) const { return sd_bus_message_append(m, "v", "i", v); }
    int operator()(double v) const { return sd_bus_message_append(m, "v", "d", v); }
    int operator()(std::string_view v) const {
      return sd_bus_message_append(m, "v", "s", std::string{v}.c_str());
    }
    int operator()(const std::vector<VenusMap>& v) const { return append_maps(m, v); }
  };
  return std::visit(Appender{m}, *value);
}

/// The number inside the variant the message stands at; nothing = an empty array, the null.
Result<std::optional<double>> read_number(sd_bus_message* m) {
  const auto wrong = [] { return fail(ErrorKind::invalid, "expected a number"); };
  const char* type = nullptr;
  if (sd_bus_message_peek_type(m, nullptr, &type) < 0 || !type) return wrong();
  if (sd_bus_message_enter_container(m, 'v', type) < 0) return wrong();
  const std::string_view what = type;
  if (what == "ai") {
    const void* numbers = nullptr;
    std::size_t size = 0;
    if (sd_bus_message_read_array(m, 'i', &numbers, &size) < 0 || size != 0) return wrong();
    return std::optional<double>{};
  }
  if (what.size() != 1) return wrong();
  const auto read = [&]<class T>(T value) -> Result<std::optional<double>> {
    if (sd_bus_message_read_basic(m, what[0], &value) < 0) return wrong();
    return static_cast<double>(value);
  };
  switch (what[0]) {
    case 'y':
      return read(std::uint8_t{});
    case 'n':
      return read(std::int16_t{});
    case 'q':
      return read(std::uint16_t{});
    case 'i':
      return read(std::int32_t{});
    case 'u':
      return read(std::uint32_t{});
    case 'x':
      return read(std::int64_t{});
    case 't':
      return read(std::uint64_t{});
    case 'd':
      return read(double{});
    case 'b':
      return read(int{});
    default:
      return wrong();
  }
}

}  // namespace

struct DbusService::Item {
  DbusService* service;
  VenusRow row;
  std::string path;
  bool changed = false;
};

struct DbusService::Branch {
  DbusService* service;
  std::string path;  ///< "" for the root, else "/Ac"
};

const sd_bus_vtable DbusService::leaf_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("GetValue", "", "v", &DbusService::get_value, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetText", "", "s", &DbusService::get_text, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("SetValue", "v", "i", &DbusService::set_value, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL("PropertiesChanged", "a{sv}", 0),
    SD_BUS_VTABLE_END};

const sd_bus_vtable DbusService::branch_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("GetValue", "", "v", &DbusService::get_branch, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetText", "", "v", &DbusService::get_branch_text, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

const sd_bus_vtable DbusService::root_table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("GetItems", "", "a{sa{sv}}", &DbusService::get_items, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetValue", "", "v", &DbusService::get_branch, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetText", "", "v", &DbusService::get_branch_text, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL("ItemsChanged", "a{sa{sv}}", 0),
    SD_BUS_VTABLE_END};

DbusService::DbusService(const VenusService& service, Write write)
    : service_(service), write_(std::move(write)) {}

DbusService::~DbusService() {
  disconnect();
}

std::string DbusService::connect(const std::string& bus, const std::vector<VenusRow>& rows) {
  disconnect();
  trouble_.clear();
  int r = 0;
  if (bus == "system") {
    r = sd_bus_open_system(&bus_);
  } else if (bus == "session") {
    r = sd_bus_open_user(&bus_);
  } else {
    r = sd_bus_new(&bus_);
    if (r >= 0) r = sd_bus_set_address(bus_, bus.c_str());
    if (r >= 0) r = sd_bus_set_bus_client(bus_, 1);
    if (r >= 0) r = sd_bus_start(bus_);
  }
  if (r >= 0) {
    // A consumer reads everything when the name appears: so first the objects, then the name. Not
    // queued behind another owner: two hubs on one bus are an error to be told.
    if (auto wrong = export_objects(rows); !wrong.empty()) return disconnect(), wrong;
    r = sd_bus_request_name_async(bus_, nullptr, std::string{service_.bus_name}.c_str(), 0,
                                  &DbusService::on_name, this);
  }
  if (r >= 0) return {};
  disconnect();
  return text_of(r);
}

std::string DbusService::export_objects(const std::vector<VenusRow>& rows) {
  std::set<std::string> branches{""};
  for (const auto& row : rows) {
    if (row.service != service_.service) continue;
    const std::string path{row.path};
    items_.push_back(std::make_unique<Item>(Item{this, row, path}));
    for (auto slash = path.rfind('/'); slash != 0; slash = path.rfind('/', slash - 1))
      branches.insert(path.substr(0, slash));
    const int r = sd_bus_add_object_vtable(bus_, nullptr, path.c_str(), interface, leaf_table,
                                           items_.back().get());
    if (r < 0) return path + ": " + text_of(r);
  }
  for (const auto& path : branches) {
    branches_.push_back(std::make_unique<Branch>(Branch{this, path}));
    const bool root = path.empty();
    const int r =
        sd_bus_add_object_vtable(bus_, nullptr, root ? "/" : path.c_str(), interface,
                                 root ? root_table : branch_table, branches_.back().get());
    if (r < 0) return path + ": " + text_of(r);
  }
  return {};
}

void DbusService::show(const std::vector<VenusRow>& rows) {
  if (!bus_) return;
  bool any = false;
  auto item = items_.begin();
  for (const auto& row : rows) {  // always the same rows in the same order
    if (row.service != service_.service) continue;
    auto& own = **item++;
    own.changed = own.changed || own.row.value != row.value;
    own.row.value = row.value;
    any = any || own.changed;
  }
  std::uint64_t unsent = 0;
  if (!any || sd_bus_get_n_queued_write(bus_, &unsent) < 0 || unsent > most_unsent) return;
  sd_bus_message* m = nullptr;
  int r = sd_bus_message_new_signal(bus_, &m, "/", interface, "ItemsChanged");
  if (r >= 0) r = append_items(m, true);
  if (r >= 0) r = sd_bus_send(bus_, m, nullptr);
  sd_bus_message_unref(m);
  if (r >= 0)
    for (auto& own : items_) own->changed = false;
}

int DbusService::append_items(sd_bus_message* m, bool only_changed) const {
  int r = sd_bus_message_open_container(m, 'a', "{sa{sv}}");
  for (const auto& item : items_) {
    if (only_changed && !item->changed) continue;
    if (r >= 0) r = sd_bus_message_open_container(m, 'e', "sa{sv}");
    if (r >= 0) r = sd_bus_message_append(m, "s", item->path.c_str());
    if (r >= 0) r = sd_bus_message_open_container(m, 'a', "{sv}");
    if (r >= 0) r = sd_bus_message_open_container(m, 'e', "sv");
    if (r >= 0) r = sd_bus_message_append(m, "s", "Value");
    if (r >= 0) r = append_value(m, item->row.value);
    if (r >= 0) r = sd_bus_message_close_container(m);
    if (r >= 0) r = sd_bus_message_append(m, "{sv}", "Text", "s", venus_text(item->row).c_str());
    if (r >= 0) r = sd_bus_message_close_container(m);
    if (r >= 0) r = sd_bus_message_close_container(m);
  }
  return r >= 0 ? sd_bus_message_close_container(m) : r;
}

int DbusService::fd() const {
  return sd_bus_get_fd(bus_);
}

short DbusService::events() const {
  const int wanted = sd_bus_get_events(bus_);
  return static_cast<short>(wanted < 0 ? POLLIN : wanted);
}

std::optional<Duration> DbusService::timeout(Instant now) const {
  std::uint64_t until_us = 0;  // CLOCK_MONOTONIC, as steady_clock is
  if (sd_bus_get_timeout(bus_, &until_us) < 0 || until_us == UINT64_MAX) return std::nullopt;
  const Instant until{std::chrono::microseconds(until_us)};
  return std::max(Duration{}, until - now);
}

std::string DbusService::process(int most) {
  flooded_ = true;
  for (int i = 0; flooded_ && i < most; ++i) {
    const int r = sd_bus_process(bus_, nullptr);
    if (r < 0) return text_of(r);
    flooded_ = r > 0;
  }
  return sd_bus_is_open(bus_) > 0 ? "" : "the bus is gone";
}

void DbusService::disconnect() {
  if (bus_) bus_ = sd_bus_close_unref(bus_);  // no flush: it would wait for a bus that hangs
  items_.clear();
  branches_.clear();
}

// ---- called by sd-bus, within process() ----

int DbusService::get_value(sd_bus_message* m, void* self, sd_bus_error*) {
  sd_bus_message* reply = nullptr;
  int r = sd_bus_message_new_method_return(m, &reply);
  if (r >= 0) r = append_value(reply, static_cast<Item*>(self)->row.value);
  if (r >= 0) r = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return r;
}

int DbusService::get_text(sd_bus_message* m, void* self, sd_bus_error*) {
  return sd_bus_reply_method_return(m, "s", venus_text(static_cast<Item*>(self)->row).c_str());
}

int DbusService::set_value(sd_bus_message* m, void* self, sd_bus_error*) {
  const auto& item = *static_cast<Item*>(self);
  const char* sender = sd_bus_message_get_sender(m);
  const auto value = read_number(m);
  if (!value) return sd_bus_reply_method_return(m, "i", set_not_writable);
  const auto done =
      item.service->write_(item.service->service_, item.row.path, *value, sender ? sender : "?");
  const auto response = done                                      ? set_ok
                        : done.error().kind == ErrorKind::refused ? set_not_writable
                                                                  : set_refused;
  return sd_bus_reply_method_return(m, "i", response);
}

int DbusService::get_items(sd_bus_message* m, void* self, sd_bus_error*) {
  sd_bus_message* reply = nullptr;
  int r = sd_bus_message_new_method_return(m, &reply);
  if (r >= 0) r = static_cast<Branch*>(self)->service->append_items(reply, false);
  if (r >= 0) r = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return r;
}

namespace {

/// Answers with a variant that holds a dictionary; `fill` appends its entries.
template <class Fill>
int reply_with_dictionary(sd_bus_message* m, const Fill& fill) {
  sd_bus_message* reply = nullptr;
  int r = sd_bus_message_new_method_return(m, &reply);
  if (r >= 0) r = sd_bus_message_open_container(reply, 'v', "a{sv}");
  if (r >= 0) r = sd_bus_message_open_container(reply, 'a', "{sv}");
  if (r >= 0) r = fill(reply);
  if (r >= 0) r = sd_bus_message_close_container(reply);
  if (r >= 0) r = sd_bus_message_close_container(reply);
  if (r >= 0) r = sd_bus_send(nullptr, reply, nullptr);
  sd_bus_message_unref(reply);
  return r;
}

}  // namespace

int DbusService::get_branch(sd_bus_message* m, void* self, sd_bus_error*) {
  const auto& branch = *static_cast<Branch*>(self);
  const auto below = branch.path + "/";
  return reply_with_dictionary(m, [&](sd_bus_message* reply) {
    int r = 0;
    for (const auto& item : branch.service->items_) {
      if (!item->path.starts_with(below)) continue;
      if (r >= 0) r = sd_bus_message_open_container(reply, 'e', "sv");
      if (r >= 0) r = sd_bus_message_append(reply, "s", item->path.c_str() + below.size());
      if (r >= 0) r = append_value(reply, item->row.value);
      if (r >= 0) r = sd_bus_message_close_container(reply);
    }
    return r;
  });
}

int DbusService::get_branch_text(sd_bus_message* m, void* self, sd_bus_error*) {
  const auto& branch = *static_cast<Branch*>(self);
  const auto below = branch.path + "/";
  return reply_with_dictionary(m, [&](sd_bus_message* reply) {
    int r = 0;
    for (const auto& item : branch.service->items_)
      if (r >= 0 && item->path.starts_with(below))
        r = sd_bus_message_append(reply, "{sv}", item->path.c_str() + below.size(), "s",
                                  venus_text(item->row).c_str());
    return r;
  });
}

int DbusService::on_name(sd_bus_message* m, void* self, sd_bus_error*) {
  auto& service = *static_cast<DbusService*>(self);
  if (const auto* error = sd_bus_message_get_error(m)) {
    service.trouble_ = error->message ? error->message : error->name;
    return 1;
  }
  std::uint32_t answer = 0;
  constexpr std::uint32_t primary_owner = 1;  // DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER
  if (sd_bus_message_read(m, "u", &answer) < 0 || answer != primary_owner) {
    service.trouble_ = "another program owns the name";
    return 1;
  }
  service.named_ = true;
  return 1;
}

}  // namespace esshub::publish
