/// What JavaScript sees: see native-module.ts.
#include <napi.h>

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

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("openObject", Napi::Function::New<open_object>(env, "openObject"));
  exports.Set("createObject", Napi::Function::New<create_object>(env, "createObject"));
  exports.Set("closeObject", Napi::Function::New<close_object>(env, "closeObject"));
  exports.Set("unlinkObject", Napi::Function::New<unlink_object>(env, "unlinkObject"));
  exports.Set("Mapping", MappingObject::define(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(nereid_shared_memory, initialize)

}  // namespace nereid
