// SPDX-License-Identifier: BSD-3-Clause
// Opens QUIC Initial packets (RFC 9001, section 5): their keys follow from the connection ID on the
// wire, so that anyone on the path can read the client's hello. By libcrypto. One object per worker
// thread: all contexts are made at start, opening a packet allocates nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

struct evp_cipher_ctx_st;
struct evp_cipher_st;

namespace foregate::dataplane {

inline constexpr std::size_t kQuicSaltBytes = 20;
inline constexpr std::size_t kMaxQuicIdBytes = 20;

/// What differs between the versions of QUIC when keys are made.
struct QuicKeyRecipe {
    std::array<std::uint8_t, kQuicSaltBytes> salt;
    std::string_view key_label; ///< with the "tls13 " before it
    std::string_view iv_label;
    std::string_view header_label;
};

struct QuicKeys {
    std::array<std::uint8_t, 16> key;
    std::array<std::uint8_t, 12> iv;
    std::array<std::uint8_t, 16> header;
};

class QuicCrypto {
public:
    /// Longest packet that is opened; Initial packets are about 1200 to 1500 bytes.
    static constexpr std::size_t kMaxPacketBytes = 4096;

    /// Throws std::runtime_error when libcrypto lacks AES-128.
    QuicCrypto();
    ~QuicCrypto();
    QuicCrypto(const QuicCrypto&) = delete;
    QuicCrypto& operator=(const QuicCrypto&) = delete;

    /// The client's keys for Initial packets, from the connection ID its first packet was sent to
    /// (at most kMaxQuicIdBytes). False when libcrypto fails.
    [[nodiscard]] static bool client_keys(const QuicKeyRecipe& recipe,
                                          std::span<const std::uint8_t> connection_id,
                                          QuicKeys& out) noexcept;

    /// Takes off header protection and decrypts. `packet` is one whole packet; its packet number
    /// begins at `number_at`. The result points into this object and is valid until the next call;
    /// empty when the packet does not open with these keys.
    [[nodiscard]] std::span<const std::uint8_t> open(std::span<const std::uint8_t> packet,
                                                     std::size_t number_at,
                                                     const QuicKeys& keys) noexcept;

private:
    using Digest = std::array<std::uint8_t, 32>;

    struct Free {
        void operator()(evp_cipher_ctx_st* context) const noexcept;
        void operator()(evp_cipher_st* cipher) const noexcept;
    };

    static bool hmac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> data,
                     Digest& out) noexcept;
    static bool expand(const Digest& secret, std::string_view label,
                       std::span<std::uint8_t> out) noexcept;
    bool header_mask(const QuicKeys& keys, const std::uint8_t* sample,
                     std::array<std::uint8_t, 16>& mask) noexcept;

    std::unique_ptr<evp_cipher_st, Free> aes_ecb_;
    std::unique_ptr<evp_cipher_st, Free> aes_gcm_;
    std::unique_ptr<evp_cipher_ctx_st, Free> mask_;
    std::unique_ptr<evp_cipher_ctx_st, Free> opener_;
    std::array<std::uint8_t, kMaxPacketBytes> plain_{};
};

} // namespace foregate::dataplane
