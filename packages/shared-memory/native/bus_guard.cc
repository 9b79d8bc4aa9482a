#include "bus_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>

#include "system_error.h"

namespace nereid {

/// An entry of a list that only grows, and is used again: a signal handler can walk it without a lock.
struct GuardedRange {
  /// 0: free.
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::uintptr_t> end{0};
  std::atomic<std::atomic<bool>*> lost{nullptr};
  GuardedRange* next = nullptr;
};

namespace {

static_assert(std::atomic<std::uintptr_t>::is_always_lock_free, "signal handlers can't wait for locks");

std::atomic<GuardedRange*> all_ranges{nullptr};
std::mutex changes;
struct sigaction previous_action;
bool is_installed = false;
std::uintptr_t page_byte_size = 0;

/// Puts zeros in place of what was lost. Uses nothing but atomics and system calls: it runs in a signal handler.
bool replace_lost_pages(std::uintptr_t address) noexcept {
  for (GuardedRange* range = all_ranges.load(std::memory_order_acquire); range != nullptr; range = range->next) {
    const std::uintptr_t begin = range->begin.load(std::memory_order_acquire);
    const std::uintptr_t end = range->end.load(std::memory_order_acquire);
    // Read twice: the entry may have gone to another mapping in between.
    if (begin == 0 || address < begin || address >= end || range->begin.load(std::memory_order_acquire) != begin)
      continue;
    range->lost.load(std::memory_order_acquire)->store(true, std::memory_order_release);
    const std::uintptr_t page = address & ~(page_byte_size - 1);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
#ifdef MAP_NORESERVE
    flags |= MAP_NORESERVE;
#endif
    void* lost = reinterpret_cast<void*>(page);
    return ::mmap(lost, end - page, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
  }
  return false;
}

/// As if this handler were not there. A default action comes into force when the access is tried again.
void pass_on(int signal, siginfo_t* info, void* context) noexcept {
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal, info, context);
  } else if (previous_action.sa_handler == SIG_DFL || previous_action.sa_handler == SIG_IGN) {
    ::sigaction(signal, &previous_action, nullptr);
    // Sent by a process, not caused by an access: nothing would bring it again.
    if (info->si_code <= 0) ::raise(signal);
  } else {
    previous_action.sa_handler(signal);
  }
}

void on_bus_error(int signal, siginfo_t* info, void* context) noexcept {
  const int saved_errno = errno;
  const bool is_ours = info->si_code == BUS_ADRERR &&
                       replace_lost_pages(reinterpret_cast<std::uintptr_t>(info->si_addr));
  errno = saved_errno;
  if (!is_ours) pass_on(signal, info, context);
}

/// Once in a process; `changes` is held.
void install_handler() {
  if (is_installed) return;
  page_byte_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  if (::sigaction(SIGBUS, &action, &previous_action) != 0) throw_errno("sigaction of SIGBUS");
  is_installed = true;
}

/// A free entry, or a new one; `changes` is held.
GuardedRange* take_range() {
  for (GuardedRange* range = all_ranges.load(); range != nullptr; range = range->next) {
    if (range->begin.load() == 0) return range;
  }
  GuardedRange* range = new GuardedRange();
  range->next = all_ranges.load();
  all_ranges.store(range, std::memory_order_release);
  return range;
}

}  // namespace

BusGuard::BusGuard(void* begin, std::size_t byte_size, std::atomic<bool>& lost) {
  std::lock_guard<std::mutex> lock(changes);
  install_handler();
  range_ = take_range();
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  range_->lost.store(&lost);
  range_->end.store(address + byte_size);
  // Last: from here on the handler sees it.
  range_->begin.store(address, std::memory_order_release);
}

BusGuard::~BusGuard() { range_->begin.store(0, std::memory_order_release); }

}  // namespace nereid
