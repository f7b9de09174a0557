#include "app/backup/ustar.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <string_view>

namespace esshub::app {
namespace {

struct Field {
  std::size_t at;
  std::size_t size;
};
constexpr Field name_field{0, 100};
constexpr Field mode_field{100, 8};
constexpr Field uid_field{108, 8};
constexpr Field gid_field{116, 8};
constexpr Field size_field{124, 12};
constexpr Field time_field{136, 12};
constexpr Field sum_field{148, 8};
constexpr Field type_field{156, 1};
constexpr Field magic_field{257, 5};
constexpr Field version_field{262, 3};
constexpr Field user_field{265, 32};
constexpr Field group_field{297, 32};
constexpr Field prefix_field{345, 155};
constexpr std::uint64_t size_limit = 1ULL << 33;  // eleven octal digits

void put(TarBlock& block, Field field, std::string_view text) {
  std::copy_n(text.begin(), std::min(text.size(), field.size),
              block.begin() + static_cast<std::ptrdiff_t>(field.at));
}

/// Octal digits and a NUL fill the field.
void put_number(TarBlock& block, Field field, std::uint64_t value) {
  for (std::size_t i = field.size - 1; i-- > 0; value >>= 3U)
    block.at(field.at + i) = static_cast<char>('0' + (value & 7U));
}

std::string_view raw(const TarBlock& block, Field field) {
  return {block.data() + field.at, field.size};
}

std::string text(const TarBlock& block, Field field) {
  const auto all = raw(block, field);
  return std::string{all.substr(0, all.find('\0'))};
}

std::optional<std::uint64_t> number(const TarBlock& block, Field field) {
  auto digits = raw(block, field);
  while (!digits.empty() && (digits.back() == '\0' || digits.back() == ' '))
    digits.remove_suffix(1);
  while (!digits.empty() && digits.front() == ' ') digits.remove_prefix(1);
  if (digits.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '7') return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(digit - '0');
  }
  return value;
}

/// Of all bytes, those of the sum itself counted as blanks.
std::uint64_t sum_of(TarBlock block) {
  std::fill_n(block.begin() + sum_field.at, sum_field.size, ' ');
  return std::accumulate(
      block.begin(), block.end(), std::uint64_t{0},
      [](std::uint64_t sum, char byte) { return sum + static_cast<unsigned char>(byte); });
}

}  // namespace

Result<TarBlock> tar_header(const TarMember& member) {
  if (member.name.empty() || member.name.size() > name_field.size)
    return fail(ErrorKind::invalid, "a file's name is too long for a backup: " + member.name);
  if (member.size >= size_limit)
    return fail(ErrorKind::invalid, member.name + " is too large for a backup: 8 GiB or more");
  TarBlock block{};
  put(block, name_field, member.name);
  put_number(block, mode_field, member.mode & 07777U);
  put_number(block, uid_field, 0);
  put_number(block, gid_field, 0);
  put_number(block, size_field, member.size);
  put_number(block, time_field,
             static_cast<std::uint64_t>(std::max<std::int64_t>(member.modified, 0)));
  put(block, type_field, "0");
  put(block, magic_field, "ustar");
  put(block, version_field,
      std::string_view{"\0"
                       "00",
                       3});
  // A name needs a NUL behind it.
  put(block, user_field, member.user.substr(0, user_field.size - 1));
  put(block, group_field, member.group.substr(0, group_field.size - 1));
  put_number(block, {sum_field.at, sum_field.size - 1}, sum_of(block));
  block.at(sum_field.at + sum_field.size - 1) = ' ';
  return block;
}

Result<std::optional<TarMember>> read_tar_header(const TarBlock& block) {
  if (std::ranges::all_of(block, [](char byte) { return byte == '\0'; })) return std::nullopt;
  const auto sum = number(block, sum_field);
  if (raw(block, magic_field) != "ustar" || !sum || *sum != sum_of(block))
    return fail(ErrorKind::invalid, "no header of a tar file, or a damaged one");
  TarMember member{.name = text(block, name_field)};
  if (const auto prefix = text(block, prefix_field); !prefix.empty())
    member.name.insert(0, prefix + '/');
  const auto type = raw(block, type_field).front();
  const auto size = number(block, size_field);
  const auto mode = number(block, mode_field);
  const auto modified = number(block, time_field);
  if ((type != '0' && type != '\0') || !size || !mode || !modified)
    return fail(ErrorKind::invalid, member.name + " is no regular file");
  member.size = *size;
  member.mode = static_cast<std::uint32_t>(*mode & 07777U);
  member.modified = static_cast<std::int64_t>(*modified);
  member.user = text(block, user_field);
  member.group = text(block, group_field);
  return std::optional{std::move(member)};
}

std::size_t tar_padding(std::uint64_t size) {
  return static_cast<std::size_t>((tar_block - size % tar_block) % tar_block);
}

}  // namespace esshub::app
