#include "feed/program/fetch.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "esshub_version.hpp"
#include "publish/web/client/http_client.hpp"

namespace esshub::feed {
namespace {

constexpr int most_pages = 4;

std::optional<std::chrono::seconds> wait_of(const publish::HttpAnswer& answer) {
  const auto header = answer.headers.find("retry-after");
  if (header == answer.headers.end()) return std::nullopt;
  // As a date, the other form, it is not read: the pause after a failure does as well.
  int seconds = 0;
  const auto& text = header->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds{seconds};
}

/// After an answer the source's own least pause is kept, whatever became of what it said.
Refused refused_answer(const Source& source, std::string why,
                       std::optional<std::chrono::seconds> asked_for = {}) {
  const auto least = facts_of(source.service).least;
  return {std::move(why), std::max(least, asked_for.value_or(least))};
}

/// ENTSO-E gives its reason, that there is no price, also with 400.
bool is_answer(const Source& source, unsigned status) {
  return status == 200 || (status == 400 && source.service == Service::entsoe);
}

}  // namespace

tl::expected<Feed, Refused> fetch(const Source& source, const std::string& token,
                                  const Wanted& wanted) {
  using namespace std::chrono_literals;
  const std::string server =
      source.server.empty() ? std::string{facts_of(source.service).server} : source.server;
  publish::HttpClient client{
      server, source.authority, {.connect = 10s, .answer = 20s, .body_bytes = document_bytes}};
  std::vector<std::string> pages;
  for (int page = 1;; ++page) {
    auto answer =
        client.ask("GET", request_path(source, wanted, page, token),
                   {{"User-Agent", "esshub-feed/" ESSHUB_VERSION}, {"Accept", "*/*"}}, "");
    if (!answer && answer.error().kind == ErrorKind::io && page == 1)
      return tl::unexpected(Refused{answer.error().detail});
    if (!answer) return tl::unexpected(refused_answer(source, answer.error().detail));
    if (!is_answer(source, answer->status))
      return tl::unexpected(refused_answer(
          source, server + ": answered " + std::to_string(answer->status), wait_of(*answer)));
    pages.push_back(std::move(answer->body));
    const auto next = has_next_page(source, pages.back());
    if (!next)
      return tl::unexpected(
          refused_answer(source, server + ": its document " + next.error().detail));
    if (!*next) break;
    if (page == most_pages)
      return tl::unexpected(refused_answer(
          source, server + ": has more than " + std::to_string(most_pages) + " pages"));
  }
  auto feed = convert(source, pages, wanted);
  if (!feed)
    return tl::unexpected(refused_answer(source, server + ": its document " + feed.error().detail));
  return std::move(*feed);
}

}  // namespace esshub::feed
