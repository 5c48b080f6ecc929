// SPDX-License-Identifier: BSD-3-Clause
// Zeroed memory for tables of millions of entries: 2 MB aligned and marked for huge pages, since at a million flows the
// misses of the page tables cost more than those of the caches. Pages that were never written take no memory.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#include <sys/mman.h>

namespace foregate::dataplane {

/// Owns `count` objects whose all-zero bytes are a valid start; their destructors are not run.
template <class T>
class ZeroedTable {
public:
    ZeroedTable() = default;
    /// Throws std::bad_alloc.
    explicit ZeroedTable(std::size_t count) {
        reserved_ = (count * sizeof(T) + kLargePage - 1) / kLargePage * kLargePage + kLargePage;
        base_ = ::mmap(nullptr, reserved_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base_ == MAP_FAILED) {
            base_ = nullptr;
            throw std::bad_alloc();
        }
        const auto address = reinterpret_cast<std::size_t>(base_);
        first_ = reinterpret_cast<T*>((address + kLargePage - 1) / kLargePage * kLargePage);
        (void)::madvise(first_, reserved_ - kLargePage, MADV_HUGEPAGE); // advice: without it all works, slower
    }
    ~ZeroedTable() {
        if (base_ != nullptr) {
            ::munmap(base_, reserved_);
        }
    }
    ZeroedTable(ZeroedTable&& other) noexcept
        : base_(std::exchange(other.base_, nullptr)), reserved_(other.reserved_), first_(other.first_) {}
    ZeroedTable& operator=(ZeroedTable&&) = delete;

    [[nodiscard]] T* data() const noexcept { return first_; }
    T& operator[](std::size_t at) const noexcept { return first_[at]; }

private:
    static constexpr std::size_t kLargePage = std::size_t{2} << 20;
    void* base_ = nullptr;
    std::size_t reserved_ = 0;
    T* first_ = nullptr;
};

} // namespace foregate::dataplane
