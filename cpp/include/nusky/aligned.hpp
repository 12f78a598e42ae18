#pragma once
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstddef>
#include <new>
#include <utility>
#include <vector>

namespace nusky {

/// Allocator on cache lines: a row of 16 floats is one line, and a SIMD store never crosses two. What a vector is resized to is not
/// written: 9 MB of zeros before every trial take half a millisecond. Large vectors ask for pages of 2 MiB, where the system has them:
/// events are read all over them.
template <class T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <class U>
  CacheLineAllocator(const CacheLineAllocator<U>&) noexcept {}
  static constexpr std::size_t large_page = std::size_t{1} << 21;
  static std::align_val_t alignment(std::size_t n) { return std::align_val_t{n * sizeof(T) < 2 * large_page ? 64 : large_page}; }
  T* allocate(std::size_t n) {
    void* p = ::operator new(n * sizeof(T), alignment(n));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    if (n * sizeof(T) >= 2 * large_page) madvise(p, n * sizeof(T) / large_page * large_page, MADV_HUGEPAGE);
#endif
    return static_cast<T*>(p);
  }
  template <class U>
  void construct(U* p) {
    ::new (static_cast<void*>(p)) U;
  }
  template <class U, class... Args>
  void construct(U* p, Args&&... args) {
    ::new (static_cast<void*>(p)) U(std::forward<Args>(args)...);
  }
  void deallocate(T* p, std::size_t n) noexcept { ::operator delete(p, alignment(n)); }
  friend bool operator==(const CacheLineAllocator&, const CacheLineAllocator&) { return true; }
  friend bool operator!=(const CacheLineAllocator&, const CacheLineAllocator&) { return false; }
};

template <class T>
using AlignedVector = std::vector<T, CacheLineAllocator<T>>;

}  // namespace nusky
