// SPDX-License-Identifier: BSD-3-Clause
// An allocator for the scheduler's big tables: 2 MB aligned and marked for transparent huge pages,
// since with 16 k desktops the misses of the page tables cost more than those of the caches. Where
// the kernel has none to give, it is ordinary memory. Small tables come from the ordinary heap.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

#include <sys/mman.h>

namespace foregate::dataplane {

template <class T> struct LargePageAllocator {
    using value_type = T;

    LargePageAllocator() = default;
    template <class U> LargePageAllocator(const LargePageAllocator<U>&) noexcept {}

    T* allocate(std::size_t count) {
        const std::size_t bytes = count * sizeof(T);
        void* const memory = ::operator new(bytes, alignment_for(bytes));
        if (bytes >= kLargePage) {
            // Only advice: without it everything works, slower.
            (void)::madvise(memory, bytes, MADV_HUGEPAGE);
        }
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t count) noexcept {
        ::operator delete(memory, alignment_for(count * sizeof(T)));
    }

    bool operator==(const LargePageAllocator&) const = default;

private:
    static constexpr std::size_t kLargePage = std::size_t{2} << 20;
    static constexpr std::align_val_t alignment_for(std::size_t bytes) {
        return bytes >= kLargePage ? std::align_val_t{kLargePage}
                                   : std::align_val_t{alignof(T) > 64 ? alignof(T) : 64};
    }
};

template <class T> using LargeTable = std::vector<T, LargePageAllocator<T>>;

} // namespace foregate::dataplane
