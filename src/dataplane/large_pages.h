// SPDX-License-Identifier: BSD-3-Clause
// Zeroed memory for tables of millions of entries: 2 MB aligned and marked for huge pages, since at a million flows the
// misses of the page tables cost more than those of the caches. Pages that were never written take no memory.
#pragma once

#include <cstddef>
#include <new>
#include <utility>
#include <vector>

#include <sys/mman.h>

namespace foregate::dataplane {

inline constexpr std::size_t kLargePage = std::size_t{2} << 20;

namespace detail {

/// `bytes` (a multiple of kLargePage) of zeroed memory, aligned to it and marked for huge pages. Throws std::bad_alloc.
[[nodiscard]] inline void* map_large_pages(std::size_t bytes) {
    void* base = ::mmap(nullptr, bytes + kLargePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        throw std::bad_alloc();
    }
    auto* begin = static_cast<char*>(base);
    const std::size_t before = (kLargePage - reinterpret_cast<std::size_t>(begin) % kLargePage) % kLargePage;
    if (before != 0) {
        ::munmap(begin, before);
    }
    ::munmap(begin + before + bytes, kLargePage - before);
    (void)::madvise(begin + before, bytes, MADV_HUGEPAGE); // advice: without it all works, slower
    return begin + before;
}

[[nodiscard]] constexpr std::size_t whole_large_pages(std::size_t bytes) noexcept {
    return (bytes + kLargePage - 1) / kLargePage * kLargePage;
}

} // namespace detail

/// For the containers of big tables: large ones on pages of their own, small ones as usual. allocate() throws std::bad_alloc.
template <class T>
struct LargePages {
    using value_type = T;
    static constexpr std::size_t kFrom = std::size_t{128} << 10; ///< bytes

    LargePages() noexcept = default;
    template <class U>
    LargePages(const LargePages<U>&) noexcept {} // NOLINT(google-explicit-constructor): as allocators are

    [[nodiscard]] T* allocate(std::size_t count) {
        const std::size_t bytes = count * sizeof(T);
        return static_cast<T*>(bytes < kFrom ? ::operator new(bytes, std::align_val_t(alignof(T)))
                                             : detail::map_large_pages(detail::whole_large_pages(bytes)));
    }
    void deallocate(T* first, std::size_t count) noexcept {
        const std::size_t bytes = count * sizeof(T);
        if (bytes < kFrom) {
            ::operator delete(first, std::align_val_t(alignof(T)));
        } else {
            ::munmap(first, detail::whole_large_pages(bytes));
        }
    }
    bool operator==(const LargePages&) const noexcept = default;
};

template <class T>
using LargeTable = std::vector<T, LargePages<T>>;

/// Owns `count` objects whose all-zero bytes are a valid start; their destructors are not run.
template <class T>
class ZeroedTable {
public:
    ZeroedTable() = default;
    /// Throws std::bad_alloc.
    explicit ZeroedTable(std::size_t count)
        : bytes_(detail::whole_large_pages(count * sizeof(T))), first_(static_cast<T*>(detail::map_large_pages(bytes_))) {}
    ~ZeroedTable() {
        if (first_ != nullptr) {
            ::munmap(first_, bytes_);
        }
    }
    ZeroedTable(ZeroedTable&& other) noexcept : bytes_(other.bytes_), first_(std::exchange(other.first_, nullptr)) {}
    ZeroedTable& operator=(ZeroedTable&&) = delete;

    [[nodiscard]] T* data() const noexcept { return first_; }
    T& operator[](std::size_t at) const noexcept { return first_[at]; }

private:
    std::size_t bytes_ = 0;
    T* first_ = nullptr;
};

} // namespace foregate::dataplane
