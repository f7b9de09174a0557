// Runs the real program: its exit codes and streams are what scripts and systemd rely on.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace esshub::tests {

/// The program as a child with pipes on its three streams.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    int in[2], out[2], err[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
      return;
    std::signal(SIGPIPE, SIG_IGN);  // a child that ended early fails its test, not the whole run
    arguments.insert(arguments.begin(), ESSHUB_PROGRAM);
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      dup2(err[1], STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(in[0]), close(out[1]), close(err[1]);
    in_ = fdopen(in[1], "w");
    out_ = fdopen(out[0], "r");
    err_ = fdopen(err[0], "r");
  }
  ~Child() {
    if (in_) fclose(in_);
    if (out_) fclose(out_);
    fclose(err_);
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void send(int signal) const { ::kill(pid_, signal); }
  void type(const std::string& text) const {
    fputs(text.c_str(), in_);
    fflush(in_);
  }
  void end_input() {
    fclose(in_);
    in_ = nullptr;
  }
  void stop_reading() {
    fclose(out_);
    out_ = nullptr;
  }
  std::string line() const { return read_line(out_); }
  std::string rest() const { return read_all(out_); }
  std::string errors() const { return read_all(err_); }
  /// Reads stderr up to the first line that holds `text`; "" if it ends before.
  std::string error_line(const std::string& text) const {
    for (std::string next = read_line(err_); !next.empty(); next = read_line(err_))
      if (next.find(text) != std::string::npos) return next;
    return "";
  }
  /// The exit status; a signal that killed it counts as 128 + its number.
  int status() {
    int raw = 0;
    waitpid(std::exchange(pid_, -1), &raw, 0);
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  }

 private:
  static std::string read_line(FILE* from) {
    std::string text;
    for (int c = fgetc(from); c != EOF; c = fgetc(from)) {
      text += static_cast<char>(c);
      if (c == '\n') break;
    }
    return text;
  }
  static std::string read_all(FILE* from) {
    std::string text;
    for (int c = fgetc(from); c != EOF; c = fgetc(from)) text += static_cast<char>(c);
    return text;
  }

  pid_t pid_ = -1;
  FILE* in_ = nullptr;
  FILE* out_ = nullptr;
  FILE* err_ = nullptr;
};

}  // namespace esshub::tests
