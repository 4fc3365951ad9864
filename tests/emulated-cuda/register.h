// Makes kernels known by their names, with a call that takes arguments as a driver hands them over.
#pragma once
#include <utility>

void emulated_register(const char *name, void (*call)(void **));

template <typename... A, size_t... I>
void emulated_call(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) {
  kernel(*(A *)arguments[I]...);
}
template <auto kernel, typename... A>
struct EmulatedCall;
template <typename... A, void (*kernel)(A...)>
struct EmulatedCall<kernel> {
  static void call(void **arguments) { emulated_call(kernel, arguments, std::index_sequence_for<A...>()); }
};
#define REGISTER(name) \
  static bool registered_##name = (emulated_register(#name, EmulatedCall<name>::call), true);
