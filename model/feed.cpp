#include "model/feed.hpp"

#include "model/enums.hpp"

namespace esshub {

std::string_view name(FeedKind kind) {
  return enum_name(kind);
}

}  // namespace esshub
