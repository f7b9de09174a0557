#include "sim/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace esshub::sim {

Progress::Progress(double total, std::string unit, std::FILE* to)
    : total_(total), unit_(std::move(unit)), to_(to), terminal_(::isatty(::fileno(to)) == 1) {}

Progress::~Progress() {
  if (!drawn_) return;
  std::fputs("\r\033[K", to_);
  std::fflush(to_);
}

void Progress::show(double done) {
  if (!terminal_ || Clock::now() < next_) return;
  const auto now = Clock::now();
  next_ = now + std::chrono::milliseconds{100};
  drawn_ = true;
  constexpr int width = 40;
  const double part = std::clamp(done / total_, 0.0, 1.0);
  const int filled = static_cast<int>(part * width);
  const double spent = std::chrono::duration<double>(now - begin_).count();
  std::fprintf(to_, "\r[%s%s] %3.0f %%  %.1f of %.1f %s", std::string(filled, '#').c_str(),
               std::string(width - filled, '.').c_str(), part * 100.0, done, total_, unit_.c_str());
  if (part > 0.0) std::fprintf(to_, ", %.0f s left", spent * (1.0 - part) / part);
  std::fputs("\033[K", to_);
  std::fflush(to_);
}

}  // namespace esshub::sim
