// Wanted: what is asked of a source's document, and what of it becomes a feed.
#pragma once

#include <cstddef>
#include <string>

#include "model/result.hpp"
#include "service/feed.hpp"

namespace esshub::feed {

using service::Feed;
using service::FeedKind;
using service::FeedSlot;
using service::FeedSlots;
using service::UnixSeconds;
using service::utc_text;

inline constexpr std::size_t document_bytes = 4u << 20;  ///< of a source at most

struct Wanted {
  FeedKind kind = FeedKind::import_price;
  UnixSeconds from = 0;  ///< what lies before it is left out
  UnixSeconds to = 0;    ///< and what from here on
  UnixSeconds issued = 0;
  UnixSeconds valid_until = 0;  ///< 0: the end of its last slot
  double factor = 1.0;          ///< of what the source tells: tax
  double surcharge = 0.0;       ///< then added, per kWh: charges for the grid, with their tax
  service::FeedLimits limits{};
};

/// A feed of the slots that a source tells, in any order. One that is there twice is one; an Error
/// where two differ or overlap, where none is wanted, and for what check_feed() refuses.
[[nodiscard]] Result<Feed> wanted_of(const Wanted& wanted, std::string unit, std::string source,
                                     FeedSlots slots);

}  // namespace esshub::feed
