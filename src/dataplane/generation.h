// SPDX-License-Identifier: BSD-3-Clause
// Immutable tables, published to the workers by one pointer and freed when no worker can hold it any more.
#pragma once

#include "dataplane/tables/access_table.h"
#include "dataplane/classify/catalogue.h"
#include "dataplane/tables/desktop_table.h"
#include "dataplane/tables/pattern_table.h"
#include "dataplane/tables/plan_table.h"
#include "dataplane/tables/route_table.h"
#include "dataplane/threat/threat_db.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

struct rte_rcu_qsbr;

namespace foregate::dataplane {

/// The threat database with the working memory of each worker, made before publishing. A worker touches only its own
/// scratch.
struct ThreatTables {
    ThreatTables(ThreatDb database, unsigned workers) : db(std::move(database)) {
        for (unsigned i = 0; i <= workers; ++i) { // one more: the control core's, for `flow explain`
            scratch.push_back(std::make_unique<NameScratch>(db.make_scratch()));
        }
    }
    ThreatDb db;
    std::vector<std::unique_ptr<NameScratch>> scratch;
};

/// The catalogue, likewise with each worker's scratch.
struct CatalogueTables {
    CatalogueTables(Catalogue compiled, unsigned workers) : catalogue(std::move(compiled)) {
        for (unsigned i = 0; i <= workers; ++i) { // one more, as above
            scratch.push_back(std::make_unique<CatalogueScratch>(catalogue));
        }
    }
    /// Names in DNS, TLS, QUIC and HTTP on their own ports, types by port, no signatures: what a data plane begins with.
    [[nodiscard]] static std::shared_ptr<const CatalogueTables> plain(unsigned workers);

    Catalogue catalogue;
    std::vector<std::unique_ptr<CatalogueScratch>> scratch;
};

/// One consistent set of tables. Parts are shared between generations; a generation never changes.
struct Generation {
    std::uint32_t number = 0;
    std::shared_ptr<const RouteTable> routes = std::make_shared<RouteTable>();
    std::shared_ptr<const DesktopTable> desktops = std::make_shared<DesktopTable>();
    std::shared_ptr<const PlanTable> plan = std::make_shared<PlanTable>();
    std::shared_ptr<const PatternTable> pattern = std::make_shared<PatternTable>();
    std::shared_ptr<const ThreatTables> threats;
    std::shared_ptr<const AccessTable> access; ///< null: nothing is denied
    std::shared_ptr<const CatalogueTables> catalogue; ///< null: nothing is classified
};

/// publish() and reclaim() by the control core; current() and quiescent() by workers, each with its own number.
class GenerationSlot {
public:
    explicit GenerationSlot(unsigned workers);
    ~GenerationSlot();
    GenerationSlot(const GenerationSlot&) = delete;
    GenerationSlot& operator=(const GenerationSlot&) = delete;

    /// Never null. Valid for a worker until its next quiescent().
    [[nodiscard]] const Generation& current() const noexcept {
        return *current_.load(std::memory_order_acquire);
    }
    /// The worker holds no pointer into any generation now.
    void quiescent(unsigned worker) noexcept;
    void worker_online(unsigned worker) noexcept;
    void worker_offline(unsigned worker) noexcept;

    void publish(std::unique_ptr<const Generation> next);
    /// Frees what every worker has left behind; never waits. Returns how many generations still wait.
    std::size_t reclaim();

private:
    struct Retired {
        std::uint64_t token;
        std::unique_ptr<const Generation> generation;
    };
    struct FreeRcu {
        void operator()(rte_rcu_qsbr* rcu) const noexcept;
    };
    std::unique_ptr<rte_rcu_qsbr, FreeRcu> rcu_;
    std::atomic<const Generation*> current_;
    std::deque<Retired> retired_;
};

} // namespace foregate::dataplane
