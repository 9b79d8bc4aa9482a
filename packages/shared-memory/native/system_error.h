#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace nereid {

/// Throws what the last system call left in errno. JavaScript sees `errno` and this text.
[[noreturn]] inline void throw_errno(const std::string& what, int error = errno) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace nereid
