// THE TABLES of what the entries of the file's lists set: [[bus]] with its meters and channels,
// [[schedule]], [[tariff.band]].
#pragma once

#include <span>

#include "config/bus_kinds.hpp"
#include "control/policy/tariff.hpp"
#include "model/setting_row.hpp"
#include "transport/line.hpp"

namespace esshub::config {

/// baud, and parity and stop_bits, which only kind = "modbus" has.
[[nodiscard]] std::span<const SettingRow<transport::SerialPort>> serial_table();
[[nodiscard]] std::span<const SettingRow<protocol::ModbusConfig>> modbus_table();
[[nodiscard]] std::span<const SettingRow<protocol::MeterConfig>> meter_table();
[[nodiscard]] std::span<const SettingRow<protocol::MeterChannel>> channel_table();
[[nodiscard]] std::span<const SettingRow<protocol::PylontechConfig>> pylontech_table();
[[nodiscard]] std::span<const SettingRow<protocol::PylontechRs485Config>> pylontech_rs485_table();
[[nodiscard]] std::span<const SettingRow<protocol::VebusConfig>> vebus_table();

/// When an entry of [[schedule]] or [[tariff.band]] holds.
[[nodiscard]] std::span<const SettingRow<control::WeekSpan>> span_table();
/// action first; power_w and target go with charge and discharge, low and high with the others.
[[nodiscard]] std::span<const SettingRow<Instruction>> instruction_table();
[[nodiscard]] std::span<const SettingRow<control::TariffBand>> band_table();

/// What a meter's channel may measure, in the order of the words.
[[nodiscard]] std::span<const Point> meter_points();

}  // namespace esshub::config
