#pragma once

#include <cstddef>

namespace nereid {

/// Memory for large buffers that is used again. The system hands out fresh memory page by page, at the first touch of
/// each, which takes several times as long as filling it. Any thread may call.
class BlockPool {
 public:
  struct Block {
    void* memory;
    std::size_t byte_size;
    /// The memory file that it lies in; -1: none.
    int fd;
  };

  /// A block of at least so many bytes, with whatever was in it. Throws std::system_error.
  static Block take(std::size_t byte_size);
  /// Keeps a block for the next one, or gives it to the system when it has no room.
  static void give_back(Block block) noexcept;
  /// From now on new blocks lie in memory files, each in its own, where the system has such.
  static void use_files() noexcept;
  /// The memory file of the block in use that begins there; -1: there is none.
  static int file_of(const void* memory) noexcept;
  /// Gives what it keeps to the system, except for what was used since the last call.
  static void trim() noexcept;
  /// Bytes of the blocks that it keeps.
  static std::size_t kept_byte_size() noexcept;
  /// Bytes of the blocks that were taken and did not come back.
  static std::size_t used_byte_size() noexcept;
};

}  // namespace nereid
