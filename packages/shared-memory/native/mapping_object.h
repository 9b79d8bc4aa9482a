#pragma once

#include <napi.h>

#include <memory>

#include "memory_map.h"

namespace nereid {

/// `new Mapping(id, offset, byteSize)`: memory of an open object as an array buffer of this thread.
///
/// The array buffer and this object both hold the mapping. `unmap` detaches the buffer, so that every view of it has
/// length 0, and gives the pages back at once; without it that happens when both were collected.
class MappingObject : public Napi::ObjectWrap<MappingObject> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit MappingObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value buffer(const Napi::CallbackInfo& info);
  Napi::Value lead(const Napi::CallbackInfo& info);
  Napi::Value intact(const Napi::CallbackInfo& info);
  void unmap(const Napi::CallbackInfo& info);

  std::shared_ptr<MemoryMap> map_;
  Napi::Reference<Napi::ArrayBuffer> buffer_;
};

/// `mapPiece(id, offset, byteSize)`: the same, held by its array buffer alone: { buffer, lead }.
Napi::Value map_piece(const Napi::CallbackInfo& info);

}  // namespace nereid
