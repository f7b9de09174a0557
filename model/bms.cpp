#include "model/bms.hpp"

namespace esshub {

std::string_view name(BmsFlag flag) {
  switch (flag) {
    case BmsFlag::high_voltage:
      return "high_voltage";
    case BmsFlag::low_voltage:
      return "low_voltage";
    case BmsFlag::high_temperature:
      return "high_temperature";
    case BmsFlag::low_temperature:
      return "low_temperature";
    case BmsFlag::high_charge_current:
      return "high_charge_current";
    case BmsFlag::high_discharge_current:
      return "high_discharge_current";
    case BmsFlag::system:
      return "system";
    case BmsFlag::internal_communication:
      return "internal_communication";
    case BmsFlag::high_charge_temperature:
      return "high_charge_temperature";
    case BmsFlag::low_charge_temperature:
      return "low_charge_temperature";
    case BmsFlag::contactor:
      return "contactor";
    case BmsFlag::short_circuit:
      return "short_circuit";
    case BmsFlag::internal_failure:
      return "internal_failure";
    case BmsFlag::cell_imbalance:
      return "cell_imbalance";
    case BmsFlag::general:
      return "general";
    case BmsFlag::unknown:
      return "unknown";
  }
  return {};
}

std::string_view name(BmsRequest request) {
  switch (request) {
    case BmsRequest::charge_enable:
      return "charge_enable";
    case BmsRequest::discharge_enable:
      return "discharge_enable";
    case BmsRequest::force_charge_1:
      return "force_charge_1";
    case BmsRequest::force_charge_2:
      return "force_charge_2";
    case BmsRequest::full_charge:
      return "full_charge";
  }
  return {};
}

}  // namespace esshub
