#include "object_table.h"

#include <mutex>
#include <unordered_map>

#include "system_error.h"

namespace nereid {
namespace {

struct Table {
  std::mutex mutex;
  std::unordered_map<std::uint32_t, std::shared_ptr<PosixObject>> objects;
  std::uint32_t next = 1;
};

/// Never destroyed: threads may end after the statics of the process have.
Table& table() {
  static Table* instance = new Table();
  return *instance;
}

}  // namespace

std::uint32_t ObjectTable::add(std::shared_ptr<PosixObject> object) {
  Table& all = table();
  std::lock_guard<std::mutex> lock(all.mutex);
  while (all.objects.count(all.next) > 0) ++all.next;
  const std::uint32_t id = all.next++;
  all.objects.emplace(id, std::move(object));
  return id;
}

std::shared_ptr<PosixObject> ObjectTable::get(std::uint32_t id) {
  Table& all = table();
  std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.objects.find(id);
  if (found == all.objects.end()) throw_errno("shared memory object " + std::to_string(id), EBADF);
  return found->second;
}

void ObjectTable::remove(std::uint32_t id) noexcept {
  Table& all = table();
  std::lock_guard<std::mutex> lock(all.mutex);
  all.objects.erase(id);
}

}  // namespace nereid
