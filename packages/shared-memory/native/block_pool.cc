#include "block_pool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "system_error.h"

namespace nereid {
namespace {

// What is kept beside the blocks that are in use.
constexpr std::size_t kMostKept = std::size_t{256} << 20;
constexpr std::size_t kSmallestStep = std::size_t{128} << 10;

struct Kept {
  BlockPool::Block block;
  unsigned generation;
};

std::mutex mutex;
// The block that was given back last is the first to be used.
std::deque<Kept> kept;
std::size_t kept_bytes = 0;
std::size_t used_bytes = 0;
unsigned generation = 0;
bool uses_files = false;
// Of the blocks in use, by their memory. Never destroyed: threads may end after the statics of the process have.
std::unordered_map<const void*, int>& files = *new std::unordered_map<const void*, int>();

void unmap(const BlockPool::Block& block) noexcept {
  ::munmap(block.memory, block.byte_size);
  if (block.fd >= 0) ::close(block.fd);
}

/// Sizes are rounded up by at most an eighth, so that blocks of much the same size serve for each other.
std::size_t round_up(std::size_t byte_size) {
  std::size_t step = kSmallestStep;
  while (step * 8 < byte_size) step *= 2;
  return (byte_size + step - 1) / step * step;
}

/// A memory file that can't become smaller: what is mapped of it stays. -1: there is none to be had.
int create_file(std::size_t byte_size) noexcept {
#ifdef __linux__
  const int fd = ::memfd_create("nereid-buffer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -1;
  if (::ftruncate(fd, static_cast<off_t>(byte_size)) == 0 &&
      ::fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
    return fd;
  ::close(fd);
#else
  (void)byte_size;
#endif
  return -1;
}

BlockPool::Block map(std::size_t byte_size, bool in_file) {
  const int fd = in_file ? create_file(byte_size) : -1;
  const int flags = (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) | MAP_NORESERVE;
  void* memory = ::mmap(nullptr, byte_size, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (memory != MAP_FAILED) return {memory, byte_size, fd};
  const int error = errno;
  if (fd >= 0) ::close(fd);
  throw_errno("can't get memory for a buffer", error);
}

void note_use(const BlockPool::Block& block) {
  used_bytes += block.byte_size;
  if (block.fd >= 0) files.emplace(block.memory, block.fd);
}

}  // namespace

BlockPool::Block BlockPool::take(std::size_t byte_size) {
  const std::size_t wanted = round_up(byte_size);
  bool in_file = false;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    for (auto at = kept.rbegin(); at != kept.rend(); ++at) {
      if (at->block.byte_size != wanted) continue;
      const Block block = at->block;
      kept.erase(std::next(at).base());
      kept_bytes -= wanted;
      note_use(block);
      return block;
    }
    in_file = uses_files;
  }
  const Block block = map(wanted, in_file);
  const std::lock_guard<std::mutex> lock(mutex);
  note_use(block);
  return block;
}

void BlockPool::give_back(Block block) noexcept {
  const std::lock_guard<std::mutex> lock(mutex);
  used_bytes -= block.byte_size;
  files.erase(block.memory);
  // One that was made before memory files were wanted gives way.
  if (block.byte_size > kMostKept || (uses_files && block.fd < 0)) {
    unmap(block);
    return;
  }
  while (kept_bytes + block.byte_size > kMostKept) {
    unmap(kept.front().block);
    kept_bytes -= kept.front().block.byte_size;
    kept.pop_front();
  }
  kept.push_back({block, generation});
  kept_bytes += block.byte_size;
}

void BlockPool::use_files() noexcept {
  const std::lock_guard<std::mutex> lock(mutex);
  if (uses_files) return;
  uses_files = true;
  for (const Kept& one : kept) unmap(one.block);
  kept.clear();
  kept_bytes = 0;
}

int BlockPool::file_of(const void* memory) noexcept {
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = files.find(memory);
  return found == files.end() ? -1 : found->second;
}

void BlockPool::trim() noexcept {
  const std::lock_guard<std::mutex> lock(mutex);
  while (!kept.empty() && kept.front().generation != generation) {
    unmap(kept.front().block);
    kept_bytes -= kept.front().block.byte_size;
    kept.pop_front();
  }
  ++generation;
}

std::size_t BlockPool::kept_byte_size() noexcept {
  const std::lock_guard<std::mutex> lock(mutex);
  return kept_bytes;
}

std::size_t BlockPool::used_byte_size() noexcept {
  const std::lock_guard<std::mutex> lock(mutex);
  return used_bytes;
}

}  // namespace nereid
