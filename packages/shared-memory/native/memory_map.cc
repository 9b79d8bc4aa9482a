#include "memory_map.h"

#include <sys/mman.h>
#include <unistd.h>

#include "system_error.h"

namespace nereid {
namespace {

std::size_t page_byte_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

/// Where the part ends, once it is known to lie in the object.
std::size_t checked_end(const PosixObject& object, std::size_t offset, std::size_t byte_size) {
  const std::size_t available = object.byte_size();
  if (byte_size == 0) throw_errno("a mapping of 0 bytes", EINVAL);
  if (offset <= available && byte_size <= available - offset) return offset + byte_size;
  throw_errno("offset " + std::to_string(offset) + " and size " + std::to_string(byte_size) +
                  " in an object of " + std::to_string(available) + " bytes",
              EOVERFLOW);
}

void* map_pages(const PosixObject& object, std::size_t offset, std::size_t byte_size) {
#ifdef __APPLE__
  const int protection = object.writable() ? PROT_READ | PROT_WRITE : PROT_READ;
  const int flags = MAP_SHARED;
#else
  // What may only be read is mapped privately: a write by mistake changes a copy, and does not end the process.
  const int protection = PROT_READ | PROT_WRITE;
  const int flags = object.writable() ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE;
#endif
  void* pages = ::mmap(nullptr, byte_size, protection, flags, object.fd(), static_cast<off_t>(offset));
  if (pages == MAP_FAILED) throw_errno("mmap of " + std::to_string(byte_size) + " bytes");
  return pages;
}

}  // namespace

MemoryMap::MemoryMap(std::shared_ptr<PosixObject> object, std::size_t offset, std::size_t byte_size)
    : object_(std::move(object)), end_(checked_end(*object_, offset, byte_size)) {
  const std::size_t page = page_byte_size();
  lead_ = offset % page;
  pages_byte_size_ = (lead_ + byte_size + page - 1) / page * page;
  pages_ = map_pages(*object_, offset - lead_, pages_byte_size_);
  try {
    guard_.emplace(pages_, pages_byte_size_, object_->lost());
  } catch (...) {
    ::munmap(pages_, pages_byte_size_);
    throw;
  }
}

bool MemoryMap::intact() const { return guard_ && !object_->lost() && object_->byte_size() >= end_; }

void MemoryMap::unmap() noexcept {
  if (!guard_) return;
  guard_.reset();
  ::munmap(pages_, pages_byte_size_);
  object_.reset();
}

}  // namespace nereid
