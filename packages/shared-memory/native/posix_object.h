#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "file_descriptor.h"

namespace nereid {

/// An open POSIX shared-memory object. All functions throw std::system_error.
class PosixObject {
 public:
  /// Opens an object that someone else made.
  static std::shared_ptr<PosixObject> open(const std::string& key, bool writable);

  /// Opens a file of memory, to be read: `/proc/<pid>/fd/<number>`.
  static std::shared_ptr<PosixObject> open_file(const std::string& path);

  /// Makes an object that did not exist, of zeros, readable and writable by this user alone.
  static std::shared_ptr<PosixObject> create(const std::string& key, std::size_t byte_size);

  /// Takes the name away; the memory lives on until its last user has gone.
  static void unlink(const std::string& key);

  PosixObject(FileDescriptor fd, bool writable) : fd_(std::move(fd)), writable_(writable) {}

  int fd() const noexcept { return fd_.get(); }
  bool writable() const noexcept { return writable_; }

  /// Its size at this moment: whoever may write to it may also change that.
  std::size_t byte_size() const;

  /// Set for good when a mapping, in whatever thread, met pages that were gone.
  std::atomic<bool>& lost() noexcept { return lost_; }

 private:
  FileDescriptor fd_;
  bool writable_;
  std::atomic<bool> lost_{false};
};

}  // namespace nereid
