#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <system_error>

namespace nereid {

/// Runs a function for JavaScript: what it throws becomes an Error, with `errno` when a system call failed.
template <typename Function>
auto js_call(Napi::Env env, Function&& function) -> decltype(function()) {
  try {
    return function();
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::system_error& error) {
    Napi::Error thrown = Napi::Error::New(env, error.what());
    thrown.Value().Set("errno", Napi::Number::New(env, error.code().value()));
    throw thrown;
  } catch (const std::exception& error) {
    throw Napi::Error::New(env, error.what());
  }
}

inline std::string string_argument(const Napi::CallbackInfo& info, std::size_t at) {
  if (info[at].IsString()) return info[at].As<Napi::String>().Utf8Value();
  throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(at) + " must be a string");
}

/// A size or a number of an object.
inline std::size_t size_argument(const Napi::CallbackInfo& info, std::size_t at) {
  constexpr double kMaxSafeInteger = 9007199254740991.0;
  const double value = info[at].IsNumber() ? info[at].As<Napi::Number>().DoubleValue() : -1;
  if (value >= 0 && value <= kMaxSafeInteger && std::floor(value) == value) return static_cast<std::size_t>(value);
  throw Napi::TypeError::New(info.Env(), "argument " + std::to_string(at) + " must be a non-negative integer");
}

}  // namespace nereid
