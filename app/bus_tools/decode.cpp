#include "app/bus_tools/decode.hpp"

#include <istream>
#include <ostream>
#include <string>

#include "app/commands.hpp"
#include "json/text.hpp"

namespace esshub::app {
namespace {

std::unique_ptr<LineDecoder> make_decoder(DecodeKind kind, unsigned cells) {
  switch (kind) {
    case DecodeKind::modbus:
      return make_modbus_decoder();
    case DecodeKind::can:
      return make_can_decoder(cells);
    case DecodeKind::mk3:
      return make_mk3_decoder();
    case DecodeKind::pylontech_rs485:
      return make_rs485_decoder();
  }
  return nullptr;
}

}  // namespace

int decode(DecodeKind kind, unsigned cells, std::istream& in, std::ostream& out) {
  const auto decoder = make_decoder(kind, cells);
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos || line[begin] == '#') continue;
    // Foreign bytes in the input must not end the run: they are shown as replacement characters.
    out << json_text(decoder->line(line)) << std::endl;
    if (!out) return exit_failure;  // nobody reads any more
  }
  return exit_ok;
}

}  // namespace esshub::app
