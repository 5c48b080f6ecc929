// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/generation.h"

#include <cstdlib>
#include <new>
#include <rte_rcu_qsbr.h>
#include <stdexcept>

namespace foregate::dataplane {

std::shared_ptr<const CatalogueTables> CatalogueTables::plain(unsigned workers) {
    return std::make_shared<CatalogueTables>(Catalogue::build(plain_catalogue_spec()), workers);
}

void GenerationSlot::FreeRcu::operator()(rte_rcu_qsbr* rcu) const noexcept { std::free(rcu); }

GenerationSlot::GenerationSlot(unsigned workers) : current_(new Generation{}) {
    const std::size_t size = rte_rcu_qsbr_get_memsize(workers);
    auto* memory = static_cast<rte_rcu_qsbr*>(
        std::aligned_alloc(RTE_CACHE_LINE_SIZE, (size + RTE_CACHE_LINE_SIZE - 1) & ~std::size_t{RTE_CACHE_LINE_SIZE - 1}));
    if (memory == nullptr || rte_rcu_qsbr_init(memory, workers) != 0) {
        std::free(memory);
        delete current_.load();
        throw std::runtime_error("cannot set up quiescent-state tracking for the workers");
    }
    rcu_.reset(memory);
    for (unsigned i = 0; i < workers; ++i) {
        rte_rcu_qsbr_thread_register(rcu_.get(), i);
    }
}

GenerationSlot::~GenerationSlot() { delete current_.load(); }

void GenerationSlot::quiescent(unsigned worker) noexcept { rte_rcu_qsbr_quiescent(rcu_.get(), worker); }
void GenerationSlot::worker_online(unsigned worker) noexcept { rte_rcu_qsbr_thread_online(rcu_.get(), worker); }
void GenerationSlot::worker_offline(unsigned worker) noexcept { rte_rcu_qsbr_thread_offline(rcu_.get(), worker); }

void GenerationSlot::publish(std::unique_ptr<const Generation> next) {
    const Generation* before = current_.exchange(next.release(), std::memory_order_acq_rel);
    const std::uint64_t token = rte_rcu_qsbr_start(rcu_.get());
    retired_.push_back({token, std::unique_ptr<const Generation>(before)});
    reclaim();
}

std::size_t GenerationSlot::reclaim() {
    while (!retired_.empty() && rte_rcu_qsbr_check(rcu_.get(), retired_.front().token, false) == 1) {
        retired_.pop_front();
    }
    return retired_.size();
}

} // namespace foregate::dataplane
