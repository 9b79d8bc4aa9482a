#include "block_pool.h"

#include <sys/mman.h>

#include <deque>
#include <mutex>

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

void unmap(const BlockPool::Block& block) noexcept { ::munmap(block.memory, block.byte_size); }

/// Sizes are rounded up by at most an eighth, so that blocks of much the same size serve for each other.
std::size_t round_up(std::size_t byte_size) {
  std::size_t step = kSmallestStep;
  while (step * 8 < byte_size) step *= 2;
  return (byte_size + step - 1) / step * step;
}

BlockPool::Block map(std::size_t byte_size) {
  void* memory = ::mmap(nullptr, byte_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw_errno("can't get memory for a buffer");
  return {memory, byte_size};
}

}  // namespace

BlockPool::Block BlockPool::take(std::size_t byte_size) {
  const std::size_t wanted = round_up(byte_size);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    for (auto at = kept.rbegin(); at != kept.rend(); ++at) {
      if (at->block.byte_size != wanted) continue;
      const Block block = at->block;
      kept.erase(std::next(at).base());
      kept_bytes -= wanted;
      used_bytes += wanted;
      return block;
    }
  }
  const Block block = map(wanted);
  const std::lock_guard<std::mutex> lock(mutex);
  used_bytes += wanted;
  return block;
}

void BlockPool::give_back(Block block) noexcept {
  const std::lock_guard<std::mutex> lock(mutex);
  used_bytes -= block.byte_size;
  if (block.byte_size > kMostKept) {
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
