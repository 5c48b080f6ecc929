// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/quic_crypto.h"

// The one-shot and EVP interfaces of SHA-256 allocate at every use in OpenSSL 3; the plain ones do
// not, and are there in every version.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <stdexcept>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kBlockBytes = 64; // of SHA-256
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kSampleBytes = 16;
constexpr std::size_t kMaxNumberBytes = 4;
constexpr std::string_view kLabelPrefix = "tls13 ";

const std::uint8_t* bytes_of(std::string_view text) noexcept {
    return reinterpret_cast<const std::uint8_t*>(text.data());
}

} // namespace

void QuicCrypto::Free::operator()(evp_cipher_ctx_st* context) const noexcept {
    EVP_CIPHER_CTX_free(context);
}
void QuicCrypto::Free::operator()(evp_cipher_st* cipher) const noexcept {
    EVP_CIPHER_free(cipher);
}

QuicCrypto::QuicCrypto()
    : aes_ecb_(EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr)),
      aes_gcm_(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr)), mask_(EVP_CIPHER_CTX_new()),
      opener_(EVP_CIPHER_CTX_new()) {
    // A context allocates when it is given its algorithm: here, once. Later it only gets keys.
    const QuicKeys none{};
    if (!aes_ecb_ || !aes_gcm_ || !mask_ || !opener_ ||
        EVP_EncryptInit_ex2(mask_.get(), aes_ecb_.get(), none.header.data(), nullptr, nullptr) !=
            1 ||
        EVP_CIPHER_CTX_set_padding(mask_.get(), 0) != 1 ||
        EVP_DecryptInit_ex2(opener_.get(), aes_gcm_.get(), none.key.data(), none.iv.data(),
                            nullptr) != 1) {
        throw std::runtime_error("libcrypto offers no AES-128-ECB or AES-128-GCM: "
                                 "QUIC cannot be classified");
    }
}

QuicCrypto::~QuicCrypto() = default;

/// HMAC-SHA256 with a key of at most kBlockBytes.
bool QuicCrypto::hmac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> data,
                      Digest& out) noexcept {
    std::array<std::uint8_t, kBlockBytes> inner;
    std::array<std::uint8_t, kBlockBytes> outer;
    for (std::size_t i = 0; i < kBlockBytes; ++i) {
        const unsigned byte = i < key.size() ? key[i] : 0U;
        inner[i] = static_cast<std::uint8_t>(byte ^ 0x36U);
        outer[i] = static_cast<std::uint8_t>(byte ^ 0x5cU);
    }
    SHA256_CTX context;
    return SHA256_Init(&context) == 1 && SHA256_Update(&context, inner.data(), inner.size()) == 1 &&
           SHA256_Update(&context, data.data(), data.size()) == 1 &&
           SHA256_Final(out.data(), &context) == 1 && SHA256_Init(&context) == 1 &&
           SHA256_Update(&context, outer.data(), outer.size()) == 1 &&
           SHA256_Update(&context, out.data(), out.size()) == 1 &&
           SHA256_Final(out.data(), &context) == 1;
}

/// HKDF-Expand-Label (RFC 8446, section 7.1) for up to 32 bytes: a single round of HMAC.
bool QuicCrypto::expand(const Digest& secret, std::string_view label,
                        std::span<std::uint8_t> out) noexcept {
    std::array<std::uint8_t, 40> info{};
    std::size_t at = 0;
    info[at++] = 0;
    info[at++] = static_cast<std::uint8_t>(out.size());
    info[at++] = static_cast<std::uint8_t>(kLabelPrefix.size() + label.size());
    at = static_cast<std::size_t>(
        std::copy_n(bytes_of(kLabelPrefix), kLabelPrefix.size(), info.data() + at) - info.data());
    const std::size_t label_bytes = std::min(label.size(), info.size() - at - 2);
    at = static_cast<std::size_t>(std::copy_n(bytes_of(label), label_bytes, info.data() + at) -
                                  info.data());
    info[at++] = 0; // no context
    info[at++] = 1; // first round
    Digest round;
    if (!hmac(secret, std::span(info).first(at), round)) {
        return false;
    }
    std::copy_n(round.begin(), std::min(out.size(), round.size()), out.begin());
    return true;
}

bool QuicCrypto::client_keys(const QuicKeyRecipe& recipe,
                             std::span<const std::uint8_t> connection_id, QuicKeys& out) noexcept {
    Digest initial;
    Digest client;
    return hmac(recipe.salt, connection_id, initial) && expand(initial, "client in", client) &&
           expand(client, recipe.key_label, out.key) && expand(client, recipe.iv_label, out.iv) &&
           expand(client, recipe.header_label, out.header);
}

bool QuicCrypto::header_mask(const QuicKeys& keys, const std::uint8_t* sample,
                             std::array<std::uint8_t, kSampleBytes>& mask) noexcept {
    EVP_CIPHER_CTX* context = mask_.get();
    int length = 0;
    return EVP_EncryptInit_ex2(context, nullptr, keys.header.data(), nullptr, nullptr) == 1 &&
           EVP_EncryptUpdate(context, mask.data(), &length, sample,
                             static_cast<int>(kSampleBytes)) == 1;
}

std::span<const std::uint8_t> QuicCrypto::open(std::span<const std::uint8_t> packet,
                                               std::size_t number_at,
                                               const QuicKeys& keys) noexcept {
    const std::size_t sample_at = number_at + kMaxNumberBytes;
    if (packet.size() > kMaxPacketBytes || sample_at + kSampleBytes > packet.size()) {
        return {};
    }
    std::array<std::uint8_t, kSampleBytes> mask;
    if (!header_mask(keys, packet.data() + sample_at, mask)) {
        return {};
    }
    const auto first = static_cast<std::uint8_t>(packet[0] ^ (mask[0] & 0x0fU));
    const std::size_t number_bytes = (first & 3U) + 1U;
    std::array<std::uint8_t, kMaxNumberBytes> number{};
    std::array<std::uint8_t, 12> nonce = keys.iv;
    for (std::size_t i = 0; i < number_bytes; ++i) {
        number[i] = packet[number_at + i] ^ mask[1 + i];
        nonce[nonce.size() - number_bytes + i] ^= number[i];
    }
    const std::size_t body_at = number_at + number_bytes;
    const std::size_t body_bytes = packet.size() - body_at - kTagBytes;
    std::array<std::uint8_t, kTagBytes> tag;
    std::copy_n(packet.end() - kTagBytes, kTagBytes, tag.begin());

    EVP_CIPHER_CTX* context = opener_.get();
    int length = 0;
    const bool opened =
        EVP_DecryptInit_ex2(context, nullptr, keys.key.data(), nonce.data(), nullptr) == 1 &&
        EVP_DecryptUpdate(context, nullptr, &length, &first, 1) == 1 &&
        EVP_DecryptUpdate(context, nullptr, &length, packet.data() + 1,
                          static_cast<int>(number_at - 1)) == 1 &&
        EVP_DecryptUpdate(context, nullptr, &length, number.data(),
                          static_cast<int>(number_bytes)) == 1 &&
        EVP_DecryptUpdate(context, plain_.data(), &length, packet.data() + body_at,
                          static_cast<int>(body_bytes)) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
        EVP_DecryptFinal_ex(context, plain_.data() + body_bytes, &length) == 1;
    return opened ? std::span<const std::uint8_t>(plain_).first(body_bytes)
                  : std::span<const std::uint8_t>();
}

} // namespace foregate::dataplane
