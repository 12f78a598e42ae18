#include "nusky/kernels/table.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace nusky {

namespace baseline {
extern const Kernels table;
}
#ifdef NUSKY_X86_LEVELS
namespace avx2 {
extern const Kernels table;
}
namespace avx512 {
extern const Kernels table;
}
#endif

namespace {

#ifdef NUSKY_X86_LEVELS
#if defined(__clang__) && __clang_major__ < 18
// These do not know the levels by name; what is not asked for here no processor lacks that has the rest.
bool has_v3() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"); }
bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#else
bool has_v3() { return __builtin_cpu_supports("x86-64-v3"); }
bool has_v4() { return __builtin_cpu_supports("x86-64-v4"); }
#endif
#endif

std::vector<const Kernels*> available() {
  std::vector<const Kernels*> levels{&baseline::table};
#ifdef NUSKY_X86_LEVELS
  __builtin_cpu_init();
  if (has_v3()) levels.push_back(&avx2::table);
  if (has_v4()) levels.push_back(&avx512::table);
#endif
  return levels;
}

const Kernels* find(const std::string& name, const std::string& from) {
  for (const Kernels* level : available())
    if (name == level->name) return level;
  throw std::invalid_argument(from + ": SIMD level '" + name + "' is unknown or not supported by this CPU; available: " + simd_levels());
}

std::atomic<const Kernels*> chosen{nullptr};

}  // namespace

const Kernels& kernels() {
  const Kernels* level = chosen.load(std::memory_order_acquire);
  if (level == nullptr) {
    const char* wish = std::getenv("NUSKY_SIMD");
    level = wish != nullptr && *wish != '\0' ? find(wish, "environment variable NUSKY_SIMD") : available().back();
    chosen.store(level, std::memory_order_release);
  }
  return *level;
}

std::string simd_levels() {
  std::string names;
  for (const Kernels* level : available()) names += (names.empty() ? "" : " ") + std::string(level->name);
  return names;
}

void set_simd_level(const std::string& name) { chosen.store(find(name, "set_simd_level"), std::memory_order_release); }

}  // namespace nusky
