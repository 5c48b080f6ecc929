// SPDX-License-Identifier: BSD-3-Clause
// Which protocol and application a flow is, from its first payloads. One per worker, used by it alone. Of a flow that is
// not decided by its first payload a state is kept in a pool; the flow holds its number. Nothing is allocated after
// construction, and the work for a packet is bounded whatever it carries.
#pragma once

#include "dataplane/classify/catalogue.h"
#include "dataplane/classify/classify_packet.h"
#include "dataplane/classify/media_look.h"
#include "dataplane/classify/quic_initial.h"
#include "dataplane/classify/stream_gather.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace foregate::dataplane {

struct ClassifyLimits {
    std::uint32_t states = 4096; ///< flows that can be undecided at once; beyond, each packet is looked at by itself
    std::uint8_t payloads = 12;  ///< payload packets of a flow that are looked at; then it is what it seems
};

class FlowClassifier {
public:
    explicit FlowClassifier(const ClassifyLimits& limits);

    /// Looks at a packet of a flow that is not decided (or to be watched). `handle` is the flow's own, 0 at first and
    /// again when the flow needs no state any more.
    void feed(std::uint32_t& handle, const ClassifyPacket& packet, const Catalogue& catalogue,
              CatalogueScratch& scratch, ClassifyResult& out) noexcept;
    /// Looks for names only, in a packet of a flow that is decided and to be watched. `out.watch` says whether to go on.
    void watch(const ClassifyPacket& packet, const Catalogue& catalogue, ClassifyResult& out) noexcept;
    /// The flow ends, or nothing more of it will be looked at: what it seems to be, by its port if nothing else spoke.
    /// Of `packet` only ports and protocol count.
    void conclude(std::uint32_t& handle, const ClassifyPacket& packet, const Catalogue& catalogue,
                  ClassifyResult& out) noexcept;
    void release(std::uint32_t& handle) noexcept;

    [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_; }
    /// Packets that were looked at by themselves because no state was free.
    [[nodiscard]] std::uint64_t without_state() const noexcept { return without_state_; }

private:
    static constexpr std::size_t kCounts = 6;

    /// What is gathered of a flow: of TCP both streams' beginnings, of QUIC the client's hello.
    union Gathered {
        Gathered() noexcept {} // nothing is begun yet, and zeros would cost more than a look
        ~Gathered() {}
        std::array<StreamGather, 2> streams; ///< [0] from the client
        QuicHello quic;
    };
    enum class Gathering : std::uint8_t { nothing, streams, quic };
    struct SignatureCount {
        std::uint16_t id = 0;
        std::uint8_t seen = 0;
    };
    struct State {
        std::uint32_t next_free = 0;
        std::uint32_t edition = 0;      ///< of the catalogue that numbers here are of
        std::uint16_t protocol = 0;     ///< what it seems to be so far
        std::uint16_t application = 0;
        std::array<std::uint8_t, 2> payloads{}; ///< [0] from the client
        std::uint8_t tls_looks = 0;     ///< payloads that are likely TLS
        std::uint16_t tls_protocol = 0; ///< what the TLS that began within (STARTTLS) is called
        bool nameless_hello = false;    ///< a whole ClientHello without a name: the certificate may have one
        bool against_quic = false;      ///< a datagram that no QUIC connection has, also not in its middle
        std::uint8_t dtls_looks = 0;
        std::uint8_t seeming = 0;       ///< payloads since it seems to be `protocol`
        Gathering gathering = Gathering::nothing;
        std::array<bool, 2> stream_begun{};
        bool tunnel = false;            ///< behind a CONNECT: what is inside counts
        std::array<SignatureCount, kCounts> counts{};
        std::array<RtpTrack, 2> rtp{};
        Gathered gathered;              ///< as `gathering` says

        State() noexcept {} // leaves the gathered bytes as they are: they are many
        void reset() noexcept;
    };
    /// What the steps of one feed() share.
    struct Look {
        const ClassifyPacket& packet;
        const Catalogue& catalogue;
        CatalogueScratch& scratch;
        ClassifyResult& out;
        State& state;
        std::span<const std::uint8_t> view; ///< the payload, or the stream's beginning up to its end
        bool first = false;                 ///< the sender's first payload

        [[nodiscard]] std::size_t side() const noexcept { return packet.from_client ? 0 : 1; }
    };

    [[nodiscard]] State* take_state(std::uint32_t& handle, const Catalogue& catalogue) noexcept;
    [[nodiscard]] static std::span<const std::uint8_t> stream_view(State& state, const ClassifyPacket& packet) noexcept;

    void look_tcp(Look& look) noexcept;
    [[nodiscard]] bool look_tls(Look& look) noexcept;
    [[nodiscard]] bool look_dns_stream(Look& look) noexcept;
    void name_hello(Look& look, NameSpot spot, const TlsClientHello& hello, std::uint16_t& application) noexcept;
    [[nodiscard]] bool look_certificate(Look& look, std::uint16_t protocol) noexcept;
    [[nodiscard]] bool look_http2(Look& look) noexcept;
    [[nodiscard]] bool look_socks(Look& look) noexcept;
    static void name_banner(Look& look) noexcept;
    [[nodiscard]] bool look_http(Look& look) noexcept;
    void found_http(Look& look, const struct HttpRequest& request, bool with_host) noexcept;
    void look_udp(Look& look) noexcept;
    [[nodiscard]] bool look_dns(Look& look) noexcept;
    void found_dns(Look& look, PayloadParser parser, DnsResult result) noexcept;
    void name_inner(std::span<const std::uint8_t> datagram, ClassifyResult& out) noexcept;
    [[nodiscard]] bool look_quic(Look& look) noexcept;
    [[nodiscard]] bool look_stun(Look& look) noexcept;
    [[nodiscard]] bool look_media(Look& look) noexcept;
    [[nodiscard]] bool look_signatures(Look& look, PortSpace over, PayloadParser within) noexcept;
    [[nodiscard]] bool look_signatures(Look& look, PortSpace over, PayloadParser within, bool as_client) noexcept;
    [[nodiscard]] bool look_ber(Look& look) noexcept;

    /// The flow is this, once and for all.
    void decide(Look& look, std::uint16_t protocol, std::uint16_t application = 0) noexcept;
    void decide(Look& look, PayloadParser parser, std::uint16_t application = 0) noexcept;
    /// So far it seems to be this; some further payloads make it final.
    void seem(Look& look, std::uint16_t protocol, std::uint16_t application = 0) noexcept;
    [[nodiscard]] static bool speaks_against_port(const State& state, const ClassifyPacket& packet,
                                                  const Catalogue& catalogue, std::uint16_t protocol) noexcept;
    static void name_type(const Catalogue& catalogue, const ClassifyPacket& packet, ClassifyResult& out) noexcept;

    ClassifyLimits limits_;
    std::vector<State> states_; ///< [0] serves packets when no other is free
    std::uint32_t free_ = 0;    ///< 0 = none
    std::uint32_t in_use_ = 0;
    std::uint64_t without_state_ = 0;
    DnsMessage dns_;
    QuicCrypto quic_;
};

} // namespace foregate::dataplane
