/// What JavaScript sees: see native-module.ts.
#include <napi.h>

#include "block_pool.h"
#include "js_call.h"
#include "mapping_object.h"
#include "object_table.h"

namespace nereid {
namespace {

Napi::Value open_object(const Napi::CallbackInfo& info) {
  return js_call(info.Env(), [&] {
    auto object = PosixObject::open(string_argument(info, 0), info[1].ToBoolean());
    return Napi::Number::New(info.Env(), ObjectTable::add(std::move(object)));
  });
}

Napi::Value open_file(const Napi::CallbackInfo& info) {
  return js_call(info.Env(), [&] {
    return Napi::Number::New(info.Env(), ObjectTable::add(PosixObject::open_file(string_argument(info, 0))));
  });
}

Napi::Value create_object(const Napi::CallbackInfo& info) {
  return js_call(info.Env(), [&] {
    auto object = PosixObject::create(string_argument(info, 0), size_argument(info, 1));
    return Napi::Number::New(info.Env(), ObjectTable::add(std::move(object)));
  });
}

void close_object(const Napi::CallbackInfo& info) {
  js_call(info.Env(), [&] { ObjectTable::remove(static_cast<std::uint32_t>(size_argument(info, 0))); });
}

void unlink_object(const Napi::CallbackInfo& info) {
  js_call(info.Env(), [&] { PosixObject::unlink(string_argument(info, 0)); });
}

/// An array buffer over a block, which goes back when the buffer was collected.
Napi::Value take_block(const Napi::CallbackInfo& info) {
  return js_call(info.Env(), [&] {
    const std::size_t byte_size = size_argument(info, 0);
    const BlockPool::Block block = BlockPool::take(byte_size);
    const auto give_back = [block](Napi::Env, void*) { BlockPool::give_back(block); };
    return Napi::ArrayBuffer::New(info.Env(), block.memory, byte_size, give_back);
  });
}

/// Takes a block or a piece out of its array buffer, whose views have length 0 then; it is given back in a moment.
void detach(const Napi::CallbackInfo& info) {
  js_call(info.Env(), [&] {
    if (!info[0].IsArrayBuffer()) throw Napi::TypeError::New(info.Env(), "argument 0 must be an array buffer");
    info[0].As<Napi::ArrayBuffer>().Detach();
  });
}

void count_memory(const Napi::CallbackInfo& info) {
  if (!info[0].IsNumber()) throw Napi::TypeError::New(info.Env(), "argument 0 must be a number");
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), info[0].As<Napi::Number>().Int64Value());
}

void use_files(const Napi::CallbackInfo&) { BlockPool::use_files(); }

Napi::Value file_of_block(const Napi::CallbackInfo& info) {
  if (!info[0].IsArrayBuffer()) throw Napi::TypeError::New(info.Env(), "argument 0 must be an array buffer");
  return Napi::Number::New(info.Env(), BlockPool::file_of(info[0].As<Napi::ArrayBuffer>().Data()));
}

void trim_blocks(const Napi::CallbackInfo&) { BlockPool::trim(); }

Napi::Value kept_blocks(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(BlockPool::kept_byte_size()));
}

Napi::Value used_blocks(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(BlockPool::used_byte_size()));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("openObject", Napi::Function::New<open_object>(env, "openObject"));
  exports.Set("openFile", Napi::Function::New<open_file>(env, "openFile"));
  exports.Set("createObject", Napi::Function::New<create_object>(env, "createObject"));
  exports.Set("closeObject", Napi::Function::New<close_object>(env, "closeObject"));
  exports.Set("unlinkObject", Napi::Function::New<unlink_object>(env, "unlinkObject"));
  exports.Set("takeBlock", Napi::Function::New<take_block>(env, "takeBlock"));
  exports.Set("mapPiece", Napi::Function::New<map_piece>(env, "mapPiece"));
  exports.Set("detach", Napi::Function::New<detach>(env, "detach"));
  exports.Set("countMemory", Napi::Function::New<count_memory>(env, "countMemory"));
  exports.Set("useFiles", Napi::Function::New<use_files>(env, "useFiles"));
  exports.Set("fileOfBlock", Napi::Function::New<file_of_block>(env, "fileOfBlock"));
  exports.Set("trimBlocks", Napi::Function::New<trim_blocks>(env, "trimBlocks"));
  exports.Set("keptBlocks", Napi::Function::New<kept_blocks>(env, "keptBlocks"));
  exports.Set("usedBlocks", Napi::Function::New<used_blocks>(env, "usedBlocks"));
  exports.Set("Mapping", MappingObject::define(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(nereid_shared_memory, initialize)

}  // namespace nereid
