#pragma once

#include <atomic>
#include <cstddef>

namespace nereid {

struct GuardedRange;

/// Keeps the process alive when pages of a mapping are gone.
///
/// Whoever can write to a shared-memory object can shrink it, and can fill the file system it lies in; the kernel
/// then answers the next access with SIGBUS, which ends the process. No check beforehand helps: the object may
/// shrink right after it. So a handler puts anonymous memory in place of the lost pages, from the faulting one to the
/// end of the mapping, and sets a flag; the access goes on with zeros, and whoever asked for the bytes must look at the
/// flag before it trusts them. SIGBUS anywhere else goes to the handler that was there before.
class BusGuard {
 public:
  /// Watches whole pages. Throws std::system_error.
  ///
  /// `lost` is set when pages were lost; it must outlive the guard.
  BusGuard(void* begin, std::size_t byte_size, std::atomic<bool>& lost);
  BusGuard(const BusGuard&) = delete;
  BusGuard& operator=(const BusGuard&) = delete;
  /// To be destroyed before the pages are unmapped.
  ~BusGuard();

 private:
  GuardedRange* range_;
};

}  // namespace nereid
