// The documents of prices and sun as their services publish them, by the first byte.
#include <algorithm>
#include <string>
#include <vector>

#include "feed/source.hpp"
#include "model/enums.hpp"
#include "tests/fuzz_targets/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace esshub;
  using namespace esshub::fuzz;
  constexpr service::UnixSeconds seeds_day = 1795906800;
  Input input(data, size);
  feed::Source source;
  source.service = static_cast<feed::Service>(input.byte() % enum_count<feed::Service>);
  if (source.service == feed::Service::open_meteo) source.gives = feed::FeedKind::solar;
  source.panels.peak_w = 4000.0;
  const auto wanted = feed::wanted_now(source, seeds_day, {});
  const std::vector<std::string> pages{std::string{text(input.rest())}};
  (void)feed::has_next_page(source, pages.front());
  const auto feed = feed::convert(source, pages, wanted);
  if (!feed) {
    const auto& said = feed.error().detail;
    promise(!said.empty() && said.size() < 400, "an error is a line of text");
    promise(std::ranges::all_of(said, [](char c) { return c >= ' ' && c <= '~'; }),
            "an error is printable");
    return 0;
  }
  promise(service::check_feed(*feed).has_value(), "what is made keeps the rules");
  promise(feed->slots.front().begin >= wanted.from && feed->slots.back().end <= wanted.to,
          "nothing but what is wanted");
  const auto again = service::read_feed(service::feed_text(*feed));
  promise(again && *again == *feed, "what is written is read again");
  return 0;
}
