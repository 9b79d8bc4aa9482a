#pragma once

#include <cstdint>
#include <memory>

#include "posix_object.h"

namespace nereid {

/// The objects that are open in this process, by number: how a thread finds what another one opened. Thread-safe.
class ObjectTable {
 public:
  /// Keeps an object until `remove`.
  static std::uint32_t add(std::shared_ptr<PosixObject> object);

  /// Throws std::system_error (EBADF) for a number that is not, or no longer, there.
  static std::shared_ptr<PosixObject> get(std::uint32_t id);

  /// Forgets an object; mappings of it stay. Unknown numbers are no error.
  static void remove(std::uint32_t id) noexcept;
};

}  // namespace nereid
