#include "sim/year/house_year.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace esshub::sim {
namespace {

TEST(HouseYear, ErrorsNameFileLineAndColumn) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("esshub_house_" + std::to_string(::getpid()) + ".csv");
  const auto error = [&](const std::string& row) {
    std::ofstream(file)
        << "hour_index,day_type,hour_1_24,load_kwh,pv_wh_per_kwp,tou_price_usd_per_kwh\n"
        << "0,7,24,1,0,0.2\n"
        << row << '\n';
    const auto read = read_house_year(file);
    return read ? std::string() : read.error();
  };
  EXPECT_EQ(error("1,1,1,1,0,0.2"), "");
  EXPECT_NE(error("1,1,25,1,0,0.2").find(".csv:3:5: expected a number from 1 to 24"),
            std::string::npos);
  EXPECT_NE(error("1,1,2,many,0,0.2").find(".csv:3:7: expected"), std::string::npos);
  EXPECT_NE(error("1,1,2,1").find(".csv:3: too few columns"), std::string::npos);
  std::filesystem::remove(file);
}

TEST(HouseYear, ItsCurrencyIsTheTariffsOrThatOfItsColumn) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("esshub_currency_" + std::to_string(::getpid()) + ".csv");
  std::ofstream(file) << "load_kwh,price_per_kwh\n1,tou_price_usd_per_kwh\n";
  EXPECT_EQ(currency(file, YearTariff::tou), "");
  EXPECT_EQ(currency(file, YearTariff::e7), "GBP");
  EXPECT_EQ(currency(file, YearTariff::night), "GBP");
  std::ofstream(file) << "load_kwh,tou_price_usd_per_kwh\n1,0.1\n";
  EXPECT_EQ(currency(file, YearTariff::tou), "USD");
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace esshub::sim
