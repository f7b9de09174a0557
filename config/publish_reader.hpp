// Reads the [mqtt] and [dbus] tables of the configuration.
#pragma once

#include "config/table_reader.hpp"
#include "publish/mqtt/settings.hpp"
#include "publish/venus/dbus_settings.hpp"

namespace esshub::config {

void read_mqtt(TableReader mqtt, publish::MqttSettings& out);
void read_dbus(TableReader dbus, publish::DbusSettings& out);

}  // namespace esshub::config
