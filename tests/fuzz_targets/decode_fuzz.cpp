// The decode command: any text of a person gives one JSON object and never an exception.
#include "app/bus_tools/decode.hpp"
#include "tests/fuzz_targets/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace esshub;
  fuzz::Input input(data, size);
  constexpr std::unique_ptr<app::LineDecoder> (*makers[])() = {
      app::make_modbus_decoder, [] { return app::make_can_decoder(); }, app::make_mk3_decoder,
      app::make_rs485_decoder, [] { return app::make_can_decoder(16); }};
  const auto decoder = makers[input.byte() % std::size(makers)]();
  std::string_view lines = fuzz::text(input.rest());
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    const auto object = decoder->line(lines.substr(0, end));
    fuzz::promise(object.is_object(), "a line gives an object");
    (void)object.dump();  // throws where text is not UTF-8
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
  }
  return 0;
}
