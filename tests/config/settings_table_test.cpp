#include "config/settings_table.hpp"

#include <set>

#include "tests/config/minimal.hpp"

namespace esshub::config {
namespace {

using namespace literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

TEST(Config, TheHistoryIsKeptBesideTheState) {
  EXPECT_EQ(parse_config(minimal)->history.file, "/var/lib/esshub/history.db");
  EXPECT_EQ(parse_config("[site]\nstate_dir = \"/srv\"\n" + minimal)->history.file,
            "/srv/history.db");
  EXPECT_EQ(parse_config("[site]\nstate_dir = \"\"\n" + minimal)->history.file, "");
  EXPECT_EQ(parse_config("[history]\nfile = \"\"\n" + minimal)->history.file, "");
  EXPECT_THAT(with("[history]\nfile = \"history.db\"\n"),
              ElementsAre("22:8: history.file: is \"history.db\", expected an absolute path, or "
                          "\"\" to keep no history"));
}

TEST(Config, EverySettingReachesItsField) {
  const auto config = parse_config(minimal + R"(
[site]
name = "cottage"
time_zone = "Europe/London"
[grid]
setpoint_w = -50.5
import_cap_w = 9000
export_cap_w = 3680
[battery]
charge_limit_w = 1000
discharge_limit_w = 1100
soc_floor = 15
soc_ceiling = 95
reserve = 30.5
soc_hysteresis = 3
charge_voltage_cap_v = 53
force_charge_w = 600
cutoff_soc = 7
cutoff_voltage_v = 47
[inverter]
rating_w = 2000
charger_current_a = 30
conversion_efficiency = 94.5
[control]
period = "200ms"
slew_w_per_s = 900
meter_max_age = "2 s"
bms_max_age = "2.5 s"
inverter_max_age = "2900 ms"
setpoint_life = "0.01 min"
realtime = false
[control.loop]
meter_time_constant = "200000 us"
inverter_time_constant = "0 s"
meter_delay = "50 ms"
inverter_delay = "130 ms"
ack_delay = "70 ms"
inverter_ramp_w_per_s = 800
[metrics]
address = ""
[history]
file = "/srv/history.db"
batch = "1 min"
keep_days = 30
)");
  ASSERT_TRUE(config) << config.error().front().text;
  control::Settings expected;
  expected.grid_setpoint = Watts{-50.5};
  expected.import_cap = 9.0_kW;
  expected.export_cap = 3680.0_W;
  expected.charge_limit = 1000.0_W;
  expected.discharge_limit = 1100.0_W;
  expected.soc_floor = 15.0_soc;
  expected.soc_ceiling = 95.0_soc;
  expected.reserve = 30.5_soc;
  expected.soc_hysteresis = 3;
  expected.charge_voltage_cap = 53.0_V;
  expected.force_charge_power = 600.0_W;
  expected.cutoff_soc = 7.0_soc;
  expected.cutoff_voltage = 47.0_V;
  expected.inverter_rating = 2000.0_W;
  expected.charger_current = 30.0_A;
  expected.conversion_efficiency = 0.945;
  expected.period = 200ms;
  expected.slew = WattsPerSecond{900};
  expected.meter_max_age = 2s;
  expected.bms_max_age = 2500ms;
  expected.inverter_max_age = 2900ms;
  expected.setpoint_life = 600ms;
  expected.meter_time_constant = 200ms;
  expected.inverter_time_constant = 0s;
  expected.meter_delay = 50ms;
  expected.inverter_delay = 130ms;
  expected.ack_delay = 70ms;
  expected.inverter_ramp = WattsPerSecond{800};
  EXPECT_EQ(config->control, expected);
  EXPECT_EQ(config->site_name, "cottage");
  EXPECT_EQ(config->time_zone, "Europe/London");
  EXPECT_EQ(config->metrics_address, "");
  EXPECT_EQ(config->history.file, "/srv/history.db");
  EXPECT_EQ(config->history.batch, 1min);
  EXPECT_EQ(config->history.keep_days, 30u);
  EXPECT_FALSE(config->realtime);
}

TEST(Config, ThePageIsOnTheLoopbackUnlessSaidOtherwise) {
  const auto plain = parse_config(minimal);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->web.address, "127.0.0.1:8750");
  const auto config = parse_config(replaced(minimal, "[[bus]]", R"([web]
address = "[::]:443"
certificate = "/etc/esshub/page.pem"
key = "/etc/esshub/page.key"
host_names = ["battery.example", "hub"]
[[bus]])"));
  ASSERT_TRUE(config) << config.error().front().text;
  EXPECT_EQ(config->web.address, "[::]:443");
  EXPECT_EQ(config->web.certificate, "/etc/esshub/page.pem");
  EXPECT_EQ(config->web.key, "/etc/esshub/page.key");
  EXPECT_THAT(config->web.host_names, ElementsAre("battery.example", "hub"));
  const auto off = parse_config(replaced(minimal, "[[bus]]", "[web]\naddress = \"\"\n[[bus]]"));
  ASSERT_TRUE(off);
  EXPECT_EQ(off->web.address, "");
}

TEST(ConfigErrors, ThePageNeedsAPlaceAndBothFilesForTls) {
  EXPECT_THAT(with("[web]\naddress = \"here\"\n"),
              ElementsAre(HasSubstr("web.address: is \"here\"")));
  EXPECT_THAT(with("[web]\nkey = \"/k\"\n"),
              ElementsAre(HasSubstr("both `certificate` and `key`")));
  EXPECT_THAT(with("[web]\nhost_names = [\"a\", 1]\n"),
              ElementsAre(HasSubstr("a list of strings")));
}

TEST(ConfigErrors, UnknownTimeZone) {
  EXPECT_THAT(with("[site]\ntime_zone = \"Europe/Londn\"\n"),
              ElementsAre(StartsWith("22:13: site.time_zone: is \"Europe/Londn\", expected an IANA "
                                     "time zone")));
}

TEST(Config, MqttAndDbusAreOffUntilConfigured) {
  const auto config = parse_config(minimal);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->mqtt, publish::MqttSettings{});
  EXPECT_EQ(config->mqtt.host, "");
  EXPECT_FALSE(config->mqtt.writes);
  EXPECT_EQ(config->dbus, publish::DbusSettings{});
  EXPECT_EQ(config->dbus.bus, "");
}

TEST(Config, EveryMqttAndDbusSettingReachesItsField) {
  const auto config = parse_config(minimal + R"(
[site]
portal_id = "dca632000001"
[mqtt]
address = "[::1]:8883"
tls_ca = "/ca.pem"
user = "hub"
password_file = "/secret"
client_id = "me"
venus = false
home_assistant = false
writes = true
prefix = "home/esshub"
discovery_prefix = "ha"
home_assistant_period = "10 s"
buffer = 200
[dbus]
bus = "unix:path=/run/x"
services = ["grid", "system"]
writes = true
)");
  ASSERT_TRUE(config) << config.error().front().text;
  EXPECT_EQ(config->portal_id, "dca632000001");
  EXPECT_EQ(config->mqtt, (publish::MqttSettings{.host = "::1",
                                                 .port = 8883,
                                                 .tls_ca = "/ca.pem",
                                                 .user = "hub",
                                                 .password = "",
                                                 .password_file = "/secret",
                                                 .client_id = "me",
                                                 .venus = false,
                                                 .home_assistant = false,
                                                 .writes = true,
                                                 .buffer = 200,
                                                 .names = {"ha", "home/esshub", 10s}}));
  EXPECT_EQ(config->dbus, (publish::DbusSettings{"unix:path=/run/x", {"grid", "system"}, true}));
}

TEST(Config, ErrorsInMqttAndDbusHaveTheirPlace) {
  EXPECT_THAT(with("[mqtt]\naddress = \"broker\"\n"),
              ElementsAre(StartsWith("22:11: mqtt.address")));
  EXPECT_THAT(with("[mqtt]\npassword = \"x\"\n"),
              ElementsAre(AllOf(StartsWith("22:12: mqtt.password"), HasSubstr("mqtt.user"))));
  EXPECT_THAT(with("[mqtt]\nuser = \"u\"\npassword = \"x\"\npassword_file = \"y\"\n"),
              ElementsAre("24:17: mqtt.password_file: set either password or password_file, not "
                          "both"));
  EXPECT_THAT(with("[mqtt]\nprefix = \"a/#\"\n"), ElementsAre(StartsWith("22:10: mqtt.prefix")));
  EXPECT_THAT(with("[mqtt]\nbuffer = 5\n"), ElementsAre(StartsWith("22:10: mqtt.buffer")));
  EXPECT_THAT(with("[mqtt]\nhome_assistant_period = \"2 min\"\n"),
              ElementsAre(StartsWith("22:25: mqtt.home_assistant_period")));
  EXPECT_THAT(with("[dbus]\nbus = \"sytem\"\n"),
              ElementsAre(AllOf(StartsWith("22:7: dbus.bus"), HasSubstr("session"))));
  EXPECT_THAT(with("[dbus]\nservices = [\"grid\", \"settings\"]\n"),
              ElementsAre(StartsWith("22:12: dbus.services")));
  EXPECT_THAT(with("[dbus]\nservices = \"grid\"\n"),
              ElementsAre(StartsWith("22:12: dbus.services")));
  EXPECT_THAT(with("[site]\nportal_id = \"DCA632000001\"\n"),
              ElementsAre(StartsWith("22:13: site.portal_id")));
}

TEST(Restart, IsNeededForEverythingButTheControl) {
  const auto a = parse_config(minimal + "[grid]\nsetpoint_w = 0\n[policy]\nmode = \"balance\"\n");
  const auto b = parse_config("# other\n" + minimal + "[grid]\nsetpoint_w = 50\n");
  const auto c = parse_config(replaced(minimal, "can0", "can1"));
  const auto d = parse_config(minimal + R"([site]
portal_id = "dca632000001"
[control]
period = "50 ms"
realtime = false
[mqtt]
address = "broker:1883"
prefix = "hub"
)");
  ASSERT_TRUE(a && b && c && d);
  EXPECT_THAT(needs_restart(*a, *b), SizeIs(0));
  EXPECT_THAT(needs_restart(*a, *c), ElementsAre("bus"));
  EXPECT_THAT(needs_restart(*a, *d),
              ElementsAre("site.portal_id", "control.realtime", "mqtt.address", "mqtt.prefix"));
}

/// The field in `settings` that a row is about.
template <class S>
struct Address {
  const S& settings;
  template <class T>
  const void* operator()(T S::*m) const {
    return &(settings.*m);
  }
  const void* operator()(RatioField<S> m) const { return (*this)(m.ratio); }
  const void* operator()(PriceField<S> m) const { return (*this)(m.price); }
  const void* operator()(HostPortField<S> m) const { return (*this)(m.host); }
  const void* operator()(RolesField<S> m) const { return (*this)(m.serves); }
  const void* operator()(MinuteField<S> m) const { return (*this)(m.minute); }
  const void* operator()(DaysField<S> m) const { return (*this)(m.days); }
  const void* operator()(WordField<S>) const { return nullptr; }  // no field's address is known
};

/// That there are as many rows as fields does not compile otherwise (settings_table.cpp).
TEST(Tables, NoKeyAndNoFieldTwiceAndEverySectionIsKnown) {
  const HubSettings hub;
  std::set<std::string> keys;
  std::set<const void*> fields;
  std::size_t rows = 0;
  std::size_t known = 0;
  for_each_table(hub, [&]<class S>(std::span<const SettingRow<S>> table, const S& settings) {
    for (const auto& row : table) {
      ++rows;
      keys.insert(row.name());
      const void* field = std::visit(Address<S>{settings}, row.field);
      known += field != nullptr ? 1 : 0;
      if (field != nullptr) fields.insert(field);
      EXPECT_TRUE(std::ranges::find(sections(), row.section, &SettingSection::name) !=
                  sections().end())
          << row.name();
      EXPECT_TRUE(row.sentence.ends_with('.')) << row.name();
    }
  });
  EXPECT_EQ(keys.size(), rows);
  EXPECT_EQ(fields.size(), known);
}

}  // namespace
}  // namespace esshub::config
