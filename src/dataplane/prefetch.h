// SPDX-License-Identifier: BSD-3-Clause
// Fetching a cache line ahead of its use.
//
// Not __builtin_prefetch: GCC (12 at least) takes a function that does nothing else for one without effects, and leaves its
// calls out, without a word. An instruction of our own it must leave in.
#pragma once

namespace foregate::dataplane {

/// The line at `p`, to be read. Any address will do, also one that must not be read.
inline void prefetch_line(const void* p) noexcept {
#if defined(__x86_64__)
    asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(p)));
#else
    __builtin_prefetch(p, 0);
#endif
}

/// The line at `p`, to be written.
inline void prefetch_line_to_write(const void* p) noexcept {
#if defined(__x86_64__)
    asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(p)));
#else
    __builtin_prefetch(p, 1);
#endif
}

} // namespace foregate::dataplane
