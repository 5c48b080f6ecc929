// SPDX-License-Identifier: BSD-3-Clause
// The catalogue, compiled: protocols and applications by number, signatures and host patterns as Hyperscan databases,
// port tables. Immutable after build(); asked by any thread, with a scratch that belongs to that thread alone.
#pragma once

#include "dataplane/classify/catalogue_spec.h"
#include "dataplane/classify/host_suffixes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::dataplane {

class Catalogue;
class PatternCache;

/// Hyperscan's working memory for one catalogue and one thread. Movable; may outlive the catalogue.
class CatalogueScratch {
public:
    /// Throws std::bad_alloc.
    explicit CatalogueScratch(const Catalogue& catalogue);
    ~CatalogueScratch();
    CatalogueScratch(CatalogueScratch&&) noexcept;
    CatalogueScratch& operator=(CatalogueScratch&&) noexcept;

private:
    friend class Catalogue;
    struct State;
    std::unique_ptr<State> state_;
};

/// Signatures whose pattern was found in one payload, in the order of the catalogue.
struct SignatureHits {
    static constexpr std::size_t kMost = 24;
    std::array<std::uint16_t, kMost> ids{};
    std::uint8_t count = 0;
};

/// What decides about a found pattern beside the pattern itself.
struct SignatureFacts {
    std::uint16_t protocol = 0;
    std::uint16_t application = 0;
    std::uint16_t least_bytes = 1;
    std::uint16_t most_bytes = 0xffff;
    std::optional<LengthFact> length;
    std::uint8_t packets = 1;
    bool first_only = false;
    bool seems = false;
    PayloadParser within = PayloadParser::none;
    std::vector<PortSpan> ports;

    /// Whether sizes and ports fit; `payload` is the whole payload of the packet (or what was gathered of the stream).
    [[nodiscard]] bool hold(std::span<const std::uint8_t> payload, std::uint16_t port_a, std::uint16_t port_b) const noexcept;
};

class Catalogue {
public:
    /// Number 0 is "Unknown": no protocol, no application.
    static constexpr std::uint16_t kUnknown = 0;
    /// Patterns are looked for in this much of a payload's beginning.
    static constexpr std::size_t kScanBytes = 1024;

    /// Knows nothing but IP protocols' own numbers by no name.
    Catalogue();
    ~Catalogue();
    Catalogue(Catalogue&&) noexcept;
    Catalogue& operator=(Catalogue&&) noexcept;

    /// Compiles `spec` (a second or so: not on a polling core). Names that `before` knows keep their numbers, so that
    /// flows decided under it stay what they are. Throws std::invalid_argument with `file:line: message` for what does
    /// not compile. With a `cache` what was compiled before is taken from there.
    [[nodiscard]] static Catalogue build(const CatalogueSpec& spec, const Catalogue* before = nullptr,
                                         PatternCache* cache = nullptr);

    [[nodiscard]] std::uint16_t names() const noexcept { return static_cast<std::uint16_t>(names_.size()); }
    [[nodiscard]] std::string_view name(std::uint16_t number) const noexcept {
        return number < names_.size() ? std::string_view(names_[number].text) : std::string_view("Unknown");
    }
    /// kUnknown when there is none of this name.
    [[nodiscard]] std::uint16_t number(std::string_view name) const noexcept;
    [[nodiscard]] AppType type(std::uint16_t number) const noexcept {
        return number < names_.size() ? names_[number].type : AppType::other;
    }
    [[nodiscard]] bool carrier(std::uint16_t number) const noexcept {
        return number < names_.size() && names_[number].carrier;
    }

    /// A parser or a signature over UDP knows this protocol.
    [[nodiscard]] bool is_told_by_payload(std::uint16_t number) const noexcept {
        return number < names_.size() && names_[number].told_by_payload;
    }

    /// What a flow that seemed to be `number` is called once TLS begins in it; kUnknown: nothing special.
    [[nodiscard]] std::uint16_t over_tls(std::uint16_t number) const noexcept {
        return number < names_.size() ? names_[number].over_tls : kUnknown;
    }

    [[nodiscard]] std::uint16_t parser_protocol(PayloadParser parser) const noexcept {
        return parsers_[static_cast<std::size_t>(parser)];
    }
    [[nodiscard]] std::uint16_t port_protocol(PortSpace space, std::uint16_t port) const noexcept;
    [[nodiscard]] AppType port_type(PortSpace space, std::uint16_t port) const noexcept;
    /// As app_type_of_port(): by IP protocol and server port.
    [[nodiscard]] AppType port_type(std::uint8_t ip_protocol, std::uint16_t server_port) const noexcept;
    /// What TLS on this port is called; kUnknown: just TLS.
    [[nodiscard]] std::uint16_t tls_protocol(std::uint16_t port) const noexcept;

    /// The application that the longest fitting host pattern names.
    [[nodiscard]] std::uint16_t application_of_host(std::string_view host, CatalogueScratch& scratch) const noexcept;
    [[nodiscard]] std::uint16_t application_of_alpn(std::string_view alpn) const noexcept;

    /// Signatures whose pattern is in `payload`, by transport (tcp or udp) and sender.
    void scan(PortSpace over, bool from_client, std::span<const std::uint8_t> payload, CatalogueScratch& scratch,
              SignatureHits& hits) const noexcept;
    [[nodiscard]] const SignatureFacts& signature(std::uint16_t id) const noexcept { return signatures_[id]; }
    [[nodiscard]] std::size_t signatures() const noexcept { return signatures_.size(); }
    [[nodiscard]] std::size_t host_patterns() const noexcept { return host_patterns_; }
    /// Differs between any two catalogues of a process: what was noted under another one is void.
    [[nodiscard]] std::uint32_t edition() const noexcept { return edition_; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    friend class CatalogueScratch;
    struct Name {
        std::string text;
        AppType type = AppType::other;
        bool carrier = false;
        bool told_by_payload = false;
        std::uint16_t over_tls = 0; ///< 0: the same
    };
    struct Databases;

    std::uint16_t intern(const std::string& text, AppType type, bool carrier, bool set);
    void add_ports(const CatalogueSpec& spec);
    void add_signatures(const CatalogueSpec& spec, PatternCache* cache);
    void add_hosts(const CatalogueSpec& spec, PatternCache* cache);

    std::uint32_t edition_ = 0;
    std::vector<Name> names_;
    std::array<std::uint16_t, kPayloadParsers> parsers_{};
    std::array<std::vector<std::uint16_t>, kPortSpaces> port_protocols_;
    std::array<std::vector<AppType>, 2> port_types_; ///< tcp, udp
    std::vector<std::pair<std::uint16_t, std::uint16_t>> tls_ports_; ///< sorted
    std::vector<SignatureFacts> signatures_;
    HostSuffixes suffixes_;
    std::vector<std::uint16_t> wild_hosts_; ///< application by id in the database of host patterns with `*`
    std::vector<std::uint8_t> wild_lengths_;
    std::vector<std::pair<std::string, std::uint16_t>> alpn_; ///< sorted
    std::size_t host_patterns_ = 0;
    std::unique_ptr<Databases> databases_;
};

} // namespace foregate::dataplane
