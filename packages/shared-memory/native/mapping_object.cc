#include "mapping_object.h"

#include "js_call.h"
#include "object_table.h"

namespace nereid {
namespace {

/// An array buffer over the pages, which keeps them until it is detached or collected.
Napi::ArrayBuffer wrap_pages(Napi::Env env, const std::shared_ptr<MemoryMap>& map) {
  auto* owner = new std::shared_ptr<MemoryMap>(map);
  const auto release = [](Napi::Env, void*, std::shared_ptr<MemoryMap>* held) { delete held; };
  return Napi::ArrayBuffer::New(env, map->pages(), map->pages_byte_size(), release, owner);
}

}  // namespace

Napi::Value map_piece(const Napi::CallbackInfo& info) {
  return js_call(info.Env(), [&] {
    auto object = ObjectTable::get(static_cast<std::uint32_t>(size_argument(info, 0)));
    auto map = std::make_shared<MemoryMap>(std::move(object), size_argument(info, 1), size_argument(info, 2));
    Napi::Object piece = Napi::Object::New(info.Env());
    piece.Set("buffer", wrap_pages(info.Env(), map));
    piece.Set("lead", Napi::Number::New(info.Env(), static_cast<double>(map->lead())));
    return piece;
  });
}

Napi::Function MappingObject::define(Napi::Env env) {
  return DefineClass(env, "Mapping",
                     {InstanceAccessor<&MappingObject::buffer>("buffer"),
                      InstanceAccessor<&MappingObject::lead>("lead"),
                      InstanceMethod<&MappingObject::intact>("intact"),
                      InstanceMethod<&MappingObject::unmap>("unmap")});
}

MappingObject::MappingObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<MappingObject>(info) {
  js_call(info.Env(), [&] {
    auto object = ObjectTable::get(static_cast<std::uint32_t>(size_argument(info, 0)));
    map_ = std::make_shared<MemoryMap>(std::move(object), size_argument(info, 1), size_argument(info, 2));
    buffer_ = Napi::Persistent(wrap_pages(info.Env(), map_));
  });
}

Napi::Value MappingObject::buffer(const Napi::CallbackInfo& info) {
  if (buffer_.IsEmpty()) throw Napi::Error::New(info.Env(), "the mapping was unmapped");
  return buffer_.Value();
}

Napi::Value MappingObject::lead(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(map_->lead()));
}

Napi::Value MappingObject::intact(const Napi::CallbackInfo& info) {
  return js_call(info.Env(), [&] { return Napi::Boolean::New(info.Env(), map_->intact()); });
}

void MappingObject::unmap(const Napi::CallbackInfo& info) {
  if (buffer_.IsEmpty()) return;
  js_call(info.Env(), [&] {
    // In this order: nothing may see the pages once they are gone.
    buffer_.Value().Detach();
    buffer_.Reset();
    map_->unmap();
  });
}

}  // namespace nereid
