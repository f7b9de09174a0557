#include "tests/mutation/switch.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace esshub::mutation {

int active = 0;
unsigned char* reached = nullptr;

namespace {

[[noreturn]] void refuse(const char* what) {
  std::perror(what);
  ::_exit(70);  // EX_SOFTWARE
}

/// Before every constructor of the program. The file of ESSHUB_MUTANT_REACHED has one byte for each
/// id; it is mapped, so that forked and killed processes count as well.
__attribute__((constructor(101))) void choose() {
  if (const char* id = std::getenv("ESSHUB_MUTANT")) active = std::atoi(id);
  const char* path = std::getenv("ESSHUB_MUTANT_REACHED");
  if (path == nullptr) return;
  const int file = ::open(path, O_RDWR | O_CLOEXEC);
  struct stat status {};
  if (file < 0 || ::fstat(file, &status) != 0) refuse(path);
  void* bytes = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ | PROT_WRITE,
                       MAP_SHARED, file, 0);
  if (bytes == MAP_FAILED) refuse(path);
  ::close(file);
  reached = static_cast<unsigned char*>(bytes);
  active = -1;
}

}  // namespace
}  // namespace esshub::mutation
