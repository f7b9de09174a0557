// A progress bar on a terminal; nothing where the output is not one.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

namespace esshub::sim {

class Progress {
 public:
  /// `unit` is what is counted, such as "h".
  Progress(double total, std::string unit, std::FILE* to = stderr);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Wipes the bar away.
  ~Progress();

  /// Redrawn ten times a second at most.
  void show(double done);

 private:
  using Clock = std::chrono::steady_clock;
  double total_;
  std::string unit_;
  std::FILE* to_;
  bool terminal_;
  bool drawn_ = false;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point next_ = begin_;
};

}  // namespace esshub::sim
