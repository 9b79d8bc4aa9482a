#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "bus_guard.h"
#include "posix_object.h"

namespace nereid {

/// A part of a shared-memory object in the address space of this process. One thread maps and unmaps it.
class MemoryMap {
 public:
  /// Throws std::system_error; EOVERFLOW when the object is too small.
  MemoryMap(std::shared_ptr<PosixObject> object, std::size_t offset, std::size_t byte_size);
  MemoryMap(const MemoryMap&) = delete;
  MemoryMap& operator=(const MemoryMap&) = delete;
  ~MemoryMap() { unmap(); }

  /// The whole pages in which the part lies: an array buffer over them is aligned as its offsets say.
  void* pages() const noexcept { return pages_; }
  std::size_t pages_byte_size() const noexcept { return pages_byte_size_; }
  /// Where in the pages the part begins.
  std::size_t lead() const noexcept { return lead_; }

  /// Whether every byte is, and always was, backed by the object: in this mapping and in those of other threads.
  bool intact() const;

  /// Gives the pages and the object back. The first call does; others find nothing to do.
  void unmap() noexcept;

 private:
  std::shared_ptr<PosixObject> object_;
  std::size_t end_;
  std::size_t lead_;
  void* pages_ = nullptr;
  std::size_t pages_byte_size_;
  std::optional<BusGuard> guard_;
};

}  // namespace nereid
