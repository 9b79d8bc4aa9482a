#include "posix_object.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "system_error.h"

namespace nereid {
namespace {

FileDescriptor open_object(const std::string& key, int flags) {
  const int fd = ::shm_open(key.c_str(), flags, S_IRUSR | S_IWUSR);
  if (fd < 0) throw_errno("shm_open of '" + key + "'");
  return FileDescriptor(fd);
}

/// Sets the size, and takes the memory at once: short of it, this fails, not the first write.
void allocate(int fd, const std::string& key, std::size_t byte_size) {
  if (::ftruncate(fd, static_cast<off_t>(byte_size)) != 0) throw_errno("ftruncate of '" + key + "'");
#ifdef __linux__
  const int error = ::posix_fallocate(fd, 0, static_cast<off_t>(byte_size));
  if (error != 0) throw_errno("posix_fallocate of '" + key + "'", error);
#endif
}

}  // namespace

std::shared_ptr<PosixObject> PosixObject::open(const std::string& key, bool writable) {
  FileDescriptor fd = open_object(key, writable ? O_RDWR : O_RDONLY);
#ifdef __linux__
  // A pipe or a folder can lie where shared memory does.
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno("fstat of '" + key + "'");
  if (!S_ISREG(status.st_mode)) throw_errno("'" + key + "' is no shared memory", EINVAL);
#endif
  return std::make_shared<PosixObject>(std::move(fd), writable);
}

std::shared_ptr<PosixObject> PosixObject::open_file(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) throw_errno("open of '" + path + "'");
  return std::make_shared<PosixObject>(std::move(fd), false);
}

std::shared_ptr<PosixObject> PosixObject::create(const std::string& key, std::size_t byte_size) {
  FileDescriptor fd = open_object(key, O_RDWR | O_CREAT | O_EXCL);
  try {
    allocate(fd.get(), key, byte_size);
  } catch (...) {
    ::shm_unlink(key.c_str());
    throw;
  }
  return std::make_shared<PosixObject>(std::move(fd), true);
}

void PosixObject::unlink(const std::string& key) {
  if (::shm_unlink(key.c_str()) != 0) throw_errno("shm_unlink of '" + key + "'");
}

std::size_t PosixObject::byte_size() const {
  struct stat status {};
  if (::fstat(fd(), &status) != 0) throw_errno("fstat");
  return static_cast<std::size_t>(status.st_size);
}

}  // namespace nereid
