// ENTSO-E's day-ahead prices: documents of type A44.
#pragma once

#include <string_view>

#include "feed/wanted.hpp"

namespace esshub::feed {

/// Which of several auctions of one area; an area with one says none. Of DE-LU and AT 1 is the
/// coupled market and 2 is EXAA's auction before it, as a rule.
using AuctionSequence = unsigned;

/// A price per MWh without tax. Of a curve A03 a position that is left out repeats the one before,
/// until the end of its period; of A01 it is unknown. Where series of 15, 30 and 60 min tell of one
/// time the finest does. An acknowledgement, the answer where there is no price, is an Error with
/// its reason.
[[nodiscard]] Result<Feed> entsoe(std::string_view document, AuctionSequence sequence,
                                  const Wanted& wanted);

}  // namespace esshub::feed
