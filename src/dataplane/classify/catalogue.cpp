// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/catalogue.h"

#include "dataplane/classify/pattern_database.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <stdexcept>

namespace foregate::dataplane {

namespace {

struct ScratchDeleter {
    void operator()(hs_scratch_t* scratch) const noexcept { hs_free_scratch(scratch); }
};

constexpr std::size_t kSides = 4; ///< tcp client, tcp server, udp client, udp server

constexpr std::size_t side_of(PortSpace over, bool from_client) noexcept {
    return (over == PortSpace::tcp ? 0U : 2U) + (from_client ? 0U : 1U);
}

/// `*.media.*.example` as a pattern over the whole host; `*` is any text, a leading `*.` also the name itself.
std::string host_expression(std::string_view pattern) {
    std::string out = "^";
    for (const char c : pattern) {
        if (c == '*') {
            out += ".*";
        } else if (c == '.' || c == '-') {
            out += '\\';
            out += c;
        } else {
            out += c;
        }
    }
    return out + '$';
}

std::uint32_t length_value(const LengthFact& fact, std::span<const std::uint8_t> payload) noexcept {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < fact.bytes; ++i) {
        const std::uint8_t byte = payload[fact.at + (fact.little_endian ? fact.bytes - 1U - i : i)];
        value = value << 8 | byte;
    }
    return value;
}

int on_signature(unsigned id, unsigned long long /*from*/, unsigned long long /*to*/, unsigned /*flags*/,
                 void* opaque) noexcept {
    auto& hits = *static_cast<SignatureHits*>(opaque);
    if (hits.count == SignatureHits::kMost) {
        return 0;
    }
    // Kept in the order of the catalogue: numbers are few, insertion is cheap.
    std::uint8_t at = hits.count++;
    while (at > 0 && hits.ids[at - 1] > id) {
        hits.ids[at] = hits.ids[at - 1];
        --at;
    }
    hits.ids[at] = static_cast<std::uint16_t>(id);
    return 0;
}

struct LongestHost {
    const std::vector<std::uint8_t>* lengths = nullptr;
    std::size_t length = 0;
    unsigned id = 0;
};

int on_host(unsigned id, unsigned long long /*from*/, unsigned long long /*to*/, unsigned /*flags*/,
            void* opaque) noexcept {
    auto& best = *static_cast<LongestHost*>(opaque);
    if ((*best.lengths)[id] > best.length) {
        best.length = (*best.lengths)[id];
        best.id = id;
    }
    return 0;
}

} // namespace

struct Catalogue::Databases {
    std::array<Database, kSides> signatures;
    Database hosts;
};

struct CatalogueScratch::State {
    std::unique_ptr<hs_scratch_t, ScratchDeleter> scratch;
};

bool SignatureFacts::hold(std::span<const std::uint8_t> payload, std::uint16_t port_a,
                          std::uint16_t port_b) const noexcept {
    if (payload.size() < least_bytes || payload.size() > most_bytes) {
        return false;
    }
    if (length) {
        if (payload.size() < std::size_t{length->at} + length->bytes) {
            return false;
        }
        const std::int64_t says = std::int64_t{length_value(*length, payload)} + length->plus;
        const auto has = static_cast<std::int64_t>(payload.size());
        const bool fits = length->holds == LengthFact::Holds::exact     ? says == has
                          : length->holds == LengthFact::Holds::at_most ? says <= has
                                                                        : says >= has;
        if (!fits) {
            return false;
        }
    }
    return ports.empty() || std::any_of(ports.begin(), ports.end(), [&](const PortSpan& span) {
               return (port_a >= span.first && port_a <= span.last) || (port_b >= span.first && port_b <= span.last);
           });
}

Catalogue::Catalogue() : names_(1), databases_(std::make_unique<Databases>()) {
    static std::atomic<std::uint32_t> editions{0};
    edition_ = ++editions;
    names_[0].text = "Unknown";
    for (std::size_t space = 0; space < kPortSpaces; ++space) {
        port_protocols_[space].assign(space == static_cast<std::size_t>(PortSpace::ip) ? 256 : 65536, kUnknown);
    }
    for (auto& types : port_types_) {
        types.assign(65536, AppType::other);
    }
    suffixes_.freeze();
}

Catalogue::~Catalogue() = default;
Catalogue::Catalogue(Catalogue&&) noexcept = default;
Catalogue& Catalogue::operator=(Catalogue&&) noexcept = default;

Catalogue Catalogue::build(const CatalogueSpec& spec, const Catalogue* before, PatternCache* cache) {
    Catalogue catalogue;
    if (before != nullptr) {
        catalogue.names_ = before->names_;
        for (Name& name : catalogue.names_) {
            name.told_by_payload = false;
        }
    }
    for (const ProtocolSpec& protocol : spec.protocols) {
        const std::uint16_t number = catalogue.intern(protocol.name, protocol.type, protocol.carrier, true);
        if (protocol.parser != PayloadParser::none) {
            catalogue.parsers_[static_cast<std::size_t>(protocol.parser)] = number;
            catalogue.names_[number].told_by_payload = true;
        }
    }
    for (const ProtocolSpec& protocol : spec.protocols) {
        if (!protocol.over_tls.empty()) {
            const std::uint16_t twin = catalogue.intern(protocol.over_tls, protocol.type, false, false);
            catalogue.names_[catalogue.number(protocol.name)].over_tls = twin;
        }
    }
    for (const ApplicationSpec& application : spec.applications) {
        catalogue.intern(application.name, application.type, false, catalogue.number(application.name) == kUnknown);
    }
    catalogue.add_ports(spec);
    catalogue.add_signatures(spec, cache);
    catalogue.add_hosts(spec, cache);
    return catalogue;
}

std::uint16_t Catalogue::intern(const std::string& text, AppType type, bool carrier, bool set) {
    std::uint16_t at = number(text);
    if (at == kUnknown) {
        if (names_.size() == 0xffff) {
            throw std::invalid_argument("the catalogue has more than 65,534 names");
        }
        at = static_cast<std::uint16_t>(names_.size());
        names_.push_back({text, type, carrier, false, kUnknown});
    } else if (set) {
        names_[at].type = type;
        names_[at].carrier = carrier;
    }
    return at;
}

std::uint16_t Catalogue::number(std::string_view name) const noexcept {
    const auto at = std::find_if(names_.begin() + 1, names_.end(), [&](const Name& n) { return n.text == name; });
    return at == names_.end() ? kUnknown : static_cast<std::uint16_t>(at - names_.begin());
}

void Catalogue::add_ports(const CatalogueSpec& spec) {
    const auto set_types = [this](const PortSpan& span, AppType type) {
        if (span.space == PortSpace::tcp || span.space == PortSpace::udp) {
            auto& types = port_types_[static_cast<std::size_t>(span.space)];
            std::fill(types.begin() + span.first, types.begin() + span.last + 1, type);
        }
    };
    // From the last to the first, so that the first protocol to name a port has it.
    for (auto types = spec.port_types.rbegin(); types != spec.port_types.rend(); ++types) {
        for (const PortSpan& span : types->ports) {
            set_types(span, types->type);
        }
    }
    for (auto protocol = spec.protocols.rbegin(); protocol != spec.protocols.rend(); ++protocol) {
        const std::uint16_t number = this->number(protocol->name);
        for (const PortSpan& span : protocol->ports) {
            auto& table = port_protocols_[static_cast<std::size_t>(span.space)];
            std::fill(table.begin() + span.first, table.begin() + span.last + 1, number);
            set_types(span, protocol->type);
        }
        for (const std::uint16_t port : protocol->tls_ports) {
            tls_ports_.emplace_back(port, number);
            set_types({PortSpace::tcp, port, port}, protocol->type);
        }
    }
    std::sort(tls_ports_.begin(), tls_ports_.end());
}

void Catalogue::add_signatures(const CatalogueSpec& spec, PatternCache* cache) {
    std::array<Patterns, kSides> sides;
    for (const ProtocolSpec& protocol : spec.protocols) {
        for (const SignatureSpec& signature : protocol.signatures) {
            const auto id = static_cast<std::uint16_t>(signatures_.size());
            if (signatures_.size() >= 0xffff) {
                throw std::invalid_argument("the catalogue has more than 65,535 signatures");
            }
            SignatureFacts facts;
            facts.protocol = number(protocol.name);
            facts.application =
                signature.application.empty() ? kUnknown : intern(signature.application, protocol.type, false, false);
            facts.least_bytes = signature.least_bytes;
            facts.most_bytes = signature.most_bytes;
            facts.length = signature.length;
            facts.packets = signature.packets;
            facts.first_only = signature.first_only;
            facts.seems = signature.seems;
            facts.within = signature.within;
            facts.ports = signature.ports;
            if (signature.over == PortSpace::udp) {
                names_[facts.protocol].told_by_payload = true;
            }
            signatures_.push_back(std::move(facts));
            if (signature.from != Sender::server) {
                sides[side_of(signature.over, true)].add(signature.pattern, id, signature.where);
            }
            if (signature.from != Sender::client) {
                sides[side_of(signature.over, false)].add(signature.pattern, id, signature.where);
            }
        }
    }
    for (std::size_t side = 0; side < kSides; ++side) {
        databases_->signatures[side] = compile_patterns(sides[side], cache);
    }
}

void Catalogue::add_hosts(const CatalogueSpec& spec, PatternCache* cache) {
    Patterns wild;
    suffixes_ = HostSuffixes();
    for (const ApplicationSpec& application : spec.applications) {
        const std::uint16_t number = this->number(application.name);
        for (const std::string& host : application.hosts) {
            ++host_patterns_;
            if (host.find('*') == std::string::npos) {
                suffixes_.add(host, number);
                continue;
            }
            wild.add(host_expression(host), static_cast<unsigned>(wild_hosts_.size()), application.where);
            wild_hosts_.push_back(number);
            wild_lengths_.push_back(static_cast<std::uint8_t>(host.size()));
        }
        for (const std::string& alpn : application.alpn) {
            alpn_.emplace_back(alpn, number);
        }
    }
    suffixes_.freeze();
    std::sort(alpn_.begin(), alpn_.end());
    databases_->hosts = compile_patterns(wild, cache);
}

std::uint16_t Catalogue::port_protocol(PortSpace space, std::uint16_t port) const noexcept {
    const auto& table = port_protocols_[static_cast<std::size_t>(space)];
    return port < table.size() ? table[port] : kUnknown;
}

AppType Catalogue::port_type(PortSpace space, std::uint16_t port) const noexcept {
    if (space == PortSpace::tcp || space == PortSpace::udp) {
        return port_types_[static_cast<std::size_t>(space)][port];
    }
    return type(port_protocol(space, port));
}

AppType Catalogue::port_type(std::uint8_t ip_protocol, std::uint16_t server_port) const noexcept {
    switch (ip_protocol) {
    case 6:
        return port_type(PortSpace::tcp, server_port);
    case 17:
        return port_type(PortSpace::udp, server_port);
    default:
        return port_type(PortSpace::ip, ip_protocol);
    }
}

std::uint16_t Catalogue::tls_protocol(std::uint16_t port) const noexcept {
    const auto at = std::lower_bound(tls_ports_.begin(), tls_ports_.end(), std::pair<std::uint16_t, std::uint16_t>{port, 0});
    return at != tls_ports_.end() && at->first == port ? at->second : kUnknown;
}

std::uint16_t Catalogue::application_of_host(std::string_view host, CatalogueScratch& scratch) const noexcept {
    std::size_t length = 0;
    std::uint16_t value = suffixes_.find(host, length);
    if (databases_->hosts && !host.empty()) {
        LongestHost best{&wild_lengths_, 0, 0};
        if (hs_scan(databases_->hosts.get(), host.data(), static_cast<unsigned>(host.size()), 0,
                    scratch.state_->scratch.get(), on_host, &best) == HS_SUCCESS &&
            best.length > length) {
            value = wild_hosts_[best.id];
        }
    }
    return value;
}

std::uint16_t Catalogue::application_of_alpn(std::string_view alpn) const noexcept {
    const auto at = std::lower_bound(alpn_.begin(), alpn_.end(), alpn,
                                     [](const auto& row, std::string_view text) { return row.first < text; });
    return at != alpn_.end() && at->first == alpn ? at->second : kUnknown;
}

void Catalogue::scan(PortSpace over, bool from_client, std::span<const std::uint8_t> payload,
                     CatalogueScratch& scratch, SignatureHits& hits) const noexcept {
    hits.count = 0;
    const Database& database = databases_->signatures[side_of(over, from_client)];
    if (!database || payload.empty()) {
        return;
    }
    const auto length = static_cast<unsigned>(std::min(payload.size(), kScanBytes));
    if (hs_scan(database.get(), reinterpret_cast<const char*>(payload.data()), length, 0,
                scratch.state_->scratch.get(), on_signature, &hits) != HS_SUCCESS) {
        hits.count = 0;
    }
}

std::size_t Catalogue::memory_bytes() const noexcept {
    std::size_t bytes = 0;
    const auto add = [&bytes](const Database& database) {
        std::size_t size = 0;
        if (database && hs_database_size(database.get(), &size) == HS_SUCCESS) {
            bytes += size;
        }
    };
    for (const Database& database : databases_->signatures) {
        add(database);
    }
    add(databases_->hosts);
    for (const auto& table : port_protocols_) {
        bytes += table.size() * sizeof(std::uint16_t);
    }
    return bytes + 2 * 65536 + signatures_.size() * sizeof(SignatureFacts) + host_patterns_ * 64;
}

CatalogueScratch::CatalogueScratch(const Catalogue& catalogue) : state_(std::make_unique<State>()) {
    hs_scratch_t* scratch = nullptr;
    const auto grow = [&](const Database& database) {
        if (database && hs_alloc_scratch(database.get(), &scratch) != HS_SUCCESS) {
            hs_free_scratch(scratch);
            throw std::bad_alloc();
        }
    };
    for (const Database& database : catalogue.databases_->signatures) {
        grow(database);
    }
    grow(catalogue.databases_->hosts);
    state_->scratch.reset(scratch);
}

CatalogueScratch::~CatalogueScratch() = default;
CatalogueScratch::CatalogueScratch(CatalogueScratch&&) noexcept = default;
CatalogueScratch& CatalogueScratch::operator=(CatalogueScratch&&) noexcept = default;

} // namespace foregate::dataplane
